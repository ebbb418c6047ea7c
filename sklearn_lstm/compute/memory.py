"""The memory that a file may take when it is loaded, whatever it says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from sklearn_lstm.exceptions import ModelFileError

FIRST_BYTES, TIMES_SIZE = 32 << 20, 32  # so much, and so many times the size of the file
_LEFT: ContextVar[float] = ContextVar("_LEFT", default=1e30)  # no limit outside of `load`


@contextmanager
def limited_memory(n_bytes: int) -> Iterator[None]:
    """Limit what a file of this size takes meanwhile, four times its size as it stands included."""
    token = _LEFT.set(FIRST_BYTES + (TIMES_SIZE - 4) * n_bytes)
    try:
        yield
    finally:
        _LEFT.reset(token)


def take_memory_for(text: bytes) -> None:
    """Count the memory of JSON before it is parsed."""
    take_memory(100 * sum(map(text.count, (b",", b"[", b"{"))))  # for what each of these stands for


def memory_left() -> float:
    """Return how much the file that is loaded may still take."""
    return _LEFT.get()


def take_memory(n_bytes: float) -> None:
    """Count memory before it is taken, where more is made of a stored value than it has bytes.

    Raises
    ------
    ModelFileError
        If the file takes more than its limit.
    """
    _LEFT.set(_LEFT.get() - n_bytes)
    if _LEFT.get() < 0:
        raise ModelFileError(
            f"would take more memory than {FIRST_BYTES >> 20} MiB and {TIMES_SIZE} times its size. "
            "Store the model with joblib; whoever loads that file has to trust you."
        )
