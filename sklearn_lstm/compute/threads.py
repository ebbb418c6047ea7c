"""Two lanes of computing: the calling thread, and one helper thread that all callers share.

The matrix products of a recurrent step are too small to be split between threads without loss. But
the two networks of a fit, the two directions of a layer, and the batches of a prediction have
nothing to do with each other, so two of them are computed at the same time. Each lane uses half of
torch's threads. Which thread computes what does not change the results.

No setting of the process changes: the number of OpenMP threads is set for the calling thread alone,
which `torch.set_num_threads` can't do.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from threading import Event, Lock, local
from typing import Any, TypeVar

import torch
from threadpoolctl import ThreadpoolController

Value = TypeVar("Value")
Result = TypeVar("Result")

LANES = 2


class _Process:
    """What all threads of the process share. A forked child starts with a new one."""

    def __init__(self, *, is_forked: bool = False) -> None:
        self.lock = Lock()
        self.n_lanes = 0  # that compute now
        self.helper = ThreadPoolExecutor(LANES - 1, "sklearn_lstm")  # starts no thread yet
        self.is_forked = is_forked

    def enter(self, *, if_free: bool = False) -> bool:
        """Count one lane more; if `if_free`, only if one is free."""
        with self.lock:
            if if_free and self.n_lanes >= LANES:
                return False
            self.n_lanes += 1
            return True

    def leave(self) -> None:
        """Count one lane less."""
        with self.lock:
            self.n_lanes -= 1


class _Thread(local):
    """What each thread knows of itself."""

    share: int | None = None  # OpenMP threads of its lane; None: it does not compute in a lane
    is_helper: bool = False
    abandoned: Event | None = None  # set when nobody waits for its work any more


_process = _Process()
_thread = _Thread()


def _after_fork() -> None:
    """Forget the helper thread, which the child does not have."""
    global _process, _thread
    _process, _thread = _Process(is_forked=True), _Thread()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def lanes(device: torch.device | str, n_lanes: int = LANES) -> Iterator[None]:
    """Compute within the block on `n_lanes` lanes, with the OpenMP threads of the caller.

    The threads are set once for many batches: changing their number in each batch would cost more
    than it gains. On a GPU there is nothing to share, nor with one thread, as in the workers of
    joblib.
    """
    n_threads = torch.get_num_threads()
    if torch.device(device).type != "cpu" or _thread.share is not None:
        yield
        return
    if _process.is_forked:  # the OpenMP threads of the parent are gone: to use them would hang
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(n_threads)
        return
    if min(n_threads, n_lanes) == 1:
        yield
        return
    process, before = _process, [library.num_threads for library in _openmp()]
    process.enter()
    _thread.share = n_threads // n_lanes
    try:
        _set_openmp_threads([_thread.share] * len(before))
        yield
    finally:
        _thread.share = None
        _set_openmp_threads(before)
        process.leave()


def is_lane_free() -> bool:
    """Return whether `map_pair` would use the helper thread now."""
    # The helper can't wait for itself: what it is given to compute it computes alone.
    return _thread.share is not None and not _thread.is_helper and _process.n_lanes < LANES


def map_pair(function: Callable[[Value], Result], values: Sequence[Value]) -> list[Result]:
    """Map a function over two values, at the same time if a lane is free.

    What runs on the helper thread sees the caller's modes of torch. Should the caller be
    interrupted, the helper ends at its next `check_not_abandoned`.
    """
    process, share = _process, _thread.share
    if share is None or not is_lane_free() or not process.enter(if_free=True):
        return [function(value) for value in values]
    has_gradient, is_inference = torch.is_grad_enabled(), torch.is_inference_mode_enabled()
    dtype, is_mixed = torch.get_autocast_dtype("cpu"), torch.is_autocast_enabled("cpu")
    abandoned = Event()

    def on_helper() -> Result:
        try:
            if _thread.share != share:
                _set_openmp_threads([share] * len(_openmp()))
                _thread.share = share
            _thread.is_helper, _thread.abandoned = True, abandoned
            with (
                torch.inference_mode(is_inference),
                torch.set_grad_enabled(has_gradient),
                torch.autocast("cpu", dtype, enabled=is_mixed, cache_enabled=False),
            ):
                return function(values[1])
        finally:
            process.leave()

    try:
        second = process.helper.submit(on_helper)
    except BaseException:
        process.leave()
        raise
    try:
        return [function(values[0]), second.result()]
    except BaseException:
        abandoned.set()
        raise


def map_in_lanes(function: Callable[[Value], Result], values: Sequence[Value]) -> list[Result]:
    """Map a function over values, the even ones in one lane and the odd ones in the other."""

    def map_over(some: Sequence[Value]) -> list[Result]:
        results = []
        for value in some:
            check_not_abandoned()
            results.append(function(value))
        return results

    if len(values) < LANES:
        return map_over(values)
    halves = map_pair(map_over, (values[::2], values[1::2]))
    return [halves[index % 2][index // 2] for index in range(len(values))]


def check_not_abandoned() -> None:
    """End the work of a helper thread for which nobody waits any more.

    Raises
    ------
    CancelledError
        If the caller has been interrupted.
    """
    if _thread.abandoned is not None and _thread.abandoned.is_set():
        raise CancelledError


@cache
def _openmp() -> list[Any]:
    """Find the OpenMP libraries of the process."""
    torch.get_num_threads()  # torch sets the number of a thread when that first asks for it
    found: list[Any] = ThreadpoolController().select(user_api="openmp").lib_controllers
    return found


def _set_openmp_threads(numbers: Sequence[int]) -> None:
    """Set the number of threads of each OpenMP library, for the calling thread alone."""
    torch.get_num_threads()  # else torch would set it later
    for library, number in zip(_openmp(), numbers, strict=True):
        library.set_num_threads(number)
