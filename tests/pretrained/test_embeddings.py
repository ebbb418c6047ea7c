"""Pretrained vectors of an array, a mapping and other tables find their ids; frozen or not."""

import copy
import pickle
from contextlib import nullcontext
from functools import partial
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import small_models
from gensim.models import KeyedVectors
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from skorch.callbacks import Freezer
from small_encoder import SmallEncoder

from sklearn_lstm import TextSequenceVectorizer, WordVectors
from sklearn_lstm.pretrained.embeddings import read_embeddings
from sklearn_lstm.vectors import from_gensim, static_model

VECTORS = np.arange(12, dtype=np.float32).reshape(4, 3)
VOCABULARY = {"good": 2, "bad": 3, "day": 5}

TEXTS = ["good day", "bad day", "good night", "bad night"] * 5
LABELS = [1, 0, 1, 0] * 5
IDS = np.array([[2, 3], [4, 3], [2, 5], [4, 5]] * 5)
WORD_VECTORS = dict(
    zip(
        ["good", "bad", "fine", "awful"],
        np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32),
        strict=True,
    )
)


def keyed(vectors):
    found = KeyedVectors(len(next(iter(vectors.values()))))
    found.add_vectors(list(vectors), list(vectors.values()))
    return from_gensim(found)


def matrix_of(n_ids, length):
    return np.random.default_rng(1).normal(size=(n_ids, length)).astype(np.float32)


# --- Which ids get a vector


def test_row_i_of_a_matrix_is_the_vector_of_id_i():
    found = read_embeddings(VECTORS, None)
    assert found.ids.tolist() == [1, 2, 3]  # 0 is padding
    np.testing.assert_array_equal(found(found.ids, None)[1], VECTORS[1:])


@pytest.mark.parametrize("is_title", [False, True])
@pytest.mark.parametrize("table", [dict, keyed])
def test_a_mapping_gives_vectors_to_the_tokens_of_the_vocabulary(table, is_title):
    mapping = dict(zip(["day", "good", "unrelated"], VECTORS, strict=False))
    vocabulary = (
        {token.title(): id_ for token, id_ in VOCABULARY.items()} if is_title else VOCABULARY
    )
    found = read_embeddings(table(mapping), vocabulary)
    assert found.ids.tolist() == [2, 5]
    np.testing.assert_array_equal(found(found.ids, None)[1], VECTORS[[1, 0]])


@pytest.mark.parametrize("known", [[3001, 3002], [3002]])
def test_integer_keys_of_a_mapping_are_tokens(known):
    # Event codes: the vectors of 3001 and 2 are not those of the ids of these numbers.
    vocabulary = {3001: 2, 3002: 3, 2: 4}
    mapping = dict.fromkeys(known, VECTORS[0]) | {2: VECTORS[1]}
    found = read_embeddings(mapping, vocabulary)
    assert dict(zip(found.ids.tolist(), found(found.ids, None)[1].tolist(), strict=True)) == {
        **{vocabulary[token]: VECTORS[0].tolist() for token in known},
        4: VECTORS[1].tolist(),
    }


@pytest.mark.parametrize(
    ("embeddings", "vocabulary", "message"),
    [
        ({"good": VECTORS[0]}, None, "X does not say which token an id stands for"),
        (VECTORS[0], None, r"shape \(n_ids, embedding_dim\).*found .* of shape \(3,\)"),
        (VECTORS[:1], None, r"\(0 is padding\).* of shape \(1, 3\)"),
        (np.where(VECTORS == 5, np.nan, VECTORS), None, "NaN or infinite"),
        ({2: VECTORS[0]}, {3001: 2, 3002: 3}, "None of the tokens"),  # they are no ids
        ({"tree": VECTORS[0]}, VOCABULARY, "None of the tokens in X has a vector in .*tree"),
    ],
)
def test_embeddings_that_suit_no_id_or_token_are_refused(embeddings, vocabulary, message):
    with pytest.raises(ValueError, match=message):
        read_embeddings(embeddings, vocabulary)


