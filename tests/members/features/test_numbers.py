"""Numbers and categories beside sequences: what is read, learned, kept and refused."""

import numpy as np
import pandas as pd
import pytest
import small_models
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import rankdata
from sklearn.pipeline import make_pipeline

from sklearn_lstm import TextSequenceVectorizer
from sklearn_lstm.data.input_format import InputFormat
from sklearn_lstm.exceptions import InputTypeWarning
from sklearn_lstm.inspection import (
    ExplanationDisplay,
    as_shap_explanation,
    explain,
    explain_classes,
)
from sklearn_lstm.members.features.numbers import NumberFeatures
from sklearn_lstm.targets.targets import Samples

N = 150


def draw(n_samples, seed=0):
    """Return a frame of texts, series and numbers, and a class that all of them tell a little."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n_samples)
    words = [rng.choice(["so", "a", "plot", "the"], 4).tolist() + ["good"] * int(k == 0) for k in y]
    shop = np.where(y == 2, "x", np.where(rng.random(n_samples) < 0.3, "z", "y"))
    frame = pd.DataFrame(
        {
            "text": [" ".join(row) for row in words],
            "steps": [rng.normal(size=rng.integers(5, 8)) + (k == 0) for k in y],
            "price": 1e9 + 1e3 * ((y == 1) + rng.normal(size=n_samples) / 2),
            "is_new": rng.random(n_samples) < 0.5,
            "shop": pd.Categorical(np.where(rng.random(n_samples) < 0.1, None, shop)),
        }
    )
    frame.loc[rng.random(n_samples) < 0.1, "price"] = np.nan
    return frame, y


FRAME, Y = draw(N)
NEW, NEW_Y = draw(60, seed=1)
KINDS = {"texts": "steps", "series": "text"}  # what is left out


def small(kind, **parameters):
    classifier = small_models.small(**{"linear_model": True, "max_epochs": 0} | parameters)
    return make_pipeline(TextSequenceVectorizer(), classifier) if kind == "texts" else classifier


def of_kind(kind, frame=FRAME):
    return frame.drop(columns=KINDS[kind])


@pytest.fixture(scope="module", params=KINDS)
def fitted(request):
    """Return a kind, and a model that was fitted to it."""
    return request.param, small(request.param, max_epochs=1).fit(of_kind(request.param), Y)


def classifier_of(model):
    return getattr(model, "steps", [(0, model)])[-1][1]


def member_of(model):
    return classifier_of(model)._fitted.model["numbers"]


def features_of(model):
    return member_of(model).features[0]


def coef_of(model):
    return member_of(model).terms[0].coef


# --- What is learned


def test_numbers_and_categories_are_learned_beside_the_sequences(fitted):
    kind, model = fitted
    alone = small(kind).fit(*{"texts": (FRAME["text"], Y), "series": (FRAME["steps"], Y)}[kind])
    column = NEW["text" if kind == "texts" else "steps"]
    assert model.score(of_kind(kind, NEW), NEW_Y) > alone.score(column, NEW_Y) + 0.15
    told = "numbers: 16 features of the numbers price, is_new; categories shop\n"
    assert told in repr(classifier_of(model))


def test_a_missing_number_is_the_mean_and_an_unseen_category_is_none():
    model = small("series").fit(of_kind("series"), Y)
    rows = of_kind("series", NEW)[:1].iloc[[0] * 4].astype({"shop": object})
    rows["price"] = [np.nan, 1e9, 0.0, 0.0]
    rows["shop"] = ["x", "x", "new", None]
    frame = rows.assign(shop=pd.Categorical(rows["shop"]))
    found = model.predict_proba(frame)
    assert_array_equal(found[2], found[3])
    features = features_of(model)
    assert features.categories == {"shop": ("x", "y", "z")}
    assert features.numbers == {"price": ("value", "pieces", "is missing"), "is_new": ("value",)}
    vectors = features.vectors(model_sequences(model, frame))
    assert_array_equal(vectors[0, :12], [*[np.nan] * 11, 1])


def test_many_samples_without_a_known_category_are_told():
    model = small("series").fit(of_kind("series"), Y)
    new = of_kind("series", NEW).assign(shop=pd.Categorical([None] + ["X"] * (len(NEW) - 1)))
    with pytest.warns(InputTypeWarning, match=r"'shop' of X holds no category of fit, \('x', 'y'"):
        model.predict(new)
    model.predict(new[:3])
    model.predict(new.assign(shop=pd.Categorical(["X"] * (len(NEW) - 1) + ["x"])))


def model_sequences(model, X):
    return model._fitted.input_format.read(X)


def test_constant_columns_and_the_scale_of_numbers_change_nothing():
    X = of_kind("series")
    expected = small("series").fit(X, Y).predict_proba(X)
    more = X.assign(one=0.1, none=np.nan, only=pd.Categorical(["a"] * N))
    model = small("series").fit(more, Y)
    assert_array_equal(model.predict_proba(more), expected)
    other = more.assign(one=7.0, none=3.0, only=pd.Categorical(["b"] * N))
    assert_array_equal(model.predict_proba(other), expected)
    scaled = X.assign(price=X["price"] / 1e6 - 7)
    assert_allclose(small("series").fit(scaled, Y).predict_proba(scaled), expected, atol=1e-3)


def test_numbers_that_span_powers_of_ten_are_told_by_their_ranks():
    rng = np.random.default_rng(0)
    sizes = np.exp(rng.normal(8, 3, 400))
    y = rankdata(sizes).astype(int) // 100 % 2  # every other quarter
    X = pd.DataFrame({"steps": [*rng.normal(size=(400, 5))], "size": sizes})
    model = small("series").fit(X[:200], y[:200])
    assert model.score(X[200:], y[200:]) > 0.9
    wild = X[:200].copy()
    wild.loc[wild["size"].idxmax(), "size"] = 1e30
    assert small("series").fit(wild, y[:200]).score(X[200:], y[200:]) > 0.9
    beyond = X[200:210].assign(size=1e14)
    largest = beyond.assign(size=sizes[:200].max())
    assert_array_equal(model.predict_proba(beyond), model.predict_proba(largest))


def test_deciles_are_those_of_the_samples_that_are_learned(samples_of):
    X = pd.DataFrame({"steps": [*np.zeros((100, 2))], "size": np.arange(100.0)})
    _, sequences = InputFormat.found_in(X, "auto", None)
    targets = samples_of(np.zeros((100, 2, 1)), np.arange(100) % 2).targets
    features = NumberFeatures({"size": ("pieces",)}, {})
    found = features.learned(Samples(sequences, targets).subset(np.arange(50, 100)))
    assert_allclose(found.quantiles[:, 0], np.linspace(50, 99, 11))
    (pieces,) = found.vectors(sequences.subset(np.array([60])))
    assert_allclose(pieces, [0.5, 0.5, 0.5 * (60 - 59.8) / 4.9, *[0] * 7], atol=1e-12)


def test_numbers_whose_squares_are_too_small_for_floats_are_told_by_their_ranks():
    frame = FRAME.assign(price=FRAME["price"].fillna(0) * 1e-200)[["text", "price"]]
    model = small("texts").fit(frame, Y)
    value, *pieces = coef_of(model)
    assert not value.any()
    assert np.any(pieces)
    assert np.isfinite(model.decision_function(frame)).all()


RARE = {"flag": [False, True], "missing": [1.0, np.nan], "category": pd.Categorical(["a", "b"])}


@pytest.mark.parametrize("name", RARE)
@pytest.mark.parametrize("kind", KINDS)
def test_a_column_may_vary_in_a_single_fold(kind, name):
    values = pd.Series(RARE[name]).take([0] * (N - 1) + [1]).array
    X = FRAME[["text" if kind == "texts" else "steps"]].assign(**{name: values})
    model = small(kind).fit(X, Y)
    assert member_of(model) is not None
    assert np.isfinite(model.decision_function(X)).all()


def test_rare_categories_of_a_column_are_none():
    X = pd.concat([FRAME[["steps"]]] * 2, ignore_index=True)
    X = X.assign(shop=pd.Categorical([f"{number % 260}" for number in range(2 * N)]))
    twins = np.tile(np.arange(N), 2)
    features = features_of(small("series").fit(X, [*Y, *Y], groups=twins))
    assert len(features.categories["shop"]) == 255
    assert "0" in features.categories["shop"]  # two samples have it


@pytest.mark.parametrize("kind", KINDS)
def test_several_labels_groups_weights_and_samples_of_validation(kind):
    X, labels = of_kind(kind), np.stack([Y == 1, Y == 2], axis=1).astype(int)
    name = "lstmsequenceclassifier__" if kind == "texts" else ""
    fitted = small(kind, class_weight=[{0: 1, 1: 2}] * 2, threshold="f1").fit(
        X, labels, **{f"{name}groups": np.arange(N) % 9, f"{name}sample_weight": np.arange(N) % 3}
    )
    assert fitted.predict(of_kind(kind, NEW)).shape == (60, 2)
    assert coef_of(fitted).shape == (16, 2)
    if kind == "series":
        new = of_kind(kind, NEW)
        model = small(kind).fit(X, Y, X_val=new, y_val=NEW_Y)
        assert model.calibration_["n_held_out"] == len(new)
        with pytest.raises(ValueError, match=r"X_val.* X lacks \['price'\]"):
            small(kind).fit(X, Y, X_val=new.drop(columns="price"), y_val=NEW_Y)


# --- What is kept


# --- What is refused


def test_a_row_that_lost_its_numbers_is_refused_and_named():
    model = small("texts").fit(of_kind("texts"), Y)
    vectorizer, classifier = model
    X = vectorizer.transform(of_kind("texts"))
    for lost in (FRAME["text"], FRAME["text"].tolist()):
        with pytest.raises(
            ValueError, match=r"\['price', 'is_new', 'shop'\].*X has none\..*X\[rows\]"
        ):
            model.predict(lost)
    with pytest.raises(ValueError, match=r"save_npz lose them"):
        classifier.partial_fit(X.toarray(), Y)
    selected, expected = classifier.predict_proba(X[[2, 0]]), classifier.predict_proba(X)[[2, 0]]
    np.testing.assert_allclose(selected, expected, rtol=0, atol=1e-7)


def test_other_columns_than_at_fit_are_refused():
    X = of_kind("series")
    model = small("series").fit(X, Y)
    assert (model.n_features_in_, [*model.feature_names_in_]) == (4, [*X])
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(X[["price", "steps", "is_new", "shop"]])
    with pytest.raises(ValueError, match=r"'price' of X holds categories.* at fit it held numbers"):
        model.predict(X.astype({"price": "category"}))
    with pytest.raises(ValueError, match=r"of fit stood \[\], but X adds \['1', '2', '3'\]"):
        small("series").fit(X["steps"], Y).predict(X.set_axis([*range(4)], axis=1))
    with pytest.raises(ValueError, match=r"hold the sequences.* 1 hold neither: 'text' .*category"):
        model.fit(FRAME, Y)


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_are_read_also_without_a_linear_model(kind):
    model = small(kind, linear_model=False, max_epochs=1).fit(of_kind(kind), Y)
    classifier = model[-1] if kind == "texts" else model
    assert [*classifier.calibration_["weights"]] == ["network", "numbers"]


def test_numbers_need_fit():
    X = of_kind("series")
    with pytest.raises(ValueError, match=r"partial_fit fits .* nor numbers beside"):
        small("series", max_epochs=1).partial_fit(X, Y, classes=[0, 1, 2])


# --- What is shown


@pytest.mark.parametrize("method", ["shares", "leave_one_out"])
def test_each_number_is_explained_by_its_name(fitted, method):
    kind, model = fitted
    X = of_kind(kind, NEW)[:3]
    if (kind, method) == ("series", "leave_one_out"):
        with pytest.raises(ValueError, match="X holds measurements"):
            explain(model, X, method=method)
        return
    scores = model.decision_function(X)
    for row, found in enumerate(explain(model, X, 1, method=method)):
        assert found.numbers.keys() == {"price", "is_new", "shop"}
        assert found.score == pytest.approx(scores[row, 1], abs=1e-3)
    member, factor = member_of(model), classifier_of(model).calibration_["weights"]["numbers"]
    gaps = member.logits(sequences_of(model, X)) - member.terms[0].intercept
    assert sum(found.numbers.values()) == pytest.approx(factor * gaps[-1, 1])


@pytest.mark.filterwarnings("ignore:X has no value in columns")
@pytest.mark.parametrize(
    "nothing", [np.nan, pd.Categorical([None] * 60)], ids=["numbers", "categories"]
)
def test_columns_without_a_value_are_told_as_missing_whatever_their_type(nothing):
    model = small("texts").fit(of_kind("texts"), Y)
    X = of_kind("texts", NEW).assign(price=nothing, shop=nothing)
    names = explain_classes(model, X).to_frame()["name"].tolist()
    assert {"price is missing", "shop is missing"} <= {*names}


def sequences_of(model, X):
    if hasattr(model, "steps"):
        return sequences_of(model[-1], model[0].transform(X))
    return model_sequences(model, X)


def test_numbers_are_drawn_beside_the_steps(fitted):
    kind, model = fitted
    names = ["price", "is_new", "shop"]
    display = ExplanationDisplay.from_estimator(model, of_kind(kind, NEW)[:1], 1)
    shown = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert shown[-3:] == names if kind == "texts" else "price " in display.ax_.get_title()
    assert "(shop)" in display._repr_html_()
    assert as_shap_explanation(display.explanation).feature_names[-3:] == names
