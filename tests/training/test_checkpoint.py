"""A fit that was killed goes on from its last epoch, and ends with the bits of one that was not."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from joblib.externals.loky.process_executor import TerminatedWorkerError
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback, EarlyStopping, EpochScoring, Freezer, GradientNormClipping
from skorch.utils import noop

from sklearn_lstm import LSTMSequenceClassifier
from sklearn_lstm.streaming import fit_batches

RNG = np.random.default_rng(0)
X = RNG.integers(1, 30, (160, 6))
y = (X[:, 0] > X[:, 3]).astype(int)
SERIES = RNG.normal(size=(60, 8))
ENDS_IN = 4  # epochs, where a fit is stopped


class Stop(Callback):
    """Stops a fit in its fourth epoch, and keeps a list of the epochs that were begun."""

    is_on = False
    begun: list[int] = []  # noqa: RUF012 - shared by all copies on purpose

    def __init__(self, patience=0):
        self.patience = patience

    def on_train_begin(self, *_, **__):
        self.n_epochs = 0

    def on_epoch_begin(self, net, **_):
        self.begun.append(len(net.history))

    def on_batch_end(self, net, **_):
        if self.is_on and len(net.history) == ENDS_IN:
            raise KeyboardInterrupt

    def on_epoch_end(self, *_, **__):
        self.n_epochs += 1


class Kill(Callback):
    """Kills the process in the fourth epoch, once, and writes down the epochs that were begun."""

    def __init__(self, folder):
        self.folder = folder

    def on_epoch_begin(self, net, **_):
        with (self.folder / "begun").open("a") as file:
            file.write(f"{len(net.history)} ")

    def on_batch_end(self, net, **_):
        if len(net.history) == ENDS_IN and not (self.folder / "killed").exists():
            (self.folder / "killed").touch()
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))


def classifier(**parameters):
    defaults = {"hidden_size": 4, "max_epochs": 6, "batch_size": 20, "random_state": 0}
    return LSTMSequenceClassifier(**defaults | {"callbacks": [Stop()]} | parameters)


def begun_by(fit, *, stopped=False):
    """Return the epochs that a fit begins."""
    Stop.is_on, begun = stopped, len(Stop.begun)
    try:
        if stopped:
            with pytest.raises(KeyboardInterrupt):
                fit()
        else:
            fit()
    finally:
        Stop.is_on = False
    return Stop.begun[begun:]


def contents(folder):
    """Return the bytes of all files."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_same(fitted, expected, X=X):
    """Check that two classifiers agree in each bit, and in all of the history but its times."""
    np.testing.assert_array_equal(fitted.predict_proba(X), expected.predict_proba(X))
    weights, others = (
        each._fitted.model.network.module.state_dict() for each in (fitted, expected)
    )
    assert all(torch.equal(weights[name], others[name]) for name in others)
    for row, other in zip(fitted.history_, expected.history_, strict=True):
        same = "train_loss", "valid_loss", "lr", "padding"
        assert [row[name] for name in same] == [other[name] for name in same]
    dicts = [dict(each.net_.callbacks_) for each in (fitted, expected)]
    assert len({callbacks["Stop"].n_epochs for callbacks in dicts if "Stop" in callbacks}) < 2


def by_batches(model, X, y):
    fit_batches(model, [(X[:90], y[:90]), (X[90:], y[90:])])


def with_validation(model, X, y):
    model.fit(X[20:], y[20:], X_val=X[:20], y_val=y[:20])


# --- What goes on


class Described(torch.nn.CrossEntropyLoss):
    """A loss of the user, whose repr is another one each time."""

    def extra_repr(self):
        return f"made of {object()}"


def test_a_fit_goes_on_however_its_loss_is_printed(tmp_path):
    y = (X[:, 0] > X[:, 3]).astype(int)
    model = classifier(criterion=Described, linear_model=False, checkpoint=tmp_path)
    begun_by(lambda: model.fit(X, y), stopped=True)
    assert begun_by(lambda: model.fit(X, y))[0] == ENDS_IN


