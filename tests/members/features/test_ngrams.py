"""N-grams of ids, and vectors of tokens, tell classes apart, in bounded memory."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix, diags
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
from sklearn_lstm.fitting import read_as_at_fit
from sklearn_lstm.inspection import explain
from sklearn_lstm.members.solvers import svm
from sklearn_lstm.targets.targets import Labels, LabelSets, Targets


@pytest.fixture
def fit(fit_linear):
    def fit(samples, held_out=(), *, input_type="words", seed=0):
        return fit_linear("linear model", samples, held_out, input_type=input_type, seed=seed)

    return fit


def topics(rng, n_samples, n_classes, n_ids=2000):
    """Sentences of which a third comes from five ids of their class."""
    y = np.arange(n_samples) % n_classes
    own = rng.integers(2, n_ids, (n_classes, 5))
    X = []
    for label in y:
        row = rng.integers(2, n_ids, rng.integers(6, 18))
        is_own = rng.random(len(row)) < 1 / 3
        X.append(np.where(is_own, rng.choice(own[label], len(row)), row))
    return X, y


def documents(X, *, borders):
    """The same sentences for scikit-learn."""
    border = ["border"] * borders
    return [" ".join([*border, *(f"w{id_}" for id_ in row), *border]) for row in X]


@pytest.mark.usefixtures("_no_collisions")
@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("input_type", ["characters", "words"])
def test_it_is_what_scikit_learn_makes_of_the_same_ngrams(
    fit, samples_of, sentences, *, input_type, n_classes, sequences_of
):
    rng = np.random.default_rng(0)
    n_ids, longest = (40, 5) if input_type == "characters" else (400, 2)
    X = sentences(100, n_ids)
    y = np.array([(row[0] + row[-1]) % n_classes for row in X])
    weights = rng.random(100) + 0.5
    borders = input_type == "characters"
    min_df = 2 if borders else 1
    reference = TfidfVectorizer(ngram_range=(1, longest), min_df=min_df, binary=True)
    features = reference.fit_transform(documents(X, borders=borders))
    model, _ = fit(samples_of(X, y, weights), input_type=input_type, seed=3)
    assert model.features[0].n_features == features.shape[1]
    new = sentences(50, n_ids * 3 // 2)
    found = model.logits(sequences_of(new))
    features_of_new = reference.transform(documents(new, borders=borders))
    for label in range(1, n_classes):
        inside, outside = (
            1 + (features > 0).T @ (weights * part) for part in (y == label, y != label)
        )
        ratio = np.log(inside / inside.sum() / (outside / outside.sum()))
        variance = 1 / inside + 1 / outside
        shrunk = 2 / (2 + variance)
        scale = diags(np.sqrt((shrunk * ratio) ** 2 + shrunk * variance))
        svm = LinearSVC(random_state=3).fit(features @ scale, y == label, weights)
        expected = svm.decision_function(features_of_new @ scale)
        margin = found[:, 1] - found[:, 0] if n_classes == 2 else found[:, label]
        np.testing.assert_allclose(margin, expected, atol=1e-3)


@pytest.mark.usefixtures("_no_collisions")
@pytest.mark.parametrize("fewest_products", [0, np.inf], ids=["together", "one by one"])
def test_svms_of_many_classes_share_the_features(
    fit, samples_of, monkeypatch, fewest_products, *, sequences_of
):
    rng = np.random.default_rng(0)
    monkeypatch.setattr(svm, "FEWEST_PRODUCTS_TOGETHER", fewest_products)
    monkeypatch.setattr(svm, "TOLERANCE_OF_MANY", 1e-4)
    monkeypatch.setattr(svm, "LEAST_CHANGE", 1e-5)
    X, y = topics(rng, 400, 50, n_ids=300)
    weights = rng.random(400) + 0.5
    reference = TfidfVectorizer(ngram_range=(1, 2), binary=True)
    features = reference.fit_transform(documents(X, borders=False))
    reference_svm = LinearSVC(tol=1e-6).fit(features, y, weights)
    new, _ = topics(rng, 300, 50, n_ids=300)
    expected = reference_svm.decision_function(reference.transform(documents(new, borders=False)))
    model, _ = fit(samples_of(X, y, weights, n_outputs=51))
    found = model.logits(sequences_of(new))
    np.testing.assert_allclose(found[:, :50], expected, atol=1e-3)
    assert (found[:, 50] == -1).all()  # a class without samples


def test_the_ratios_of_ngrams_count_less_if_a_sample_may_have_several_labels():
    rng = np.random.default_rng(0)
    telling, features = rng.random(200) < 0.5, (rng.random((200, 9)) < 0.5).astype(np.float32)
    features[:, 0] = telling ^ (rng.random(200) < 0.1)
    features *= 0.1  # so that the penalty matters, and with it the scale
    y = np.stack([telling, ~telling], axis=1).astype(np.float32)
    one = Targets(y.argmax(axis=1), np.ones(200), Labels(np.arange(2)))
    several = Targets(y, np.ones(200), LabelSets(np.arange(2)))
    by_chance = [
        np.abs(coef[1:, 0]).sum() / np.abs(coef[0, 0])
        for targets in (one, several)
        for coef, _ in [svm.fit_svms(csr_matrix(features), targets, seed=0, n_scaled=9)]
    ]
    assert by_chance[1] > 2 * by_chance[0]


def test_svms_of_many_labels_are_those_that_are_fitted_one_by_one(monkeypatch):
    rng = np.random.default_rng(0)
    monkeypatch.setattr(svm, "FEWEST_PRODUCTS_TOGETHER", 0)
    monkeypatch.setattr(svm, "LEAST_CHANGE", 1e-5)
    monkeypatch.setattr(svm, "LARGEST_COEF", 7 * 13 * 60)  # seven labels at a time
    features = csr_matrix(rng.random((60, 20)) * (rng.random((60, 20)) < 0.3), dtype=np.float32)
    y, weights = (rng.random((60, 40)) < 0.3).astype(np.float32), rng.random((60, 40))
    weights[:5], weights[5] = 0, 1e3
    targets = Targets(y, weights, LabelSets(np.arange(40)))
    coef, intercept = svm.fit_svms(features, targets, seed=0, n_scaled=20)
    for label in range(40):
        reference = LinearSVC(tol=1e-6).fit(features, y[:, label], weights[:, label])
        np.testing.assert_allclose(coef[:, label], reference.coef_[0], atol=1e-3)
        np.testing.assert_allclose(intercept[label], reference.intercept_[0], atol=1e-3)


@pytest.mark.parametrize("fewest_products", [0, np.inf], ids=["together", "one by one"])
def test_one_sample_of_many_classes_may_outweigh_all_others(
    fit, samples_of, monkeypatch, fewest_products, *, sequences_of
):
    rng = np.random.default_rng(0)
    monkeypatch.setattr(svm, "FEWEST_PRODUCTS_TOGETHER", fewest_products)
    X, y = topics(rng, 400, 50, n_ids=300)
    weights = np.ones(400)
    y[:2], weights[:2] = 0, 1e6  # the second one is of another topic
    model, _ = fit(samples_of(X, y, weights))
    assert model.logits(sequences_of(X[:2])).argmax(axis=1).tolist() == [0, 0]


def test_held_out_logits_come_from_a_model_that_has_not_seen_them(fit, samples_of):
    rng = np.random.default_rng(0)
    X, y = topics(rng, 300, 5)
    samples, held_out = samples_of(X, y), rng.permutation(300)[:80]
    _, logits = fit(samples, held_out)
    others = samples.subset(np.setdiff1d(np.arange(300), held_out))
    model, nothing = fit(others)
    np.testing.assert_array_equal(logits, model.logits(samples.sequences.subset(held_out)))
    assert nothing.shape == (0, 5)


def test_sequences_without_a_known_ngram_have_the_intercept(
    fit, sentences, samples_of, sequences_of
):
    X, y = sentences(120, 400), np.arange(120) % 2
    model, _ = fit(samples_of(X, y))
    found = model.logits(sequences_of([np.array([999]), np.array([998, 997])]))
    assert np.array_equal(found[0], model.terms[0].intercept)


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_a_step_without_an_id_is_a_token_like_any_other(
    fit, pairs, samples_of, dtype, sequences_of
):
    X, y = pairs(200)
    X = [np.where(row == 4, -1, row).astype(dtype) for row in X]
    model, _ = fit(samples_of(X, y))
    found = model.logits(sequences_of([np.array([-1, 5]), np.array([5, -1]), np.array([-1])]))
    assert found[:2].argmax(axis=1).tolist() == [1, 0]
    assert np.isfinite(found).all()


@pytest.mark.parametrize("n_copies", [1, 12], ids=["few", "many"])
def test_multilabel_has_a_svm_for_each_label(fit, pairs, samples_of, n_copies, sequences_of):
    X, y = pairs(200)
    labels = np.column_stack([y, 1 - y, np.zeros_like(y), np.ones_like(y)]).astype(np.float32)
    labels = np.tile(labels, n_copies)
    model, logits = fit(samples_of(X, labels), np.arange(50), input_type="characters")
    assert np.mean((model.logits(sequences_of(X)) > 0) == labels) > 0.98
    assert np.mean((logits > 0) == labels[:50]) > 0.95


def test_ids_that_no_two_sequences_share_tell_nothing_of_others(fit, samples_of):
    X, y = list(np.arange(1, 1201).reshape(120, 10)), np.arange(120) % 2
    _, logits = fit(samples_of(X, y), np.arange(20))
    assert (np.ptp(logits, axis=0) == 0).all()


def test_n_grams_of_few_sequences_are_left_out_where_all_need_too_much_memory(
    fit, samples_of, allow_bytes
):
    rng = np.random.default_rng(0)
    y = np.arange(4_000) % 40
    X = [np.append(rng.integers(100, 20_000, 6), 2 + label) for label in y]
    allow_bytes(4 * 40 * 1_000)
    model, logits = fit(samples_of(X, y), np.arange(0, 4_000, 9))
    assert 40 <= sum(one.n_features for one in model.features) <= 1_000
    assert np.mean(logits.argmax(axis=1) == y[::9]) > 0.9


GOOD = ["good", "great", "fine", "lovely", "superb", "charming"]
BAD = ["bad", "awful", "poor", "dreadful", "dull", "boring"]
FILLERS = ["film", "story", "actor", "scene", "plot", "music", "the", "was"]


@pytest.fixture(scope="module")
def table():
    """Vectors of words: those of one kind are near each other."""
    rng = np.random.default_rng(0)
    kinds = np.repeat([[1.0, 0, 0], [-1, 0, 0], [0, 1, 0]], [len(GOOD), len(BAD), len(FILLERS)], 0)
    vectors = np.hstack([kinds, 0.2 * rng.normal(size=(len(kinds), 5))])
    return dict(zip([*GOOD, *BAD, *FILLERS], vectors.astype(np.float32), strict=True))


def reviews(n_samples, good, bad, seed):
    rng = np.random.default_rng(seed)
    y = np.arange(n_samples) % 2
    texts = [
        " ".join(rng.permutation([*rng.choice(FILLERS, 4), rng.choice(good if label else bad)]))
        for label in y
    ]
    return texts, y


def linear(**parameters):
    return make_pipeline(
        TextSequenceVectorizer(), LSTMSequenceClassifier(max_epochs=0, random_state=0, **parameters)
    )


@pytest.fixture(scope="module")
def model(table):
    return linear(embeddings=table).fit(*reviews(120, GOOD[:2], BAD[:2], 0))


def test_words_that_fit_never_saw_are_told_apart_by_their_vectors(model):
    texts, y = reviews(100, GOOD[2:], BAD[2:], 1)
    assert model.score(texts, y) > 0.95
    without = linear().fit(*reviews(120, GOOD[:2], BAD[:2], 0))
    assert without.score(texts, y) < 0.8


def test_a_sequence_without_a_vector_is_read_by_its_ngrams_alone(model):
    a, b = model.decision_function(["qqq xyzzy", "qqq xyzzy unheardof"])
    assert np.isfinite([a, b]).all()


def test_contributions_of_the_words_sum_to_the_logit_and_frequent_words_count_less(model):
    texts = ["the film was superb", "the plot was dreadful qqq", "qqq xyzzy"]
    explanations = explain(model, texts, target=1)
    sums = [found.linear.sum() + found.base_value for found in explanations]
    np.testing.assert_allclose(sums, model.decision_function(texts), atol=1e-6)
    assert np.argmax(explanations[0].linear) == 3
    sequences = read_as_at_fit(model[-1], model[0].transform(["film superb unheardof"]))
    weights = model[-1].linear_model_.features[-1].weighted(sequences, np.arange(1))[0].data
    assert weights[0] < weights[1] == weights[2]
