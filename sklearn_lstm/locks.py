"""Locks that survive a fork."""

import os
from threading import RLock
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