@pytest.mark.parametrize(
    ("fit", "X", "parameters"),
    [
        (LSTMSequenceClassifier.fit, X, {}),
        (LSTMSequenceClassifier.fit, SERIES, {}),
        (LSTMSequenceClassifier.fit, X, {"max_epochs": "auto", "input_type": "words", "lr": 0.05}),
        (LSTMSequenceClassifier.fit, X, {"optimizer": "nadam"}),
        (with_validation, SERIES, {"early_stopping": True, "max_epochs": 30, "lr": 0.05}),
        (LSTMSequenceClassifier.fit, X, {"linear_model": False}),
        (by_batches, X, {}),
        (
            LSTMSequenceClassifier.fit,
            X,
            {
                "callbacks": [
                    Freezer("embedding.*", at=2),
                    EpochScoring("accuracy", on_train=True),
                    GradientNormClipping(0.5),
                    Stop(),
                ]
            },
        ),
    ],
)
def test_a_fit_that_was_ended_goes_on_from_its_last_epoch(fit, X, parameters, tmp_path):
    y = (X[:, 0] > X[:, 3]).astype(int)
    expected = classifier(**parameters)
    fit(expected, X, y)
    model = classifier(**parameters, checkpoint=tmp_path / "new" / "folder")
    assert begun_by(lambda: fit(model, X, y), stopped=True)[-1] == ENDS_IN
    n_epochs = len(expected.net_.history)
    assert begun_by(lambda: fit(model, X, y)) == list(range(ENDS_IN, n_epochs + 1))
    assert_same(model, expected, X)
    assert not list(model.checkpoint.iterdir())


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"early_stopping": True}, "sklearn_lstm_EarlyStopping"),
        # Every epoch after the first one is worse.
        (
            {"callbacks": [EarlyStopping("epoch", load_best=True, sink=noop), Stop()]},
            "EarlyStopping",
        ),
    ],
)
def test_the_best_weights_are_restored_though_they_are_from_before_the_end(
    parameters, name, tmp_path
):
    labels = np.random.default_rng(1).permutation(y)  # nothing can be learned
    expected = classifier(lr=0.05, **parameters).fit(X, labels)
    assert dict(expected.net_.callbacks_)[name].best_epoch_ < ENDS_IN < expected.n_epochs_
    model = classifier(lr=0.05, checkpoint=tmp_path, **parameters)
    begun_by(lambda: model.fit(X, labels), stopped=True)
    begun_by(lambda: model.fit(X, labels))
    assert_same(model, expected)