@pytest.mark.parametrize(
    ("embeddings", "found"),
    [
        (3, r"found 3 \(int\)"),
        (KeyedVectors(3), r"from_gensim .*found .*\(KeyedVectors\)"),
        (SimpleNamespace(tokenizer=None, embedding=VECTORS), r"static_model .*found .*Namespace"),
        (SmallEncoder(), r"whole texts is the parameter encoder; found .*SmallEncoder"),
        ("wordllama", r"static_model .*found 'wordllama' \(str\)"),
        (WordVectors, r"found <class .*\(type\)"),
    ],
)
@pytest.mark.parametrize("goes_on", [False, True])
def test_what_is_no_table_is_refused_with_a_list_of_what_is(embeddings, found, goes_on):
    model = small_models.small().partial_fit(IDS, LABELS, classes=[0, 1])
    learn = model.partial_fit if goes_on else model.fit
    model.set_params(embeddings=embeddings)
    with pytest.raises(ValueError, match=f"embeddings takes an array.*WordVectors.*{found}"):
        learn(IDS, LABELS)


def test_word_vectors_that_are_not_fitted_are_refused():
    with pytest.raises(NotFittedError, match=r"WordVectors instance is not fitted"):
        read_embeddings(WordVectors(), VOCABULARY)


# --- In the classifier


small = partial(small_models.small, hidden_size=8, max_epochs=15, batch_size=4, dropout=0.0)


FROZEN = [Freezer("embedding.weight")]  # the recipe of the docs


def has_vector(model, vector):
    """Return whether the embedding has this vector in a row."""
    return bool((model.module_.embedding.weight.numpy(force=True) == vector).all(axis=1).any())


@pytest.mark.parametrize(
    "embeddings", [WORD_VECTORS, keyed(WORD_VECTORS)], ids=["mapping", "KeyedVectors"]
)
def test_words_of_the_pipeline_get_their_pretrained_vectors(embeddings):
    model = make_pipeline(
        TextSequenceVectorizer(),
        small(embeddings=embeddings, callbacks=FROZEN, dropout=0, max_epochs=40),
    )
    model.fit(TEXTS, LABELS)
    assert model[-1].module_.embedding.embedding_dim == 6
    assert {word: has_vector(model[-1], vector) for word, vector in WORD_VECTORS.items()} == {
        "good": True,
        "bad": True,
        "fine": False,
        "awful": False,
    }
    assert model.score(TEXTS, LABELS) == 1


def test_embeddings_that_are_not_frozen_are_trained_further():
    matrix = matrix_of(6, 3)
    frozen = small(embeddings=matrix, callbacks=FROZEN).fit(IDS, LABELS)
    trained = small(embeddings=matrix).fit(IDS, LABELS)
    for vector in matrix[2:]:
        assert has_vector(frozen, vector)
        assert not has_vector(trained, vector)


def test_ids_with_a_pretrained_vector_are_known_although_fit_never_saw_them():
    matrix = matrix_of(8, 3)
    matrix[7] = matrix[2]
    model = small(embeddings=matrix).fit(IDS, LABELS)
    proba = model.predict_proba([[6, 3], [7, 3], [8, 3], [9, 3]])
    assert abs(proba[0] - proba[2]).max() > 1e-4
    assert abs(proba[1] - proba[2]).max() > 1e-4
    np.testing.assert_allclose(proba[3], proba[2], atol=1e-6)  # ids 8 and 9 have none


@pytest.mark.parametrize("n_rows", [2, 4, 5, 6, 7])
def test_rows_that_an_array_lacks_or_has_beyond_the_vocabulary_are_told(n_rows):
    model = make_pipeline(TextSequenceVectorizer(), small(embeddings=matrix_of(n_rows, 3)))
    told = pytest.warns(UserWarning, match=rf"has {n_rows} rows, but the ids of X go up to 5")
    with told if n_rows != 6 else nullcontext():
        model.fit(["good bad day", "bad fun"], [0, 1])
    with told if n_rows < 6 else nullcontext():
        small(embeddings=matrix_of(n_rows, 3)).fit(IDS, LABELS)


def test_a_frame_whose_index_are_words_is_no_matrix_of_ids():
    frame = pd.DataFrame(matrix_of(9, 3), index=[*"abcdefghi"])
    with pytest.raises(ValueError, match=r"pass dict\(zip\(frame\.index, frame\.to_numpy"):
        small(embeddings=frame).fit(IDS, LABELS)


