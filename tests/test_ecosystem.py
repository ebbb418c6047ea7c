"""The classifier inside whatever scikit-learn and its neighbours put around an estimator."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    AdaBoostClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score, cross_validate
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.semi_supervised import SelfTrainingClassifier

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer


def lstm(**options):
    defaults = {"hidden_size": 8, "lr": 0.04, "batch_size": 16, "max_epochs": 5, "random_state": 0}
    return LSTMSequenceClassifier(**{**defaults, **options})


def network(**options):
    return lstm(**{"batch_size": 8, "linear_model": False} | options)


def text_model(**options):
    return make_pipeline(TextSequenceVectorizer(max_length=40), lstm(**options))


def beside_a_bag_of_words():
    bag = make_pipeline(TfidfVectorizer(), LogisticRegression())
    return [("lstm", text_model()), ("bag", bag)]


@pytest.fixture(scope="session")
def data(few_messages, digit_columns, digit_rows):
    """X_train, y_train, X_test, y_test of each kind of X."""
    texts, labels = few_messages
    ids = TextSequenceVectorizer(max_length=40).fit_transform(texts)
    return {
        "texts": (texts[:180], labels[:180], texts[180:], labels[180:]),
        "ids": (ids[:180], labels[:180], ids[180:], labels[180:]),
        "ragged": digit_columns,
        "3-D": digit_rows,
    }


# --- Pipelines and columns


@pytest.mark.parametrize("sparse_threshold", [0, 1])
def test_column_transformer_passes_a_text_column_on(data, sparse_threshold):
    X, y, X_test, y_test = data["texts"]
    frames = [
        pd.DataFrame({"number": np.arange(len(texts)), "text": texts}) for texts in (X, X_test)
    ]
    columns = make_column_transformer(
        (TextSequenceVectorizer(max_length=40), "text"), sparse_threshold=sparse_threshold
    )
    model = make_pipeline(columns, lstm()).fit(frames[0], y)
    assert model.score(frames[1], y_test) > 0.75
    # Its stack of columns does not say how the ids are spelled; nor does a dense array.
    plain = make_pipeline(TextSequenceVectorizer(max_length=40, output="dense"), lstm()).fit(X, y)
    assert_array_equal(model.predict_proba(frames[1]), plain.predict_proba(X_test))


def test_a_frame_as_the_global_output_changes_nothing(data):
    X, y, *_ = data["texts"]
    model = text_model()
    expected = model.fit(X, y).predict_proba(X)
    with config_context(transform_output="pandas"):
        assert_array_equal(model.fit(X, y).predict_proba(X), expected)


# --- What is around one classifier, or around several


AROUND = {  # an estimator, what it is fitted to, and its least accuracy
    "calibration": (CalibratedClassifierCV(text_model(), method="isotonic", cv=2), "texts", 0.75),
    "voting": (VotingClassifier(beside_a_bag_of_words()), "texts", 0.75),  # by labels
    "stacking": (StackingClassifier(beside_a_bag_of_words(), cv=2), "texts", 0.75),
    "AdaBoost": (AdaBoostClassifier(lstm(max_epochs=3), n_estimators=2), "ids", 0.7),
    "AdaBoost of series": (AdaBoostClassifier(network(max_epochs=16), n_estimators=2), "3-D", 0.5),
    "search of ragged series": (
        GridSearchCV(network(max_epochs=3), {"hidden_size": [2, 16]}, cv=2),
        "ragged",
        0.8,
    ),
    "search of series": (
        GridSearchCV(network(max_epochs=8, batch_size=4), {"hidden_size": [1, 12]}, cv=2),
        "3-D",
        0.5,
    ),
}


@pytest.mark.parametrize(("model", "kind", "least"), AROUND.values(), ids=AROUND)
def test_what_is_around_the_classifier_learns(model, kind, least, data):
    X, y, X_test, y_test = data[kind]
    model = clone(model).fit(X, y)
    assert model.score(X_test, y_test) > least
    if isinstance(model, GridSearchCV):
        assert model.best_params_["hidden_size"] > 2
    if getattr(model, "voting", "soft") == "soft":
        proba = model.predict_proba(X_test)
        assert proba.shape == (len(y_test), len(set(y)))
        assert_allclose(proba.sum(axis=1), 1)


@pytest.mark.thread_unsafe(reason="joblib's processes are one pool for all threads")
def test_grid_search_over_both_steps_in_two_processes(few_messages):
    texts, labels = few_messages
    grid = {
        "textsequencevectorizer__max_length": [1, 40],
        "lstmsequenceclassifier__cell": ["lstm", "gru"],
    }
    search = GridSearchCV(text_model(), grid, cv=2, n_jobs=2).fit(texts, labels)
    assert search.best_params_["textsequencevectorizer__max_length"] == 40
    assert search.best_score_ > 0.7
    assert search.best_estimator_[0].max_length_ == 40
    alone = cross_val_score(text_model().set_params(**search.best_params_), texts, labels, cv=2)
    assert_allclose(search.best_score_, alone.mean())  # the processes agree with this one


def test_cross_validation_gives_probabilities_in_the_order_of_the_classes(few_messages):
    texts, labels = few_messages
    found = cross_val_predict(text_model(), texts, labels, cv=2, method="predict_proba")
    assert found.shape == (240, 2)
    assert_allclose(found.sum(axis=1), 1)
    assert np.mean(np.array(["de", "nl"])[found.argmax(axis=1)] == labels) > 0.75
    scoring = ["accuracy", "roc_auc", "neg_log_loss", "f1_macro", "average_precision"]
    labels = (labels == "nl").astype(int)
    scores = cross_validate(text_model(), texts, labels, cv=2, scoring=scoring)
    assert_allclose(scores["test_accuracy"].mean(), np.mean(found.argmax(axis=1) == labels))
    assert min(scores["test_roc_auc"]) > 0.8
    assert max(scores["test_neg_log_loss"]) < 0


@pytest.mark.slow
def test_self_training_labels_samples_without_a_label(data):
    X, labels, X_test, y_test = data["ids"]
    y = (labels == "nl").astype(int)
    known = np.where(np.arange(len(y)) < 120, y, -1)
    model = SelfTrainingClassifier(lstm(max_epochs=10), threshold=0.8).fit(X, known)
    told = model.labeled_iter_ > 0
    assert told.sum() > 15
    assert np.mean(model.transduction_[told] == y[told]) > 0.85
    assert model.score(X_test, y_test == "nl") > 0.75


# --- Several labels


@pytest.mark.filterwarnings("ignore:X was read as")  # the length is hard to see
def test_one_versus_rest_and_several_outputs(data):
    X, labels, X_test, labels_test = data["ids"]
    is_long, is_long_test = (np.diff(ids.indptr) > 20 for ids in (X, X_test))
    y = np.column_stack([labels == "nl", is_long]).astype(int)
    expected = np.column_stack([labels_test == "nl", is_long_test])
    for around in (OneVsRestClassifier, MultiOutputClassifier):
        model = around(lstm()).fit(X, y)
        assert (model.predict(X_test) == expected).mean(axis=0).min() > 0.7
    # The chain makes floats of ids; a label that is appended to a text reads as an unknown token.
    chain = ClassifierChain(lstm(input_type="words"), random_state=0).fit(X.toarray(), y)
    assert (chain.predict(X_test.toarray()) == expected).mean(axis=0).min() > 0.7


# --- Weights, resampling


def test_sample_weight_is_routed_through_pipeline_and_cross_validation(few_messages):
    texts, labels = few_messages
    weights = np.random.default_rng(0).integers(0, 3, len(texts)).astype(float)
    with config_context(enable_metadata_routing=True):
        model = make_pipeline(
            TextSequenceVectorizer(max_length=40),
            lstm().set_fit_request(sample_weight=True).set_score_request(sample_weight=True),
        )
        model.fit(texts, labels, sample_weight=weights)
        ids = model[0].transform(texts)
        by_hand = lstm().fit(ids, labels, sample_weight=weights)
        assert_array_equal(model.predict_proba(texts), by_hand.predict_proba(ids))
        assert not np.array_equal(
            lstm().fit(ids, labels).predict_proba(ids), by_hand.predict_proba(ids)
        )

        halves = np.arange(240) % 2
        routed = cross_validate(
            model,
            texts,
            labels,
            cv=[(np.flatnonzero(halves == 0), np.flatnonzero(halves == 1))],
            scoring=get_scorer("accuracy").set_score_request(sample_weight=True),
            params={"sample_weight": weights},
        )["test_score"]
        train, test = halves == 0, halves == 1
        fold = clone(model).fit(texts[train], labels[train], sample_weight=weights[train])
        assert routed == [fold.score(texts[test], labels[test], sample_weight=weights[test])]
