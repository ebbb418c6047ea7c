"""`history_` holds plain Python numbers, whatever the clock of the machine is like."""

import json
import math
import pickle
import time
from functools import partial

import numpy as np
import pytest
import small_models

COLUMNS = {"train_loss", "valid_loss", "lr", "seconds", "tokens_per_second", "padding"}


small = partial(small_models.small, batch_size=16)


def check_rows(model, n_epochs):
    assert type(model.n_epochs_) is int
    assert type(model.history_) is list
    assert len(model.history_) == model.n_epochs_ == n_epochs
    for row in model.history_:
        assert type(row) is dict
        assert set(row) >= COLUMNS
        kinds = {name: type(value) for name, value in row.items()}
        assert set(kinds.values()) <= {float, int, type(None)}, kinds
        assert {kinds[name] for name in COLUMNS - {"valid_loss"}} == {float}
    assert json.loads(json.dumps(model.history_)) == model.history_


@pytest.mark.parametrize("early_stopping", [False, True])
def test_history_holds_plain_numbers(early_stopping):
    X, y = small_models.series(120)
    model = small(early_stopping=early_stopping, lr=np.float32(0.0625)).fit(X, y)
    expected = float if early_stopping else type(None)
    assert {type(row["valid_loss"]) for row in model.history_} == {expected}
    model.partial_fit(X, y)
    assert model.history_[-1]["lr"] == 0.0625
    restored = pickle.loads(pickle.dumps(model))
    check_rows(restored, 3)
    assert restored.history_ == model.history_


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_coarse_timer_may_measure_no_time_at_all(monkeypatch, method):
    X, y = small_models.tokens()
    for clock in ("time", "perf_counter", "monotonic", "process_time", "thread_time"):
        now = getattr(time, clock)()
        monkeypatch.setattr(time, clock, lambda now=now: now)
    model = small()
    getattr(model, method)(X, y, **({"classes": [0, 1]} if method == "partial_fit" else {}))
    for row in model.history_:
        assert row["seconds"] == 0
        speed = row["tokens_per_second"]
        assert speed is None or math.isfinite(speed)
    json.dumps(model.history_, allow_nan=False)
