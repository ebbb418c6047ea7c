"""The modules of the examples. What they download is read by all examples, and in CI by itself."""

import importlib
from pathlib import Path

import pytest


@pytest.fixture
def module(request, monkeypatch, tmp_path):
    """The module of the examples that a test names, with a cache of its own."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "examples"))
    monkeypatch.setenv("SKLEARN_LSTM_CACHE", str(tmp_path / "cache"))
    return importlib.import_module(request.param)
