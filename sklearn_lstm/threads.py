"""On how many threads is computed; two computations at the same time; forked processes.

The matrix products of a recurrent step are too small to be split between threads without loss. But
the two directions of a layer, and the batches of a prediction, have nothing to do with each other,
so two of them are computed at the same time, on two workers: the calling thread, and one helper
thread that all callers share. Each worker uses half of torch's threads. Which thread computes what
does not change the results.

No setting of the process changes: the number of threads of OpenMP, and that of MKL, is set for the
calling thread alone, which `torch.set_num_threads` can't do. The exception is a forked child, where
torch computes on one thread, whoever calls it.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from ctypes import CDLL
from functools import cache
from threading import Event, local
from typing import Any, TypeVar

import torch
from threadpoolctl import ThreadpoolController

Value = TypeVar("Value")
Result = TypeVar("Result")


class _Thread(local):
    """The state of one thread."""

    share: int | None = None  # torch's threads that it uses; None: it is no worker
    # Of the helper: set when nobody waits for its work any more, since Ctrl-C came.
    abandoned: Event | None = None


class _Process:
    """What the threads of a process share. A forked child, which has one thread, starts anew."""

    def __init__(self) -> None:
        self.helper = ThreadPoolExecutor(1, "sklearn_lstm")
        self.working: set[object] = set()  # the workers that compute now

    def enter_if_free(self, worker: object) -> bool:
        """Count a worker if there is one free."""
        self.working.add(worker)
        if len(self.working) > 2:
            self.working.discard(worker)
        return worker in self.working


_thread, _process = _Thread(), _Process()


def _after_fork() -> None:
    """Forget the threads of the parent, which a forked child does not have.

    To use the OpenMP threads of torch would be to wait for them without end. torch's own
    `DataLoader` sets their number to 1 in each worker, too.
    """
    global _thread, _process
    _thread, _process = _Thread(), _Process()
    torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def workers(device: torch.device | str, n_workers: int = 2) -> Iterator[None]:
    """Compute within the block on `n_workers` workers, which share the threads of the caller.

    The threads are set once for many batches: changing their number in each batch would cost more
    than it gains. On a GPU there is nothing to share, nor with one thread, as in the workers of
    joblib.
    """
    n_threads = torch.get_num_threads()
    if torch.device(device).type != "cpu" or _thread.share is not None:
        yield
        return
    if min(n_threads, n_workers) == 1:
        with _mkl_threads(n_threads):
            yield
        return
    process, worker, share = _process, object(), n_threads // n_workers
    before = _openmp().limit()  # none yet
    try:
        process.working.add(worker)
        _thread.share = share
        _openmp().limit(limits=share)
        with _mkl_threads(share):
            yield
    finally:
        _thread.share = None
        before.restore_original_limits()
        process.working.discard(worker)


def check_not_abandoned() -> None:
    """End work for which nobody waits any more.

    Raises
    ------
    CancelledError
        If the caller has been interrupted.
    """
    if _thread.abandoned is not None and _thread.abandoned.is_set():
        raise CancelledError


def is_worker_free() -> bool:
    """Return whether `map_pair` would use the helper thread now."""
    # The helper can't wait for itself, so it computes its own jobs alone.
    return _thread.share is not None and _thread.abandoned is None and len(_process.working) < 2


def map_pair(function: Callable[[Value], Result], values: Sequence[Value]) -> list[Result]:
    """Map a function over two values, at the same time if a worker is free.

    What runs on the helper thread sees the caller's modes of torch. Should the caller be
    interrupted, the helper ends at its next `check_not_abandoned`.
    """
    process, share, worker = _process, _thread.share, object()
    if share is None or not is_worker_free() or not process.enter_if_free(worker):
        return [function(value) for value in values]
    has_gradient, is_inference = torch.is_grad_enabled(), torch.is_inference_mode_enabled()
    dtype, is_mixed = torch.get_autocast_dtype("cpu"), torch.is_autocast_enabled("cpu")
    abandoned = Event()

    def on_helper() -> Result:
        try:
            if _thread.share != share:
                torch.get_num_threads()  # else torch would set it later
                _openmp().limit(limits=share)
                _find_mkl_setter()(share)
                _thread.share = share
            _thread.abandoned = abandoned
            check_not_abandoned()
            with (
                torch.inference_mode(is_inference),
                torch.set_grad_enabled(has_gradient),
                torch.autocast("cpu", dtype, enabled=is_mixed, cache_enabled=False),
            ):
                return function(values[1])
        finally:
            process.working.discard(worker)

    future = None
    try:
        try:
            future = process.helper.submit(on_helper)
        except RuntimeError:  # no thread can start any more: the interpreter ends
            abandoned.set()
        first = function(values[0])
        return [first, function(values[1]) if future is None else future.result()]
    except BaseException:
        abandoned.set()
        raise
    finally:
        if future is None:
            process.working.discard(worker)


def map_on_workers(function: Callable[[Value], Result], values: Sequence[Value]) -> list[Result]:
    """Map a function over values, the even ones on one worker and the odd ones on the other."""

    def result_of(value: Value) -> Result:
        check_not_abandoned()
        return function(value)

    if len(values) < 2:
        return list(map(result_of, values))
    halves = map_pair(lambda half: list(map(result_of, half)), (values[::2], values[1::2]))
    return [halves[index % 2][index // 2] for index in range(len(values))]


@cache
def _openmp() -> Any:
    """Find the OpenMP libraries of the process, which limit the calling thread alone."""
    return ThreadpoolController().select(user_api="openmp")


@contextmanager
def _mkl_threads(number: int) -> Iterator[None]:
    """Let MKL use so many threads for the calling thread within the block."""
    before = _find_mkl_setter()(number)
    try:
        yield
    finally:
        _find_mkl_setter()(before)


@cache
def _find_mkl_setter() -> Callable[[int], int]:
    """Find the function that sets MKL's number of threads for the calling thread alone.

    It returns the number before; 0 means that the thread has none of its own. MKL rounds by its
    number of threads, so without this a model would depend on whether `torch.set_num_threads` has
    been called, even with the same number. If torch is built without MKL, nothing is done.
    """
    try:
        torch_library: Any = CDLL(torch._C.__file__)  # noqa: SLF001 - it knows its libraries
    except OSError:
        torch_library = None
    return getattr(torch_library, "MKL_Set_Num_Threads_Local", int)
