"""Held-out samples: whole groups, or samples that the user brings."""

from contextlib import nullcontext
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
import small_models
from numpy.testing import assert_array_equal
from sklearn import config_context
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import Pipeline

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
from sklearn_lstm.members.held_out import Split, folds, hold_out, hold_out_groups
from sklearn_lstm.targets.targets import Labels, Targets

rng = np.random.default_rng(0)
Y = rng.integers(0, 2, 120)
IDS = [rng.integers(2, 30, length) for length in rng.integers(2, 9, 120)]
for row, label in zip(IDS, Y, strict=True):
    row[-1] = 30 + label
SERIES = [rng.normal(size=(12, 2)) + label for label in Y[:40]]
KINDS = {"ids": (IDS, Y), "series": (SERIES, Y[:40])}
NEW_IDS, NEW_Y = IDS[::-2], Y[::-2]  # a part of 60, in another order


# Most of these data are noise, some are frames of single numbers, and X_val is in X: all is told.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:{text}")
    for text in ("X was read as", "Each row of X is read", "All sequences of X_val")
]
small = partial(small_models.small, embedding_dim=4, max_epochs=1, batch_size=64, linear_model=True)


@pytest.fixture(params=KINDS)
def data(request):
    return KINDS[request.param]


@pytest.fixture
def splits(monkeypatch):
    """What fits from now on learn from, and hold out."""
    found = []
    drawn_from = Split.drawn_from

    def spy(*arguments):
        found.append(drawn_from(*arguments))
        return found[-1]

    monkeypatch.setattr(Split, "drawn_from", spy)
    return found


# --- Which samples are drawn


def test_held_out_samples_are_a_share_of_each_class():
    targets = np.repeat([0, 1, 2, 3], [100, 50, 10, 1])
    held_out = hold_out(targets, 32, np.random.default_rng(0))
    assert set(np.delete(targets, held_out)) == {0, 1, 2, 3}
    np.testing.assert_allclose(np.bincount(targets[held_out]), [20, 10, 2], atol=1)
    other = hold_out(targets, 32, np.random.default_rng(1))
    assert set(other) != set(held_out)


@pytest.mark.parametrize("rare", [0, 1, 2])
def test_a_rare_class_is_held_out_as_often_whatever_its_place(rare):
    n_samples = np.where(np.arange(3) == rare, 3, 50)  # one of each class is never held out
    targets = np.repeat(np.arange(3), n_samples)
    draws = [hold_out(targets, 20, np.random.default_rng(seed)) for seed in range(400)]
    share = np.bincount(targets[np.concatenate(draws)]) / 400 / (n_samples - 1)
    np.testing.assert_allclose(share, 20 / 100, rtol=0.15)


RARE = np.concatenate([np.eye(120), np.roll(np.eye(120), 1, axis=1)[:, :30]], axis=1).astype(int)


@pytest.mark.filterwarnings("ignore:Nothing is learned of")
@pytest.mark.parametrize("options", [{}, {"max_epochs": 0}, {"threshold": "f1"}])
def test_where_each_sample_alone_has_some_label_nothing_is_held_out(data, splits, options):
    X, labels = data[0], RARE[: len(data[0])]
    model = small(**options)
    warns = pytest.warns(UserWarning, match="'f1' needs held-out samples")
    with warns if "threshold" in options else nullcontext():
        model.fit(X, labels)
    assert model.linear_model_ is not None
    [found] = splits
    assert (len(found.held_out), len(found.learned)) == (0, len(X))
    blend = model.calibration_
    assert blend["n_held_out"] == 0
    linear, network = (1, 0.1) if model.input_type_ == "measurements" else (2, 0.03)  # the medians
    expected = {"linear model": linear, "network": network if model.n_epochs_ else 0}
    assert expected == {name: pytest.approx(blend["weights"][name]) for name in expected}


@pytest.mark.parametrize("labels", [RARE, np.arange(120)], ids=["labels", "classes"])
@pytest.mark.filterwarnings("ignore:The number of unique classes")
def test_early_stopping_says_what_it_lacks_where_nothing_can_be_held_out(labels):
    with pytest.raises(ValueError, match=r"Nothing can be held out.*early_stopping=True"):
        small(early_stopping=True).fit(IDS, labels)


