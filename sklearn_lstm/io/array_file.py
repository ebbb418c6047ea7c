"""A safetensors file that is read: checked before memory is taken."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.exceptions import ModelFileError
from sklearn_lstm.storing.envelope import one_error, read_content
from sklearn_lstm.storing.stored_form import DTYPES, PASSED, from_text


class StoredArrays(Mapping[str, NDArray[Any]]):
    """The arrays of a safetensors file, each read when it is asked for.

    Parameters
    ----------
    file : binary file
    entries : dict
        Name to the `dtype`, `shape` and `data_offsets` of an array.
    start : int
        Where the arrays begin.

    Raises
    ------
    ModelFileError
        If the arrays do not fill the rest of the file, one after the other.
    """

    def __init__(self, file: BinaryIO, entries: Mapping[str, Any], start: int) -> None:
        self.file = file
        self.places: dict[str, tuple[int, tuple[int, ...], np.dtype[Any]]] = {}
        size, end = os.fstat(file.fileno()).st_size, 0
        for name, entry in sorted(entries.items(), key=lambda item: item[1]["data_offsets"]):
            dtype, shape = np.dtype(DTYPES[entry["dtype"]]), tuple(entry["shape"])
            begin, end = end, end + dtype.itemsize * math.prod(shape)
            if entry["data_offsets"] != [begin, end] or min(shape, default=0) < 0:
                raise ModelFileError(f"is damaged: {name!r} is not where it should be.")
            if n_rows(shape) > size:
                raise ModelFileError(f"is damaged: {name!r} has more rows than the file has bytes.")
            self.places[name] = start + begin, shape, dtype
        if size != start + end:
            raise ModelFileError(f"is damaged: it has {size:,} bytes instead of {start + end:,}.")

    def __getitem__(self, name: str) -> NDArray[Any]:
        start, shape, dtype = self.places[name]
        array = np.empty(shape, dtype)
        self.file.seek(start)
        self.file.readinto(array)  # type: ignore[attr-defined]
        return array

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)

    def describe(self, name: str) -> str:
        """Return type and shape of an array."""
        _, shape, dtype = self.places[name]
        return f"{dtype} array of shape {shape}"


def n_rows(shape: tuple[int, ...]) -> int:
    """Return how many entries the lists of an array would have, also if it has no values."""
    return math.prod(takewhile(bool, shape))


@contextmanager
def opened(
    path: str | os.PathLike[str], passed: Sequence[Any] = ()
) -> Iterator[tuple[dict[str, Any], StoredArrays]]:
    """Open a model file; what the header says is checked before any array is read.

    `passed` is what stands for the folders that the file names: none of these is opened.
    """
    with one_error(f"The model file {os.fspath(path)}"), Path(path).open("rb") as file:
        start = 8 + int.from_bytes(file.read(8), "little")
        if start > (size := os.fstat(file.fileno()).st_size):
            raise ModelFileError(
                f"is no safetensors file, or is cut short: its header would end at byte {start:,}, "
                f"but the file has {size:,} bytes."
            )
        header = file.read(start - 8)
        if re.search(rb"[\x00-\x1f]", header):
            raise ModelFileError("is damaged: its header holds control characters.")
        entries = from_text(header)
        metadata = entries.pop("__metadata__")
        content = read_content(**metadata)
        token = PASSED.set(passed)
        try:
            yield content, StoredArrays(file, entries, start)
        finally:
            PASSED.reset(token)
