"""Training and predicting touch nothing that other threads or the user see.

What needs a certain number of threads runs in a process of its own, with a time limit.
"""

import _thread
import copy
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
UNIX = pytest.mark.skipif(sys.platform == "win32", reason="device: the system can not fork")


def in_a_fresh_process(*functions, n_threads=None, timeout=300):
    """Run functions of this module in a process with so many threads.

    None: two threads, which torch is not told.
    """
    names = ", ".join(function.__name__ for function in functions)
    calls = "; ".join(f"here.{function.__name__}()" for function in functions)
    threads = "" if n_threads is None else f"torch.set_num_threads({n_threads}); "
    code = f"import torch; {threads}import {__name__} as here; {calls}"
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "OMP_NUM_THREADS": "2",
    }
    process = subprocess.Popen(  # noqa: S603 - our own code
        [sys.executable, "-c", code],
        cwd=Path(__file__).parent,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        _, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)  # what it forked, too
        process.kill()
        process.communicate()
        pytest.fail(f"one of {names} hangs with {n_threads} threads")
    assert process.returncode == 0, errors


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


# --- Nothing global is called


FORBIDDEN = [
    (torch, "manual_seed"),
    (torch, "seed"),
    (torch, "set_rng_state"),
    (torch.random, "manual_seed"),
    (torch.random, "fork_rng"),
    (torch.random, "set_rng_state"),
    (torch.cuda, "manual_seed"),
    (torch.cuda, "manual_seed_all"),
    (torch, "set_num_threads"),
    (torch, "set_num_interop_threads"),
    (torch, "set_default_dtype"),
    (torch, "use_deterministic_algorithms"),
    (np.random, "seed"),
    (np.random, "set_state"),
    (random, "seed"),
]


def forbid_global_changes():
    for module, name in FORBIDDEN:

        def forbidden(*_, name=f"{module.__name__}.{name}", **__):
            raise AssertionError(f"{name} was called")

        setattr(module, name, forbidden)


def do_everything():
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


def everything_is_done_without_global_changes():
    before = [getattr(module, name) for module, name in FORBIDDEN]
    forbid_global_changes()
    try:
        do_everything()
    finally:
        for (module, name), value in zip(FORBIDDEN, before, strict=True):
            setattr(module, name, value)


# --- The state stays as it was


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
        after = look()
        assert after == before, [
            name
            for state, was in zip(after, before, strict=True)
            for name in was
            if was[name] != state[name]
        ]


@pytest.mark.thread_unsafe(reason="torch's generator is one for all threads")
def test_numbers_that_another_thread_draws_are_those_of_its_seed():
    """The random state of torch belongs to the process: nobody else may draw from it."""

    def draws(while_learning):
        torch.manual_seed(3)
        drawn = []

        class Drawer(Callback):
            def on_batch_end(self, *_, **__):
                drawn.append(torch.rand(2).tolist())

        if while_learning:
            small(callbacks=[Drawer()], linear_model=False).fit(*tokens())
        else:
            drawn = [torch.rand(2).tolist() for _ in range(16)]
        return drawn

    with torch.random.fork_rng([]):
        found, expected = draws(while_learning=True), draws(while_learning=False)
    assert len(found) == 16
    assert found == expected


# --- The same bits, whoever works beside


@functools.cache
def stored_models():
    """Return fitted models as pickles, so that each job has one of its own."""
    X, y = tokens()
    return pickle.dumps(small().fit(X, y)), pickle.dumps(small().fit(*series()))


def jobs_of_all_kinds():
    """Return eight functions that fit, predict, transform and unpickle; they return bytes."""
    shared = [pickle.loads(stored) for stored in stored_models()]
    vectorizer = TextSequenceVectorizer().fit(TEXTS)

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
        lambda: fitted_bits(tokens, early_stopping=True, cell="gru", linear_model=False),
        continue_training,
        lambda: predict(shared[0], tokens),
        lambda: predict(shared[1], series),
        transform,
        lambda: predict(pickle.loads(stored_models()[0]), tokens),
    ]


def eight_threads_at_once():
    jobs = jobs_of_all_kinds()
    expected = [job() for job in jobs]
    before = state_of_the_process()
    for _ in range(2):
        barrier = threading.Barrier(len(jobs))

        def at_once(job, barrier=barrier):
            barrier.wait()
            return job()

        with ThreadPoolExecutor(len(jobs)) as pool:
            found = list(pool.map(at_once, jobs))
        same = [one == other for one, other in zip(found, expected, strict=True)]
        assert all(same), same
    assert state_of_the_process() == before