def test_a_sample_that_is_not_alone_in_any_label_is_held_out_whatever_is_drawn():
    labels = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 1]])
    for seed in range(9):
        assert hold_out(labels, 1, np.random.default_rng(seed)).tolist() == [1]


# --- Which groups are drawn


def draw(targets, groups, n_held_out, seed=0):
    rng = np.random.default_rng(seed)
    return hold_out_groups(np.asarray(targets), np.asarray(groups), n_held_out, rng)


@pytest.mark.parametrize("seed", range(3))
def test_whole_groups_come_close_to_the_wanted_numbers_of_each_class(seed):
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, 60, 600)
    targets = np.where(rng.random(600) < groups / 60, rng.integers(1, 3, 600), 0)
    rows = draw(targets, groups, 100, seed=seed)
    held_out = set(groups[rows])
    assert not held_out & set(np.delete(groups, rows))
    assert len(rows) == pytest.approx(100, abs=6)
    np.testing.assert_allclose(np.bincount(targets[rows]), np.bincount(targets) / 6, atol=8)
    assert held_out != {*groups[draw(targets, groups, 100, seed=seed + 1)]}


def test_of_many_small_groups_as_many_are_drawn_as_wanted():
    targets = np.arange(2000) % 4
    rows = draw(targets, np.arange(2000), 100)
    assert len(rows) == pytest.approx(100, abs=1)  # folds differ by one group
    np.testing.assert_allclose(np.bincount(targets[rows]), 25, atol=1)


def test_of_large_groups_the_closest_is_drawn():
    groups = np.repeat([0, 1, 2, 3], [60, 20, 20, 60])
    targets = np.where(groups == 1, 0, np.arange(160) % 2)
    rows = draw(targets, groups, 16)
    assert_array_equal(np.unique(groups[rows]), [2])  # as small as 1, and of both classes


