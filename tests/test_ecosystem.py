"""The classifier inside whatever scikit-learn and its neighbours put around an estimator."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline as make_resampling_pipeline
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import loguniform
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - switches it on
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer, recall_score
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.semi_supervised import SelfTrainingClassifier

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
from sklearn_lstm.exceptions import InputTypeWarning

SPLIT = slice(None, 180), slice(180, None)  # of the 240 messages


def lstm(**options):
    defaults = {"hidden_size": 8, "lr": 0.04, "batch_size": 16, "max_epochs": 5, "random_state": 0}
    return LSTMSequenceClassifier(**{**defaults, **options})


def network(**options):
    return lstm(**{"batch_size": 8, "linear_model": False} | options)


def text_model(**options):
    return make_pipeline(TextSequenceVectorizer(max_length=40), lstm(**options))


def bag_of_words():
    return make_pipeline(TfidfVectorizer(), LogisticRegression())


def flat_baseline():
    return make_pipeline(
        FunctionTransformer(lambda X: X.mean(axis=1)), LogisticRegression(max_iter=1000)
    )


@pytest.fixture(scope="session")
def ids(few_messages):
    """The 240 messages as CSR token ids, and their labels."""
    texts, labels = few_messages
    return TextSequenceVectorizer(max_length=40).fit_transform(texts), labels


@pytest.fixture(scope="session")
def rows_of_ids(ids):
    """The same as a ragged list."""
    X, labels = ids
    return np.split(X.data, X.indptr[1:-1]), labels


def accuracy_on_held_out(model, X, y):
    train, test = SPLIT
    return model.fit(X[train], y[train]).score(X[test], y[test])


# --- Pipelines and columns


def test_three_lines_learn_from_texts(few_messages):
    texts, labels = few_messages
    train, test = SPLIT
    model = text_model().fit(list(texts[train]), pd.Series(labels[train]))
    assert model.score(pd.Series(texts[test]), labels[test]) > 0.75
    assert model.classes_.tolist() == ["de", "nl"]
    assert model.predict_proba(texts[test]).shape == (60, 2)


@pytest.mark.parametrize("sparse_threshold", [0, 1])
def test_column_transformer_passes_a_text_column_on(few_messages, sparse_threshold):
    texts, labels = few_messages
    frame = pd.DataFrame({"number": np.arange(len(texts)), "text": texts})
    columns = make_column_transformer(
        (TextSequenceVectorizer(max_length=40), "text"), sparse_threshold=sparse_threshold
    )
    model = make_pipeline(columns, lstm())
    assert accuracy_on_held_out(model, frame, labels) > 0.75
    # Its stack of columns does not say how the ids are spelled; nor does a dense array.
    plain = make_pipeline(TextSequenceVectorizer(max_length=40, output="dense"), lstm())
    plain.fit(texts[SPLIT[0]], labels[SPLIT[0]])
    assert_array_equal(model.predict_proba(frame), plain.predict_proba(texts))


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_set_output_passes_a_data_frame_on(few_messages, library):
    texts, labels = few_messages
    plain = make_pipeline(TextSequenceVectorizer(max_length=40, output="dense"), lstm())
    expected = clone(plain).fit(texts, labels).predict_proba(texts)
    model = plain.set_output(transform=library).fit(texts, labels)
    frame = model[:-1].transform(texts)
    assert type(frame).__module__.split(".")[0] == library
    assert model[-1].feature_names_in_[:2].tolist() == ["position0", "position1"]
    assert_array_equal(model.predict_proba(texts), expected)
    with pytest.raises(ValueError, match="feature names should match"):
        model[-1].predict(frame.rename({"position0": "other"}, **_columns(library)))


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_texts_are_classified_while_transformers_return_data_frames(few_messages, library):
    texts, labels = few_messages
    model = make_pipeline(TextSequenceVectorizer(max_length=40), lstm())
    expected = model.fit(texts, labels).predict_proba(texts)
    with config_context(transform_output=library):
        assert_array_equal(model.fit(texts, labels).predict_proba(texts), expected)


def _columns(library):
    return {"axis": 1} if library == "pandas" else {}


def _columns_of(rows):  # for all others, see tests/data
    lists = [row.tolist() for row in rows]
    yield pd.DataFrame({"sequence": lists})
    yield pd.Series(lists, index=np.arange(len(rows))[::-1] + 7)
    yield pl.Series(lists)
    yield pa.table({"sequence": lists})


def test_a_column_of_lists_is_the_ragged_list(rows_of_ids, digit_columns):
    rows, labels = rows_of_ids[0][:60], rows_of_ids[1][:60]
    series, digits = digit_columns[0][::5], digit_columns[1][::5]
    for X, y, input_type in ((rows, labels, "words"), (series, digits, "measurements")):
        expected = lstm(max_epochs=1).fit(X, y)
        for column in _columns_of(X):
            model = lstm(max_epochs=1).fit(column, y)
            assert model.input_type_ == input_type
            assert_array_equal(model.predict_proba(column), expected.predict_proba(X))
            if not hasattr(column, "columns"):  # scikit-learn warns of names that fit did not see
                assert_array_equal(expected.predict(column), expected.predict(X))


# --- Searches


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


@pytest.mark.slow
def test_randomized_search_over_both_steps_in_two_processes(few_messages):
    texts, labels = few_messages
    space = {
        "textsequencevectorizer__analyzer": ["word", "char"],
        "lstmsequenceclassifier__lr": loguniform(1e-2, 1e-1),
        "lstmsequenceclassifier__pooling": ["max", ("mean", "last")],
    }
    search = RandomizedSearchCV(text_model(), space, n_iter=4, cv=2, n_jobs=2, random_state=0)
    search.fit(texts, labels)
    assert set(search.best_params_) == set(space)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.score(texts, labels) > 0.75


@pytest.mark.slow
@pytest.mark.parametrize("resource", ["n_samples", "lstmsequenceclassifier__max_epochs"])
def test_halving_grid_search(few_messages, resource):
    texts, labels = few_messages
    search = HalvingGridSearchCV(
        text_model(),
        {"textsequencevectorizer__max_length": [1, 10, 40]},
        resource=resource,
        cv=2,
        random_state=0,
        **({"min_resources": 40} if resource == "n_samples" else {"max_resources": 6}),
    ).fit(texts, labels)
    assert search.n_iterations_ == 2
    assert search.best_params_["textsequencevectorizer__max_length"] > 1
    assert search.score(texts, labels) > 0.6


def test_grid_search_over_ragged_lists(digit_columns):
    X, y, X_test, y_test = digit_columns
    search = GridSearchCV(network(), {"hidden_size": [2, 16]}, cv=2)
    assert search.fit(X, y).score(X_test, y_test) > 0.9
    assert search.best_params_["hidden_size"] == 16


def test_grid_search_over_three_dimensional_arrays(digit_rows):
    X, y, X_test, y_test = digit_rows
    search = GridSearchCV(network(max_epochs=8, batch_size=4), {"hidden_size": [1, 12]}, cv=2)
    assert search.fit(X, y).score(X_test, y_test) > 0.5
    assert search.best_params_ == {"hidden_size": 12}


# --- Validation


def test_cross_val_predict_returns_probabilities_in_the_order_of_the_classes(few_messages):
    texts, labels = few_messages
    found = cross_val_predict(text_model(), texts, labels, cv=2, method="predict_proba")
    assert found.shape == (240, 2)
    assert_allclose(found.sum(axis=1), 1)
    assert np.mean(np.array(["de", "nl"])[found.argmax(axis=1)] == labels) > 0.75


def test_cross_validate_with_several_scores(few_messages):
    texts, labels = few_messages
    scoring = ["accuracy", "roc_auc", "neg_log_loss", "f1_macro", "average_precision"]
    labels = (labels == "nl").astype(int)
    found = cross_validate(
        text_model(), texts, labels, cv=2, scoring=scoring, return_estimator=True
    )
    assert min(found["test_roc_auc"]) > 0.8
    assert min(found["test_accuracy"]) > 0.7
    assert max(found["test_neg_log_loss"]) < 0
    assert {estimator[-1].n_epochs_ for estimator in found["estimator"]} == {5}


@pytest.mark.parametrize("kind", ["ragged ids", "ragged series", "3-D"])
def test_cross_validation_of_other_kinds_of_x(rows_of_ids, digit_columns, digit_rows, kind):
    X, y = {"ragged ids": rows_of_ids, "ragged series": digit_columns[:2], "3-D": digit_rows[:2]}[
        kind
    ]
    model = network(hidden_size=12, max_epochs=8)
    predicted = cross_val_predict(model, X, y, cv=2)
    assert predicted.dtype == np.asarray(y).dtype
    assert np.mean(predicted == y) > 0.5 + 0.5 / len(set(y)) - 0.1
    assert cross_validate(model, X, y, cv=2)["test_score"].mean() == pytest.approx(
        np.mean(predicted == y)
    )


# --- Unlabelled data


@pytest.mark.slow
def test_self_training_labels_samples_without_a_label(ids):
    X, labels = ids
    y = (labels == "nl").astype(int)
    known = np.where(np.arange(len(y)) < 120, y, -1)
    model = SelfTrainingClassifier(lstm(max_epochs=10), threshold=0.8).fit(X, known)
    told = model.labeled_iter_ > 0
    assert told.sum() > 30
    assert np.mean(model.transduction_[told] == y[told]) > 0.85
    assert model.score(X[120:], y[120:]) > 0.75


# --- Ensembles


def test_calibration(few_messages):
    texts, labels = few_messages
    model = CalibratedClassifierCV(text_model(), method="isotonic", cv=2)
    assert accuracy_on_held_out(model, texts, labels) > 0.75
    assert_allclose(model.predict_proba(texts).sum(axis=1), 1)


def test_calibration_of_a_frozen_model_on_ragged_lists(digit_columns):
    X, y, X_test, y_test = digit_columns
    frozen = FrozenEstimator(network().fit(X, y))
    model = CalibratedClassifierCV(frozen).fit(X_test[::2], y_test[::2])
    assert model.score(X_test[1::2], y_test[1::2]) > 0.8


def test_voting_beside_a_bag_of_words(few_messages):
    texts, labels = few_messages
    model = VotingClassifier([("lstm", text_model()), ("bag", bag_of_words())])  # by labels
    assert accuracy_on_held_out(model, texts, labels) > 0.75
    assert_array_equal(
        model.named_estimators_["lstm"].predict_proba(texts),
        text_model().fit(texts[:180], (labels[:180] == "nl").astype(int)).predict_proba(texts),
    )


def test_stacking_beside_a_bag_of_words(few_messages):
    texts, labels = few_messages
    model = StackingClassifier([("lstm", text_model()), ("bag", bag_of_words())], cv=2)
    assert accuracy_on_held_out(model, texts, labels) > 0.75
    assert model.transform(texts).shape == (240, 2)


def test_voting_and_stacking_on_three_dimensional_arrays(digit_rows):
    X, y, X_test, y_test = digit_rows
    members = [("lstm", network(max_epochs=10)), ("means", flat_baseline())]
    assert VotingClassifier(members, voting="soft").fit(X, y).score(X_test, y_test) > 0.5
    stacked = StackingClassifier(members, cv=2).fit(X, y)
    assert stacked.score(X_test, y_test) > 0.5
    assert stacked.transform(X).shape == (40, 8)


def test_bagging_of_token_ids(ids):
    X, labels = ids
    model = BaggingClassifier(lstm(random_state=None), n_estimators=2, random_state=0)
    assert accuracy_on_held_out(model, X, labels) > 0.75
    first, second = (member.predict_proba(X) for member in model.estimators_)
    assert not np.array_equal(first, second)


def test_ada_boost_of_token_ids(ids):
    X, labels = ids
    model = AdaBoostClassifier(lstm(max_epochs=3), n_estimators=2, random_state=0)
    assert accuracy_on_held_out(model, X, labels) > 0.7


def test_ada_boost_of_three_dimensional_arrays(digit_rows):
    X, y, X_test, y_test = digit_rows
    model = AdaBoostClassifier(network(max_epochs=8), n_estimators=2, random_state=0)
    assert model.fit(X, y).score(X_test, y_test) > 0.5


# --- Several classifiers for several classes or labels


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ragged", "3-D"])
def test_one_versus_rest(digit_columns, digit_rows, kind):
    X, y, X_test, y_test = digit_columns if kind == "ragged" else digit_rows
    model = OneVsRestClassifier(network(max_epochs=8)).fit(X, y)
    assert len(model.estimators_) == len(set(y))
    assert model.score(X_test, y_test) > 0.5
    assert model.predict_proba(X_test).shape == (len(y_test), len(set(y)))


def test_one_versus_rest_of_texts(few_messages):
    texts, labels = few_messages
    is_sentence = np.array([text.endswith(".") for text in texts])
    y = np.column_stack([labels == "nl", is_sentence]).astype(int)
    model = OneVsRestClassifier(text_model()).fit(texts[:180], y[:180])
    assert (model.predict(texts[180:]) == y[180:]).mean(axis=0).min() > 0.7


def test_several_outputs(ids):
    X, labels = ids
    y = np.column_stack([labels, np.where(np.diff(X.indptr) > 20, "long", "short")])
    model = MultiOutputClassifier(lstm()).fit(X[:180], y[:180])
    assert (model.predict(X[180:]) == y[180:]).mean(axis=0).min() > 0.7


def test_classifier_chain_of_series(digit_rows):
    X, y, X_test, y_test = digit_rows
    X, X_test = X.reshape(40, 64), X_test.reshape(40, 64)  # a chain appends labels as columns
    classes = np.unique(y)
    Y, Y_test = (y[:, None] == classes).astype(int), (y_test[:, None] == classes).astype(int)
    chain = ClassifierChain(network(max_epochs=10), random_state=0).fit(X, Y)
    assert chain.predict_proba(X_test).shape == (40, 4)
    assert [member.n_features_in_ for member in chain.estimators_] == [64, 65, 66, 67]
    assert (chain.predict(X_test) == Y_test).mean() > 0.75


def test_classifier_chain_of_token_ids(ids):
    X, labels = ids
    X = X.toarray()
    Y = np.column_stack([labels == "nl", (X > 0).sum(axis=1) > 20]).astype(int)
    # The chain makes floats of ids; a label that is appended to a text reads as an unknown token.
    chain = ClassifierChain(lstm(input_type="words"), random_state=0).fit(X[:180], Y[:180])
    assert (chain.predict(X[180:]) == Y[180:]).mean(axis=0).min() > 0.7


# --- Weights, resampling


def test_over_sampling_in_an_imbalanced_learn_pipeline(messages):
    texts, labels = messages
    train, test = slice(None, 300), slice(300, None)
    model = make_resampling_pipeline(
        TextSequenceVectorizer(max_length=40), RandomOverSampler(random_state=0), lstm()
    ).fit(texts[train], labels[train])
    with pytest.warns(InputTypeWarning, match="RandomOverSampler"):
        proba = model.predict_proba(texts[test])
    predicted = model.classes_[proba.argmax(axis=1)]
    assert recall_score(labels[test], predicted, pos_label="nl") > 0.5
    n_german = int(np.sum(labels[train] == "de"))
    X, y = model[1].fit_resample(model[0].transform(texts[train]), labels[train])
    assert X.shape[0] == len(y) == 2 * n_german
    with pytest.warns(InputTypeWarning, match="RandomOverSampler"):
        expected = lstm().fit(X, y).predict_proba(model[0].transform(texts[test]))
    assert_array_equal(proba, expected)


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

        search = GridSearchCV(
            model,
            {"lstmsequenceclassifier__max_epochs": [1, 5]},
            cv=2,
            scoring=get_scorer("neg_log_loss").set_score_request(sample_weight=True),
        ).fit(texts, labels, sample_weight=weights)
        assert_array_equal(search.predict_proba(texts), model.predict_proba(texts))


def test_sample_weight_that_nobody_asked_for_is_an_error(few_messages):
    texts, labels = few_messages
    with (
        config_context(enable_metadata_routing=True),
        pytest.raises(ValueError, match=r"sample_weight.*are passed but are not explicitly set"),
    ):
        text_model().fit(texts, labels, sample_weight=np.ones(len(texts)))
