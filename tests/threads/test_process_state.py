"""Training and predicting touch nothing that other threads or the user see.

What needs a certain number of threads runs in a process of its own, with a time limit.
"""

import functools
import os
import pickle
import random
import signal
import subprocess
import sys
import threading
import time
import traceback
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import small_models
import torch
from sklearn.base import clone
from skorch.callbacks import Callback

from sklearn_lstm import TextSequenceVectorizer
from sklearn_lstm.exceptions import NonFiniteTrainingError
from sklearn_lstm.inspection import gate_activations

TEXTS = ["so good", "good fun, so good!", "so bad", "bad, boring", "fun!", "boring and bad"] * 30


def in_a_fresh_process(*functions, n_threads=None):
    """Run functions of this module in a process with so many threads; None: torch is not told."""
    calls = "; ".join(f"here.{function.__name__}()" for function in functions)
    threads = "" if n_threads is None else f"torch.set_num_threads({n_threads}); "
    code = f"import torch; {threads}import {__name__} as here; {calls}"
    path = os.pathsep.join(filter(None, sys.path))
    end = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code],
        cwd=Path(__file__).parent,
        env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "2"},
        timeout=400,
        capture_output=True,
        text=True,
        check=False,
    )
    assert end.returncode == 0, end.stderr


small = partial(small_models.small, hidden_size=8, batch_size=16, linear_model=True)


@functools.cache
def tokens():
    return np.random.default_rng(0).integers(1, 9, (120, 6)), np.arange(120) % 2


@functools.cache
def series():
    return np.random.default_rng(0).normal(size=(40, 6)), np.arange(40) % 3


def fitted_bits(make, **parameters):
    X, y = make()
    return small(**parameters).fit(X, y).decision_function(X).tobytes()


def state_of_the_process():
    """Return all that the user could see change."""
    queue = torch.cuda._lazy_seed_tracker.get_calls()
    kind, keys, *rest = np.random.get_state()  # noqa: NPY002 - the global state
    return {
        "torch": torch.get_rng_state().numpy().tobytes(),
        "seeds queued for CUDA": [call[0] for call in queue if call],
        "numpy": (kind, keys.tobytes(), *rest),
        "random": hash(random.getstate()),
        "threads": torch.get_num_threads(),
        "dtype": torch.get_default_dtype(),
        "gradients": torch.is_grad_enabled(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
    }


# --- Nothing global is called, and the state stays as it was


FORBIDDEN = {
    torch: "manual_seed seed set_rng_state set_num_threads set_num_interop_threads "
    "set_default_dtype use_deterministic_algorithms",
    torch.random: "manual_seed fork_rng set_rng_state",
    torch.cuda: "manual_seed manual_seed_all",
    np.random: "seed set_state",
    random: "seed",
}


def everything_is_done_without_global_changes():
    patch = pytest.MonkeyPatch()
    for module, names in FORBIDDEN.items():
        for name in names.split():
            patch.setattr(module, name, None)  # to call it is an error
    for make in (tokens, series):
        X, y = make()
        for parameters in ({}, {"linear_model": False}, {"early_stopping": True}):
            model = small(max_epochs=1, **parameters).fit(X, y)
            model.predict(X)
            pickle.loads(pickle.dumps(model)).predict(X)
        model.partial_fit(X, y)
    given = {"embeddings": np.eye(9, 4), "random_state": np.random.RandomState(0)}
    small(cell="gru", num_layers=2, **given).fit(*tokens())
    small(embedding_dim=None, cell="rnn", random_state=None).fit(*tokens())
    TextSequenceVectorizer().fit(TEXTS).transform(TEXTS)
    patch.undo()


def state_before_and_after():
    """Compare the state here, in a thread that is there already, and in a new one."""
    torch.cuda.manual_seed_all(7)  # queued until CUDA is used
    with ThreadPoolExecutor(1) as old:
        old.submit(torch.rand, 1).result()

        def look():
            states = [state_of_the_process(), old.submit(state_of_the_process).result()]
            with ThreadPoolExecutor(1) as new:
                return [*states, new.submit(state_of_the_process).result()]

        before = look()
        everything_is_done_without_global_changes()
        assert look() == before
        with pytest.raises(NonFiniteTrainingError):
            small(lr=1e38, optimizer="sgd").fit(*series())
        assert look() == before
        eight_threads_at_once()
        assert look() == before


# --- The same bits, whoever works beside


def jobs_of_all_kinds():
    """Return eight functions that fit, predict, transform and unpickle; they return bytes."""
    model, other = small().fit(*tokens()), small().fit(*series())
    stored, vectorizer = pickle.dumps(model), TextSequenceVectorizer().fit(TEXTS)

    def predict(model, make):
        return model.decision_function(make()[0]).tobytes()

    def continue_training():
        X, y = tokens()
        model = small().partial_fit(X, y, classes=[0, 1]).partial_fit(X, y)
        return predict(model, tokens)

    def transform():
        ids = vectorizer.transform(TEXTS)
        return ids.data.tobytes() + TextSequenceVectorizer().fit_transform(TEXTS).indptr.tobytes()

    return [
        lambda: fitted_bits(tokens),
        lambda: fitted_bits(series, random_state=1),
        continue_training,
        *[lambda: predict(model, tokens)] * 2,
        lambda: predict(other, series),
        transform,
        lambda: predict(pickle.loads(stored), tokens),
    ]


def eight_threads_at_once():
    jobs = jobs_of_all_kinds()
    expected = [job() for job in jobs]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda job: job(), jobs * 2))
    assert [one == other for one, other in zip(found, expected * 2, strict=True)] == [True] * 16


