"""An update touches only those rows of the embedding table that its batch reads."""

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from small_models import PLAIN

from sklearn_lstm import LSTMSequenceClassifier
from sklearn_lstm.members.network.loop import SparseEmbedding


def test_plain_descent_changes_only_the_rows_of_the_batch(monkeypatch, texts):
    """Without momentum the rows that a batch does not read have no gradient."""
    options = PLAIN | {"optimizer": "sgd", "lr": 0.1}
    sparse = LSTMSequenceClassifier(**options).fit(*texts).module_.state_dict()
    monkeypatch.setattr(SparseEmbedding, "on_batch_begin", lambda *_, **__: None)
    whole = LSTMSequenceClassifier(**options).fit(*texts).module_.state_dict()
    for name, weight in whole.items():
        torch.testing.assert_close(weight, sparse[name], atol=1e-5, rtol=1e-4, msg=name)


@pytest.mark.parametrize("optimizer", ["adamw", "adam", "nadam", "rmsprop", "sgd"])
def test_after_training_the_table_and_its_optimizer_state_are_whole(texts, optimizer):
    model = LSTMSequenceClassifier(**(PLAIN | {"optimizer": optimizer})).fit(*texts)
    table = model.module_.embedding.weight
    assert len(table) == len(np.unique(np.concatenate(texts[0]))) + 2
    state = model.net_.optimizer_.state[table]
    assert all(len(value) == len(table) for value in state.values() if value.ndim)
    groups = model.net_.optimizer_.param_groups
    assert sum(weight is table for group in groups for weight in group["params"]) == 1


def test_an_update_reads_only_the_rows_of_its_batch(texts):
    """The table may have a million rows: a batch of 20 texts needs some hundred."""
    seen = []

    class Watch(Callback):
        def on_grad_computed(self, net, **_):
            seen.append(len(net.module_.embedding.weight))

    model = LSTMSequenceClassifier(**PLAIN, callbacks=[Watch()]).fit(*texts)
    assert max(seen) < len(model.module_.embedding.weight)
    assert len(seen) == 6
