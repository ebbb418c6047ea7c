"""`explain_classes`: what adds to each class over many sequences."""

import datetime as dt
import sys

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from sklearn.pipeline import make_pipeline
from small_encoder import SmallEncoder

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
from sklearn_lstm.inspection import explain, explain_classes
from sklearn_lstm.inspection.inputs import find_classifier

EXACT = {"rtol": 0, "atol": 1e-9}
RNG = np.random.default_rng(0)
WORDS = ["good", "bad", "film", "plot", "not", "very", "dull"]
TEXTS = [" ".join(RNG.choice(WORDS, n)) for n in RNG.integers(1, 9, 260)]
LABELS = ["pos" if text.count("good") > text.count("bad") else "neg" for text in TEXTS]


def by_name(frame, label, *parts):
    rows = frame[(frame["class"] == label) & frame["part"].isin(parts)]
    return rows.set_index("name")


@pytest.fixture(scope="module")
def model():
    return make_pipeline(
        TextSequenceVectorizer(),
        LSTMSequenceClassifier(hidden_size=6, max_epochs=1, random_state=0, precision="float32"),
    ).fit(TEXTS, LABELS)


def test_the_sums_are_those_of_explain(fitted):
    model, X = fitted
    X = X[:12]
    if find_classifier(model)[1].input_type_ == "measurements":
        with pytest.raises(ValueError, match=r"explain\(model, X\) explains single series"):
            explain_classes(model, X)
        return
    frame = explain_classes(model, X).to_frame()
    for label in find_classifier(model)[1].classes_:
        explanations = explain(model, X, label)
        score = np.mean([one.score for one in explanations])
        np.testing.assert_allclose(frame[frame["class"] == label]["mean"].sum(), score, **EXACT)
        for name, parts in {"linear": ["linear model", "states"], "network": ["network"]}.items():
            means = by_name(frame, label, *parts)["mean"]
            whole = np.mean([getattr(one, name).sum() for one in explanations])
            np.testing.assert_allclose(means.sum(), whole, **EXACT)
            if len(means) and "states" not in {*frame["part"]}:  # these have names of their own
                expected = dict.fromkeys(means.index, 0.0)
                for one in explanations:
                    for token, value in zip(one.data, getattr(one, name), strict=True):
                        expected[token] += value / len(explanations)
                np.testing.assert_allclose(means, [expected[key] for key in means.index], **EXACT)


def test_the_network_explains_200_samples_and_the_linear_model_all(model):
    told = explain_classes(model, TEXTS)
    frame, rows = told.to_frame(), told.network_rows
    np.testing.assert_array_equal(rows, explain_classes(model, TEXTS).network_rows)
    assert (len(rows), len(set(rows.tolist()))) == (200, 200)
    explanations = explain(model, TEXTS, "pos")
    sampled = [explanations[row].network.sum() for row in rows]
    of_network = by_name(frame, "pos", "network")
    np.testing.assert_allclose(of_network["mean"].sum() * 200, np.sum(sampled), **EXACT)
    of_all = by_name(frame, "pos", "linear model", "states")
    whole = np.mean([one.linear.sum() for one in explanations])
    np.testing.assert_allclose(of_all["mean"].sum(), whole, **EXACT)
    good, n_good = of_all.loc["good"], sum("good" in text.split() for text in TEXTS)
    assert (good["n_with"], good["n_samples"]) == (n_good, len(TEXTS))
    np.testing.assert_allclose(good["mean_where_present"], good["mean"] * len(TEXTS) / n_good)
    assert of_network["n_samples"].unique().tolist() == [200]
    assert len(explain_classes(model, TEXTS[:200]).network_rows) == 200


