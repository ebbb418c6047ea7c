"""How much of the work is done: a bar that shows one part at a time; when a training ends."""

import math
import sys
from dataclasses import dataclass
from time import monotonic
from typing import Self

NAME = "{desc}{postfix}"
BAR = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}, {remaining} left{postfix}"


@dataclass(frozen=True)
class TimeLimit:
    """When a training ends by the clock.

    Parameters
    ----------
    end : float
        As `monotonic` counts seconds; by default there is no limit.
    """

    end: float = math.inf

    @classmethod
    def after(cls, seconds: float | None) -> Self:
        """Return the limit so many seconds from now."""
        return cls() if seconds is None else cls(monotonic() + seconds)

    @property
    def seconds_left(self) -> float:
        """The seconds until the end."""
        return self.end - monotonic()


UNLIMITED = TimeLimit()


class ProgressBar:
    """A bar that shows one part of the work at a time, and begins anew with the next one.

    It shows how much of the part is done, and the time that is left for it by its average speed so
    far; of a part that can't say how much is done, the name alone.

    Parameters
    ----------
    is_shown : bool
        If False, nothing is drawn.
    estimator : estimator or None
        Whose fit it is; scikit-learn's callbacks are told of its epochs.
    limit : TimeLimit
        Of its training.
    """

    def __init__(
        self, *, is_shown: bool, estimator: object = None, limit: TimeLimit = UNLIMITED
    ) -> None:
        self.is_shown = is_shown and sys.stderr is not None
        self.estimator, self.limit = estimator, limit
        self._next = 0.0  # when to draw again

    def __enter__(self) -> Self:
        if self.is_shown:
            from tqdm.auto import tqdm  # noqa: PLC0415 - in a notebook without widgets it warns

            # With a delay, tqdm does not draw here: after an error it would keep its lock.
            self._bar = tqdm(
                total=1.0, bar_format=NAME, dynamic_ncols=True, smoothing=0, delay=1e-9
            )
            self.is_shown = not self._bar.disable  # by the environment variable TQDM_DISABLE
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        if self.is_shown:
            if error is None:
                self._bar.n, self._bar.bar_format = 1.0, BAR
            self._bar.close()

    def show(self, part: str, share: float = 0.0, text: str = "") -> None:
        """Show the part, the share of it that is done, if that is known, and a text behind the bar.

        Drawn at most as often as tqdm draws by itself.
        """
        if not self.is_shown:
            return
        if part != self._bar.desc:
            self._bar.desc, self._bar.n, self._next = part, 0.0, 0.0
            self._bar.unpause()  # counts seconds from now on, as `reset`, which draws with the lock
        self._bar.n = max(self._bar.n, share)  # what is likely may grow
        self._bar.bar_format = BAR if self._bar.n else NAME
        self._bar.set_postfix_str(text, refresh=False)
        if monotonic() >= self._next:
            # If Ctrl-C came while it draws, tqdm would keep its lock, for which all bars wait.
            self._bar.refresh(nolock=True)
            self._next = monotonic() + self._bar.mininterval


def print_above_bar(text: str) -> None:
    """Print a line that a bar does not overwrite."""
    from tqdm.auto import tqdm  # noqa: PLC0415

    tqdm.write(text)
