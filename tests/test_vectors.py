"""Tables of others as objects with `lookup`, and objects of the user's own."""

import copy
import pickle

import numpy as np
import pytest
import small_models
from gensim.models import KeyedVectors
from sklearn.base import clone

from sklearn_lstm import TextSequenceVectorizer, WordVectors
from sklearn_lstm.pretrained.embeddings import read_embeddings
from sklearn_lstm.vectors import from_gensim, side_by_side, static_model

VECTORS = np.arange(12, dtype=np.float32).reshape(4, 3)
VOCABULARY = {"good": 2, "bad": 3, "day": 5}
TEXTS = ["good day", "bad day", "good night", "bad night"] * 5
LABELS = [1, 0, 1, 0] * 5
WORD_VECTORS = dict(
    zip(["good", "bad", "fine", "awful"], np.random.default_rng(0).normal(size=(4, 6)), strict=True)
)


def test_several_tables_are_laid_side_by_side():
    table = dict(zip(["day", "good"], VECTORS, strict=False))
    found = read_embeddings(side_by_side(table, {"good": [7.0], "bad": [8.0]}), VOCABULARY)
    assert found.widths == (3, 1)
    assert found.ids.tolist() == [2, 3, 5]
    expected = np.c_[[VECTORS[1], [0, 0, 0], VECTORS[0]], [7, 8, 0]]
    np.testing.assert_array_equal(found(found.ids, None)[1], expected)


class Table:
    """A table of the user's own."""

    def __init__(self, vectors=WORD_VECTORS, *, wrong=0):
        self.vectors, self.wrong = vectors, wrong

    def lookup(self, tokens):
        known = [token in self.vectors for token in tokens]
        found = [self.vectors[token] for token in tokens if token in self.vectors]
        return known, np.reshape(found, (-1, 6))[self.wrong :]


def test_any_object_with_lookup_is_a_table():
    for embeddings in (Table(), side_by_side(Table())):
        X = TextSequenceVectorizer().fit(TEXTS)
        model = small_models.small(embeddings=embeddings, lr=1e-9, max_epochs=1)
        model.fit(X.transform(TEXTS), LABELS)
        weights = model.module_.embedding.weight.numpy(force=True)
        assert np.isclose(weights, WORD_VECTORS["good"], atol=1e-6).all(axis=1).any()
        one, other = model.decision_function(X.transform(["fine", "awful"]))
        assert abs(one - other) > 1e-4
        assert "6 columns of " in repr(model)
        assert clone(model).embeddings is embeddings


def test_a_lookup_that_returns_other_shapes_is_refused():
    message = r"lookup of a Table has to .*found arrays of shape \(3,\) and \(1, 6\)"
    with pytest.raises(ValueError, match=message):
        read_embeddings(Table(wrong=1), VOCABULARY)


def test_arrays_do_not_stand_side_by_side_with_tables_of_tokens():
    for tables in ((), (VECTORS, WORD_VECTORS), ([[1.0]],)):
        with pytest.raises(ValueError, match=r"one table of tokens or more, but no array"):
            side_by_side(*tables)


def test_what_has_no_vectors_of_tokens_is_refused():
    with pytest.raises(TypeError, match=r"from_gensim takes .* found \{\} \(dict\)"):
        from_gensim({})
    with pytest.raises(TypeError, match=r"static_model takes 'wordllama'.* found 3 \(int\)"):
        static_model(3)


def test_adapters_are_pickled_and_shared_by_copies_and_clones():
    keyed_vectors = KeyedVectors(3)
    keyed_vectors.add_vectors(["good", "day"], VECTORS[:2])
    words = WordVectors(embedding_dim=2).fit(["good day bad day", "good bad day day"] * 3)
    table = side_by_side(from_gensim(keyed_vectors), words, WORD_VECTORS)
    assert repr(table) == (
        "<a KeyedVectors and WordVectors (3 words, 0.0 MB) and a dict (4 words, 0.0 MB)>"
    )
    model = small_models.small(embeddings=table)
    assert copy.deepcopy(table) is clone(model).embeddings is table
    expected = table.lookup(["good", "unheard-of"])
    for found, right in zip(
        pickle.loads(pickle.dumps(table)).lookup(["good", "x"]), expected, strict=True
    ):
        np.testing.assert_array_equal(found, right)
    assert side_by_side(table, {"day": [1.0]}).widths == (3, 2, 6, 1)