@pytest.mark.parametrize("seed", range(3))
def test_groups_that_hold_the_last_sample_of_a_class_stay(seed):
    """A fold of so many rare classes would hold some as a whole."""
    pairs = np.random.default_rng(seed).permutation(400)
    for targets, n_held_out in ((np.arange(400) // 2, 80), (np.maximum(np.arange(400), 200), 80)):
        rows = draw(targets, pairs, n_held_out, seed=seed)
        assert set(np.delete(targets, rows)) == set(targets)
        assert len(rows) == pytest.approx(n_held_out, rel=0.5)


# --- fit with groups


@pytest.mark.parametrize("options", [{}, {"early_stopping": True}], ids=["blend", "stop"])
def test_no_group_is_on_both_sides(data, splits, options):
    X, y = data
    groups = np.arange(len(y)) % 10
    weights = np.where(groups == 3, 0, 1 + np.arange(len(y)) % 2)
    model = small(**options).fit(X, y, sample_weight=weights, groups=groups)
    [found] = splits
    learned, held_out = set(found.learned.targets.groups), set(found.held_out.targets.groups)
    assert held_out
    assert held_out | learned == set(range(10)) - {3}
    assert not held_out & learned
    assert model.calibration_["n_held_out"] == len(found.held_out)


def test_logits_of_held_out_series_come_from_other_groups():
    """Each recording is there four times, and its label tells nothing about another recording."""
    rng = np.random.default_rng(0)
    X, y = np.repeat(rng.normal(size=(60, 30)), 4, axis=0), np.repeat(np.arange(60) % 2, 4)
    model = small(max_epochs=0)
    weight = model.fit(X, y, groups=np.arange(240) // 4).calibration_["weights"]["linear model"]
    assert weight < 0.3  # of logits that leave out one series at a time: 1


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (np.arange(5), "groups holds 5 labels for 120 sequences"),
        (np.zeros((120, 2)), r"has to be 1-D: a string"),
        (7, r"has to be 1-D: a string"),
        (["a", None] * 60, r"groups\[1\] is missing: None"),
        (np.where(np.arange(120) > 1, np.nan, 1), r"groups\[2\] is missing: nan"),
        (["a"] * 120, "two samples, of two groups, so that one stays.*X_val and y_val"),
        (Y, "Nothing can be held out: each class .* of two groups"),
    ],
)
def test_wrong_groups_are_refused(groups, message):
    with pytest.raises(ValueError, match=message):
        small().fit(IDS, Y, groups=groups)


def test_groups_change_nothing_where_nothing_is_held_out():
    model = small(linear_model=False)
    expected = model.fit(IDS, Y).predict_proba(IDS)
    assert_array_equal(model.fit(IDS, Y, groups=["a"] * 120).predict_proba(IDS), expected)


# --- Copies


def log_loss_of(X, y, X_test, y_test):
    model = LSTMSequenceClassifier(linear_model="alone", random_state=0).fit(X, y)
    return log_loss(y_test, model.predict_proba(X_test))


def noisy(n_samples, seed):
    """Return ids of which one tells the class, three times in four."""
    rng = np.random.default_rng(seed)
    X = [rng.integers(4, 300, length) for length in rng.integers(8, 20, n_samples)]
    y = rng.integers(0, 2, n_samples)
    for row, label in zip(X, y, strict=True):
        row[3] = 2 + (label ^ (rng.random() < 0.25))
    return X, y


@pytest.mark.parametrize("n_samples", [150, 400])  # 750: factors by cross-validation; 2,000
def test_copies_do_not_make_a_model_too_sure(n_samples):
    X, y = noisy(n_samples, 0)
    X_test, y_test = noisy(1000, 1)
    once = log_loss_of(X, y, X_test, y_test)
    assert log_loss_of(X * 5, np.tile(y, 5), X_test, y_test) < once + 0.05


NOISE = np.random.default_rng(0).integers(0, 2, 360)
WITH_NOISE = np.column_stack([np.tile(Y, 3), NOISE, *[np.tile(1 - Y, 3)] * 12])


@pytest.mark.parametrize(
    ("n_samples", "y", "are_whole"),
    [
        (360, np.tile(Y, 3), True),
        (190, np.tile(Y, 3), True),  # 70 copies of 120
        (360, NOISE, False),
        (360, WITH_NOISE, False),  # of labels, few differ
    ],
    ids=["copies", "few copies", "other classes", "other labels"],
)
@pytest.mark.parametrize("beside", [False, True], ids=["ids", "numbers"])
def test_copies_are_held_out_together_unless_their_labels_differ(
    splits, n_samples, y, are_whole, beside
):
    model = LSTMSequenceClassifier(linear_model="alone", random_state=0)
    X = (IDS * 3)[:n_samples]
    if beside:
        model = Pipeline([("ids", TextSequenceVectorizer()), ("classifier", model)])
        X = pd.DataFrame({"text": texts_of(X), "number": np.arange(n_samples) % 5})
    model.fit(X, y[:n_samples])
    held_out = splits[-1].held_out_rows
    assert len(held_out)
    learned = np.delete(np.arange(n_samples), held_out)
    sides = ({tuple(IDS[row % 120]) for row in rows} for rows in (held_out, learned))
    assert set.isdisjoint(*sides) == are_whole


@pytest.mark.parametrize("seed", range(2))
def test_sequences_that_come_again_and_again_are_held_out_sample_by_sample(splits, seed):
    """As queries do, and lines of a log: a few are most of the samples."""
    rng = np.random.default_rng(seed)
    known = [rng.integers(2, 300, rng.integers(5, 12)) for _ in range(2000)]
    classes, shares = rng.integers(0, 2, 2000), 1 / np.arange(1, 2001) ** 1.2
    drawn = rng.choice(2000, 3000, p=shares / shares.sum())
    X, y = [known[number] for number in drawn], classes[drawn]
    assert log_loss_of(X[:1000], y[:1000], X[1000:], y[1000:]) < 0.26
    assert len(splits[-1].held_out_rows) == pytest.approx(200, rel=0.1)


def test_a_single_group_is_divided_into_folds_by_its_samples():
    """Without a fold, nothing would set the penalty of an encoder's member."""
    targets = Targets(Y, np.ones(120), Labels(np.arange(2)), np.full(120, 7))
    alone, single = folds(replace(targets, groups=None), 0), folds(targets, 0)
    assert [part.tolist() for part in single] == [part.tolist() for part in alone]
    assert len(single) == 5


def test_folds_leave_no_class_unlearned():
    """Else a class with one sample would set the factors of members that can't know it."""
    y = np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 3])
    targets = Targets(y, np.ones(12), Labels(np.arange(4)))
    assert sorted(np.concatenate(folds(targets, 0))) == list(range(10))
    groups = np.array([0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 4, 4])  # the last one holds classes alone
    grouped = np.concatenate(folds(replace(targets, groups=groups), 0))
    assert sorted(grouped) == [0, 1, 2, 3, 5, 6, 7, 8]


