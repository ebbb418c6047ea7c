"""Labels and column names that are rare, and are read or refused at once."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import small_models
from numpy.testing import assert_array_equal
from skorch.callbacks import Callback

small = partial(small_models.small, max_epochs=1)


@pytest.mark.parametrize("dtype", [str, object])
def test_labels_with_a_lone_surrogate_survive_a_round_trip(round_trip, dtype):
    """A lone surrogate stands for a byte that could not be decoded, as in names of files."""
    X = np.random.default_rng(0).normal(size=(8, 3))
    y = np.array(["caf\udce9", "the"] * 4, dtype)
    model = small().fit(X, y)
    restored = round_trip(model)
    assert restored.classes_.tolist() == ["caf\udce9", "the"]
    assert_array_equal(restored.predict(X), model.predict(X))
    assert_array_equal(restored.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("dtype", [int, float])
def test_column_names_of_mixed_types_are_refused_before_training(dtype, method):
    began = []

    class Listener(Callback):
        def on_train_begin(self, net, **_):
            began.append(net)

    values = np.random.default_rng(0).integers(2, 9, (8, 2)).astype(dtype)
    X = pd.DataFrame(values, columns=["first", 1])
    model = small(callbacks=[Listener()])
    more = {"classes": [0, 1]} if method == "partial_fit" else {}
    with pytest.raises(TypeError, match="string"):
        getattr(model, method)(X, [0, 1] * 4, **more)
    assert not began
    assert set(vars(model)) == set(model.get_params())
