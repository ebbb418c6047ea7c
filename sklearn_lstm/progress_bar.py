"""A progress bar."""

import sys
from time import monotonic
from typing import Self

BAR = "{percentage:3.0f}%|{bar}| {elapsed}, {remaining} left{postfix}"


class ProgressBar:
    """A bar that shows how much of the work is done, and the time that is left.

    The time is estimated from the average speed so far.

    Parameters
    ----------
    is_shown : bool
        If False, nothing is drawn.
    """

    def __init__(self, *, is_shown: bool) -> None:
        self.is_shown = is_shown and sys.stderr is not None
        self._next = 0.0  # when to draw again

    def __enter__(self) -> Self:
        if self.is_shown:
            from tqdm.auto import tqdm  # noqa: PLC0415 - in a notebook without widgets it warns

            # With a delay, tqdm does not draw here: after an error it would keep its lock.
            self._bar = tqdm(total=1.0, bar_format=BAR, dynamic_ncols=True, smoothing=0, delay=1e-9)
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        if self.is_shown:
            if error is None:
                self._bar.n = 1.0
            self._bar.close()

    def show(self, share: float, text: str) -> None:
        """Show the share of the work that is done, and the text behind the bar.

        Drawn at most as often as tqdm draws by itself.
        """
        if not self.is_shown:
            return
        self._bar.set_postfix_str(text, refresh=False)
        self._bar.n = share
        if monotonic() >= self._next:
            # If Ctrl-C came while it draws, tqdm would keep its lock, for which all bars wait.
            self._bar.refresh(nolock=True)
            self._next = monotonic() + self._bar.mininterval