# --- fit with samples of the user's own


def test_the_users_samples_are_held_out_and_all_others_are_learned(data, splits):
    X, y = data
    model = small().fit(
        X[:-15], y[:-15], X_val=X[-15:], y_val=y[-15:], groups=["unused"] * (len(y) - 15)
    )
    [found] = splits
    assert len(found.learned) == len(y) - 15
    assert_array_equal(found.held_out.sequences.lengths, [*map(len, X[-15:])])
    assert model.calibration_["n_held_out"] == 15


def test_the_linear_model_learns_from_all_samples_but_the_users():
    def scores(n_samples, **own):
        model = small(max_epochs=0).fit(IDS[:n_samples], Y[:n_samples], **own)
        scores = model.decision_function(IDS) / model.calibration_["weights"]["linear model"]
        return scores - scores[0]  # without the correction for rare classes

    expected = scores(120)
    found = scores(120, X_val=NEW_IDS, y_val=NEW_Y)
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert abs(scores(110) - expected).max() > 0.01


def test_the_users_samples_set_the_blend_weights():
    model = small(max_epochs=2, lr=0.02)
    right = model.fit(IDS, Y, X_val=NEW_IDS, y_val=NEW_Y).calibration_
    wrong = model.fit(IDS, Y, X_val=NEW_IDS, y_val=1 - NEW_Y).calibration_
    assert wrong["weights"]["linear model"] < 0.3 < right["weights"]["linear model"]
    assert wrong["n_held_out"] == 60


def test_the_users_samples_tell_when_training_may_end():
    model = small(max_epochs="auto", batch_size=4, input_type="characters")
    model.fit(IDS, Y, X_val=NEW_IDS, y_val=1 - NEW_Y)
    losses = [row["valid_loss"] for row in model.history_ if row["valid_loss"] is not None]
    assert len(losses) >= 3
    assert min(losses) > 0.6  # of drawn samples it would be almost 0


def test_one_sample_is_enough(data):
    X, y = data
    for options in ({}, {"early_stopping": True}, {"max_epochs": 0}):
        model = small(**options).fit(X, y, X_val=X[:1], y_val=y[:1])
        assert model.calibration_["n_held_out"] == 1


def test_weights_of_the_users_samples_are_relative_and_zero_leaves_out():
    def fit(rows, weights=None):
        X_val = [NEW_IDS[row] for row in rows]
        model = small().fit(IDS, Y, X_val=X_val, y_val=NEW_Y[rows], sample_weight_val=weights)
        return model.calibration_

    some = np.arange(60) % 3 > 0
    every = np.arange(60)
    expected = fit(np.flatnonzero(some))
    assert fit(every, some) == expected == fit(every, 8.0 * some)
    assert fit(every, 1.0 + some) not in (expected, fit(every))


def test_several_labels(splits):
    labels = np.stack([Y, 1 - Y, np.arange(120) % 2], axis=1)
    for options in ({"X_val": NEW_IDS, "y_val": labels[::-2]}, {"groups": np.arange(120) % 7}):
        model = small().fit(IDS, labels, **options)
        assert model.calibration_["n_held_out"] == len(splits[-1].held_out) > 15
    small(early_stopping=True).fit(IDS, labels, X_val=IDS[:1], y_val=labels[:1])


TOKENS, OTHER_TOKENS = (
    TextSequenceVectorizer().fit_transform(texts) for texts in (["a b", "c"], ["x y", "z"])
)
FRAME = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 4)), columns=list("abcd"))


