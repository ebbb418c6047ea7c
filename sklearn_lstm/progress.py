"""How much of the work is done: a bar, also over a whole fit; how much time is left."""

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Self

BAR = "{percentage:3.0f}%|{bar}| {elapsed}, {remaining} left{postfix}"
BAR_OF_FIT = "{percentage:3.0f}%|{bar}| {elapsed}{postfix}"
NETWORK = "network"


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
    """A bar that shows how much of the work is done, and the time that is left.

    The time is estimated from the average speed so far.

    Parameters
    ----------
    is_shown : bool
        If False, nothing is drawn.
    """

    form = BAR

    def __init__(self, *, is_shown: bool) -> None:
        self.is_shown = is_shown and sys.stderr is not None
        self._next = 0.0  # when to draw again

    def __enter__(self) -> Self:
        if self.is_shown:
            from tqdm.auto import tqdm  # noqa: PLC0415 - in a notebook without widgets it warns

            # With a delay, tqdm does not draw here: after an error it would keep its lock.
            self._bar = tqdm(
                total=1.0, bar_format=self.form, dynamic_ncols=True, smoothing=0, delay=1e-9
            )
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
        self._bar.n = max(self._bar.n, share)  # what is likely may grow
        if monotonic() >= self._next:
            # If Ctrl-C came while it draws, tqdm would keep its lock, for which all bars wait.
            self._bar.refresh(nolock=True)
            self._next = monotonic() + self._bar.mininterval


class FitProgress(ProgressBar):
    """A bar over the whole fit.

    The work is counted in updates of the network. Training may end before the last epoch: the bar
    counts the updates that are likely, and says how long the fit takes at most.

    Parameters
    ----------
    is_shown : bool
        If False, nothing is drawn.
    estimator : estimator or None
        Whose fit it is; scikit-learn's callbacks are told of its epochs.
    limit : TimeLimit
    """

    form = BAR_OF_FIT

    def __init__(
        self, *, is_shown: bool, estimator: object = None, limit: TimeLimit = UNLIMITED
    ) -> None:
        super().__init__(is_shown=is_shown)
        self.estimator, self.limit = estimator, limit

    def planned(
        self, linear_epochs: Mapping[str, float], of_network: tuple[float, int], n_updates: int
    ) -> Self:
        """Say how much work there is.

        Parameters
        ----------
        linear_epochs : dict of str to float
            The time that each linear model takes, by its name, in epochs of the network.
        of_network : tuple of (float, int)
            Its epochs: those that are usual, and the most.
        n_updates : int
            Of an epoch.
        """
        self.updates_per_epoch = n_updates
        self._all = {name: 1.0 + round(n * n_updates) for name, n in linear_epochs.items()}
        self._linear_left = list(self._all)
        usual, most = (n_epochs * n_updates for n_epochs in of_network)
        self._all[NETWORK], self._more = usual, most - usual
        self._done, self._start = dict.fromkeys(self._all, 0.0), monotonic()
        return self

    def __enter__(self) -> Self:
        super().__enter__()
        self.show(0.0, next(iter(self._linear_left), ""))
        return self

    def count_linear_model(self, name: str, share: float = 1.0) -> None:
        """Set which share of a linear model is done."""
        if share == 1:
            self._linear_left.remove(name)
        text = name if self._linear_left else ""
        self.count(name, share * self._all[name], self._all[name], text)

    def count_network(self, n_done: int, n_all: int, n_most: int, text: str) -> None:
        """Set how many updates of the network are done, likely, and the most; and the text."""
        self._more = n_most - n_all
        self.count(NETWORK, n_done, n_all, text)

    def count(self, name: str, n_done: float, n_all: float, text: str) -> None:
        """Set how much of a member is done, and the text."""
        self._done[name], self._all[name] = n_done, n_all
        done, likely = sum(self._done.values()), sum(self._all.values()) or 1.0
        self.show(done / likely, ", ".join(filter(None, [self._left(done, likely), text])))

    def _left(self, done: float, likely: float) -> str:
        """Return how long the fit will still take, by the average speed so far."""
        if not (self.is_shown and done):
            return ""
        seconds = (monotonic() - self._start) / done
        about, most = (
            self._bar.format_interval(min((n_all - done) * seconds, self.limit.seconds_left))
            for n_all in (likely, likely + self._more)
        )
        return f"about {about} left, at most {most}" if self._more > 0 else f"about {about} left"


def print_above_bar(text: str) -> None:
    """Print a line that a bar does not overwrite."""
    from tqdm.auto import tqdm  # noqa: PLC0415

    tqdm.write(text)
