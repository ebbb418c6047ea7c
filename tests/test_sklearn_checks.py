"""scikit-learn's own checks of an estimator, on the classifier in several configurations."""

import copy
import pickle
from unittest import SkipTest

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_multilabel_classification
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from sklearn_lstm import LSTMSequenceClassifier

# Checks pass data frames, and integers that are drawn: 0 and negative ones stand anywhere.
TOLD = "Each row of X is read as", r"X\[\d+\] has 0 between ids", "X holds "
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:{text}:sklearn_lstm.exceptions.InputTypeWarning")
    for text in TOLD
]
SKLEARN_1_6 = sklearn.__version__.startswith("1.6.")
# Defaults, but for the length of training.
SHORT = {"hidden_size": 8, "lr": 0.03, "batch_size": 32, "max_epochs": 6}
NETWORK = SHORT | {"linear_model": False}
ESTIMATORS = {
    "default": LSTMSequenceClassifier(**SHORT),
    "words": LSTMSequenceClassifier(**SHORT, input_type="words"),
    # Odd: rows that are not aligned in memory must not be rounded by their place in the batch.
    "deep": LSTMSequenceClassifier(
        **NETWORK | {"pooling": "attention", "num_layers": 2, "hidden_size": 7}
    ),
    "early stopping": LSTMSequenceClassifier(**NETWORK, early_stopping=True),
}
# All checks run on the default. On the others, those run that their difference could break:
CHECKS = {  # without "check_"
    "words": """
        array_api_input classifier_data_not_an_array classifiers_classes
        classifiers_multilabel_output_format_predict complex_data dtype_object
        estimator_sparse_array estimator_sparse_matrix estimator_sparse_tag
        estimators_dtypes estimators_empty_data_messages estimators_nan_inf
        estimators_partial_fit_n_features estimators_pickle f_contiguous_array_estimator
        fit1d fit2d_1feature fit2d_1sample fit2d_predict1d fit_idempotent
        methods_sample_order_invariance methods_subset_invariance n_features_in
        n_features_in_after_fitting pipeline_consistency readonly_memmap_input
        sample_weights_not_an_array
    """,  # another way of reading X
    "deep": """
        classifiers_classes estimators_pickle estimators_partial_fit_n_features
        fit2d_1feature fit2d_1sample fit_idempotent methods_sample_order_invariance
        methods_subset_invariance
    """,  # another network
    "early stopping": """
        all_zero_sample_weights_error class_weight_classifiers classifiers_one_label
        classifiers_one_label_sample_weights classifiers_regression_target dict_unchanged
        estimators_overwrite_params fit2d_1feature fit2d_1sample fit_idempotent
        sample_weights_list sample_weights_not_an_array sample_weights_not_overwritten
        sample_weights_pandas_series supervised_y_2d
    """,  # another training, and samples that are held out
}
NEWER = "all_zero_sample_weights_error", "array_api_input", "estimator_sparse_tag"


EXPECTED_FAILURES = {
    "check_sample_weight_equivalence_on_dense_data": (
        "weights count in the loss, but a repeated sample also changes which samples share a "
        "batch and how many updates there are: the two are equivalent in expectation only"
    )
}


@parametrize_with_checks(
    [ESTIMATORS["default"]], expected_failed_checks=lambda _: EXPECTED_FAILURES
)
def test_scikit_learn_check(estimator, check):
    try:
        check(estimator)
    except SkipTest as skipped:
        pytest.fail(f"skipped: {skipped}")


def name_of(check):
    return getattr(check, "func", check).__name__


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, names in CHECKS.items() for name in names.split()]
)
def test_scikit_learn_check_of_what_is_different(kind, name):
    checks = [check for _, check in estimator_checks_generator(ESTIMATORS[kind])]
    checks = [check for check in checks if name_of(check) == f"check_{name}"]
    assert checks or (SKLEARN_1_6 and name in NEWER)
    for check in checks:
        check(clone(ESTIMATORS[kind]))


