"""Importing the package is quick and has no side effects; nothing optional is needed."""

import importlib.util
import subprocess
import sys
import textwrap

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer


def run(code):
    subprocess.run([sys.executable, "-W", "error", "-c", textwrap.dedent(code)], check=True)  # noqa: S603


def test_the_package_needs_its_dependencies_alone_and_importing_it_changes_no_state():
    run("""
        import logging, os, random, sys, warnings

        OPTIONAL = {"gensim", "pandas", "matplotlib", "polars", "pyarrow", "imblearn", "django"}
        asked = set()

        class Without:
            def __init__(self, finder):
                self.finder = finder

            def __getattr__(self, name):
                return getattr(self.finder, name)

            def find_spec(self, name, path=None, target=None):
                package = name.split(".")[0]
                asked.add(package)
                return None if package in OPTIONAL else self.finder.find_spec(name, path, target)

        sys.meta_path[:] = map(Without, sys.meta_path)
        import joblib, numpy, scipy.optimize, scipy.sparse, scipy.special, skorch, sklearn, torch
        import sklearn.feature_extraction.text, sklearn.svm, sklearn.utils.multiclass
        import sklearn.linear_model
        import skorch.callbacks, skorch.helper
        from sklearn.pipeline import make_pipeline

        def state():
            return [
                torch.get_num_threads(), torch.get_num_interop_threads(), torch.get_default_dtype(),
                torch.get_rng_state().tolist(), numpy.random.get_state()[1].tolist(),
                random.getstate(), torch.are_deterministic_algorithms_enabled(),
                torch.is_grad_enabled(), sklearn.get_config(), list(warnings.filters),
                dict(os.environ), logging.getLogger().level, logging.getLogger().handlers[:],
                numpy.geterr(),
            ]

        before = state()
        asked.clear()
        from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
        others = asked - sys.stdlib_module_names - {"backports_abc"}  # asked for by old Cython
        assert others <= {"sklearn_lstm"} | set(sys.modules), others
        assert not asked & OPTIONAL
        assert state() == before

        from sklearn_lstm.members.network.architecture import Architecture
        from sklearn_lstm.members.network.sequence_network import SequenceNetwork
        sizes = {"n_inputs": 9, "n_outputs": 2, "embedding_dim": 4, "hidden_size": 4}
        known = set(sys.modules)  # old packages import it themselves
        cell = {"tokens": True, "cell": "lstm", "bidirectional": True, "num_layers": 1}
        cell |= {"pooling": ("max",), "dropout": 0.0, "steps_per_frame": 1}
        architecture = Architecture(**sizes, **cell)
        SequenceNetwork(architecture)  # as `load` makes one
        assert "torch._dynamo" not in set(sys.modules) - known  # seconds

        model = make_pipeline(TextSequenceVectorizer(), LSTMSequenceClassifier(max_epochs=1))
        model.fit(["good day", "bad day"], ["yes", "no"]).predict(["good night"])
        assert not OPTIONAL & set(sys.modules)
    """)


def test_callbacks_can_be_set_where_scikit_learn_has_them():
    has_callbacks = importlib.util.find_spec("sklearn.callback") is not None
    for estimator in (LSTMSequenceClassifier(), TextSequenceVectorizer()):
        assert hasattr(estimator, "set_callbacks") == has_callbacks
