"""Tables of word vectors in stored models: which are kept, and that each array is kept once."""

import copy
import pickle

import numpy as np
import pytest
import small_models
from gensim.models import KeyedVectors
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from sklearn_lstm import TextSequenceVectorizer, WordVectors
from sklearn_lstm.io import describe, load, save
from sklearn_lstm.vectors import from_gensim

TEXTS = ["a good day", "so bad", "good night", "bad day"] * 30
LABELS = [1, 0, 1, 0] * 30
NEW = ["fine evening", "awful morning", "neither of them", "good"]
WORDS = ["good", "bad", "fine", "awful"]
TABLE = dict(zip(WORDS, np.random.default_rng(0).normal(size=(4, 3)).astype("f4"), strict=True))
UNLABELLED = ["fine good evening", "bad awful morning", "good fine day", "awful bad night"] * 40


def learned(n_words=300, **parameters):
    rng = np.random.default_rng(0)
    more = [" ".join(f"w{i}" for i in rng.integers(n_words, size=8)) for _ in range(200)]
    return WordVectors(**parameters).fit(UNLABELLED + more)


def keyed():
    table = KeyedVectors(3)
    table.add_vectors(list(TABLE), list(TABLE.values()))
    return from_gensim(table)


def fit(embeddings):
    classifier = small_models.small(embeddings=embeddings, linear_model=True, max_epochs=1)
    return make_pipeline(TextSequenceVectorizer(), classifier).fit(TEXTS, LABELS)


PLAIN = {
    "WordVectors": lambda: learned(embedding_dim=20),
    "with a vectorizer": lambda: learned(vectorizer=TextSequenceVectorizer(min_df=3)),
    "dict": lambda: TABLE,
}


@pytest.fixture(params=PLAIN)
def plain(request):
    return fit(PLAIN[request.param]())


def test_models_with_plain_tables_come_back(plain, tmp_path):
    path = tmp_path / "model.safetensors"
    save(plain, path)
    expected = plain.predict_proba(NEW)
    for restored in (load(path), pickle.loads(pickle.dumps(plain)), copy.deepcopy(plain)):
        np.testing.assert_array_equal(restored.predict_proba(NEW), expected)
        assert repr(restored[-1]) == repr(plain[-1])
    again = clone(load(path)).fit(TEXTS, LABELS)
    np.testing.assert_array_equal(again.predict_proba(NEW), expected)


def test_the_table_of_word_vectors_is_kept_once(tmp_path):
    model, path = fit(learned(n_words=3000)), tmp_path / "model.safetensors"
    n_bytes = model[-1].embeddings.vectors_.nbytes
    without = fit(learned(n_words=300))
    less = without[-1].embeddings.vectors_.nbytes
    save(model, path)
    save(without, tmp_path / "less.safetensors")
    for stored, other in (
        (path.stat().st_size, (tmp_path / "less.safetensors").stat().st_size),
        (len(pickle.dumps(model)), len(pickle.dumps(without))),
    ):
        assert n_bytes - less < stored - other < 1.2 * (n_bytes - less)
    for restored in (
        load(path)[-1],
        pickle.loads(pickle.dumps(model))[-1],
        copy.deepcopy(model)[-1],
    ):
        table = restored._fitted.model.network.vectors.table
        assert table.vectors is restored.embeddings.vectors_
        assert table.vocabulary == restored.embeddings.vocabulary_
        with pytest.raises(ValueError, match="read-only"):
            table.vectors[:] = 0


def test_a_dict_of_vectors_is_stored_once(tmp_path):
    rng, path = np.random.default_rng(0), tmp_path / "model.safetensors"
    for kind in (np.float32, np.float64):
        vectors = rng.normal(size=(1_000, 50)).astype(kind)
        table = {f"w{row}": vector for row, vector in enumerate(vectors)}
        model = fit({"good": vectors[0], **table})
        save(model, path)
        n_bytes = sum(array.nbytes for array in table.values()) * 4 // kind(0).itemsize
        assert n_bytes < path.stat().st_size < 1.5 * n_bytes
        described = describe(path)["steps"]["lstmsequenceclassifier"]["parameters"]["embeddings"]
        assert described == "a dict (1,001 words, 0.2 MB)"
        restored = load(path)[-1].embeddings
        assert type(restored) is dict
        np.testing.assert_array_equal(restored["w7"], np.float32(vectors[7]))
    model[-1].set_params(embeddings=table | {"w7": np.zeros(50)})
    save(model, path)  # it is not the table of the model any more
    np.testing.assert_array_equal(load(path)[-1].embeddings["w7"], np.zeros(50))


def test_a_dict_of_vectors_is_one_array_before_it_was_fitted_too():
    model = small_models.small(embeddings=TABLE)
    changed = fit(TABLE)[-1].set_params(embeddings=TABLE | {"good": np.zeros(3)})
    for stored in (model, changed):
        assert sum("embeddings" in name for name in stored.__getstate__()["table"]) == 1
        restored = pickle.loads(pickle.dumps(stored)).embeddings
        assert list(restored) == WORDS
        np.testing.assert_array_equal([*restored.values()], [*stored.embeddings.values()])
    wrong = {"good": [1.0, np.inf], "bad": [1.0]}
    assert pickle.loads(pickle.dumps(model.set_params(embeddings=wrong))).embeddings == wrong


def analyzer(text):
    return text.split()


@pytest.mark.parametrize(
    "make",
    [keyed, lambda: learned(vectorizer=TextSequenceVectorizer(analyzer=analyzer))],
    ids=["gensim", "a function"],
)
def test_what_is_no_plain_data_is_pickled_and_not_saved(make, tmp_path):
    model = fit(make())
    for restored in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        np.testing.assert_array_equal(restored.predict_proba(NEW), model.predict_proba(NEW))
    with pytest.raises(TypeError, match=r"(?s)store lstmsequenceclassifier__embeddings.*joblib"):
        save(model, tmp_path / "model.safetensors")