def test_a_process_that_was_killed_goes_on_in_another_one(tmp_path):
    code = (
        f"import sys, torch; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from pathlib import Path; from test_checkpoint import *\n"
        "torch.set_num_threads(1); folder = Path(sys.argv[1])\n"
        "model = classifier(callbacks=[Kill(folder)], checkpoint=str(folder / 'states'))\n"
        "np.save(folder / 'probabilities.npy', model.fit(X, y).predict_proba(X))"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    assert subprocess.run(command, check=False).returncode not in (0, 1)  # noqa: S603
    assert len(contents(tmp_path / "states")) > 1
    subprocess.run(command, check=True)  # noqa: S603
    assert (tmp_path / "begun").read_text() == "1 2 3 4 4 5 6 "
    assert not list((tmp_path / "states").iterdir())
    expected = classifier().fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(np.load(tmp_path / "probabilities.npy"), expected)


@pytest.mark.slow
def test_the_fits_of_a_search_go_on(tmp_path):
    def search(**parameters):
        each = {"num_layers": [1, 2], "hidden_size": [3]}
        return GridSearchCV(classifier(**parameters), each, cv=2, n_jobs=2)

    expected = search(callbacks=None).fit(X, y)
    states = tmp_path / "states"
    killed = search(callbacks=[Kill(tmp_path)], checkpoint=states)
    with pytest.raises(TerminatedWorkerError):
        killed.fit(X, y)
    assert contents(states)
    (tmp_path / "begun").unlink()
    killed.fit(X, y)
    n_begun_anew = (tmp_path / "begun").read_text().split().count("1")
    assert n_begun_anew in (3, 4)  # of 4 fits, and the one of the best parameters; 2 at a time
    assert not list(states.iterdir())
    np.testing.assert_array_equal(
        killed.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"]
    )
    np.testing.assert_array_equal(killed.predict_proba(X), expected.predict_proba(X))


def test_without_a_seed_a_fit_goes_on_with_the_one_that_was_drawn(tmp_path):
    models = [classifier(random_state=None, checkpoint=tmp_path / name) for name in "abc"]
    begun_by(lambda: models[0].fit(X, y), stopped=True)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    for path in (tmp_path / "b").rglob("network*"):
        path.unlink()  # so this fit has the seed, and was never ended
    assert [begun_by(lambda model=model: model.fit(X, y))[0] for model in models] == [4, 1, 1]
    assert_same(models[0], models[1])
    assert (models[2].predict_proba(X) != models[0].predict_proba(X)).any()


# --- What does not go on


@pytest.mark.parametrize(
    "change",
    [
        lambda model, X, y: model.set_params(lr=0.004).fit(X, y),
        lambda model, X, y: model.set_params(callbacks=[Stop(patience=1)]).fit(X, y),
        lambda model, X, y: model.set_params(random_state=1).fit(X, y),
        lambda model, X, y: model.set_params(random_state=None).fit(X, y),
        lambda model, X, y: model.fit(np.where(np.arange(X.size).reshape(X.shape), X, 31), y),
        lambda model, X, y: model.fit(X, np.where(np.arange(len(y)), y, 1 - y)),
        lambda model, X, y: model.fit(X, y, sample_weight=1 + np.arange(len(y)) % 2),
        lambda model, X, y: model.fit(X, y, groups=np.arange(len(y)) // 2),
        lambda model, X, y: model.fit(X, y, X_val=X[:9], y_val=y[:9]),
    ],
)
def test_other_data_and_other_parameters_are_another_fit(change, tmp_path):
    model = classifier(checkpoint=tmp_path)
    begun_by(lambda: model.fit(X, y), stopped=True)
    before = contents(tmp_path)
    assert begun_by(lambda: change(model, X, y))[0] == 1
    assert contents(tmp_path) == before


def test_other_numbers_beside_the_sequences_are_another_fit(tmp_path):
    frame = pd.DataFrame({"ids": [*X], "age": np.arange(len(y))})
    model = classifier(checkpoint=tmp_path, linear_model=True)
    begun_by(lambda: model.fit(frame, y), stopped=True)
    assert begun_by(lambda: model.fit(frame.assign(age=frame["age"] % 7), y), stopped=True)[0] == 1
    assert begun_by(lambda: model.fit(frame, y))[0] > 1


@pytest.mark.parametrize(("n_damaged", "first"), [(1, 3), (2, 1)])
@pytest.mark.parametrize("cut", [False, True])
def test_damaged_states_are_left_out(n_damaged, first, cut, tmp_path):
    model = classifier(checkpoint=tmp_path)
    begun_by(lambda: model.fit(X, y), stopped=True)
    states = sorted(tmp_path.rglob("network-*"), reverse=True)
    for path in states[:n_damaged]:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data[: len(data) // 2] if cut else data)
    with pytest.warns(UserWarning, match=r"network-\d can't be read.*the one before"):
        assert begun_by(lambda: model.fit(X, y))[0] == first
    assert_same(model, classifier().fit(X, y))
    assert not list(tmp_path.iterdir())


def test_files_that_only_look_like_those_of_a_fit_stay(tmp_path):
    model = classifier(checkpoint=tmp_path)
    begun_by(lambda: model.fit(X, y), stopped=True)
    (folder,) = tmp_path.iterdir()
    names = "network-copy", "network-3 (1)", "networks.txt"
    foreign = {folder / name for name in names} | {Path(f"{folder}.zip")}
    for path in foreign:
        path.touch()
    Path(f"{folder}-copy").mkdir()
    assert begun_by(lambda: model.fit(X, y))[0] == ENDS_IN
    assert {*contents(tmp_path)} == {*map(str, foreign)}
    assert begun_by(lambda: model.fit(X, y))[0] == 1
    assert {*contents(tmp_path)} == {*map(str, foreign)}


@pytest.mark.parametrize("random_state", [0, None])
def test_the_states_of_a_living_fit_stay_untouched(random_state, tmp_path):
    class Twin(Callback):
        def on_epoch_end(self, net, **_):
            if len(net.history) == ENDS_IN and not twins:
                before = contents(tmp_path)
                twins.append(LSTMSequenceClassifier(**parameters, callbacks=[Twin()]))
                assert begun_by(lambda: twins[0].fit(X, y)) == []
                assert twins[0].n_epochs_ == 6
                assert contents(tmp_path) == before

    twins = []
    parameters = classifier(random_state=random_state, checkpoint=tmp_path).get_params()
    del parameters["callbacks"]
    model = LSTMSequenceClassifier(**parameters, callbacks=[Twin()]).fit(X, y)
    is_same = (model.predict_proba(X) == twins[0].predict_proba(X)).all()
    assert is_same == (random_state == 0)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("is_later", [False, True])
def test_a_callback_that_cannot_be_pickled_is_refused_before_training(is_later, tmp_path):
    class Log(Stop):
        def on_train_begin(self, net, **_):
            super().on_train_begin(net)
            self.log = print if not is_later else lambda _: None

    log = Log()
    if not is_later:
        log.log = lambda _: None
    model = classifier(callbacks=[EpochScoring("accuracy"), log], checkpoint=tmp_path)
    name = "The callback 'Log'" if is_later else r"callbacks\[1\]"
    with pytest.raises(ValueError, match=rf"{name} is .*can't be pickled.*checkpoint=None"):
        begun_by(lambda: model.fit(X, y))
    assert begun_by(lambda: None) == []
    assert not list(tmp_path.iterdir())
    begun_by(lambda: model.set_params(checkpoint=None).fit(X, y))
