"""A long sequence costs what it needs itself: its neighbours are not padded to its length."""

import subprocess
import sys

import numpy as np
import pytest

from sklearn_lstm import LSTMSequenceClassifier

PEAK = """
import resource, sys
import numpy as np
import torch
torch.set_num_threads(1)
from sklearn_lstm import LSTMSequenceClassifier

rng = np.random.default_rng(0)
short = [rng.integers(1, 9, 5) for _ in range(63)]
X, y = [*short, rng.integers(1, 9, 50_000)], np.arange(64) % 2
model = LSTMSequenceClassifier(
    hidden_size=2, embedding_dim=2, bidirectional=False, pooling="mean", max_epochs=1,
    batch_size=64, linear_model=False, random_state=0,
).fit(short[:1] * 64, np.arange(64) % 2)

def peak():
    kibibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kibibytes // 1024 if sys.platform == "darwin" else kibibytes

def work(n_short):
    rows = slice(63 - n_short, None)
    model.fit(X[rows], y[rows]) if sys.argv[1] == "fit" else model.predict(X[rows])
    return peak() - before

before = peak()
print(work(1), work(63))
"""


def peak_kibibytes(method):
    """Return the memory for a sequence of 50,000 tokens, and the most with many short ones, too."""
    command = [sys.executable, "-W", "error", "-c", PEAK, method]
    done = subprocess.run(  # noqa: S603 - our own code
        command, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return map(int, done.stdout.split())


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="device: the system has no resource module")
@pytest.mark.parametrize("method", ["fit", "predict"])
def test_short_sequences_beside_a_long_one_cost_no_memory(method):
    alone, in_a_batch = peak_kibibytes(method)
    assert in_a_batch < 1.3 * alone + 20_000, (in_a_batch, alone)  # padded: 63 times as much


def steps_read(model, X):
    """Return how many steps the first layer of the network reads in order to predict X."""
    n_steps = []
    first_layer = next(model.module_.children())
    handle = first_layer.register_forward_hook(
        lambda _layer, inputs, _output: n_steps.append(inputs[0].shape[:2].numel())
    )
    model.predict_proba(X)
    handle.remove()
    return sum(n_steps)


def sequences(kind, lengths):
    rng = np.random.default_rng(0)
    return [rng.integers(1, 9, n) if kind == "tokens" else rng.normal(size=n) for n in lengths]


def fitted(X):
    """Return a network that has learned the beginnings of these sequences."""
    small = {"hidden_size": 2, "embedding_dim": 2, "max_epochs": 1, "random_state": 0}
    model = LSTMSequenceClassifier(**small, linear_model=False)
    return model.fit([row[:9] for row in X], np.arange(len(X)) % 2)


@pytest.mark.parametrize("kind", ["tokens", "numeric"])
@pytest.mark.parametrize("n_samples", [1, 2, 5])
def test_a_sequence_of_3000_steps_is_read_once(kind, n_samples):
    X = sequences(kind, range(3000, 3000 + n_samples))
    assert steps_read(fitted(X * 4), X) == sum(map(len, X))


@pytest.mark.parametrize("kind", ["tokens", "numeric"])
def test_a_long_sequence_has_the_same_probabilities_beside_any_other(kind):
    X = sequences(kind, (3000, 3, 2500, 1, 2049, 2048, 2047, 3000))
    model = fitted(X)
    for row, expected in zip(X, model.predict_proba(X), strict=True):
        assert np.abs(model.predict_proba([row])[0] - expected).max() < 1e-7
