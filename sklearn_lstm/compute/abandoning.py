"""Work of a helper thread for which nobody waits any more, since Ctrl-C came."""

from __future__ import annotations

from concurrent.futures import CancelledError
from threading import Event, local


class _Work(local):
    """The work of one thread."""

    abandoned: Event | None = None  # set when nobody waits for it any more


work = _Work()


def check_not_abandoned() -> None:
    """End work for which nobody waits any more.

    Raises
    ------
    CancelledError
        If the caller has been interrupted.
    """
    if work.abandoned is not None and work.abandoned.is_set():
        raise CancelledError
