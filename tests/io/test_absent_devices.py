"""A model from a device that is not here loads, and predicts without float64 on the device."""

import pickle
from functools import partial

import pytest
import small_models
import torch
from numpy.testing import assert_allclose, assert_array_equal
from small_models import series, tokens
from torch.overrides import TorchFunctionMode

DEVICES = ["cuda", "cuda:63", "mps", torch.device("xpu:1")]
small = partial(small_models.small, max_epochs=1, device="cpu")


def same(found, expected):
    """Compare to the last bit, unless the device is here after all."""
    if torch.cuda.is_available() or torch.backends.mps.is_available() or torch.xpu.is_available():
        assert_allclose(found, expected, atol=1e-3)
    else:
        assert_array_equal(found, expected)


@pytest.mark.parametrize("make", [tokens, series])
def test_any_way_of_storing_loads_a_model_of_a_device_that_is_not_here(round_trip, make):
    X, y = make()
    model = small().fit(X, y)
    expected = model.predict_proba(X)
    for device in DEVICES:
        restored = round_trip(model.set_params(device=device))
        assert restored.device == device  # parameters stay as the user set them
        same(restored.predict_proba(X), expected)
        same(pickle.loads(pickle.dumps(restored)).predict_proba(X), expected)


@pytest.mark.parametrize("device", ["cuda:63", "xpu:63", "gpu", "meta"])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_training_on_a_device_that_is_not_here_is_refused_with_those_that_are(method, device):
    X, y = series()
    more = {"classes": [0, 1]} if method == "partial_fit" else {}
    message = f"^device='{device}' is none of those that torch has here: 'cpu'.*auto'.$"
    with pytest.raises(ValueError, match=message) as caught:
        getattr(small(device=device), method)(X, y, **more)
    assert caught.value.__suppress_context__  # no list of torch's backends


class PretendMPS(TorchFunctionMode):
    """Say that every tensor is on MPS, and refuse float64 as MPS does."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func == torch.Tensor.device.__get__:
            return MPS
        args = [CPU if is_mps(value) else value for value in args]
        options = {name: CPU if is_mps(value) else value for name, value in (kwargs or {}).items()}
        result = func(*args, **options)
        if isinstance(result, torch.Tensor) and result.dtype == torch.float64:
            raise TypeError("Cannot convert a MPS Tensor to float64 dtype")
        return result


MPS, CPU = torch.device("mps"), torch.device("cpu")


def is_mps(value):
    return isinstance(value, str | torch.device) and str(value).startswith("mps")


def test_the_pretended_device_refuses_float64():
    x = torch.ones(3)
    with PretendMPS():
        assert x.device == MPS
        assert float(torch.zeros(3, device=x.device).to("mps").sum()) == 0
        with pytest.raises(TypeError, match="float64"):
            x.double()


@pytest.mark.parametrize("make", [tokens, series])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("embedding_dim", ["auto", None])
def test_the_network_predicts_without_float64(make, cell, embedding_dim):
    X, y = make()
    pooling = ("max", "mean", "last", "attention")
    options = {"cell": cell, "embedding_dim": embedding_dim, "precision": "float32"}
    model = small(pooling=pooling, **options).fit(X, y)
    expected = model.predict_proba(X)
    with PretendMPS():
        found = model.predict_proba(X)
    assert_allclose(found, expected, atol=1e-4)
