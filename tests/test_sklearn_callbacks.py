"""scikit-learn's own callbacks, from its version 1.9 on: what they are told, and what stays."""

import copy
import pickle
from threading import Lock

import numpy as np
import pytest
import rich
import small_models
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklearn_lstm import TextSequenceVectorizer
from sklearn_lstm.callback_support import ATTRIBUTES
from sklearn_lstm.exceptions import NonFiniteTrainingError
from sklearn_lstm.io import load, save
from sklearn_lstm.members import duration
from sklearn_lstm.members.network import training

X = np.random.default_rng(0).integers(1, 9, (120, 5))
Y = np.arange(120) % 2
TEXTS = [" ".join("abcdefghi"[token] * 2 for token in row) for row in X]


def small(*callbacks, **parameters):
    defaults = {"linear_model": True, "max_epochs": 3, "batch_size": 32}
    return small_models.small(**defaults | parameters).set_callbacks(*callbacks)


def text_model(*callbacks, **parameters):
    return make_pipeline(TextSequenceVectorizer(), small(*callbacks, **parameters))


def path_of(context):
    """Return name and number of a task and the tasks around it, from the outermost on."""
    above = () if context.parent is None else path_of(context.parent)
    return (*above, (context.task_name, context.task_id))


class Recorder:
    """Keep what is told, in order."""

    def __init__(self):
        self.told, self.lock = [], Lock()

    def tell(self, what, context):
        with self.lock:
            self.told.append((what, path_of(context), context.max_subtasks))

    def setup(self, estimator, context):  # noqa: ARG002
        self.tell("setup", context)

    def on_fit_task_begin(self, estimator, context):  # noqa: ARG002
        self.tell("begin", context)

    def on_fit_task_end(self, estimator, context):  # noqa: ARG002
        self.tell("end", context)

    def teardown(self, estimator, context):  # noqa: ARG002
        self.tell("teardown", context)

    def epochs(self, what="end"):
        """Return number of network and of epoch of each epoch that was told of."""
        paths = [path for told, path, _ in self.told if told == what and path[-1][0] == "epoch"]
        return [(path[-2][1], path[-1][1]) for path in paths]


class Ender(Recorder):
    """End the training of each network after its second epoch."""

    def on_fit_task_end(self, estimator, context):
        super().on_fit_task_end(estimator, context)
        return context.task_name == "epoch" and context.task_id == 1


class Keeper(Recorder):
    """Keep the fitted estimator of each task, and what it predicts."""

    def __init__(self):
        super().__init__()
        self.kept = {}

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):  # noqa: ARG002
        assert y is Y
        found = fitted_estimator and fitted_estimator.predict_proba(X)
        self.kept.setdefault(context.task_name, []).append(found)


# --- What is told


def test_a_fit_is_a_tree_of_tasks_linear_model_network_and_epochs():
    recorder = Recorder()
    model = small(recorder).fit(X, Y)
    fit = (("fit", 0),)
    linear, network = (*fit, ("linear model", 0)), (*fit, ("network", 1))
    assert model.linear_model_ is not None
    assert recorder.told[:4] == [
        ("setup", fit, 2),
        ("begin", fit, 2),
        ("begin", linear, 0),
        ("end", linear, 0),
    ]
    assert recorder.told[-2:] == [("end", fit, 2), ("teardown", fit, 2)]
    told = [(what, path[2:]) for what, path, _ in recorder.told if path[:2] == network]
    epochs = [(what, (("epoch", n),)) for n in range(3) for what in ("begin", "end")]
    assert told == [("begin", ()), *epochs, ("end", ())]


@pytest.mark.parametrize(
    "parameters",
    [
        {"max_epochs": "auto", "input_type": "words", "batch_size": 20},
        {"max_epochs": 60, "early_stopping": True, "n_iter_no_change": 1},
    ],
    ids=["held-out loss", "early stopping"],
)
def test_the_epoch_that_ends_the_training_ends_too(parameters, monkeypatch):
    monkeypatch.setattr(duration, "UPDATES_PER_CHECK", 5)
    monkeypatch.setattr(training, "MOST_CHECKS", 160)
    recorder = Recorder()
    model = small(recorder, **parameters).fit(X, Y)
    limit = next(n for _, path, n in recorder.told if path[-1] == ("network", 1))
    assert model.n_epochs_ < limit
    assert [n for network, n in recorder.epochs() if network == 1] == [*range(model.n_epochs_)]
    assert sorted(recorder.epochs()) == sorted(recorder.epochs("begin"))


@pytest.mark.parametrize("parameters", [{}, {"early_stopping": True}, {"verbose": 2}])
def test_training_ends_when_a_callback_says_so(parameters, capsys):
    ender = Ender()
    model = small(ender, max_epochs=9, **parameters).fit(X, Y)
    assert model.n_epochs_ == 2
    assert {n for _, n in ender.epochs()} == {0, 1}
    rows = capsys.readouterr().out.splitlines()[2:]
    assert len(rows) == (2 if parameters.get("verbose") else 0)


