"""scikit-learn's own checks of an estimator, on the classifier in several configurations."""

import copy
import pickle
from unittest import SkipTest

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_multilabel_classification
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from sklearn_lstm import LSTMSequenceClassifier

# Some checks pass any numbers as token ids.
pytestmark = pytest.mark.filterwarnings(
    "ignore:X is read as token ids, but most:sklearn_lstm.exceptions.InputTypeWarning"
)
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
CHECKS = {
    "words": [  # another way of reading X
        "check_array_api_input",
        "check_classifier_data_not_an_array",
        "check_classifiers_classes",
        "check_classifiers_multilabel_output_format_predict",
        "check_complex_data",
        "check_dtype_object",
        "check_estimator_sparse_array",
        "check_estimator_sparse_matrix",
        "check_estimator_sparse_tag",
        "check_estimators_dtypes",
        "check_estimators_empty_data_messages",
        "check_estimators_nan_inf",
        "check_estimators_partial_fit_n_features",
        "check_estimators_pickle",
        "check_f_contiguous_array_estimator",
        "check_fit1d",
        "check_fit2d_1feature",
        "check_fit2d_1sample",
        "check_fit2d_predict1d",
        "check_fit_idempotent",
        "check_methods_sample_order_invariance",
        "check_methods_subset_invariance",
        "check_n_features_in",
        "check_n_features_in_after_fitting",
        "check_pipeline_consistency",
        "check_readonly_memmap_input",
        "check_sample_weights_not_an_array",
    ],
    "deep": [  # another network
        "check_classifiers_classes",
        "check_estimators_pickle",
        "check_estimators_partial_fit_n_features",
        "check_fit2d_1feature",
        "check_fit2d_1sample",
        "check_fit_idempotent",
        "check_methods_sample_order_invariance",
        "check_methods_subset_invariance",
    ],
    "early stopping": [  # another training, and samples that are held out
        "check_all_zero_sample_weights_error",
        "check_class_weight_classifiers",
        "check_classifiers_one_label",
        "check_classifiers_one_label_sample_weights",
        "check_classifiers_regression_target",
        "check_dict_unchanged",
        "check_estimators_overwrite_params",
        "check_fit2d_1feature",
        "check_fit2d_1sample",
        "check_fit_idempotent",
        "check_sample_weights_list",
        "check_sample_weights_not_an_array",
        "check_sample_weights_not_overwritten",
        "check_sample_weights_pandas_series",
        "check_supervised_y_2d",
    ],
}
if SKLEARN_1_6:
    CHECKS["early stopping"].remove("check_all_zero_sample_weights_error")  # these are newer
    for name in ("check_array_api_input", "check_estimator_sparse_tag"):
        CHECKS["words"].remove(name)


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
    ("kind", "name"), [(kind, name) for kind, names in CHECKS.items() for name in names]
)
def test_scikit_learn_check_of_what_is_different(kind, name):
    estimator = ESTIMATORS[kind]
    checks = [check for _, check in estimator_checks_generator(estimator) if name_of(check) == name]
    assert checks
    for check in checks:
        check(clone(estimator))


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
    """An unfitted classifier, X of the kind that it reads, and a y of three labels."""
    X, y = make_multilabel_classification(60, 12, n_classes=3, random_state=0)
    X = X.astype(np.int64) if request.param == "words" else X.reshape(60, 4, 3) + 0.5
    return clone(ESTIMATORS[request.param]).set_params(random_state=0), X, y


def outputs(model, X):
    methods = "predict_proba", "predict_log_proba", "decision_function", "predict"
    return {method: getattr(model, method)(X) for method in methods}


def assert_same(found, expected):
    for method, values in expected.items():
        assert found[method].dtype == values.dtype
        assert_allclose(found[method], values, rtol=1e-6, atol=1e-7, err_msg=method)


def test_multilabel_outputs_agree(multilabel):
    model, X, y = multilabel
    found = outputs(model.fit(X, y), X)
    assert {values.shape for values in found.values()} == {(60, 3)}
    assert_array_equal(model.classes_, [0, 1, 2])
    assert set(np.unique(found["predict"])) <= {0, 1}
    assert_array_equal(found["predict"], found["predict_proba"] > 0.5)
    assert_array_equal(found["predict"], found["decision_function"] > 0)
    assert_allclose(np.exp(found["predict_log_proba"]), found["predict_proba"])
    assert model.score(X, y) == pytest.approx(np.mean((found["predict"] == y).all(axis=1)))


def test_multilabel_fit_is_idempotent_and_changes_no_parameter(multilabel):
    model, X, y = multilabel
    parameters = copy.deepcopy(model.get_params())
    before = X.copy(), y.copy()
    first = outputs(model.fit(X, y), X)
    for method, values in outputs(model.fit(X, y), X).items():
        assert_array_equal(values, first[method])
    assert model.get_params() == parameters
    assert_array_equal(X, before[0])
    assert_array_equal(y, before[1])


def test_multilabel_predictions_depend_on_the_sample_alone(multilabel):
    model, X, y = multilabel
    expected = outputs(model.fit(X, y), X)
    order = np.random.default_rng(0).permutation(60)
    assert_same(outputs(model, X[order]), {key: all_[order] for key, all_ in expected.items()})
    for row in range(0, 60, 7):
        one = slice(row, row + 1)
        assert_same(outputs(model, X[one]), {key: all_[one] for key, all_ in expected.items()})


@pytest.mark.parametrize("multilabel", ["default"], indirect=True)
def test_multilabel_targets_of_any_container_mean_the_same(multilabel):
    model, X, y = multilabel
    expected = model.fit(X, y).predict_proba(X)
    for other in (y.tolist(), y.astype(bool), y.astype(float), sp.csr_matrix(y), sp.csc_array(y)):
        assert_array_equal(model.fit(X, other).predict_proba(X), expected)


def test_multilabel_weights_of_one_are_none_and_of_zero_leave_out(multilabel):
    model, X, y = multilabel
    expected = model.fit(X, y).predict_proba(X)
    assert_array_equal(model.fit(X, y, sample_weight=np.ones(60)).predict_proba(X), expected)
    kept = np.arange(60) % 3 > 0
    expected = model.fit(X[kept], y[kept]).predict_proba(X)
    assert_array_equal(model.fit(X, y, sample_weight=kept.astype(float)).predict_proba(X), expected)


def test_multilabel_partial_fit_and_pickle(multilabel):
    model, X, y = multilabel
    for _ in range(3):
        model.partial_fit(X, y)
    restored = pickle.loads(pickle.dumps(model))
    for method, values in outputs(model, X).items():
        assert_array_equal(getattr(restored, method)(X), values)
    with pytest.raises(ValueError, match="multilabel"):
        model.partial_fit(X, y[:, 0])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fit(X, y[:2])


def test_multilabel_beats_the_most_frequent_labels(multilabel):
    model, X, y = multilabel
    model.set_params(batch_size=8, max_epochs=20).fit(X, y)
    majority = np.round(y.mean(axis=0))
    assert (model.predict(X) == y).mean() > (majority == y).mean()