def one_model_in_eight_threads():
    model = pickle.loads(stored_models()[0])
    X, _ = tokens()
    expected = model.decision_function(X)
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(model.decision_function, [X] * 24):
            assert np.array_equal(found, expected)


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
    in_a_fresh_process(
        state_before_and_after, one_model_in_eight_threads, fit_inside_a_fit, n_threads=n_threads
    )


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
        stored = pickle.dumps(model)

        def predict(model, X=X):
            return model.decision_function(X)

        def load(stored=stored):
            return pickle.loads(stored)

        def update(load=load, X=X, y=y):
            model = load()
            model.partial_fit(X, y)
            return model.decision_function(X)

        works |= {
            f"predict {kind}": functools.partial(predict, model),
            f"load {kind}": lambda predict=predict, load=load: predict(load()),
            f"copy {kind}": lambda predict=predict, model=model: predict(copy.deepcopy(model)),
            f"fit {kind}": lambda predict=predict, model=model, X=X, y=y: predict(
                clone(model).fit(X, y)
            ),
            f"go on {kind}": lambda predict=predict, load=load, X=X, y=y: predict(load().fit(X, y)),
            f"update {kind}": update,
            f"gates {kind}": lambda model=model, X=X: np.concatenate(
                [
                    each.hidden_state.ravel()
                    for each in gate_activations(model, [np.resize(X, 2000)])
                ]
            ),
            f"net {kind}": lambda load=load: np.array(
                [weight.sum().item() for weight in load().net_.module_.parameters()]
            ),
        }
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


@UNIX
@pytest.mark.slow
def test_a_forked_child_does_all_that_its_parent_does():
    in_a_fresh_process(work_in_forked_children, n_threads=4, timeout=400)


# --- Ctrl-C


def interrupt_fits():
    ways = ("interrupt", "signal") if sys.platform != "win32" else ("interrupt",)
    for n_threads, make, way in product((1, 4), (tokens, series), ways):
        torch.set_num_threads(n_threads)
        interrupt_a_fit(make, way)


def interrupt_a_fit(make, way):
    """Press Ctrl-C in the middle of a long fit of an estimator that is fitted already."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background
    X, y = make()
    model = small().fit(X, y)
    before, bits, names = dict(vars(model)), model.decision_function(X).tobytes(), set(vars(model))
    state = state_of_the_process()
    press = (
        _thread.interrupt_main
        if way == "interrupt"
        else lambda: os.kill(os.getpid(), signal.SIGINT)
    )

    timers = []

    class Timer(Callback):
        def on_epoch_end(self, *_, **__):
            if not timers:
                timers.append(threading.Timer(0.3, press))
                timers[0].start()

    # So many epochs take minutes.
    model.set_params(callbacks=[Timer()], max_epochs=5000)
    before["callbacks"], before["max_epochs"] = model.callbacks, model.max_epochs
    try:
        model.fit(X, y)
    except KeyboardInterrupt:
        pass
    else:
        raise AssertionError("fit was not interrupted")
    time.sleep(0.5)
    started = time.process_time()
    time.sleep(0.5)
    busy = time.process_time() - started
    assert busy < 0.2, f"a helper thread is still at work: {busy} s of 0.5 s"
    assert set(vars(model)) == names
    assert all(vars(model)[name] is value for name, value in before.items())
    assert model.decision_function(X).tobytes() == bits
    assert state_of_the_process() == state
    # All that is shared still works.
    assert fitted_bits(make, linear_model=False) == fitted_bits(make, linear_model=False)

    timers.clear()
    unfitted = small(callbacks=[Timer()], max_epochs=5000)
    try:
        unfitted.fit(X, y)
    except KeyboardInterrupt:
        assert set(vars(unfitted)) == set(unfitted.get_params())
    else:
        raise AssertionError("fit was not interrupted")


@pytest.mark.slow
def test_ctrl_c_leaves_the_estimator_as_it_was_and_ends_all_work():
    in_a_fresh_process(interrupt_fits)


@pytest.mark.thread_unsafe(reason="the main thread alone may handle signals")
def test_ctrl_c_in_a_callback_is_not_kept_from_the_user():
    # A process that was started in the background may ignore the signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    class Presser(Callback):
        def on_batch_end(self, *_, **__):
            signal.raise_signal(signal.SIGINT)

    model = small(callbacks=[Presser()])
    try:
        with pytest.raises(KeyboardInterrupt):
            model.fit(*series())
    finally:
        signal.signal(signal.SIGINT, before)
    assert set(vars(model)) == set(model.get_params())