def test_callbacks_are_torn_down_after_an_error_too():
    recorder = Recorder()
    model = small(recorder, lr=1e38)
    with pytest.raises(NonFiniteTrainingError):
        model.fit(X, Y)
    assert [what for what, _, _ in recorder.told].count("teardown") == 1
    assert not ATTRIBUTES & set(vars(model)) - {"_skl_callbacks"}


# --- The estimator that is fitted


def test_the_fitted_estimator_comes_at_the_end_of_the_whole_fit_alone():
    keeper = Keeper()
    model = small(keeper).fit(X, Y)
    (proba,) = keeper.kept.pop("fit")
    assert_array_equal(proba, model.predict_proba(X))
    assert keeper.kept == {"linear model": [None], "network": [None], "epoch": [None] * 3}


# --- scikit-learn's callbacks, in a Pipeline and in a search


def test_a_scoring_monitor_scores_the_whole_fit_and_changes_nothing():
    monitor = ScoringMonitor(scoring=["accuracy", "neg_log_loss"])
    model = text_model(monitor).fit(TEXTS, Y)
    (row,) = monitor.get_logs().data
    assert row["task_name"] == "fit"
    assert row["accuracy"] == model.score(TEXTS, Y)
    expected = text_model().fit(TEXTS, Y).predict_proba(TEXTS)
    assert_array_equal(model.predict_proba(TEXTS), expected)


def test_sample_weights_reach_the_scores():
    weight = np.where(Y == 1, 1.0, 0.0)
    monitor = ScoringMonitor(scoring="accuracy")
    model = small(monitor).fit(X, Y, sample_weight=weight)
    expected = model.score(X, Y, sample_weight=weight)
    assert monitor.get_logs().data[-1]["accuracy"] == expected != model.score(X, Y)


@pytest.mark.slow
def test_a_search_with_processes_fills_the_log_of_the_monitor():
    monitor = ScoringMonitor(scoring="accuracy")
    grid = {"lstmsequenceclassifier__hidden_size": [2, 3]}
    GridSearchCV(text_model(monitor), grid, cv=2, n_jobs=2).fit(TEXTS, Y)
    rows = monitor.get_logs().data
    assert sum(row["task_name"] == "fit" for row in rows) == 2 * 2 + 1


def test_the_bar_of_a_search_is_whole(capsys, monkeypatch):
    monkeypatch.setattr(rich.get_console(), "width", 200)
    grid = {"lstmsequenceclassifier__linear_model": [True, False]}
    search = GridSearchCV(text_model(), grid, cv=2, refit=False)
    search.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(TEXTS * 2, np.tile(Y, 2))
    lines = [line for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert [line for line in lines if "100%" not in line] == []
    assert sum("TextSequenceVectorizer - fit" in line for line in lines) == 4
    assert sum("LSTMSequenceClassifier - network" in line for line in lines) == 4


# --- Storing


class Storer(Recorder):
    """Store the estimator that is fitted, while a Pipeline is still at it."""

    max_propagation_depth = None

    def __init__(self, path):
        super().__init__()
        self.path, self.stored = path, {}

    def __getstate__(self):
        raise AssertionError("it would be stored with the model")

    def on_fit_task_end(self, estimator, context):
        if context.task_name == "fit" and context.estimator_name != "Pipeline":
            self.stored[context.estimator_name] = pickle.dumps(estimator)
            save(estimator, self.path / context.estimator_name)


def test_an_estimator_is_stored_without_the_fit_around_it(tmp_path):
    storer = Storer(tmp_path)
    model = text_model(ScoringMonitor(scoring="accuracy")).set_callbacks(storer).fit(TEXTS, Y)
    found = [pickle.loads(stored) for stored in storer.stored.values()]
    assert [vars(step).keys() & ATTRIBUTES for step in found] == [set(), {"_skl_callbacks"}]
    assert [type(each) for each in found[1]._skl_callbacks] == [ScoringMonitor]
    expected = model.predict_proba(TEXTS)
    assert_array_equal(make_pipeline(*found).predict_proba(TEXTS), expected)
    loaded = [load(tmp_path / name) for name in storer.stored]
    assert [vars(step).keys() & ATTRIBUTES for step in loaded] == [set(), set()]
    assert_array_equal(make_pipeline(*loaded).predict_proba(TEXTS), expected)


@pytest.mark.parametrize(
    "again", [clone, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))]
)
def test_callbacks_that_were_set_stay_with_copies(again):
    copied = again(small(ScoringMonitor(scoring="accuracy")))
    copied.fit(X, Y)
    (monitor,) = copied._skl_callbacks
    assert len(monitor.get_logs().data) == 1
