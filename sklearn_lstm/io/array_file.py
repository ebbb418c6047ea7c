"""A safetensors file: checked before memory is taken, and replaced only by a whole one."""

from __future__ import annotations

import math
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import takewhile
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.exceptions import ModelFileError
from sklearn_lstm.io.envelope import one_error, read_content
from sklearn_lstm.io.stored_form import DTYPES, PASSED, from_text


class StoredArrays(Mapping[str, NDArray[Any]]):
    """The arrays of a safetensors file, each read when it is asked for.

    Parameters
    ----------
    file : binary file
    header : dict
        Name to the `dtype`, `shape` and `data_offsets` of an array.
    start : int
        Where the arrays begin.

    Raises
    ------
    ModelFileError
        If the arrays do not fill the rest of the file, one after the other.
    """

    def __init__(self, file: BinaryIO, header: Mapping[str, Any], start: int) -> None:
        self.file = file
        self.places: dict[str, tuple[int, tuple[int, ...], np.dtype[Any]]] = {}
        size, end = os.fstat(file.fileno()).st_size, 0
        for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
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
    token = PASSED.set(passed)
    try:
        with _opened(path) as content_and_arrays:
            yield content_and_arrays
    finally:
        PASSED.reset(token)


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[tuple[dict[str, Any], StoredArrays]]:
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
        yield content, StoredArrays(file, entries, start)


def write(data: bytes, path: str | os.PathLike[str]) -> None:
    """Replace a file by another one when all of that is on the disk."""
    with replacing(path) as file:
        file.write(data)


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Yield a file to write, which replaces that of this name when all of it is on the disk."""
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{uuid4().hex}.tmp")  # short, whatever the name of the file
    old = target.stat() if target.exists() else None
    try:
        # Nobody may read the new content who may not read the old one, not even meanwhile.
        temporary.touch(0o666 if old is None else 0o600, exist_ok=False)
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if old is not None:
            _set_rights(temporary, old)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    if os.name == "posix":
        _sync_folder(target.parent)  # so that the new name is on the disk too


def _set_rights(path: Path, old: os.stat_result) -> None:
    """Give a file the mode of another one, and its owner and group where the system lets us."""
    if os.name == "posix":
        for owner in (-1, old.st_uid):
            with suppress(PermissionError):
                os.chown(path, owner, old.st_gid)
    path.chmod(stat.S_IMODE(old.st_mode))


def _sync_folder(path: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
