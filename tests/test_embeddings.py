"""Pretrained embeddings from a matrix, a mapping and gensim, frozen or not."""

import numpy as np
import pytest
from gensim.models import KeyedVectors
from sklearn.pipeline import make_pipeline

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer

TEXTS = ["good day", "bad day", "good night", "bad night"] * 5
LABELS = [1, 0, 1, 0] * 5
RNG = np.random.default_rng(0)
WORDS = ["good", "bad", "fine", "awful"]
VECTORS = {word: RNG.normal(size=6).astype(np.float32) for word in WORDS}
KEYED = KeyedVectors(6)
KEYED.add_vectors(list(VECTORS), list(VECTORS.values()))


def small(**parameters):
    defaults = {"hidden_size": 8, "max_epochs": 15, "batch_size": 4, "random_state": 0}
    defaults |= {"dropout": 0.0, "token_dropout": 0.0}
    return LSTMSequenceClassifier(**(defaults | parameters))


def holds(model, vector):
    """Tell whether the embedding has this vector in a row."""
    return bool((model.module_.embedding.weight.numpy(force=True) == vector).all(axis=1).any())


@pytest.mark.parametrize("embeddings", [VECTORS, KEYED], ids=["mapping", "KeyedVectors"])
def test_words_of_the_pipeline_get_their_pretrained_vectors(embeddings):
    model = make_pipeline(
        TextSequenceVectorizer(),
        small(embeddings=embeddings, freeze_embeddings=True, dropout=0, max_epochs=40),
    )
    model.fit(TEXTS, LABELS)
    assert model[-1].module_.embedding.embedding_dim == 6
    assert {word: holds(model[-1], vector) for word, vector in VECTORS.items()} == {
        "good": True,
        "bad": True,
        "fine": False,
        "awful": False,
    }
    assert model.score(TEXTS, LABELS) == 1


def test_embeddings_that_are_not_frozen_are_trained_further():
    X = np.array([[2, 3], [4, 3], [2, 5], [4, 5]] * 5)
    matrix = RNG.normal(size=(6, 3)).astype(np.float32)
    frozen = small(embeddings=matrix, freeze_embeddings=True).fit(X, LABELS)
    trained = small(embeddings=matrix).fit(X, LABELS)
    for vector in matrix[2:]:
        assert holds(frozen, vector)
        assert not holds(trained, vector)


def test_ids_with_a_pretrained_vector_are_known_although_fit_never_saw_them():
    X = np.array([[2, 3], [4, 3], [2, 5], [4, 5]] * 5)
    matrix = RNG.normal(size=(8, 3))
    matrix[7] = matrix[2]
    model = small(embeddings=matrix).fit(X, LABELS)
    proba = model.predict_proba([[6, 3], [7, 3], [1, 3], [9, 3]])
    assert abs(proba[0] - proba[2]).max() > 1e-4
    assert abs(proba[1] - proba[2]).max() > 1e-4
    np.testing.assert_allclose(proba[3], proba[2], atol=1e-6)  # id 9 has none


def test_a_mapping_from_ids_is_like_the_matrix():
    X = np.array([[2, 3], [4, 3], [2, 5], [4, 5]] * 5)
    matrix = RNG.normal(size=(6, 3))
    by_row = small(embeddings=matrix).fit(X, LABELS)
    by_id = small(embeddings=dict(enumerate(matrix))).fit(X, LABELS)
    np.testing.assert_array_equal(by_row.predict_proba(X), by_id.predict_proba(X))


def test_new_words_of_partial_fit_get_pretrained_vectors_and_learnt_ones_stay():
    model = small(embeddings={2: [1.0, 0.0], 4: [0.0, 1.0], 6: [3.0, 4.0]})
    model.partial_fit([[2, 3], [4, 3]], [1, 0], classes=[0, 1])
    learnt = model.module_.embedding.weight.numpy(force=True).copy()
    model.set_params(lr=1e-12, embeddings={2: [1.0, 0.0], 8: [5.0, 6.0]})
    model.partial_fit([[2, 8], [4, 3]], [1, 0])
    grown = model.module_.embedding.weight.numpy(force=True)
    assert len(grown) == len(learnt) + 1
    np.testing.assert_allclose(grown[-1], [5, 6], atol=0.02)
    np.testing.assert_allclose(grown[:-1], learnt, atol=0.02)


@pytest.mark.parametrize(
    ("X", "parameters", "message"),
    [
        ([[2, 3]] * 4, {"embeddings": VECTORS}, "X does not say which token an id stands for"),
        ([[0.5]] * 4, {"embeddings": np.ones((4, 2))}, "X holds measurements"),
        (
            [[2, 3]] * 4,
            {"embeddings": np.ones((4, 2)), "embedding_dim": 3},
            "vectors of length 2, but embedding_dim=3",
        ),
        ([[2, 3]] * 4, {"embeddings": np.ones(4)}, r"shape \(n_ids, embedding_dim\)"),
        ([[2, 3]] * 4, {"embeddings": [[1.0], [np.inf]]}, "NaN or infinite"),
    ],
)
def test_embeddings_that_do_not_fit_x_are_refused(X, parameters, message):
    with pytest.raises(ValueError, match=message):
        small(**parameters).fit(X, [0, 1, 0, 1])


def test_the_size_of_the_embedding_can_be_chosen():
    X = np.arange(2, 42).reshape(20, 2)
    assert small(embedding_dim=7).fit(X, LABELS).module_.embedding.embedding_dim == 7
    auto = small().fit(X, LABELS).module_.embedding
    assert 1 < auto.embedding_dim <= 256


def test_negative_ids_in_embeddings_are_refused():
    with pytest.raises(ValueError, match="vector for -1, but token ids are 0 or more"):
        LSTMSequenceClassifier(embeddings={-1: [1.0], 2: [2.0]}).fit([[2], [3]], [0, 1])