@pytest.mark.parametrize(
    "estimator",
    [*ESTIMATORS.values(), LSTMSequenceClassifier(input_type="characters")],
    ids=[*ESTIMATORS, "characters"],
)
def test_tags_leave_out_no_check(estimator):
    tags = get_tags(estimator)
    assert tags.input_tags.two_d_array
    assert tags.input_tags.three_d_array
    assert not tags.non_deterministic
    assert not tags.no_validation
    assert not tags.classifier_tags.poor_score
    assert tags.classifier_tags.multi_class
    names = {name_of(check) for _, check in estimator_checks_generator(estimator)}
    assert {
        "check_classifiers_train",
        "check_classifiers_multilabel_output_format_decision_function",
        "check_classifiers_multilabel_output_format_predict",
        "check_classifiers_multilabel_output_format_predict_proba",
        "check_classifiers_multilabel_representation_invariance",
        "check_estimators_partial_fit_n_features",
        "check_fit_idempotent",
        "check_methods_sample_order_invariance",
        "check_methods_subset_invariance",
        "check_sample_weights_list",
    } <= names
    assert tags.input_tags.allow_nan == (estimator.input_type == "auto")  # missing values
    assert tags.input_tags.sparse == tags.input_tags.categorical == (not tags.input_tags.allow_nan)
    assert ("check_estimators_nan_inf" in names) != tags.input_tags.allow_nan


# Of scikit-learn's checks only the four named above fit multilabel targets. What the others check
# is checked here for a y of several labels.


@pytest.fixture(params=["default", "words", "early stopping"])
def multilabel(request):
    """A function that makes a classifier, X of the kind that it reads, and a y of three labels."""
    X, y = make_multilabel_classification(60, 12, n_classes=3, random_state=0)
    X = X.astype(np.int64) if request.param == "words" else X.reshape(60, 4, 3) + 0.5
    return lambda: clone(ESTIMATORS[request.param]).set_params(random_state=0), X, y


def outputs(model, X):
    methods = "predict_proba", "predict_log_proba", "decision_function", "predict"
    return {method: getattr(model, method)(X) for method in methods}


def assert_same(found, expected):
    for method, values in expected.items():
        assert found[method].dtype == values.dtype
        assert_allclose(found[method], values, rtol=1e-6, atol=1e-7, err_msg=method)


def test_multilabel_outputs_agree_and_depend_on_the_sample_alone(multilabel):
    make, X, y = multilabel
    model = make()
    found = outputs(model.fit(X, y), X)
    assert {values.shape for values in found.values()} == {(60, 3)}
    assert_array_equal(model.classes_, [0, 1, 2])
    assert set(np.unique(found["predict"])) <= {0, 1}
    assert_array_equal(found["predict"], found["predict_proba"] > 0.5)
    assert_array_equal(found["predict"], found["decision_function"] > 0)
    assert_allclose(np.exp(found["predict_log_proba"]), found["predict_proba"])
    assert model.score(X, y) == pytest.approx(np.mean((found["predict"] == y).all(axis=1)))
    order = np.random.default_rng(0).permutation(60)
    for rows in (order, *(slice(row, row + 1) for row in range(0, 60, 7))):
        assert_same(outputs(model, X[rows]), {key: all_[rows] for key, all_ in found.items()})


def test_multilabel_fit_is_idempotent_and_changes_no_parameter(multilabel):
    make, X, y = multilabel
    model = make()
    parameters, before = copy.deepcopy(model.get_params()), (X.copy(), y.copy())
    first = outputs(model.fit(X, y), X)
    for method, values in outputs(model.fit(X, y), X).items():
        assert_array_equal(values, first[method])
    assert model.get_params() == parameters
    assert_array_equal(X, before[0])
    assert_array_equal(y, before[1])


def test_multilabel_weights_of_one_are_none_and_of_zero_leave_out(multilabel):
    make, X, y = multilabel
    model = make()
    expected = model.fit(X, y).predict_proba(X)
    assert_array_equal(model.fit(X, y, sample_weight=np.ones(60)).predict_proba(X), expected)
    kept = np.arange(60) % 3 > 0
    expected = model.fit(X[kept], y[kept]).predict_proba(X)
    assert_array_equal(model.fit(X, y, sample_weight=kept.astype(float)).predict_proba(X), expected)


def test_multilabel_partial_fit_and_pickle(multilabel):
    make, X, y = multilabel
    model = make()
    for _ in range(3):
        model.partial_fit(X, y)
    restored = pickle.loads(pickle.dumps(model))
    for method, values in outputs(model, X).items():
        assert_array_equal(getattr(restored, method)(X), values)
    with pytest.raises(ValueError, match="multilabel"):
        model.partial_fit(X, y[:, 0])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fit(X, y[:2])