def test_an_encoder_and_columns_beside_texts_have_rows_of_their_own():
    numbers = np.arange(60) % 7 + RNG.random(60)
    numbers[3] = np.nan
    kinds = pd.Categorical(RNG.choice(["a", "b"], 60))
    X = pd.DataFrame({"price": numbers, "text": TEXTS[:60], "kind": kinds})
    y = np.where((np.nan_to_num(numbers) > 3) | (kinds == "a"), "yes", "no")
    model = make_pipeline(
        TextSequenceVectorizer(),
        LSTMSequenceClassifier(max_epochs=0, encoder=SmallEncoder(), random_state=0),
    ).fit(X, y)
    frame, explanations = explain_classes(model, X).to_frame(), explain(model, X, "yes")
    (whole,) = by_name(frame, "yes", "the whole sequence")["mean"]
    np.testing.assert_allclose(whole, np.mean([one.whole for one in explanations]), **EXACT)
    found = by_name(frame, "yes", "numbers")["mean"]
    beside = pd.DataFrame([one.numbers for one in explanations])
    is_a = np.asarray(kinds == "a")
    np.testing.assert_allclose(found["kind = a"], beside["kind"][is_a].sum() / 60, **EXACT)
    prices = [name for name in found.index if name.startswith("price ")]
    assert [name.split()[1] for name in sorted(prices)] == [">", "is", "≤"]
    np.testing.assert_allclose(found[prices].sum(), beside["price"].mean(), **EXACT)
    score = np.mean([one.score for one in explanations])
    np.testing.assert_allclose(frame[frame["class"] == "yes"]["mean"].sum(), score, **EXACT)


def test_half_of_what_is_shown_speaks_for_the_class(model):
    told = explain_classes(model, TEXTS, n_tokens=4)
    for place in range(2):
        for part, rows in told.shown(place).items():
            parts = [part, "states"] if part == "linear model" else [part]
            means = by_name(told.to_frame(), told.classes[place], *parts)["mean"].sort_values()
            means = means.to_numpy()[::-1]
            np.testing.assert_array_equal(told.means[rows, place], np.r_[means[:2], means[-2:]])
    for wrong in (0, 2.5):
        with pytest.raises(ValueError, match=f"integer from 1 on; got {wrong}"):
            explain_classes(model, TEXTS, n_tokens=wrong)


def test_the_picture_has_a_bar_for_each_name_of_a_class(model):
    told = explain_classes(model, TEXTS, n_tokens=4)
    drawn = told.plot()
    linear, network = drawn.containers
    assert linear.get_label() == "linear model, 260 samples"
    assert network.get_label() == "network, 200 samples"
    np.testing.assert_array_equal(linear.datavalues, told.means[told.shown(1)["linear model"], 1])
    labels = [text.get_text() for text in drawn.get_yticklabels()]
    assert labels[0].startswith("good  +")
    _, ax = plt.subplots()
    assert told.plot("neg", ax=ax) is ax
    assert "neg" in ax.get_xlabel()
    with pytest.raises(ValueError, match="not a class of the model"):
        told.plot("neutral")


@pytest.mark.parametrize("unit", ["D", "ns"])
def test_classes_may_be_dates(unit):
    y = np.array(["2020-01-01", "2021-05-05"] * 10, f"M8[{unit}]")
    model = LSTMSequenceClassifier(linear_model="alone", random_state=0).fit([[2], [3]] * 10, y)
    told = explain_classes(model, [[2], [3]])
    for target in (y[1], model.classes_[1], dt.date(2021, 5, 5) if unit == "D" else y[1]):
        assert "2021-05-05" in told.plot(target).get_xlabel()
    assert {row["class"] for row in told.rows()} == {*y}
    in_frame = np.array(told.to_frame()["class"], y.dtype)  # pandas 2 makes time stamps of dates
    assert {*in_frame} == {*y}
    with pytest.raises(ValueError, match=r"of the model: \w+.datetime64\('2020-01-01"):
        explain(model, [[2]], "spam")


def test_the_text_names_parts_and_needs_neither_matplotlib_nor_pandas(model, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "pandas", None)
    told = explain_classes(model, TEXTS, n_tokens=2)
    shown = str(told)
    assert "linear model, 260 samples" in shown
    assert "base value (linear model)" in shown
    assert len(told.rows()) == 2 * len(told.names)
    with pytest.raises(ImportError, match="pip install pandas"):
        told.to_frame()
