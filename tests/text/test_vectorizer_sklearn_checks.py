"""Twins of scikit-learn's estimator checks, which it skips for estimators of strings."""

import copy

import joblib
import numpy as np
import pytest
from round_trips import ROUND_TRIPS
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator

from sklearn_lstm import TextSequenceVectorizer, WordVectors

TEXTS = ["The cat sat on the mat.", "it's a dog's life", "", "the dog & the cat!", "élan  vital"]
VARIANTS = {
    "default": {},
    "char": {"analyzer": "char"},
    "callable": {"analyzer": str.split},
    "dense": {"output": "dense", "padding": "pre", "max_length": 3},
    "onehot": {"output": "onehot"},
    "pruned": {"min_df": 2, "truncation": "middle", "max_length": 4},
    "given": {"vocabulary": ["the", "cat"], "max_length": 2, "truncation": "post"},
    "stop words": {"stop_words": ["the"]},
}


@pytest.fixture(params=VARIANTS.values(), ids=VARIANTS.keys())
def vectorizer(request):
    return TextSequenceVectorizer(**request.param)


def dense(X):
    return X if isinstance(X, np.ndarray) else X.toarray()


def assert_same(X, Y):
    assert type(X) is type(Y)
    assert X.dtype == Y.dtype
    np.testing.assert_array_equal(dense(X), dense(Y))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_the_checks_that_scikit_learn_runs_pass(vectorizer):
    check_estimator(vectorizer, on_skip=None)


@pytest.mark.parametrize("estimator", [TextSequenceVectorizer(), WordVectors()])
def test_tags_say_strings_without_labels(estimator):
    tags = get_tags(estimator)
    assert tags.input_tags.string
    assert not tags.input_tags.two_d_array
    assert (tags.transformer_tags is not None) == hasattr(estimator, "transform")
    assert not tags.target_tags.required
    assert not tags.non_deterministic


def test_clone_keeps_parameters_and_forgets_the_fit(vectorizer):
    copied = clone(vectorizer.fit(TEXTS))
    assert copied.get_params() == vectorizer.get_params()
    with pytest.raises(NotFittedError):
        copied.transform(TEXTS)


def test_fit_returns_self_and_leaves_parameters_alone(vectorizer):
    before = copy.deepcopy(vectorizer.get_params())
    for method in (vectorizer.fit, vectorizer.partial_fit):
        assert method(TEXTS) is vectorizer
        assert vectorizer.get_params() == before


def test_fit_adds_only_fitted_attributes(vectorizer):
    parameters = set(vectorizer.get_params())
    vectorizer.fit(TEXTS)
    added = set(vars(vectorizer)) - parameters
    names = {name for name in added if not name.startswith("_")}
    assert names == {"vocabulary_", "max_length_", "coverage_"}
    assert added - names == {"_counts", "_columns", "_categories"}


def test_fit_transform_is_fit_then_transform(vectorizer):
    at_once = vectorizer.fit_transform(TEXTS, [0] * len(TEXTS))
    assert_same(at_once, vectorizer.transform(TEXTS))
    assert_same(at_once, clone(vectorizer).fit(TEXTS, [0] * len(TEXTS)).transform(TEXTS))


def test_transform_leaves_the_estimator_as_it_was(vectorizer):
    vectorizer.fit(TEXTS)
    before = joblib.hash(vars(vectorizer))
    vectorizer.inverse_transform(vectorizer.transform(TEXTS))
    vectorizer.get_feature_names_out()
    assert joblib.hash(vars(vectorizer)) == before


@pytest.mark.parametrize(
    "name", ["pickle", "deepcopy", "joblib memory-mapped", "joblib compressed"]
)
def test_copies_transform_and_go_on_alike(vectorizer, name, tmp_path):
    vectorizer = clone(vectorizer).fit(TEXTS)
    restored = ROUND_TRIPS[name](vectorizer, tmp_path)
    assert_same(restored.transform(TEXTS), vectorizer.transform(TEXTS))
    further = ["a new text", "the new cat"]
    assert restored.partial_fit(further).vocabulary_ == vectorizer.partial_fit(further).vocabulary_


def test_feature_names_match_the_columns(vectorizer):
    X = vectorizer.fit_transform(TEXTS)
    names = vectorizer.get_feature_names_out()
    assert names.dtype == object
    assert len(names) == X.shape[1] == vectorizer.max_length_
