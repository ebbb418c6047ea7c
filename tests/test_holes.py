"""Missing values and time stamps, from fit to pictures."""

import warnings

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline

from sklearn_lstm import LSTMSequenceClassifier
from sklearn_lstm.exceptions import InvalidSequencesError, MissingValuesWarning
from sklearn_lstm.fitting import read_as_at_fit
from sklearn_lstm.inspection import ExplanationDisplay, explain, explain_phrases, gate_activations

mpl.use("Agg")


def with_gaps(n_series=80, seed=0):
    """Return series of 3 channels and their classes, which only tell what was not measured."""
    rng = np.random.default_rng(seed)
    y = np.arange(n_series) % 2
    X = rng.normal(size=(n_series, 14, 3))
    X[rng.random(X.shape) < 0.2] = np.nan
    X[:, :, 1] = rng.normal(size=(n_series, 14))
    for series, label in zip(X, y, strict=True):
        start = rng.integers(0, 8)
        series[start : start + 6, 0 if label else 2] = np.nan
    return X, y


def small(**parameters):
    return LSTMSequenceClassifier(hidden_size=8, random_state=0, **{"max_epochs": 3} | parameters)


@pytest.fixture(scope="module")
def model():
    return small(max_epochs=40, lr=0.02).fit(*with_gaps())


@pytest.mark.parametrize("member", [0, 1], ids=["network", "linear model"])
def test_each_member_learns_from_what_was_not_measured(model, member):
    X, y = with_gaps(seed=1)
    logits = model._fitted.model.members[member].logits(read_as_at_fit(model, X))
    assert np.mean(logits.argmax(axis=1) == y) > 0.85


