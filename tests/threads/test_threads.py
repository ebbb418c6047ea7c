"""Two workers of computing: the order of results, errors, interruptions and numbers of threads."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from threading import Barrier, Event, current_thread

import numpy as np
import pytest
import torch
from small_models import PLAIN

from sklearn_lstm import LSTMSequenceClassifier, threads
from sklearn_lstm.inspection import explain_classes
from sklearn_lstm.threads import check_not_abandoned, map_on_workers, map_pair, workers

pytestmark = [
    pytest.mark.usefixtures("_two_threads"),
    pytest.mark.thread_unsafe(reason="the helper thread is one for all threads"),
]


@pytest.fixture
def _two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def thread_of(_):
    return current_thread()


def wait_for_the_helper():
    """Wait until the helper thread has left its worker; what it computes may be abandoned."""
    threads._process.helper.submit(int).result(10)


def run_alone(code):
    """Run code in a process of its own, which a test can wait for, and which may hang or crash."""
    command, options = [sys.executable, "-c", f"if True:{code}"], {"timeout": 60, "text": True}
    return subprocess.run(command, capture_output=True, check=False, **options)  # noqa: S603


# --- Which thread computes what


@pytest.mark.parametrize("context", [nullcontext, partial(workers, "cpu")])
@pytest.mark.parametrize("n_values", [0, 1, 2, 5])
def test_values_are_mapped_in_their_order(context, n_values):
    with context():
        assert map_on_workers(str, range(n_values)) == [*"01234"][:n_values]


def test_a_pair_is_computed_by_the_caller_and_one_helper_thread():
    with workers("cpu"):
        first, second = map_pair(thread_of, (0, 1))
        assert first is current_thread()
        assert second is not first
        assert map_pair(thread_of, (0, 1)) == [first, second]  # the helper is the same
        assert map_on_workers(thread_of, range(4)) == [first, second] * 2


@pytest.mark.parametrize("context", [nullcontext, partial(workers, "cuda")])
def test_without_workers_the_caller_computes_both(context):
    with context():  # on a GPU there is nothing to share
        assert map_pair(thread_of, (0, 1)) == [current_thread()] * 2


def test_where_no_worker_is_free_the_caller_computes_both():
    both = Barrier(2)

    def while_both_work(_):
        both.wait(10)
        threads_of_both = map_pair(thread_of, (0, 1))
        both.wait(10)
        return threads_of_both

    with workers("cpu"):
        inner = map_pair(while_both_work, (0, 1))
    for one, other in inner:
        assert one is other
    assert inner[0] != inner[1]


def test_the_helper_sees_the_modes_of_the_caller():
    def modes(_):
        has_gradient, is_inference = torch.is_grad_enabled(), torch.is_inference_mode_enabled()
        return has_gradient, is_inference, torch.is_autocast_enabled("cpu")

    with workers("cpu"):
        for context in (torch.no_grad(), torch.inference_mode(), torch.autocast("cpu")):
            with context:
                here, there = map_pair(modes, (0, 1))
            assert there == here
        assert map_pair(modes, (0, 1)) == [modes(0)] * 2


# --- Errors and interruptions


@pytest.mark.parametrize("failing", [0, 1])
def test_an_error_in_either_worker_is_raised(failing):
    def work(value):
        return 1 / (value != failing)

    before = [one.num_threads for one in threads._openmp().lib_controllers]
    with workers("cpu"):
        with pytest.raises(ZeroDivisionError):
            map_pair(work, (0, 1))
        wait_for_the_helper()
        assert map_pair(thread_of, (0, 1))[1] is not current_thread()  # the worker is free again
    with pytest.raises(ZeroDivisionError), workers("cpu"):
        map_pair(work, (0, 1))
    assert [one.num_threads for one in threads._openmp().lib_controllers] == before


def test_an_interruption_ends_the_work_of_the_helper_thread():
    has_begun, is_interrupted, done = Event(), Event(), []

    def work(value):
        if value == 0:
            assert has_begun.wait(10)
            raise KeyboardInterrupt
        done.append(value)
        has_begun.set()
        assert is_interrupted.wait(10)

    with workers("cpu"):
        with pytest.raises(KeyboardInterrupt):
            map_on_workers(work, range(10))
        is_interrupted.set()
    wait_for_the_helper()
    assert done == [1]
    check_not_abandoned()  # the caller itself is not abandoned
    with workers("cpu"):
        map_pair(lambda _: check_not_abandoned(), (0, 1))  # nor is the next work of the helper


def test_a_helper_whose_caller_has_left_does_not_wait_for_itself():
    """It sees a free worker then, but the helper thread that would compute there is itself."""
    code = """
        from threading import Event
        from sklearn_lstm.threads import workers, map_pair

        has_begun, has_left, ended = Event(), Event(), Event()

        def work(value):
            if value == 0:
                assert has_begun.wait(10)
                raise KeyboardInterrupt
            has_begun.set()
            assert has_left.wait(10)
            try:
                map_pair(abs, (-1, -2))
            finally:
                ended.set()

        try:
            with workers("cpu"):
                map_pair(work, (0, 1))
        except KeyboardInterrupt:
            has_left.set()
        assert ended.wait(10)
    """
    end = run_alone(code)
    assert end.returncode == 0, end.stderr


# --- The end of the interpreter


def test_the_interpreter_ends_after_the_work_of_the_helper_thread():
    """In the middle of its work it must not be stopped, which would crash, nor go on for ever."""
    code = """
        import time
        from threading import Event
        from sklearn_lstm.threads import check_not_abandoned, workers, map_pair

        has_begun = Event()

        def work(value):
            if value == 0:
                has_begun.wait(10)
                raise KeyboardInterrupt
            has_begun.set()
            try:
                while True:
                    check_not_abandoned()
            finally:
                time.sleep(0.5)
                print("ended", flush=True)

        with workers("cpu"):
            map_pair(work, (0, 1))
    """
    end = run_alone(code)
    assert end.stdout == "ended\n"
    assert end.stderr.endswith("KeyboardInterrupt\n")


@pytest.mark.parametrize("has_helper", [False, True])
def test_what_computes_while_the_interpreter_ends_gets_its_results(has_helper):
    """Another thread may go on after the main thread, and functions of atexit after all threads."""
    code = f"""
        import atexit, threading
        from sklearn_lstm.threads import workers, map_on_workers

        def work():
            with workers("cpu"):
                print(map_on_workers(abs, range(5)), flush=True)

        def work_later():
            threading.main_thread().join()
            work()

        if {has_helper}:
            work()
        threading.Thread(target=work_later).start()
        atexit.register(work)
    """
    end = run_alone(code)
    assert end.stdout == "[0, 1, 2, 3, 4]\n" * (2 + has_helper), end.stderr
    assert not end.stderr


# --- Numbers of threads


def test_the_workers_share_the_threads_of_the_caller_and_leave_other_threads_theirs():
    before = [one.num_threads for one in threads._openmp().lib_controllers]

    def number(_):
        return {one.num_threads for one in threads._openmp().lib_controllers}

    with workers("cpu"), ThreadPoolExecutor(1) as other:
        assert map_pair(number, (0, 1)) == [{1}, {1}]
        assert [other.submit(torch.get_num_threads).result() for _ in range(2)] == [2, 2]
    assert [one.num_threads for one in threads._openmp().lib_controllers] == before
    assert torch.get_num_threads() == 2


def test_torch_may_hide_its_libraries(monkeypatch):
    def refuse(_):
        raise OSError

    threads._find_mkl_setter.cache_clear()
    monkeypatch.setattr(threads, "CDLL", refuse)
    with workers("cpu"):
        assert map_pair(abs, (-1, -2)) == [1, 2]
    threads._find_mkl_setter.cache_clear()


# --- The classifier


@pytest.mark.parametrize(
    "options", [{}, {"num_layers": 2}, {"pooling": "attention"}, {"cell": "gru"}]
)
def test_two_threads_compute_what_one_does(texts, options):
    both = LSTMSequenceClassifier(**PLAIN, **options).fit(*texts)
    torch.set_num_threads(1)
    one = LSTMSequenceClassifier(**PLAIN, **options).fit(*texts)
    for name, weight in one.module_.state_dict().items():
        same = both.module_.state_dict()[name]
        torch.testing.assert_close(weight, same, atol=1e-5, rtol=1e-4, msg=name)
    torch.set_num_threads(2)
    again = LSTMSequenceClassifier(**PLAIN, **options).fit(*texts)
    assert np.array_equal(again.predict_proba(texts[0]), both.predict_proba(texts[0]))
    assert torch.get_num_threads() == 2


def test_one_long_sequence_is_explained_for_each_of_three_classes():
    X = np.random.default_rng(0).integers(1, 9, (90, 60))
    model = LSTMSequenceClassifier(linear_model=False, hidden_size=4, max_epochs=1, random_state=0)
    frame = explain_classes(model.fit(X, np.arange(90) % 3), X[:1]).to_frame()
    assert {*frame["class"]} == {0, 1, 2}
