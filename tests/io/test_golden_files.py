"""Files that an earlier version stored give the same probabilities as then."""

import joblib
import numpy as np
import pytest
from make_golden import FOLDER, MODELS
from small_encoder import SmallEncoder

from sklearn_lstm.io import describe, load
from sklearn_lstm.storing.content import FORMAT

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