@pytest.mark.parametrize(
    ("X", "y", "own", "message"),
    [
        (IDS, Y, {"X_val": IDS}, "X_val and y_val have to be passed together"),
        (IDS, Y, {"y_val": Y}, "passed together"),
        (IDS, Y, {"sample_weight_val": Y}, "passed together"),
        (
            IDS,
            Y,
            {"X_val": IDS, "y_val": Y + 1},
            r"y_val holds labels \[2\].*\[0, 1\], which the first fit",
        ),
        (IDS, Y, {"X_val": IDS, "y_val": Y.astype(str)}, r"y_val holds labels \['0', '1'\]"),
        (IDS, Y, {"X_val": IDS, "y_val": np.eye(2, dtype=int)[Y]}, "y_val is multilabel"),
        (IDS, np.eye(2)[Y], {"X_val": IDS, "y_val": Y}, "y_val is not multilabel"),
        (IDS, Y, {"X_val": IDS, "y_val": Y[:3]}, "inconsistent numbers of samples"),
        (IDS, Y, {"X_val": SERIES, "y_val": Y[:40]}, "row of ids has shape"),
        (
            IDS,
            Y,
            {"X_val": ["a b"], "y_val": [0]},
            r"X_val.*: X\[0\] is a str.*A Pipeline tran",
        ),
        (TOKENS, [0, 1], {"X_val": OTHER_TOKENS, "y_val": [0, 1]}, "other tokens than at fit"),
        (IDS, Y, {"X_val": IDS, "y_val": Y, "sample_weight_val": -Y}, "is no finite weight"),
        (SERIES, Y[:40], {"X_val": SERIES[0][None, :, :1], "y_val": [0]}, "1 channels"),
        (FRAME, Y[:30], {"X_val": FRAME[[*"bacd"]], "y_val": Y[:30]}, "columns"),
        (FRAME, Y[:30], {"X_val": FRAME.to_numpy()[:, :3], "y_val": Y[:30]}, "3 features"),
    ],
)
def test_samples_of_another_kind_are_refused(X, y, own, message):
    error = TypeError if "is a str" in message else ValueError
    with pytest.raises(error, match=message):
        small().fit(X, y, **own)


def test_few_samples_of_many_classes_are_no_reason_to_warn():
    y = np.arange(120) % 40
    small().fit(IDS, y, X_val=IDS[:30], y_val=y[:30])


@pytest.mark.parametrize("several", [False, True], ids=["classes", "labels"])
@pytest.mark.parametrize("weights", [None, np.arange(120) % 4], ids=["even", "weighed"])
def test_balanced_weights_of_the_users_samples_are_those_of_training(weights, several):
    is_rare = np.arange(120) % 6 == 0
    y, y_val = is_rare.astype(int), (~is_rare[:60]).astype(int)
    frequency = np.bincount(y, weights) / (120 if weights is None else weights.sum())
    by_class = {0: 0.5 / frequency[0], 1: 0.5 / frequency[1]}
    if several:
        y, y_val = np.stack([y, y], axis=1), np.stack([y_val, y_val], axis=1)
        by_class = [by_class, by_class]

    def fit(class_weight):
        model = small(class_weight=class_weight, lr=0.02)
        return model.fit(IDS, y, weights, X_val=NEW_IDS, y_val=y_val).decision_function(IDS)

    np.testing.assert_allclose(fit("balanced"), fit(by_class), rtol=1e-6)


# --- Inside scikit-learn


def texts_of(ids):
    return [" ".join(f"w{number}" for number in row) for row in ids]


def test_groups_are_routed_to_the_splitter_and_to_the_classifier(splits):
    texts, groups = texts_of(IDS) * 2, np.tile(np.arange(120) % 8, 2)
    y = np.tile(Y, 2)
    with config_context(enable_metadata_routing=True):
        model = Pipeline(
            [("ids", TextSequenceVectorizer()), ("lstm", small().set_fit_request(groups=True))]
        )
        search = GridSearchCV(model, {"lstm__lr": [0.01]}, cv=GroupKFold(2))
        search.fit(texts, y, groups=groups)
    assert len(splits) == 3
    for found in splits:
        assert found.held_out.targets.groups is not None
        assert not set(found.held_out.targets.groups) & set(found.learned.targets.groups)
    n_groups = [
        len(set(found.learned.targets.groups) | set(found.held_out.targets.groups))
        for found in splits
    ]
    assert n_groups == [4, 4, 8]


def test_a_pipeline_transforms_the_users_texts():
    texts = texts_of(IDS)
    with config_context(enable_metadata_routing=True):
        model = Pipeline(
            [
                ("ids", TextSequenceVectorizer()),
                ("lstm", small().set_fit_request(X_val=True, y_val=True)),
            ],
            transform_input=["X_val"],
        ).fit(texts, Y, X_val=texts[::-2], y_val=NEW_Y)
    ids = TextSequenceVectorizer().fit(texts)
    by_hand = small().fit(ids.transform(texts), Y, X_val=ids.transform(texts[::-2]), y_val=NEW_Y)
    assert model[-1].calibration_ == by_hand.calibration_
    assert model[-1].calibration_["n_held_out"] == 60