def test_probabilities_do_not_depend_on_padding_and_neighbours(model):
    X, _ = with_gaps(seed=1)
    lengths = np.random.default_rng(0).integers(3, 15, len(X))
    cut = [series[:length] for series, length in zip(X, lengths, strict=True)]
    padded = np.full((len(X), 40, 3), np.nan)
    for row, series in zip(padded, cut, strict=True):
        row[: len(series)] = series
    expected = model.predict_proba(cut)
    np.testing.assert_allclose(model.predict_proba(padded), expected, rtol=0, atol=1e-7)
    alone = np.concatenate([model.predict_proba([series]) for series in cut])
    np.testing.assert_allclose(alone, expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize(("time_channel", "normalize"), [(None, True), (1, False)])
def test_a_series_of_which_nothing_is_known_has_the_same_probabilities_anywhere(
    time_channel, normalize
):
    X, y = with_gaps()
    X[:, :, 1] = np.arange(14)
    X[7] = np.nan  # in training too
    model = small(time_channel=time_channel, normalize=normalize, max_epochs=1).fit(X, y)
    assert model.linear_model_ is not None
    without = small(time_channel=time_channel, normalize=normalize, max_epochs=1)
    without.fit(np.delete(X, 7, axis=0), np.delete(y, 7))
    unknown = np.full((30, 3), np.nan)
    for fitted in (model, without):
        (expected,) = fitted.predict_proba([unknown])
        assert np.isfinite(expected).all()
        beside = [X[0], unknown[:0], X[1][:5], [], unknown[:2], pd.DataFrame(unknown), unknown]
        found = [
            *fitted.predict_proba(beside)[[1, 3, 4, 5, 6]],
            fitted.predict_proba(np.stack([X[0], unknown[:14]]))[1],
            *fitted.predict_proba(np.full((2, 0, 3), np.nan)),
            *fitted.predict_proba([[]]),
            *fitted.predict_proba(unknown[np.newaxis].astype(np.float32)),
        ]
        np.testing.assert_allclose(found, np.tile(expected, (10, 1)), rtol=0, atol=1e-7)
        np.testing.assert_allclose(
            fitted.predict_proba(beside)[0], fitted.predict_proba(X[:1])[0], rtol=0, atol=1e-7
        )
        (explanation,) = explain(fitted, [unknown])
        assert len(explanation.data) == 1
        assert np.isfinite(explanation.score)
        fitted.partial_fit([X[0], unknown], [0, 1])
        fitted.fit(X, y, X_val=[unknown, X[0]], y_val=[0, 1])


def test_a_series_of_which_nothing_is_known_is_refused_after_training_without_missing_values():
    X, y = with_gaps(n_series=20)
    complete = np.nan_to_num(X)
    model = small(max_epochs=1).fit(complete, y)
    X_val = complete.copy()
    X_val[1] = np.nan
    for refused in (
        model.predict,
        lambda X: model.partial_fit(X, y),
        lambda X: small().fit(X, y),
        lambda X: small().fit(complete, y, X_val=X, y_val=y),
    ):
        with pytest.raises(InvalidSequencesError, match=r"X\[1\] is a series without a value"):
            refused(X_val)


def test_a_channel_that_had_all_values_in_training_warns_once_of_those_it_lacks(model):
    X, _ = with_gaps(seed=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(X)
    X[3, 5, 1] = X[4, 2, 1] = np.nan
    with pytest.warns(MissingValuesWarning, match=r"none at fit: \[1\]") as caught:
        found = make_pipeline(model).predict_proba(X)
    assert [each.filename for each in caught] == [__file__]  # not a line of scikit-learn
    X[3, 5, 1], X[4, 2, 1] = X[3, 4, 1], X[4, 1, 1]
    complete = model.predict_proba(X)
    np.testing.assert_array_equal(np.delete(found, [3, 4], 0), np.delete(complete, [3, 4], 0))
    np.testing.assert_allclose(found, complete, atol=0.2)


def test_training_that_goes_on_keeps_the_way_of_reading():
    X, y = with_gaps()
    complete = np.nan_to_num(X)
    for further in (X, complete):
        model = small().fit(X, y).partial_fit(further, y)
        assert model.predict(X).shape == y.shape
    model = small().partial_fit(complete, y, classes=[0, 1])
    with pytest.warns(MissingValuesWarning, match=r"none at fit: \[0, 2\]"):
        model.partial_fit(X, y)


def test_the_held_out_part_may_have_missing_values_where_the_rest_has_none():
    X, y = with_gaps(n_series=40)
    X = np.nan_to_num(X)
    X[5, 3, 0] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = small().fit(X, y, groups=np.arange(40) // 4)
    assert model._fitted.model.network.encoding.gappy.tolist() == [0]
    with pytest.warns(MissingValuesWarning, match=r"none at fit: \[0\]"):
        small().fit(np.nan_to_num(X), y, X_val=X, y_val=y)


def test_explanations_keep_a_row_for_each_step_and_show_what_is_missing():
    X, y = with_gaps(seed=1)
    X[0, 4, [0, 2]] = np.nan
    X = X[:, :, [0, 2]]
    model = small().fit(X, y)
    (explanation,) = explain(model, X[:1])
    (activations,) = gate_activations(model, X[:1])
    for data in (explanation.data, activations.data):
        np.testing.assert_array_equal(data, X[0])
    assert explanation.values.shape == (14,)  # noqa: PD011
    log_odds = model.decision_function(X[:1])[0] * (1 if explanation.target else -1)
    assert explanation.score == pytest.approx(log_odds, abs=1e-4)
    assert sum(len(phrase.data) for phrase in explain_phrases(model, X[:1])[0]) == 14
    for ax in (ExplanationDisplay(explanation).plot().ax_, activations.plot()):
        spans = [patch for patch in ax.patches if patch.get_gid() == "missing"]
        (left, _), (right, _) = ax.transData.inverted().transform(spans[0].get_window_extent())
        assert (len(spans), left, right) == (1, pytest.approx(3.5), pytest.approx(4.5))
    assert "4 missing" in ExplanationDisplay(explanation)._repr_html_()


def events(n_series=60, seed=0, unit=1.0):
    """Return series of a channel and the time; the classes differ in the times alone."""
    rng = np.random.default_rng(seed)
    y = np.arange(n_series) % 2
    X = []
    for label in y:
        n_steps = rng.integers(8, 15)
        gaps = rng.exponential(1, n_steps) * np.where(np.arange(n_steps) % 2, 1, 1 + 9 * label)
        X.append(np.column_stack([rng.normal(size=n_steps), (1e6 + np.cumsum(gaps)) * unit]))
    return X, y


def test_the_time_between_steps_is_read_in_any_unit():
    X, y = events()
    model = small(max_epochs=20, time_channel=1).fit(X, y)
    assert model.n_features_in_ == 2
    X_new, y_new = events(seed=1)
    assert model.score(X_new, y_new) > 0.9
    later = [series + np.array([0, 12_345]) for series in X_new]
    np.testing.assert_allclose(model.predict_proba(later), model.predict_proba(X_new), atol=1e-4)
    in_minutes = small(max_epochs=20, time_channel=-1).fit(events(unit=1 / 64)[0], y)
    np.testing.assert_allclose(
        in_minutes.predict_proba(events(seed=1, unit=1 / 64)[0]),
        model.predict_proba(X_new),
        atol=1e-4,
    )


def frames(X, names=("value", "time")):
    return [pd.DataFrame(series, columns=list(names)) for series in X]


@pytest.mark.parametrize(
    ("parameter", "change", "message"),
    [
        (
            "time",
            lambda X: frames(X, ["value", "when"]),
            "'time' is none of the 2 channels",
        ),
        (1, lambda X: [X[0], np.where(X[1] == X[1][3, 1], np.nan, X[1])], r"step 3.* is missing"),
    ],
)
def test_a_wrong_time_is_refused(parameter, change, message):
    X, _ = events(2)
    with pytest.raises(InvalidSequencesError, match=message):
        small(time_channel=parameter).fit(change(X), [0, 1])
