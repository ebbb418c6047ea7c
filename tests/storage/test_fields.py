"""What the annotations of a class say of its fields, as it is checked."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from sklearn_lstm.storage.fields import check_fields


@dataclass
class Part:
    """Fields of all kinds."""

    coef: Annotated[NDArray[np.float32], "n_features n_outputs<4"]
    hashes: Annotated[NDArray[np.int32], "n_features"]
    places: Annotated[NDArray[np.intp], "2 n_outputs"] | None = None
    chosen: Annotated[NDArray[np.intp], "n_chosen of n_features"] | None = None
    number: Annotated[int, "of 3"] = 0
    id_of: Annotated[dict[str, int], "n_ids of n_ids"] | None = None
    words: Annotated[tuple[str, ...], "n_features"] = ()
    longest: Annotated[int, range(1, 9)] = 1
    share: float = 0.0
    classes: NDArray[Any] | float = 0.0
    is_new: bool = True
    source: str | Path | None = None
    table: dict[str, int] | None = None
    kept: dict[str, tuple[Literal["value"], ...]] | None = None

    @classmethod
    def from_stored(cls, *, flag: bool, **fields: Any):
        """Build it of what else is stored."""


FITS = {
    "coef": np.zeros((5, 3), np.float64),
    "hashes": np.zeros(5, np.int8),
    "places": np.zeros((2, 3), int),
    "words": ("a", "b", "c", "d", "e"),
    "chosen": np.array([0, 4]),
    "number": 2,
    "id_of": {"a": 1, "b": 0},
    "longest": np.int64(8),
    "share": np.float32(1),
    "classes": np.array(["a", None], object),
    "is_new": np.True_,
    "source": Path("a"),
    "table": {"a": 1},
    "kept": {"a": (), "b": ("value",)},
    "flag": False,
}
FEATURES = np.zeros((5, 3))
OTHERS = {
    "coef": [
        FEATURES[:4],
        FEATURES[0],
        FEATURES[..., None],
        np.zeros((5, 4)),
        None,
        [[0.0] * 3] * 5,
    ]
    + [np.full((5, 3), value) for value in (np.nan, -np.inf)]
    + [FEATURES.astype(dtype) for dtype in (int, ">f4", object)],
    "hashes": [np.zeros(4, int), np.zeros(5), np.array(1)],
    "places": [np.zeros((3, 3), int), np.zeros((2, 2), int)],
    "chosen": [np.array([0, 5]), np.array([-1]), np.zeros((1, 1), int)],
    "number": [3, -1, "1"],
    "id_of": [{"a": 2}, {"a": -1, "b": 0}, {"a": 2**70}],
    "words": [("a", "b"), ("a", "b", "c", "d", 1), ["a", "b", "c", "d", "e"]],
    "longest": [0, 9, 10**12, 2.0, "1", None],
    "share": ["1", None, np.zeros(1)],
    "classes": ["a", [1.0]],
    "is_new": [1, None],
    "flag": [2],
    "source": [1, b"a"],
    "table": [[], 1, {1: 1}, {"a": 1, "b": "c"}],
    "kept": [{"a": "value"}, {"a": ("value",), "b": ("value", "other")}],
}


@pytest.mark.parametrize("names", [FITS, ["coef"], ["places", "source"], ["unknown"]])
def test_values_that_fit_pass(names):
    check_fields(Part, {name: FITS.get(name) for name in names})
    check_fields(Part, dict.fromkeys(["places", "source", "table"]))


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in OTHERS.items() for value in values]
)
def test_a_value_that_does_not_fit_is_an_error_that_names_its_field(name, value):
    others = {other: FITS[other] for other in FITS if other != name}
    with pytest.raises(ValueError, match=rf"Part\.{name} does not fit"):
        check_fields(Part, {**others, name: value})
