"""Hypothesis draws small sets of sequences, as plain Python values."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

MOST_ROWS, MOST_STEPS = 5, 6
LARGEST = 3.4028234663852886e38  # of float32
IDS = st.integers(1, 9) | st.integers(0, 300) | st.integers(0, 2**31 - 1)
WRONG_IDS = st.integers(-3, 2**31 + 1) | st.sampled_from([2**53 + 1, 2**63, -(2**63), 2**64])
HALVES = st.floats(-60000, 60000, width=16)  # which every type of floats holds
DOUBLES = st.floats(-1e30, 1e30) | st.sampled_from([LARGEST, 1e39, float("inf"), -float("inf")])
TEXTS = st.text("ab c'!.\nßéΣ你好ก\u0301\U0001f600", max_size=12) | st.text(max_size=8)
BESIDE = {
    "float": HALVES | st.floats(-1e9, 1e9),
    "integer": st.integers(-3, 3) | st.integers(-(2**53), 2**53),
    "flag": st.booleans(),
    "category": st.sampled_from(["x", "1", "", "nan", "é"]),
    "month": st.integers(-3, 3),
}
CATEGORIES = {"category", "month"}


@dataclass(frozen=True)
class DataSet:
    """What is written into containers.

    Parameters
    ----------
    kind : {"ids", "integers", "series", "channels", "times", "texts"}
        "integers": measurements that are integers. "times": channels, the last of which is a time
        in nanoseconds.
    rows : list
        A sequence each, None in place of a missing value.
    input_type : str
    beside : dict of str to list
        Columns of numbers and categories, None in place of a missing value.
    seed : int
        Of all that is drawn while they are written.
    """

    kind: str
    rows: list[Any]
    input_type: str = "auto"
    beside: dict[str, list[Any]] = field(default_factory=dict)
    seed: int = 0

    @property
    def n_channels(self) -> int:
        """How many values a step has."""
        return next((len(row[0]) for row in self.rows if row), 1) if self.has_channels else 1

    @property
    def has_channels(self) -> bool:
        """Whether a step is a list of values."""
        return self.kind in {"channels", "times"}

    @property
    def time_channel(self) -> int | None:
        """Which channel holds the times."""
        return -1 if self.kind == "times" else None


def rows_of(steps: st.SearchStrategy[Any], fewest: int = 0) -> st.SearchStrategy[list[Any]]:
    """Draw some sequences of these steps."""
    row = st.lists(steps, min_size=fewest, max_size=MOST_STEPS)
    return st.lists(row, min_size=1, max_size=MOST_ROWS)


@st.composite
def data_sets(draw: st.DrawFn, kind: str) -> DataSet:
    """Draw a set of sequences of a kind."""
    rows, input_type = draw(ROWS[kind]), "auto"
    if kind == "ids":
        input_type = draw(st.sampled_from(["auto", "words", "characters"]))
    elif kind == "texts":
        input_type = draw(st.sampled_from(["words", "characters"]))
    else:
        input_type = draw(st.sampled_from(["auto", "measurements"]))
    has_negative = kind in {"ids", "integers"} and any(v < 0 for row in rows for v in row if v)
    if kind == "ids" and has_negative:
        input_type = "words"  # else they are measurements
    if kind == "integers" and not has_negative:
        input_type = "measurements"
    beside = {}
    for name in draw(st.lists(st.sampled_from([*BESIDE]), max_size=3, unique=True)):
        values = st.none() | BESIDE[name]
        beside[name] = draw(st.lists(values, min_size=len(rows), max_size=len(rows)))
    return DataSet(kind, rows, input_type, beside, draw(st.integers(0, 2**32 - 1)))


def _channels(draw: st.DrawFn) -> list[Any]:
    values = st.none() | draw(st.sampled_from([HALVES, HALVES, DOUBLES]))
    n_channels = draw(st.integers(1, 3))
    return draw(rows_of(st.lists(values, min_size=n_channels, max_size=n_channels)))


def _times(draw: st.DrawFn) -> list[Any]:
    rows = draw(rows_of(st.tuples(st.none() | HALVES, st.integers(0, 2**40)), fewest=1))
    timed = []
    for row in rows:
        times = sorted(time for _, time in row)
        timed.append([[v, t - times[0]] for (v, _), t in zip(row, times, strict=True)])
    return timed


ROWS = {
    "ids": rows_of(IDS) | rows_of(IDS) | rows_of(WRONG_IDS),
    "integers": rows_of(st.none() | st.integers(-300, 300) | st.integers(-(2**53), 2**53)),
    "series": rows_of(st.none() | HALVES) | rows_of(st.none() | DOUBLES),
    "channels": st.composite(_channels)(),
    "times": st.composite(_times)(),
    "texts": st.lists(TEXTS, min_size=1, max_size=MOST_ROWS),
}
KINDS = [*ROWS]
