"""Situations in which a reader of the code found errors."""

import copy
import pickle

import numpy as np
import pytest
import torch
from as_read import read_sequences
from sklearn import config_context
from small_models import small

from sklearn_lstm.exceptions import IgnoredParameterWarning
from sklearn_lstm.members.network.batches import SequenceDataset
from sklearn_lstm.targets.labels import Labels
from sklearn_lstm.targets.targets import Samples, Targets


def ids(n_samples=40, n_ids=9, length=12):
    rng = np.random.default_rng(0)
    return rng.integers(1, n_ids, (n_samples, length)), np.arange(n_samples) % 2


def test_sequences_shorter_than_every_ngram_are_predicted():
    X, y = ids(n_samples=120, n_ids=3, length=60)
    model = small(linear_model=True).fit(X, y)
    assert model.linear_model_.shortest > 4
    assert model.predict([[1], [2, 1]]).shape == (2,)


def test_tensors_as_embeddings_are_stored():
    X, y = ids()
    vectors = torch.from_numpy(np.random.default_rng(0).normal(size=(9, 3)))
    model = small(embeddings=vectors).fit(X, y)
    loaded = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize("copied", [lambda m: pickle.loads(pickle.dumps(m)), copy.deepcopy])
def test_a_classifier_that_requests_metadata_is_stored(copied):
    with config_context(enable_metadata_routing=True):
        model = copied(small().set_fit_request(sample_weight=True))
        requested = model.get_metadata_routing().fit.requests
    assert requested["sample_weight"] is True


def test_training_under_inference_mode_is_training_as_usual():
    X, y = ids()
    expected = small().fit(X, y).predict_proba(X)
    with torch.inference_mode():
        model = small().fit(X, y)
        model.partial_fit(X, y)
        loaded = pickle.loads(pickle.dumps(small().fit(X, y)))
    np.testing.assert_array_equal(loaded.predict_proba(X), expected)
    loaded.module_(torch.ones(2, 3, dtype=torch.int64), torch.tensor([3, 2])).sum().backward()


def test_training_inside_autocast_is_training_as_usual():
    X, y = ids()
    expected = small().fit(X, y).predict_proba(X)
    with torch.autocast("cpu", torch.bfloat16):
        found = small().fit(X, y)
    np.testing.assert_array_equal(found.predict_proba(X), expected)


def test_the_module_gives_gradients_more_than_once():
    module = small().fit(*ids()).module_
    logits = module(torch.ones(2, 3, dtype=torch.int64), torch.tensor([3, 2]))
    logits[:, 0].sum().backward(retain_graph=True)
    logits[:, 1].sum().backward()


def test_a_module_in_training_mode_predicts_without_dropout():
    X, y = ids()
    model = small(dropout=0.5).fit(X, y)
    expected = model.predict_proba(X)
    model.module_.train()
    np.testing.assert_array_equal(model.predict_proba(X), expected)


def test_the_net_of_a_loaded_model_reads_datasets():
    X, y = ids()
    model = small().fit(X, y)
    loaded = pickle.loads(pickle.dumps(model))
    samples = Samples(read_sequences(X), Targets(y, np.ones(len(y)), Labels.of(y)))
    dataset = SequenceDataset(samples, loaded._fitted.model.network.encoding)
    assert loaded.net_.predict_proba(dataset).shape == (40, 2)


@pytest.mark.parametrize(
    "change", [{"hidden_size": 5}, {"embedding_dim": 5}, {"cell": "gru"}, {"dropout": 0.5}]
)
def test_a_parameter_that_going_on_ignores_is_named(change):
    X, y = ids()
    model = small().fit(X, y)
    with pytest.warns(IgnoredParameterWarning, match=next(iter(change))):
        model.set_params(**change).partial_fit(X, y)
