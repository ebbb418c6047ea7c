"""The bag of n-grams beside the network, and how far each is trusted."""

import io
import pickle
from dataclasses import replace

import joblib
import numpy as np
import pytest
import torch
from scipy.sparse import diags
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from sklearn_lstm import LSTMSequenceClassifier, estimator, ngrams
from sklearn_lstm.ngrams import NgramModel
from sklearn_lstm.reading import read_sequences
from sklearn_lstm.sequences import Samples

RNG = np.random.default_rng(0)
SMALL = {"hidden_size": 8, "embedding_dim": 8, "max_epochs": 3, "random_state": 0}


@pytest.fixture(autouse=True)
def the_same_data_in_any_order_of_tests(monkeypatch):
    monkeypatch.setitem(globals(), "RNG", np.random.default_rng(0))


def sentences(n_samples, n_ids=40):
    return [RNG.integers(2, n_ids, length) for length in RNG.integers(1, 20, n_samples)]


def a_pair_decides(n_samples):
    """Class 1 if id 5 follows id 4 somewhere: a run of two."""
    X, y = sentences(n_samples), RNG.integers(0, 2, n_samples)
    for row, label in zip(X, y, strict=True):
        row[row == 4] = 6
        row[:] = np.where(row == 5, 7, row)
        if len(row) > 1:
            row[:2] = (4, 5) if label else (5, 4)
    keep = [len(row) > 1 for row in X]
    return [row for row, kept in zip(X, keep, strict=True) if kept], y[keep]


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("n_ids", [40, 400], ids=["letters", "words"])
def test_it_is_what_scikit_learn_makes_of_the_same_runs(n_ids, n_classes, monkeypatch):
    monkeypatch.setattr(ngrams, "_BITS", 25)  # no two runs share a number
    X = sentences(100, n_ids)
    y = np.array([(row[0] + row[-1]) % n_classes for row in X])
    weights = RNG.random(100) + 0.5

    def spell(rows):
        border = ["border"] * (n_ids == 40)
        return [" ".join([*border, *(f"w{id_}" for id_ in row), *border]) for row in rows]

    longest = 5 if n_ids == 40 else 2
    reference = TfidfVectorizer(ngram_range=(1, longest), min_df=2, binary=True)
    documents = spell(X)
    features = reference.fit_transform(documents)
    model = NgramModel.of(Samples(read_sequences(X), y, weights), n_outputs=n_classes, seed=3)
    assert len(model.runs) == features.shape[1]
    new = sentences(50, n_ids * 3 // 2)
    found = model.logits(read_sequences(new))
    features_of_new = reference.transform(spell(new))
    for label in range(1, n_classes):
        inside, outside = (
            1 + (features > 0).T @ (weights * part) for part in (y == label, y != label)
        )
        ratio = diags(np.log(inside / inside.sum() / (outside / outside.sum())))
        machine = LinearSVC(random_state=3).fit(features @ ratio, y == label, weights)
        expected = machine.decision_function(features_of_new @ ratio)
        margin = found[:, 1] - found[:, 0] if n_classes == 2 else found[:, label]
        np.testing.assert_allclose(margin, expected, atol=1e-3)


def test_sequences_without_a_known_run_have_the_intercept():
    X, y = sentences(120, 400), np.arange(120) % 2
    model = NgramModel.of(Samples(read_sequences(X), y, np.ones(len(y))), n_outputs=2, seed=0)
    assert np.array_equal(model.logits(read_sequences([[999], [998, 997]]))[0], model.intercept)


def test_a_class_without_samples_is_never_likely():
    X, y = a_pair_decides(120)
    model = NgramModel.of(Samples(read_sequences(X), y, np.ones(len(y))), n_outputs=3, seed=0)
    assert set(model.logits(read_sequences(X)).argmax(1)) == {0, 1}


def test_multilabel_has_a_machine_for_each_label():
    X, y = a_pair_decides(200)
    labels = np.column_stack([y, 1 - y, np.zeros_like(y), np.ones_like(y)])
    model = NgramModel.of(Samples(read_sequences(X), labels, np.ones(len(y))), n_outputs=4, seed=0)
    assert np.mean((model.logits(read_sequences(X)) > 0) == labels) > 0.98
    fitted = LSTMSequenceClassifier(**SMALL).fit(X, labels)
    assert fitted._model.branch is not None
    assert np.mean(fitted.predict(X) == labels) > 0.95


def test_the_pair_is_found_even_by_a_network_that_learns_nothing():
    X, y = a_pair_decides(400)
    model = LSTMSequenceClassifier(**SMALL | {"lr": 1e-9, "max_epochs": 1}).fit(X, y)
    X_new, y_new = a_pair_decides(200)
    assert model.score(X_new, y_new) > 0.95
    assert (
        LSTMSequenceClassifier(**SMALL | {"lr": 1e-9}, linear_branch=False)
        .fit(X, y)
        .score(X_new, y_new)
        < 0.7
    )


def test_probabilities_do_not_depend_on_neighbours():
    X, y = a_pair_decides(150)
    model = LSTMSequenceClassifier(**SMALL).fit(X, y)
    together = model.predict_proba(X)
    assert model._model.branch is not None
    np.testing.assert_allclose(together[:1], model.predict_proba(X[:1]), rtol=0, atol=1e-7)
    np.testing.assert_allclose(together[::-1], model.predict_proba(X[::-1]), rtol=0, atol=1e-7)


@pytest.mark.parametrize("store", ["pickle", "joblib", "mmap"])
def test_it_is_stored_with_the_network(store, tmp_path):
    X, y = a_pair_decides(150)
    model = LSTMSequenceClassifier(**SMALL).fit(X, y)
    if store == "pickle":
        loaded = pickle.load(io.BytesIO(pickle.dumps(model)))
    else:
        joblib.dump(model, tmp_path / "model")
        loaded = joblib.load(tmp_path / "model", mmap_mode="r" if store == "mmap" else None)
    assert np.array_equal(loaded.predict_proba(X), model.predict_proba(X))
    assert loaded._model.scales == model._model.scales
    assert loaded._model.trial is not None


@pytest.mark.parametrize(
    ("X", "options"),
    [
        (sentences(99), {}),
        (sentences(150), {"linear_branch": False}),
        (sentences(150), {"criterion": torch.nn.CrossEntropyLoss}),
    ],
    ids=["few", "not wanted", "another loss"],
)
def test_the_network_stands_alone(X, options):
    model = LSTMSequenceClassifier(**SMALL, **options).fit(X, np.arange(len(X)) % 2)
    assert model._model.branch is None
    assert model._model.scales == (1.0,)


@pytest.mark.filterwarnings("ignore:The number of unique classes")  # which is what is tested
def test_no_sample_of_a_class_that_has_but_one_is_held_out():
    X, names = sentences(120), np.array([f"name {index}" for index in range(120)])
    assert LSTMSequenceClassifier(**SMALL).fit(X, names)._model.branch is None
    y = names[np.minimum(np.arange(120), 50)]
    model = LSTMSequenceClassifier(**SMALL).fit(X, y)
    assert model._model.branch is not None
    assert len(model.classes_) == 51


@pytest.mark.parametrize(
    ("options", "share"), [({}, 1.0), ({"linear_branch": False}, 1.0), ({"work": 0}, 0.9)]
)
def test_all_is_learnt_from_unless_that_takes_too_long(monkeypatch, options, share):
    monkeypatch.setattr(estimator, "MOST_WORK_TWICE", options.pop("work", 10**6))
    X, y = a_pair_decides(300)
    epoch = LSTMSequenceClassifier(**SMALL, **options).fit(X, y).history_[0]
    n_tokens = epoch["tokens_per_second"] * epoch["seconds"]
    assert n_tokens / sum(map(len, X)) == pytest.approx(share, abs=0.03)
    assert epoch["valid_loss"] is None


def test_the_network_of_the_trial_is_averaged_with_the_one_that_learnt_from_all():
    X, y = a_pair_decides(300)
    model = LSTMSequenceClassifier(**SMALL).fit(X, y)
    sequences, (scale, scale_of_bag) = read_sequences(X), model._model.scales
    each = [
        replace(part, branch=None, scales=(1.0,), trial=None).logits(sequences, "cpu")
        for part in (model._model, model._model.trial)
    ]
    assert not np.allclose(*each)
    expected = scale * sum(each) / 2 + scale_of_bag * model._model.branch.logits(sequences)
    np.testing.assert_allclose(model.decision_function(X), expected[:, 1] - expected[:, 0])
    assert LSTMSequenceClassifier(**SMALL, linear_branch=False).fit(X, y)._model.trial is None


@pytest.mark.parametrize("go_on", ["fit", "partial_fit"])
def test_a_network_goes_on_without_that_of_the_trial(go_on):
    X, y = a_pair_decides(200)
    model = LSTMSequenceClassifier(**SMALL, warm_start=True).fit(X, y)
    assert model._model.trial is not None
    assert getattr(model, go_on)(X, y)._model.trial is None


def test_a_network_is_trusted_as_far_as_its_like_is_right_on_what_it_has_not_seen():
    X, y = a_pair_decides(600)
    X_noise = sentences(len(X))
    scales = [
        LSTMSequenceClassifier(**SMALL | {"hidden_size": 32, "max_epochs": 25, "lr": 0.02})
        .fit(data, y)
        ._model.scales
        for data in (X, X_noise)
    ]
    assert scales[0][0] > 3 * scales[1][0]


def test_ids_that_no_two_sequences_share_teach_it_nothing():
    X, y = np.arange(1, 1201).reshape(120, 10), np.arange(120) % 2
    model = LSTMSequenceClassifier(**SMALL).fit(X, y)
    assert np.all(model._model.branch.logits(read_sequences(X)) == 0)


def test_warm_start_trusts_a_network_that_knows_all_samples_no_more_than_before():
    X, y = sentences(150), np.arange(150) % 2  # noise
    model = LSTMSequenceClassifier(**SMALL, warm_start=True).fit(X, y)
    scales = model._model.scales
    assert model.set_params(max_epochs=40, lr=0.05).fit(X, y)._model.scales == scales
    model.set_params(linear_branch=False).fit(X, y)
    assert model._model.branch is None
    assert model._model.scales == (1.0,)


def test_partial_fit_goes_on_with_the_network_and_keeps_the_bag():
    X, y = a_pair_decides(200)
    model = LSTMSequenceClassifier(**SMALL).fit(X, y)
    bag = model._model.branch
    assert model.partial_fit(X, y)._model.branch is bag
    fresh = LSTMSequenceClassifier(**SMALL).partial_fit(X, y, classes=[0, 1])
    assert fresh._model.branch is None
