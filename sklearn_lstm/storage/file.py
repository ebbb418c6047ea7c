"""A safetensors file: checked before it takes memory, and replaced only by a complete one."""

import errno
import math
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.exceptions import ModelFileError
from sklearn_lstm.storage import forms
from sklearn_lstm.storage.forms import FIRST_BYTES, TIMES_SIZE, Unpacker

MARK = "sklearn_lstm"  # of a model: the name of its tree, and the checksum
# Of a file that may be replaced: an empty one, or a model.
BEGIN = rb'(?s)$|....\0\0\0\0\{"__metadata__":\{"sklearn_lstm":"'
OTHER_FILES = {  # their first eight bytes, and what they may be
    rb"\x80|\x1f\x8b|BZh|x[\x01\x9c\xda]|\xfd7z": " It looks like a pickle, perhaps a compressed "
    "one: joblib.load may read it, and run the code in it.",
    rb"[^\x00-\x08]+$": " It looks like text: does the data stand in the place of the model?",
}


@dataclass(frozen=True)
class StoredArray:
    """An array in a file, which is read when NumPy asks for it.

    Parameters
    ----------
    file : binary file
    start : int
        Where the array begins.
    shape, dtype
        Of the array.
    """

    file: BinaryIO
    start: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __array__(self, dtype: object = None, copy: bool | None = None) -> NDArray[np.generic]:  # noqa: FBT001
        self.file.seek(self.start)
        return np.fromfile(self.file, self.dtype, math.prod(self.shape)).reshape(self.shape)


def find_arrays(file: BinaryIO, entries: Mapping[str, Any], start: int) -> dict[str, Any]:
    """Return the arrays of a safetensors file.

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
    arrays, size, end = {}, os.fstat(file.fileno()).st_size, 0
    for name, entry in sorted(entries.items(), key=lambda item: item[1]["data_offsets"]):
        # NumPy has no array of 99 axes; the product of thousands of numbers would take long.
        dtype, shape = np.dtype(forms.DTYPES[entry["dtype"]]), tuple(entry["shape"][:99])
        begin, end = end, end + dtype.itemsize * math.prod(shape)
        if entry["data_offsets"] != [begin, end] or min(shape, default=0) < 0:
            raise ModelFileError(f"is damaged: {name!r} is not where it should be.")
        arrays[name] = StoredArray(file, start + begin, shape, dtype)
    if size != start + end:
        raise ModelFileError(f"is damaged: it has {size:,} bytes instead of {start + end:,}.")
    return arrays


@contextmanager
def opened(
    path: str | os.PathLike[str], passed: Sequence[object] = ()
) -> Iterator[tuple[dict[str, Any], Unpacker]]:
    """Open a model file; what the header says is checked before any array is read.

    Parameters
    ----------
    path : str or path
    passed : sequence
        What stands for the models that the file only names.

    Yields
    ------
    content : dict
    unpack : Unpacker
        Of the trees in it.
    """
    path = Path(path)
    with forms.one_error(f"The model file {path}"), path.open("rb") as file:
        size, first = os.fstat(file.fileno()).st_size, file.read(8)
        start = 8 + int.from_bytes(first, "little")
        if start > size:
            hints = (hint for begin, hint in OTHER_FILES.items() if re.match(begin, first))
            raise ModelFileError(
                "is no safetensors file, which sklearn_lstm.io.save writes, or is cut short: it "
                f"has {size:,} bytes.{next(hints, '')}"
            )
        # As they stand, the tree and the arrays take up to four times the size.
        unpack = Unpacker({}, passed, FIRST_BYTES + (TIMES_SIZE - 4) * size)
        entries = unpack.parsed(file.read(start - 8))
        metadata = entries.pop("__metadata__", {})
        if metadata.keys() != {MARK}:
            raise ModelFileError("holds no model of sklearn_lstm.io.save, or one in an old format.")
        unpack.table |= find_arrays(file, entries, start)
        yield unpack.content(*metadata[MARK].split(" ")), unpack


def target_of(path: str | os.PathLike[str]) -> Path:
    """Return the file that a name leads to, links followed.

    Raises
    ------
    OSError
        If there is something else than a file, or a file that is neither empty nor a model, or none
        can be written.
    """
    if not isinstance(path, str | os.PathLike):
        found = f"The name of a file is needed, a str or a path, found {type(path).__name__}"
        raise TypeError(f"{found}. To have the bytes, read the file: Path(name).read_bytes().")
    target = Path(os.path.realpath(path))
    if target.suffix.lower() in {".pkl", ".pickle", ".joblib"}:
        reason = "A model file is no pickle: name it .safetensors, or use joblib.dump"
        raise OSError(errno.EINVAL, reason, os.fspath(path))
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        target.parent.stat()
    else:
        if not stat.S_ISREG(mode):
            reason = "It is a folder, a device or a pipe, and no file"
            raise OSError(errno.EINVAL, reason, os.fspath(path))
        with target.open("rb") as file:
            if not re.match(BEGIN, file.read(50)):
                reason = "It holds no model, so it is not replaced: delete it, or take another name"
                raise OSError(errno.EEXIST, reason, os.fspath(path))
    if not os.access(target.parent, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target.parent))
    return target


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Yield a file to write, which replaces that of this name once it is whole; the mode stays."""
    target = target_of(path)
    temporary = target.with_name(f".{uuid4().hex}.tmp")  # short, whatever the name of the file
    old = target.stat() if target.exists() else None
    try:
        # Nobody may read the new content who may not read the old one, not even meanwhile.
        temporary.touch(0o666 if old is None else 0o600, exist_ok=False)
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if old is not None and os.name == "posix":
            temporary.chmod(stat.S_IMODE(old.st_mode))
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
