"""What must hold everywhere; memory and import have a file of their own."""

import json
import math
import os
import pickle
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import small_models
import torch

from sklearn_lstm.exceptions import NonFiniteTrainingError


def random_sequences():
    rng, lengths = np.random.default_rng(0), [3, 1, 17, 5, 2, 9, 30, 4] * 3
    ids = [rng.integers(2, 12, length) for length in lengths]
    return ids, [rng.normal(size=(length, 2)) for length in lengths]


IDS, SERIES = random_sequences()
LABELS = np.arange(24) % 3


small = partial(small_models.small, batch_size=8)


# 1. The probabilities of a sample do not depend on its padding, its neighbours or the batch size.


@pytest.mark.usefixtures("_in_bfloat16")
@pytest.mark.parametrize("precision", ["float32", "auto"])
@pytest.mark.parametrize("X", [IDS, SERIES], ids=["ids", "series"])
def test_a_sequence_alone_has_the_probabilities_of_its_row_in_a_batch(X, precision):
    model = small(precision=precision, hidden_size=128, lr=0.05).fit(X, LABELS)
    assert model.module_.use_bfloat16 == (X is IDS and precision == "auto")
    together = model.predict_proba(X)
    alone = np.concatenate([model.predict_proba([steps]) for steps in X])
    np.testing.assert_allclose(alone, together, rtol=0, atol=1e-7)


# 2. The same random_state gives the same bits, and the global state stays as it was found.


@pytest.mark.parametrize("X", [IDS, SERIES], ids=["ids", "series"])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_the_same_random_state_gives_the_same_bits(X, method):
    def proba():
        model = small(early_stopping=True)
        options = {"classes": [0, 1, 2]} if method == "partial_fit" else {}
        return getattr(model, method)(X, LABELS, **options).predict_proba(X)

    expected = proba()
    torch.manual_seed(12345)
    np.random.seed(12345)  # noqa: NPY002 - it must not matter
    np.testing.assert_array_equal(proba(), expected)
    for dtype in (torch.float64, torch.float16, torch.bfloat16):
        torch.set_default_dtype(dtype)
        try:
            np.testing.assert_array_equal(proba(), expected)
        finally:
            torch.set_default_dtype(torch.float32)


def test_another_random_state_gives_another_model():
    proba = [small(random_state=seed).fit(IDS, LABELS).predict_proba(IDS) for seed in (0, 1)]
    assert abs(proba[0] - proba[1]).max() > 1e-3
    proba = [small(random_state=None).fit(IDS, LABELS).predict_proba(IDS) for _ in range(2)]
    assert abs(proba[0] - proba[1]).max() > 1e-3


# 3. A model trained on a GPU loads on a machine without one.


WITHOUT_GPU = """
import pickle, sys, torch
assert not torch.cuda.is_available()
model, X, y = pickle.load(sys.stdin.buffer)
print(model.predict_proba(X).tolist())
model.set_params(device="auto").partial_fit(X, y)
"""


@pytest.mark.device("cuda")
def test_a_gpu_model_predicts_the_same_and_goes_on_where_there_is_none():
    model = small(device="cuda").fit(IDS, LABELS)
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-W", "error", "-c", WITHOUT_GPU],
        input=pickle.dumps((model, IDS, LABELS)),
        env=os.environ | {"CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        check=True,
    )
    np.testing.assert_allclose(json.loads(done.stdout), model.predict_proba(IDS), atol=1e-4)


# 4. A loss that is not finite stops training with an error that says where and what to try.


class NaNLoss(torch.nn.CrossEntropyLoss):
    def forward(self, logits, targets):
        return super().forward(logits, targets) * math.nan


class InfiniteLoss(torch.nn.CrossEntropyLoss):
    def forward(self, logits, targets):
        return super().forward(logits, targets) + math.inf  # its gradient is finite


ADVICE = "lr=.*Try a smaller lr, normalize=True"


@pytest.mark.parametrize(("criterion", "value"), [(NaNLoss, "nan"), (InfiniteLoss, "inf")])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_training_stops_at_the_batch_whose_loss_is_not_finite(criterion, value, method):
    options = {"classes": [0, 1, 2]} if method == "partial_fit" else {}
    message = f"loss is {value} in epoch 1, batch 1 .*{ADVICE}.* 0, 1, 2, .*, 9 and 14 others of X"
    with pytest.raises(NonFiniteTrainingError, match=message):
        getattr(small(criterion=criterion, batch_size=24), method)(SERIES, LABELS, **options)


class InfiniteForOneLabel(torch.nn.CrossEntropyLoss):
    def forward(self, logits, targets):
        return super().forward(logits, targets) + torch.where(targets == 2, math.inf, 0.0)


def test_a_loss_that_is_not_finite_names_the_rows_of_x_that_it_comes_from():
    y, weights = np.arange(24) // 17, np.arange(24) != 3  # a row that does not count shifts none
    y[[20, 22]] = 2
    model = small(criterion=InfiniteForOneLabel, batch_size=24)
    with pytest.raises(NonFiniteTrainingError, match=r"values in the rows 20, 22 of X\."):
        model.fit(SERIES, y, sample_weight=weights)


@pytest.mark.parametrize(
    "parameters",
    [
        {"lr": 1e38},
        {"lr": 1e38, "optimizer": "sgd"},
        {"lr": 1e38, "max_epochs": 1, "batch_size": 24},
    ],
)
def test_training_that_breaks_the_weights_says_where_and_what_to_try(parameters):
    with pytest.raises(NonFiniteTrainingError, match=rf"in epoch \d, batch \d.*{ADVICE}"):
        small(**({"max_epochs": 6} | parameters)).fit(SERIES, LABELS)


# 5. Unseen ids are unknown tokens; a sequence longer than any seen is read whole.


@pytest.mark.parametrize("X", [IDS, SERIES], ids=["ids", "series"])
def test_every_step_of_a_longer_sequence_counts(X):
    model = small(pooling="mean", bidirectional=False, lr=0.05).fit(X, LABELS)
    longer = [np.concatenate([X[2]] * 6), np.concatenate([X[2]] * 6)]
    longer[1][-1] = X[3][0] if X is SERIES else 12 - longer[1][-1]  # 102 steps, 30 were seen
    first, second = model.predict_proba(longer)
    assert abs(first - second).max() > 1e-6
