"""Locks that survive a fork."""

import os
from threading import RLock


class ForkSafeLock:
    """A lock that is open in a forked child, even if a thread of the parent held it.

    ``with`` takes its `lock`, in which no Python code runs that Ctrl-C could interrupt. The thread
    that holds it may take it again.
    """

    def __init__(self) -> None:
        self._open()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._open)

    def _open(self) -> None:
        self.lock = RLock()
