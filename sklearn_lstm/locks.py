"""Locks that survive a fork, and one thread for BLAS."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import RLock
from typing import Any
from weakref import WeakSet


class ForkSafeLock:
    """A lock that is open in a forked child, even if a thread of the parent held it.

    ``with`` takes its `lock`, in which no Python code runs that Ctrl-C could interrupt. The thread
    that holds it may take it again.
    """

    def __init__(self) -> None:
        self.lock = RLock()
        _locks.add(self)


_locks: WeakSet[ForkSafeLock] = WeakSet()


def _open_all() -> None:
    for lock in _locks:
        lock.lock = RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_open_all)

_one_thread = ForkSafeLock()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let BLAS compute on one thread within the block.

    OpenBLAS rounds by its number of threads, and wakes them for the smallest systems of equations:
    where others compute, this takes far longer than the solution. All threads of Python share that
    number, so one block waits for another: else it could restore the limit of that one.
    """
    with _one_thread.lock, _blas().limit(limits=1):
        yield


@cache
def _blas() -> Any:
    from threadpoolctl import ThreadpoolController  # noqa: PLC0415 - predictions do without it

    return ThreadpoolController().select(user_api="blas")
