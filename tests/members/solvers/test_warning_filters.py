"""Fitting leaves the warning filters of the process alone: another thread may change them too."""

from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

import sklearn_lstm
from sklearn_lstm.members.solvers.svm import fit_svms
from sklearn_lstm.targets.targets import Labels, Targets


@pytest.mark.parametrize("n_samples", [41, 60, 100])
def test_svms_of_nearly_as_many_classes_as_samples_warn_of_nothing(n_samples):
    values = np.arange(n_samples) % 40
    targets = Targets(values, np.ones(n_samples), Labels(np.arange(40)))
    features = csr_matrix(np.eye(40, dtype=np.float32)[values])
    coef, _ = fit_svms(
        features, targets, seed=0, n_scaled=features.shape[1]
    )  # pytest makes errors of warnings
    assert (coef.argmax(axis=1) == np.arange(40)).all()


def test_no_module_changes_the_filters():
    for path in Path(sklearn_lstm.__file__).parent.rglob("*.py"):
        if path.name == "__main__.py":  # a process of its own
            continue
        code = path.read_text(encoding="utf-8")
        assert "catch_warnings" not in code, path
        assert "filterwarnings" not in code, path
