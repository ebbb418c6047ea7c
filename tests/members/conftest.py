"""Sequences and samples without the checks of X and y, and linear members fitted to them."""

import numpy as np
import pytest

from sklearn_lstm import LSTMSequenceClassifier
from sklearn_lstm.data.kinds import KINDS
from sklearn_lstm.data.sequences import FlatSequences
from sklearn_lstm.members.features import hashing, ngram_reader
from sklearn_lstm.members.held_out import Split
from sklearn_lstm.members.network.network_settings import read_settings
from sklearn_lstm.members.recipe import FitContext, fit_recipe
from sklearn_lstm.members.recipes import RECIPES
from sklearn_lstm.progress import ProgressBar
from sklearn_lstm.targets.targets import Labels, LabelSets, Samples, Targets


def sequences_from(X):
    steps, lengths = np.concatenate(X), np.array([*map(len, X)])
    has_missing = np.isnan(steps).any(axis=0) if steps.ndim == 2 else np.empty(0, bool)
    return FlatSequences(steps, lengths, has_missing=has_missing)


@pytest.fixture
def sequences_of():
    """A function: list of arrays (T,) of ids or (T, n_channels) of measurements -> Sequences."""
    return sequences_from


@pytest.fixture
def samples_of():
    """A function: list of arrays, targets, perhaps weights and the number of classes -> Samples."""

    def build(X, targets, weights=None, n_outputs=None):
        targets = np.asarray(targets)
        weights = np.ones(len(X)) if weights is None else weights
        if targets.ndim == 2:
            labels = LabelSets(np.arange(targets.shape[1]))
        else:
            labels = Labels(np.arange(n_outputs or targets.max() + 1))
        return Samples(sequences_from(X), Targets(targets, weights, labels))

    return build


@pytest.fixture
def linear_fit():
    """A function: name of a recipe, samples, held-out rows -> how its linear model was fitted."""

    def fit(name, samples, held_out=(), *, input_type="measurements", seed=0, **parameters):
        labels, kind = samples.targets.labels, KINDS[input_type]
        settings = read_settings(LSTMSequenceClassifier(**parameters).get_params(), kind, labels)
        rows = np.asarray(held_out, np.intp)
        rng = np.random.default_rng(seed)
        learned = np.delete(np.arange(len(samples)), rows if len(rows) < len(samples) else ())
        split = Split(samples, samples.subset(learned), samples.subset(rows), rows, seed, rng)
        (recipe,) = (one for one in RECIPES if one.name == name and one.suits(settings))
        progress = ProgressBar(is_shown=False)
        return fit_recipe(recipe, FitContext(split, settings, progress))

    return fit


@pytest.fixture
def fit_linear(linear_fit):
    """The same -> the model, and logits of the held-out rows; None if there is no model."""

    def fit(*arguments, **options):
        found = linear_fit(*arguments, **options)
        return found and (found.model, found.judged.logits)

    return fit


@pytest.fixture
def allow_bytes(monkeypatch):
    """A function: the largest size of the coefficients of n-grams."""
    return lambda n_bytes: monkeypatch.setattr(ngram_reader, "LARGEST_COEF", n_bytes)


@pytest.fixture
def _no_collisions(monkeypatch):
    monkeypatch.setattr(hashing, "HASH_BITS", 25)  # no two n-grams share a hash


@pytest.fixture
def sentences():
    """A function: number of samples, and of ids -> sentences of up to 19 random ids."""
    rng = np.random.default_rng(0)

    def draw(n_samples, n_ids=40):
        return [rng.integers(2, n_ids, length) for length in rng.integers(1, 20, n_samples)]

    return draw


@pytest.fixture
def pairs():
    """A function: number of samples -> X, y.

    Class 1 is where id 5 follows id 4 at the beginning, and class 0 where 4 follows 5.
    """
    rng = np.random.default_rng(0)

    def draw(n_samples):
        y = rng.integers(0, 2, n_samples)
        X = [rng.integers(6, 40, length) for length in rng.integers(2, 20, n_samples)]
        for row, label in zip(X, y, strict=True):
            row[:2] = (4, 5) if label else (5, 4)
        return X, y

    return draw
