"""A block of code that a thread watches while it runs."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from threading import Event, Thread
from typing import ClassVar, Self


class Watch(ABC):
    """Look again and again while a block runs.

    Attributes
    ----------
    interval : float
        Seconds between two looks.
    spent : float
        Processor seconds that looking took.
    """

    interval: ClassVar[float]
    spent = 0.0

    def __enter__(self) -> Self:
        self._ends = Event()
        self._thread = Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ends.wait(self.interval):
            self.look()
        self.spent = time.thread_time()

    @abstractmethod
    def look(self) -> None:
        """Note what is to be seen now."""
