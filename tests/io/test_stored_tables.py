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
    return table


def fit(embeddings):
    classifier = small_models.small(embeddings=embeddings, linear_model=True, max_epochs=1)
    return make_pipeline(TextSequenceVectorizer(), classifier).fit(TEXTS, LABELS)


PLAIN = {
    "WordVectors": lambda: learned(embedding_dim=20),
    "with a vectorizer": lambda: learned(vectorizer=TextSequenceVectorizer(min_df=3)),
    "dict": lambda: TABLE,
    "several": lambda: [TABLE, learned(embedding_dim=20)],
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
        assert restored[-1].embedding_coverage_ == plain[-1].embedding_coverage_
        assert repr(restored[-1]) == repr(plain[-1])
        again = clone(restored).fit(TEXTS, LABELS)
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
        table = restored._fitted.model.network.vectors.parts[0].table
        assert table.vectors is restored.embeddings.vectors_
        assert table.vocabulary == restored.embeddings.vocabulary_
        with pytest.raises(ValueError, match="read-only"):
            table.vectors[:] = 0


def test_a_model_that_was_loaded_is_stored_in_as_many_bytes(plain, tmp_path):
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    save(plain, first)
    save(load(first), second)
    assert second.stat().st_size == first.stat().st_size  # the order of the header is not fixed


def test_a_described_file_tells_the_parameters_of_word_vectors(tmp_path):
    for embeddings in (learned(window=3), [TABLE, learned(window=3)]):
        save(fit(embeddings), tmp_path / "model.safetensors")
        described = describe(tmp_path / "model.safetensors")["steps"]["lstmsequenceclassifier"]
        table = described["parameters"]["embeddings"]
        table = table[-1] if isinstance(table, list) else table
        assert table["class"] == "WordVectors"
        assert table["parameters"]["window"] == 3


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
    with pytest.raises(TypeError, match=r"(?s)store lstmsequenceclassifier__embeddings=.*joblib"):
        save(model, tmp_path / "model.safetensors")


def test_a_table_of_another_package_is_pickled_once():
    restored = pickle.loads(pickle.dumps(fit(keyed())))[-1]
    assert restored._fitted.model.network.vectors.parts[0].table.embeddings is restored.embeddings
