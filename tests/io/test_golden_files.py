"""Files that an earlier version stored give the same probabilities as then."""

import os
import pickle
import subprocess
import sys

import joblib
import numpy as np
import pytest
from make_golden import FOLDER, MODELS
from small_encoder import SmallEncoder

from sklearn_lstm.io import describe, load
from sklearn_lstm.storage.forms import FORMAT

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")

PATHS = sorted(FOLDER.glob("*.safetensors"))


def check(model, path):
    _, X = MODELS[path.name.split("-")[0]]
    expected = np.load(path.with_suffix(".npy"))
    np.testing.assert_allclose(model.predict_proba(X), expected, rtol=0, atol=1e-5)


def test_every_kind_of_model_has_a_file():
    assert {path.name.split("-")[0] for path in PATHS} == MODELS.keys()


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_a_stored_model_gives_the_probabilities_of_the_day_it_was_stored(path):
    check(load(path, encoder=SmallEncoder()), path)
    assert describe(path)["versions"]["sklearn_lstm"] >= "0.2"


PREDICT_ALL = """
import pickle, sys
from pathlib import Path
from sklearn_lstm import Predictor

for path, X, probabilities, encoder in pickle.loads(Path(sys.argv[1]).read_bytes()):
    model = Predictor.load(path, encoder=encoder)
    assert abs(model.predict_proba(X) - probabilities).max() < 1e-5, path
    assert len(model.predict(X)) == len(X)
packages = {name.split(".")[0] for name in sys.modules}
assert not packages & {"torch", "skorch", "sklearn", "joblib", "pandas", "threadpoolctl", "tqdm"}
"""


def test_predictor_reads_them_with_numpy_and_scipy_alone(tmp_path):
    kinds = {path: path.name.split("-")[0] for path in PATHS}
    stored = [
        (path, MODELS[kind][1], np.load(path.with_suffix(".npy")), SmallEncoder())
        for path, kind in kinds.items()
        if kind != "numbers"  # which stand in a frame of pandas
    ]
    (tmp_path / "stored").write_bytes(pickle.dumps(stored))
    folders = os.pathsep.join(filter(None, sys.path))  # where the encoder's class is
    command = [sys.executable, "-W", "error", "-c", PREDICT_ALL, str(tmp_path / "stored")]
    subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": folders})  # noqa: S603


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.joblib")), ids=lambda path: path.name)
def test_a_pickled_model_gives_the_probabilities_of_the_day_it_was_stored(path):
    check(joblib.load(path), path)


def test_a_stored_model_that_was_continued_can_go_on():
    model = load(FOLDER / f"continued-format{FORMAT}.safetensors")
    model.partial_fit([[3, 9]], [[1, 0]])
    assert model.n_epochs_ == 2
    assert model.class_weight[1][1].dtype == np.float32


def test_parameters_of_another_byte_order_come_back():
    model = load(FOLDER / f"pretrained-format{FORMAT}.safetensors")
    assert model.embeddings.dtype == ">f4"
    assert model.classes_.dtype == ">i8"
