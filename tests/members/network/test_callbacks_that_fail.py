"""Callbacks with any name work; what can't work is refused before anything is fitted."""

import io

import numpy as np
import pytest
from skorch.callbacks import Callback, Freezer, GradientNormClipping, PrintLog

from sklearn_lstm import LSTMSequenceClassifier

X = np.random.default_rng(0).normal(size=(40, 5))
y = (X.mean(axis=1) > 0).astype(int)


def small(**parameters):
    defaults = {"hidden_size": 4, "max_epochs": 3, "random_state": 0}
    return LSTMSequenceClassifier(**(defaults | parameters))


class Count(Callback):
    n_epochs = 0

    def on_epoch_end(self, net, **_):
        net.n_seen = Count.n_epochs = Count.n_epochs + 1


@pytest.mark.parametrize("name", ["schedule", "clip", "record", "sparse_embedding", "EpochRecord"])
def test_a_callback_may_have_any_name(name):
    plain = small().fit(X, y)
    model = small(callbacks=[(name, Count())]).fit(X, y)
    assert isinstance(dict(model.net_.callbacks_)[name], Count)
    np.testing.assert_array_equal(model.predict_proba(X), plain.predict_proba(X))


def test_a_callback_of_a_kind_that_the_classifier_uses_too_may_be_added():
    model = small(callbacks=[GradientNormClipping(0.5)]).fit(X, y)
    assert model.n_epochs_ == 3


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_callback_that_freezes_all_weights_is_refused(method):
    model = small(callbacks=[Freezer("*")])
    more = {"classes": [0, 1]} if method == "partial_fit" else {}
    with pytest.raises(ValueError, match=r"no weight.*Freezer.*max_epochs=0"):
        getattr(model, method)(X, y, **more)
    assert not hasattr(model, "classes_")


@pytest.mark.parametrize("hold", [lambda each: each, lambda each: ("log", each)])
def test_a_callback_that_cannot_be_copied_is_named(hold):
    logs = PrintLog()
    logs.file = io.TextIOWrapper(io.BytesIO())  # can't be copied
    model = small(callbacks=[Count(), hold(logs)], lr=1e38)  # training would fail otherwise
    with pytest.raises(
        ValueError, match=r"callbacks\[1\].*PrintLog.*can't be copied.*TextIOWrapper"
    ):
        model.fit(X, y)