def fit_inside_a_fit():
    for outer, inner in ((tokens, series), (series, tokens)):
        fit_inner = partial(fitted_bits, inner, random_state=1, linear_model=False)
        alone = fitted_bits(outer, max_epochs=1), fit_inner()
        found = []

        class Nested(Callback):
            def on_epoch_end(self, *_, fit_inner=fit_inner, found=found, **__):
                found.append(fit_inner())

        bits = fitted_bits(outer, callbacks=[Nested()], max_epochs=1)
        assert bits == alone[0]
        assert found
        assert set(found) == {alone[1]}


@pytest.mark.parametrize(
    "n_threads", [1, *(pytest.param(n, marks=pytest.mark.slow) for n in (2, 4))]
)
def test_the_state_of_the_process_and_the_bits_are_the_same_whoever_works_beside(n_threads):
    in_a_fresh_process(state_before_and_after, fit_inside_a_fit, n_threads=n_threads)


def fit_before_and_after_the_number_of_threads_is_set():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(270, 10, 12)), np.arange(270) % 2
    fit = partial(fitted_bits, lambda: (X, y), batch_size="auto", linear_model=False)
    before = fit()
    torch.set_num_threads(torch.get_num_threads())
    assert fit() == before


@pytest.mark.slow
def test_to_set_the_number_of_threads_that_torch_has_changes_no_bits():
    in_a_fresh_process(fit_before_and_after_the_number_of_threads_is_set)


# --- Processes and joblib


@functools.cache
def many_words():
    """Return ids of so many words that torch shares a copy of their vectors among its threads."""
    rng = np.random.default_rng(0)
    return rng.integers(1, 9_000, (100, 15)), np.arange(100) % 2


def work_for_a_child():
    """Return functions that give logits or activations: whatever a forked child may want."""
    works = {}
    for kind, make in (("words", many_words), ("series", series)):
        X, y = make()
        # bfloat16 would round by another number of threads, which the child has.
        model = small(precision="float32").fit(X, y)

        def predict(model=model, X=X):
            return model.decision_function(X)

        def update(model=model, X=X, y=y):
            return pickle.loads(pickle.dumps(model)).partial_fit(X, y).decision_function(X)

        def fit(model=model, X=X, y=y):
            return clone(model).fit(X, y).decision_function(X)

        def find_gates(model=model, X=X):
            return gate_activations(model, [np.resize(X, 2000)])[0].hidden_state

        for work in (predict, update, fit, find_gates):
            works[f"{work.__name__} {kind}"] = work
    return works


def work_in_forked_children():
    """Let a child do each kind of work, and say which failed."""
    warnings.simplefilter("ignore", DeprecationWarning)  # Python warns where threads are alive
    works = work_for_a_child()
    expected = {name: work() for name, work in works.items()}
    before, failed = state_of_the_process(), []
    for name, work in works.items():
        child = os.fork()
        if not child:
            signal.alarm(20)  # ends a child that hangs
            n_threads = torch.get_num_threads()
            try:
                # On another number of threads the sums are rounded in another order.
                np.testing.assert_allclose(work(), expected[name], rtol=1e-2, atol=1e-2)
                assert torch.get_num_threads() == n_threads
                os._exit(0)
            except BaseException:  # noqa: BLE001 - a child must never go on as the parent
                traceback.print_exc()
                os._exit(1)
        end = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if end:
            failed.append(f"{name} {'hangs' if end == -signal.SIGALRM else 'fails'}")
    assert not failed
    assert state_of_the_process() == before
    np.testing.assert_array_equal(works["predict words"](), expected["predict words"])


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="device: the system can not fork")
def test_a_forked_child_does_all_that_its_parent_does():
    in_a_fresh_process(work_in_forked_children, n_threads=4)


# --- Ctrl-C


def interrupt_fits():
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background
    for n_threads, make in product((1, 4), (tokens, series)):
        torch.set_num_threads(n_threads)
        interrupt_a_fit(make)


def interrupt_a_fit(make):
    """Press Ctrl-C in the middle of a long fit of an estimator that is fitted already."""
    X, y = make()
    model = small().fit(X, y)
    bits, state = model.decision_function(X).tobytes(), state_of_the_process()
    timers = []

    class Timer(Callback):
        def on_epoch_end(self, *_, **__):
            if not timers:
                timers.append(threading.Timer(0.3, signal.raise_signal, [signal.SIGINT]))
                timers[0].start()

    # So many epochs take minutes.
    before = dict(vars(model.set_params(callbacks=[Timer()], max_epochs=5000)))
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    time.sleep(0.5)
    started = time.process_time()
    time.sleep(0.5)
    busy = time.process_time() - started
    assert busy < 0.2, f"a helper thread is still at work: {busy} s of 0.5 s"
    assert vars(model).keys() == before.keys()
    assert all(vars(model)[name] is value for name, value in before.items())
    assert model.decision_function(X).tobytes() == bits
    assert state_of_the_process() == state
    # All that is shared still works.
    assert fitted_bits(make, linear_model=False) == fitted_bits(make, linear_model=False)


@pytest.mark.slow
def test_ctrl_c_leaves_the_estimator_as_it_was_and_ends_all_work():
    in_a_fresh_process(interrupt_fits)