@pytest.mark.parametrize("embedding_dim", ["auto", None])
def test_vectors_of_another_length_are_refused_when_training_goes_on(embedding_dim):
    model = small(embedding_dim=embedding_dim).partial_fit(IDS, LABELS, classes=[0, 1])
    model.set_params(embedding_dim="auto", embeddings=matrix_of(9, 64))  # as many as gates
    with pytest.raises(ValueError, match="embeddings holds vectors of length 64, but the network"):
        model.partial_fit(IDS, LABELS)


def test_new_words_of_partial_fit_get_pretrained_vectors_and_learned_ones_stay():
    vectors = np.zeros((9, 2))
    vectors[[2, 4, 6, 8]] = [[1.0, 0.0], [0.0, 1.0], [3.0, 4.0], [5.0, 6.0]]
    model = small(embeddings=vectors[:7])
    model.partial_fit([[2, 3], [4, 3]], [1, 0], classes=[0, 1])
    learned = model.module_.embedding.weight.numpy(force=True).copy()
    model.set_params(lr=1e-12, embeddings=vectors)
    model.partial_fit([[2, 8], [4, 3]], [1, 0])
    grown = model.module_.embedding.weight.numpy(force=True)
    assert len(grown) == len(learned) + 1
    np.testing.assert_allclose(grown[-1], [5, 6], atol=0.02)
    np.testing.assert_allclose(grown[:-1], learned, atol=0.02)


@pytest.mark.parametrize(
    ("X", "parameters", "message"),
    [
        ([[2, 3]] * 4, {"embeddings": WORD_VECTORS}, "X does not say which token an id stands for"),
        ([[0.5]] * 4, {"embeddings": np.ones((4, 2))}, "X holds measurements"),
        (
            [[2, 3]] * 4,
            {"embeddings": np.ones((4, 2)), "embedding_dim": 3},
            "vectors of length 2, but the network has embedding_dim=3",
        ),
    ],
)
def test_embeddings_that_do_not_suit_x_are_refused(X, parameters, message):
    with pytest.raises(ValueError, match=message):
        small(**parameters).fit(X, [0, 1, 0, 1])


# --- Objects with `lookup`: tables of others, and the user's own


class Table:
    """A table of the user's own."""

    def __init__(self, vectors=WORD_VECTORS, *, wrong=0):
        self.vectors, self.wrong = vectors, wrong

    def lookup(self, tokens):
        known = [token in self.vectors for token in tokens]
        found = [self.vectors[token] for token in tokens if token in self.vectors]
        return known, np.reshape(found, (-1, 6))[self.wrong :]


def test_any_object_with_lookup_is_a_table():
    X, embeddings = TextSequenceVectorizer().fit(TEXTS), Table()
    model = small_models.small(embeddings=embeddings, lr=1e-9, max_epochs=1)
    model.fit(X.transform(TEXTS), LABELS)
    weights = model.module_.embedding.weight.numpy(force=True)
    assert np.isclose(weights, WORD_VECTORS["good"], atol=1e-6).all(axis=1).any()
    one, other = model.decision_function(X.transform(["fine", "awful"]))
    assert abs(one - other) > 1e-4
    assert "6 columns of " in repr(model)
    assert clone(model).embeddings is embeddings


def test_a_lookup_that_returns_other_shapes_is_refused():
    message = r"lookup of a Table has to .*found \(3,\) and \(1, 6\)"
    with pytest.raises(ValueError, match=message):
        read_embeddings(Table(wrong=1), VOCABULARY)


def test_what_has_no_vectors_of_tokens_is_refused():
    with pytest.raises(TypeError, match=r"from_gensim takes .* found \{\} \(dict\)"):
        from_gensim({})
    for wrong in (3, "wordllama"):
        with pytest.raises(TypeError, match=f"static_model takes .* found {wrong!r} "):
            static_model(wrong)


def test_adapters_are_pickled_and_shared_by_copies_and_clones():
    table = keyed({"good": VECTORS[0], "day": VECTORS[1]})
    assert repr(table) == "<a KeyedVectors>"
    assert copy.deepcopy(table) is clone(small_models.small(embeddings=table)).embeddings is table
    is_known, vectors = pickle.loads(pickle.dumps(table)).lookup(["good", "x"])
    assert is_known.tolist() == [True, False]
    np.testing.assert_array_equal(vectors, VECTORS[:1])
