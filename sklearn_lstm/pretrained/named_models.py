"""Models that others trained: a stored classifier names them, and holds none of their weights."""

import reprlib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.exceptions import ModelFileError
from sklearn_lstm.storing.stored_form import PASSED, SHARING, NotPlainError

LEAST_COSINE = 0.999  # precisions and sizes of batches differ by some 1e-4
MOST_STRETCHED = 0.01  # how much lengths may differ


class Shared:
    """Copies are the object itself, which is large and stays as it is."""

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self

    def __repr__(self) -> str:
        return f"<{self}>"


class NamedModel(Shared):
    """A model that others trained: a stored classifier names it, and holds none of its weights.

    What is installed is opened again, and a folder too by pickle; in place of what else a file
    names, `load` takes what the user passes.

    Parameters
    ----------
    model : object
    source : Path or str
        Its folder, its package, or the name of its class: what a file holds in its place.
    mark : ndarray of shape (n, dim)
        Some vectors by which it is known again. Without a row, it stands for a parameter.
    """

    parameter: ClassVar[str]  # of the classifier
    installed: ClassVar[str]  # the package that a file may name

    def __init__(self, model: Any, source: str | Path, mark: NDArray[np.float32]) -> None:
        self.model: Any = model
        self.source: str | Path = source
        self.mark: NDArray[np.float32] = mark

    @property
    def is_named(self) -> bool:
        """Whether a pickle can find the model again: in a folder, or by its name."""
        return isinstance(self.source, Path) or self.source == self.installed

    def stored(self) -> dict[str, object]:
        """Return what is stored: how to find the model, and what it is known by."""
        stands_for, is_pickle = not len(self.mark), PASSED.get() is None
        if SHARING.get() or (is_pickle and (stands_for or not self.is_named)):
            raise NotPlainError(f"a {self.source} is no plain data")
        if not stands_for and not self.mark.any():
            raise TypeError(
                f"save can't store a model with {self.parameter}={str(self.source)!r}: the vectors "
                "by which load would know it are all 0."
            )
        return {"source": self.source, "mark": self.mark}

    @classmethod
    def from_stored(cls: Any, source: str | Path, mark: NDArray[np.float32]) -> Any:
        """Return the model of this mark: installed, passed to `load`, or named by a pickle.

        A file may come from a stranger, so the folder that it names is not opened.
        """
        passed = [model for model in PASSED.get() or () if isinstance(model, cls)]
        if PASSED.get() is None or source == cls.installed:
            passed = [cls.opened(source)]
        for model in passed:
            if not len(mark) or model.is_like(mark):
                return model
        found = f" The vectors of {' and '.join(map(str, passed))} differ." if passed else ""
        raise ModelFileError(
            f"was fitted with {cls.parameter}={str(source)!r}, which is not in it. Pass the model "
            f"as it was: load(path, {cls.parameter}=...); or fit again.{found}"
        )

    def is_like(self, mark: NDArray[np.float32]) -> bool:
        """Return whether the vectors that it is known by are these, but for rounding."""
        if mark.shape != self.mark.shape:
            return False
        products = (mark * self.mark).sum(axis=1)
        length, own = (np.linalg.norm(vectors, axis=1) for vectors in (mark, self.mark))
        is_as_long = np.abs(own - length) <= MOST_STRETCHED * length
        return bool((is_as_long & (products >= LEAST_COSINE * length * own)).all())


def open_folder(folder: Path, name: str, command: str, read: Callable[[Any, Path], Any]) -> Any:
    """Return what a package of this name reads from a folder; nothing is downloaded."""
    if not folder.is_dir():  # the package would ask the network for it
        raise FileNotFoundError(f"There is no folder {str(folder)!r}.")
    module = name.replace("-", "_")
    try:
        return read(import_module(module), folder)
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and error.name == module:
            raise ImportError(
                f"The folder {str(folder)!r} needs the package {name}, not installed: {command}"
            ) from error
        raise FileNotFoundError(
            f"{name} can't open the folder {str(folder)!r} ({type(error).__name__}: {error})."
        ) from error


def without_halves(text: str) -> str:
    """Return a text without half surrogate pairs, which tokenizers refuse."""
    return text.encode(errors="replace").decode()


def shown(vectors: object) -> str:
    """Return what the user gives, shortened, and its type."""
    return f"{reprlib.repr(vectors)} ({type(vectors).__name__})"
