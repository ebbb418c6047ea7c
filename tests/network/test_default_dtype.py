"""The default dtype of torch changes nothing."""

import numpy as np
import pytest
import torch

from sklearn_lstm import LSTMSequenceClassifier

X = np.random.default_rng(0).normal(size=(40, 5))
y = (X.mean(axis=1) > 0).astype(int)


@pytest.fixture(params=[torch.float16, torch.bfloat16, torch.float64], ids=str)
def _other_dtype(request):
    torch.set_default_dtype(request.param)
    yield
    torch.set_default_dtype(torch.float32)


def fitted():
    model = LSTMSequenceClassifier(hidden_size=4, num_layers=2, max_epochs=3, random_state=0)
    return model.fit(X, y).predict_proba(X)


@pytest.fixture(scope="module")
def expected():
    return fitted()


@pytest.mark.usefixtures("_other_dtype")
def test_the_default_dtype_changes_no_bit(expected):
    np.testing.assert_array_equal(fitted(), expected)
