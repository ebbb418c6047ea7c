"""Importing the package is quick and has no side effects; nothing optional is needed."""

import importlib.util
import subprocess
import sys
import textwrap

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer


def run(code):
    subprocess.run([sys.executable, "-W", "error", "-c", textwrap.dedent(code)], check=True)  # noqa: S603


def test_importing_brings_in_nothing_but_the_dependencies_and_changes_no_state():
    run("""
        import logging, os, random, sys, warnings
        import joblib, numpy, scipy.optimize, scipy.sparse, scipy.special, skorch, sklearn, torch
        import sklearn.feature_extraction.text, sklearn.svm, sklearn.utils.multiclass
        import sklearn.linear_model
        import skorch.callbacks, skorch.helper

        def packages():
            return {name.split(".")[0] for name in sys.modules} - sys.stdlib_module_names

        def state():
            return [
                torch.get_num_threads(), torch.get_num_interop_threads(), torch.get_default_dtype(),
                torch.get_rng_state().tolist(), numpy.random.get_state()[1].tolist(),
                random.getstate(), torch.are_deterministic_algorithms_enabled(),
                torch.is_grad_enabled(), sklearn.get_config(), list(warnings.filters),
                dict(os.environ), logging.getLogger().level, logging.getLogger().handlers[:],
                numpy.geterr(),
            ]

        packages_before, state_before = packages(), state()
        from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
        assert packages() - packages_before == {"sklearn_lstm"}, packages() - packages_before
        assert state() == state_before
    """)


def test_texts_are_classified_without_any_optional_dependency():
    run("""
        import sys

        OPTIONAL = {"gensim", "pandas", "matplotlib", "polars", "pyarrow", "imblearn", "django"}

        class Without:
            def __init__(self, finder):
                self.finder = finder

            def __getattr__(self, name):
                return getattr(self.finder, name)

            def find_spec(self, name, path=None, target=None):
                found = name.split(".")[0] not in OPTIONAL
                return self.finder.find_spec(name, path, target) if found else None

        sys.meta_path[:] = map(Without, sys.meta_path)
        from sklearn.pipeline import make_pipeline
        from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer

        model = make_pipeline(TextSequenceVectorizer(), LSTMSequenceClassifier(max_epochs=1))
        model.fit(["good day", "bad day"], ["yes", "no"]).predict(["good night"])
        assert not OPTIONAL & set(sys.modules)
    """)


def test_callbacks_can_be_set_where_scikit_learn_has_them():
    has_callbacks = importlib.util.find_spec("sklearn.callback") is not None
    for estimator in (LSTMSequenceClassifier(), TextSequenceVectorizer()):
        assert hasattr(estimator, "set_callbacks") == has_callbacks
