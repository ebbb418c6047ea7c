"""scikit-learn's own callbacks, from its version 1.9 on: what they are told, and what stays."""

import copy
import pickle

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
from sklearn_lstm.exceptions import NonFiniteTrainingError
from sklearn_lstm.io import load, save

X = np.random.default_rng(0).integers(1, 9, (120, 5))
Y = np.arange(120) % 2
TEXTS = [" ".join("abcdefghi"[token] * 2 for token in row) for row in X]


def small(*callbacks, **parameters):
    defaults = {"linear_model": True, "max_epochs": 3, "batch_size": 32}
    return small_models.small(**defaults | parameters).set_callbacks(*callbacks)


def text_model(*callbacks, **parameters):
    return make_pipeline(TextSequenceVectorizer(), small(*callbacks, **parameters))


class Recorder:
    """Keep what is told, in order; end the training after an epoch."""

    def __init__(self, last_epoch=None):
        self.told, self.last_epoch, self.fitted = [], last_epoch, []

    def setup(self, estimator, context):  # noqa: ARG002
        self.told.append(("setup", context.task_name, context.task_id))

    def on_fit_task_begin(self, estimator, context):  # noqa: ARG002
        self.told.append(("begin", context.task_name, context.task_id))

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):  # noqa: ARG002
        self.told.append(("end", context.task_name, context.task_id))
        if fitted_estimator is not None:
            self.fitted.append((y, fitted_estimator.predict_proba(X)))
        return context.task_name == "epoch" and context.task_id == self.last_epoch

    def teardown(self, estimator, context):  # noqa: ARG002
        self.told.append(("teardown", context.task_name, context.task_id))


def told_of(n_epochs):
    epochs = [(what, "epoch", n) for n in range(n_epochs) for what in ("begin", "end")]
    begin, end = [("setup", "fit", 0), ("begin", "fit", 0)], [("end", "fit", 0)]
    return [*begin, *epochs, *end, ("teardown", "fit", 0)]


def test_a_fit_is_a_task_and_its_epochs_are_subtasks():
    recorder = Recorder()
    model = small(recorder).fit(X, Y)
    assert recorder.told == told_of(3)
    [(y, proba)] = recorder.fitted  # of the whole fit alone
    assert y is Y
    assert_array_equal(proba, model.predict_proba(X))
    assert vars(model).keys() - vars(small().fit(X, Y)).keys() == {"_skl_callbacks"}


@pytest.mark.parametrize("parameters", [{}, {"early_stopping": True}, {"verbose": 2}])
def test_training_ends_when_a_callback_says_so(parameters, capsys):
    recorder = Recorder(last_epoch=1)
    model = small(recorder, max_epochs=9, **parameters).fit(X, Y)
    assert model.n_epochs_ == 2
    assert recorder.told == told_of(2)
    rows = capsys.readouterr().out.splitlines()[2:]
    assert len(rows) == (2 if parameters.get("verbose") else 0)


def test_the_epoch_in_which_early_stopping_ends_the_training_ends_too():
    recorder = Recorder()
    model = small(recorder, early_stopping=True, max_epochs=60, lr=1e-9).fit(X, Y)
    assert model.n_epochs_ < 60
    assert recorder.told == told_of(model.n_epochs_)


def test_an_error_ends_the_task():
    recorder = Recorder()
    model = small(recorder, lr=1e38)
    with pytest.raises(NonFiniteTrainingError):
        model.fit(X, Y)
    assert recorder.told[-1] == ("teardown", "fit", 0)
    assert vars(model).keys() - vars(small()).keys() == {"_skl_callbacks"}


def test_a_scoring_monitor_scores_the_whole_fit_and_changes_nothing():
    weight = np.where(Y == 1, 1.0, 0.0)
    monitor = ScoringMonitor(scoring="accuracy")
    model = text_model(monitor).fit(TEXTS, Y, lstmsequenceclassifier__sample_weight=weight + 1)
    [row] = monitor.get_logs().data
    assert row["task_name"] == "fit"
    assert row["accuracy"] == model.score(TEXTS, Y, sample_weight=weight + 1)
    assert row["accuracy"] != model.score(TEXTS, Y)
    plain = text_model().fit(TEXTS, Y, lstmsequenceclassifier__sample_weight=weight + 1)
    assert_array_equal(model.predict_proba(TEXTS), plain.predict_proba(TEXTS))


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
    for name in ("TextSequenceVectorizer - fit", "LSTMSequenceClassifier - fit"):
        assert sum(name in line for line in lines) == 4


def test_a_file_leaves_callbacks_out(tmp_path):
    model = text_model(Recorder()).fit(TEXTS, Y)
    save(model, tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert not hasattr(loaded[-1], "_skl_callbacks")
    assert_array_equal(loaded.predict_proba(TEXTS), model.predict_proba(TEXTS))


@pytest.mark.parametrize(
    "again", [clone, copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))]
)
def test_callbacks_that_were_set_stay_with_copies(again):
    copied = again(small(ScoringMonitor(scoring="accuracy")))
    copied.fit(X, Y)
    [monitor] = copied._skl_callbacks
    assert len(monitor.get_logs().data) == 1
