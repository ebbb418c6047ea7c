"""`explain`: what it says of a prediction, on every kind of X and y."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
from sklearn_lstm.inspection import (
    Explanation,
    explain,
    explain_classes,
    explain_phrases,
    gate_activations,
)
from sklearn_lstm.inspection.inputs import find_classifier, open_model
from sklearn_lstm.members.features.ngrams import LetterFeatures

SMALL = {"hidden_size": 12, "max_epochs": 4, "random_state": 0, "precision": "float32"}


def scores_of(model, X, explanations):
    """Return the score of the target of each explanation, by `decision_function`."""
    decisions = model.decision_function(X)
    targets = [each.target for each in explanations]
    if decisions.ndim == 1:
        return np.where(np.array(targets) == model.classes_[1], decisions, -decisions)
    columns = [list(model.classes_).index(target) for target in targets]
    return decisions[np.arange(len(columns)), columns]


# --- Completeness


def test_each_step_adds_to_both_parts_and_all_sum_to_the_score(fitted):
    model, X = fitted
    X = X[:6]
    explanations = explain(model, X)
    scores = scores_of(model, X, explanations)
    differences = np.abs(scores - [each.base_value for each in explanations])
    errors = np.abs(scores - [each.score for each in explanations])
    assert (errors <= 1e-3 * np.maximum(1, differences)).all(), errors
    _, classifier = find_classifier(model)
    for each, length in zip(explanations, open_model(model, X).sequences.lengths, strict=True):
        assert len(each.data) == length
        assert each.linear.shape == each.network.shape == each.values.shape == (length,)
        assert np.isfinite(each.values).all()
        assert np.any(each.linear) == (classifier.linear_model_ is not None)
        assert np.any(each.network) == (classifier.n_epochs_ > 0)


# --- The linear model


def test_the_linear_part_is_exact_for_words_among_characters(fitted_texts):
    _, texts = fitted_texts("word", max_epochs=0)
    rng = np.random.default_rng(0)
    characters = [chr(0x4E00 + number) for number in range(99)]
    texts = [text + " " + "".join(rng.choice(characters, 8)) for text in [*texts] * 12]
    labels = np.where(["good" in text for text in texts], "pos", "neg")
    model = make_pipeline(TextSequenceVectorizer(), LSTMSequenceClassifier(max_epochs=0))
    model.fit(texts, labels)
    assert model[-1].input_type_ == "characters"
    assert LetterFeatures in map(type, model[-1].linear_model_.features)
    found = [each.score for each in explain(model, texts[:20], "pos")]
    np.testing.assert_allclose(found, model.decision_function(texts[:20]), atol=1e-5)


def test_what_all_series_share_is_in_the_base_value():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 40)), np.arange(60) % 2
    X += 5 * np.sin(np.arange(40))  # in all series
    X[y == 1, 20:24] += 4
    model = LSTMSequenceClassifier(max_epochs=0, random_state=0).fit(X, y)
    explanations = explain(model, X, 1)
    scores = model.decision_function(X)
    np.testing.assert_allclose([each.score for each in explanations], scores, atol=1e-5)
    base_values = np.array([each.base_value for each in explanations])
    np.testing.assert_allclose(base_values, scores.mean(), atol=0.05 * scores.std())
    values = np.array([each.values for each in explanations])
    assert np.abs(values.mean(axis=0)).max() < np.abs(values).mean()


# --- The networks


def test_the_network_finds_the_token_that_decides():
    rng = np.random.default_rng(0)
    X = [rng.integers(3, 20, 12) for _ in range(400)]
    y, places = np.arange(400) % 2, rng.integers(0, 12, 400)
    for ids, place, label in zip(X, places, y, strict=True):
        ids[place] = 1 + label
    model = LSTMSequenceClassifier(
        hidden_size=16,
        linear_model=False,
        max_epochs=8,
        batch_size=16,
        lr=0.02,
        random_state=0,
        precision="float32",
    ).fit(X[:300], y[:300])
    assert model.score(X[300:], y[300:]) == 1
    top = [each.network.argmax() for each in explain(model, X[300:])]
    assert np.mean(top == places[300:]) > 0.95


@pytest.mark.usefixtures("_in_bfloat16")
def test_a_network_that_predicts_in_bfloat16_is_explained_in_float32(fitted_texts):
    model, texts = fitted_texts("word", precision="auto")
    assert model[-1].module_.use_bfloat16
    found = np.array([each.score for each in explain(model, texts, "pos")])
    assert np.abs(found - model.decision_function(texts)).max() < 0.05


@pytest.mark.parametrize(
    "mode", [torch.inference_mode, torch.no_grad, lambda: torch.autocast("cpu", torch.bfloat16)]
)
def test_neither_modes_of_torch_nor_explaining_change_anything(fitted_texts, mode):
    model, texts = fitted_texts("word")
    before = model.predict_proba(texts)
    expected = [each.values for each in explain(model, texts, "pos")]
    with mode():
        found = [each.values for each in explain(model, texts, "pos")]
    np.testing.assert_array_equal(np.concatenate(found), np.concatenate(expected))
    np.testing.assert_array_equal(model.predict_proba(texts), before)


# --- What is shown


def test_tokens_are_those_that_truncation_keeps(fitted_texts):
    model, _ = fitted_texts("word", max_length=3, truncation="middle", max_epochs=0)
    (explanation,) = explain(model, ["very dull not good film"])
    assert explanation.data.tolist() == ["very", "dull", "film"]


def test_unknown_words_are_named(fitted_texts):
    model, _ = fitted_texts("word")
    zebras, empty = explain(model, ["zebra zebra", ""])
    assert (zebras.data.tolist(), empty.data.tolist()) == (["zebra", "zebra"], ["<unk>"])


def test_the_letters_of_an_unknown_word_count_for_it(fitted_texts):
    model, _ = fitted_texts("word", max_epochs=0)
    (explanation,) = explain(model, ["badly xyzxyz film"], "neg")
    assert explanation.linear[0] != 0
    assert explanation.linear[1] == 0
    score = -model.decision_function(["badly xyzxyz film"])[0]
    np.testing.assert_allclose(explanation.score, score, atol=1e-5)


def test_without_texts_the_vocabulary_names_the_ids(fitted_texts):
    model, _ = fitted_texts("word")
    X = model[0].transform(["good plot"])
    (explanation,) = explain(model[-1], X)
    assert explanation.data.tolist() == ["good", "plot"]
    del X.spelling
    vocabulary = model[0].vocabulary_
    assert explain(model[-1], X)[0].data.tolist() == [vocabulary["good"], vocabulary["plot"]]


@pytest.mark.parametrize(("analyzer", "unknown"), [("word", "zebra"), ("char", "z")])
def test_without_texts_unknown_tokens_have_their_names_too(fitted_texts, analyzer, unknown):
    model, _ = fitted_texts(analyzer, max_epochs=0)
    texts = ["", f"good {unknown} film", f"{unknown} fun"]
    X = model[0].transform(texts)
    for found, expected in zip(explain(model[-1], X), explain(model, texts), strict=True):
        assert found.data.tolist() == expected.data.tolist()
    X.data[1] = 0  # "good", or its first letter
    assert explain(model[-1], X[1:])[0].data.tolist() == explain(model, texts)[1].data.tolist()[1:]


def test_a_pipeline_with_more_steps_and_a_search_can_be_explained():
    pipeline = make_pipeline(
        FunctionTransformer(lambda texts: [text.upper() for text in texts]),
        TextSequenceVectorizer(max_length=2),
        None,
        LSTMSequenceClassifier(**SMALL),
    )
    texts = ["good", "bad", "good fun", "bad plot"] * 3
    search = GridSearchCV(pipeline, {"lstmsequenceclassifier__hidden_size": [4]}, cv=2)
    search.fit(texts, [1, 0, 1, 0] * 3)
    (explanation,) = explain(search, ["A good plot"])
    assert explanation.data.tolist() == ["good", "plot"]


def test_a_model_that_knows_no_ngram_is_explained():
    """Three sequences of two symbols hold no n-gram of five that two of them share."""
    X = [row.tolist() for row in np.random.default_rng(0).integers(1, 3, (3, 6))]
    model = LSTMSequenceClassifier(linear_model="alone", random_state=0).fit(X, [0, 1, 0])
    scores = model.decision_function(X)
    assert_allclose([one.score for one in explain(model, X, 1)], scores)
    assert_allclose(explain_classes(model, X).means[:, 1].sum(), scores.mean())


# --- Targets and errors


@pytest.mark.parametrize("method", ["shares", "leave_one_out"])
def test_dense_output_is_explained_without_a_warning_of_words(method):
    vectorizer = TextSequenceVectorizer(output="dense")
    model = make_pipeline(vectorizer, LSTMSequenceClassifier(**SMALL))
    model.fit(["good fun", "bad plot"] * 9, ["pos", "neg"] * 9)
    (explanation,) = explain(model, ["good zebra"], method=method)
    assert explanation.data.tolist() == ["good", "zebra"]
    assert explain_phrases(model, ["good zebra"])


def test_each_sequence_may_have_its_own_target(fitted_texts):
    (model, texts), targets = fitted_texts("word"), ["pos", "neg", "pos"]
    assert [each.target for each in explain(model, texts[:3], targets)] == targets


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("spam", r"'spam' is not a class of the model: .*'neg', 'pos'"),
        ([3], "is not a class of the model"),
        ([None], "is not a class of the model"),
        (["pos", "neg"], r"one class for each of 1 sequences.*shape \(2,\)"),
    ],
)
def test_a_wrong_target_is_refused(fitted_texts, target, message):
    model, texts = fitted_texts("word")
    with pytest.raises(ValueError, match=message):
        explain(model, texts[:1], target)


def test_another_classifier_and_what_is_not_fitted_are_refused():
    model = LSTMSequenceClassifier()
    for other in (LogisticRegression(), GridSearchCV(model, {"hidden_size": [4]})):
        message = f"Expected an LSTMSequenceClassifier.* fitted search.* got {type(other).__name__}"
        with pytest.raises(TypeError, match=message):
            explain(other, [[1]])
    with pytest.raises(NotFittedError):
        explain(model, [[1]])


# --- Long series


def test_the_steps_of_a_frame_share_what_it_adds_and_what_the_gates_do():
    X = list(np.random.default_rng(0).normal(size=(24, 700)))
    model = LSTMSequenceClassifier(**SMALL | {"linear_model": False}).fit(X, np.arange(24) % 2)
    assert model.module_.architecture.steps_per_frame == 3
    short = [X[0][:400]]
    (explanation,), (activations,) = explain(model, short), gate_activations(model, short)
    np.testing.assert_allclose(scores_of(model, short, [explanation]), explanation.score, atol=1e-3)
    for of_steps in (explanation.network[:, np.newaxis], activations.forget_gate[0, 1]):
        assert len(of_steps) == 400
        np.testing.assert_array_equal(of_steps[:399:3], of_steps[2:399:3])
        assert len(np.unique(of_steps, axis=0)) == 134


# --- What it prints


def test_an_explanation_prints_its_largest_contributions():
    data, linear = np.array([*"abcdefg"], object), np.array([0, 3, -1, 0, 0.5, -4, 0.25])
    explanation = Explanation(data, linear, np.zeros(7), -0.5, target="x", whole=2.0)
    assert repr(explanation) == (
        "<Explanation of 'x': score +0.25: f -4.00, b +3.00, c -1.00, e +0.50, g +0.25, ..., "
        "the whole text +2.00, base value -0.50>"
    )
    target = np.array([1])[0]
    series = Explanation(np.zeros((2, 3)), np.array([1.0, 2.0]), np.zeros(2), 0.0, target)
    assert repr([series]) == (
        "[<Explanation of 1: score +3.00: step 1 +2.00, step 0 +1.00, base value +0.00>]"
    )
