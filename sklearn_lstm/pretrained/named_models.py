"""Models that others trained: a stored classifier names them, and holds none of their weights."""

import reprlib
from abc import abstractmethod
from collections.abc import Collection
from operator import attrgetter
from pathlib import Path
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.exceptions import ModelFileError, imported
from sklearn_lstm.storage import forms
from sklearn_lstm.storage.unpack import Unpacker

Vectors: TypeAlias = NDArray[np.float32]

LEAST_COSINE = 0.999  # precisions and sizes of batches differ by some 1e-4
MOST_STRETCHED = 0.01  # how much lengths may differ


class Shared:
    """Copies are the object itself, which is large and stays as it is."""

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self

    def __repr__(self) -> str:
        return f"<{self}>"


class NamedModel(Shared):
    """A model that others trained. A file holds its name, and some vectors to know it again.

    What a package brings is opened again when a model is loaded, and in a pickle that of a folder
    too. Any other is in the pickle itself, and is passed to `load`.

    Parameters
    ----------
    model : object
    source : Path or str
        Its folder, its package, or the name of its class.
    mark : ndarray of shape (n, dim)
        The vectors. Without a row, it stands for a parameter.
    """

    parameter: ClassVar[str]  # of the classifier
    packages: ClassVar[Collection[str]] = ()  # that a file may name

    def __init__(self, model: Any, source: str | Path, mark: Vectors) -> None:
        self.model: Any = model
        self.source: str | Path = source
        self.mark: Vectors = mark

    @classmethod
    @abstractmethod
    def opened(cls, source: Any) -> Self:
        """Return the model that the user brings, or the one of this name or in this folder."""

    @property
    def is_named(self) -> bool:
        """Whether a pickle can find the model again: in a folder, or by its name."""
        return isinstance(self.source, Path) or self.source in self.packages

    def stored(self) -> dict[str, object]:
        """Return what a file holds.

        Raises
        ------
        TypeError
            If nothing would tell the model from another one.
        """
        if len(self.mark) and not self.mark.any():
            raise TypeError(
                f"save can't store a model with {self.parameter}={str(self.source)!r}: the vectors "
                "by which load would know it are all 0. Store it with joblib."
            )
        return {"source": self.source, "mark": self.mark}

    def __getstate__(self) -> dict[str, object]:
        model = None if self.is_named else self.model
        return {"source": self.source, "mark": self.mark, "model": model}

    def __setstate__(self, state: dict[str, Any]) -> None:
        new = type(self)(**state)
        if new.model is None and len(new.mark):
            with forms.one_error("The stored model"):
                new = self.recognized(self.opened(new.source), new.source, new.mark)
        vars(self).update(vars(new))

    @classmethod
    def from_stored(cls, unpack: Unpacker, source: str | Path, mark: Vectors) -> Self:
        """Return the model that a file names: installed, or passed to `load`.

        A file may come from a stranger, so the folder that it names is not opened.
        """
        passed = (model for model in unpack.passed or () if isinstance(model, cls))
        model = cls.opened(source) if source in cls.packages else next(passed, None)
        return cls.recognized(model, source, mark)

    @classmethod
    def recognized(cls, model: Self | None, source: str | Path, mark: Vectors) -> Self:
        """Return the model if it has the vectors, and any if there are none."""
        if model is not None and (not len(mark) or model.is_like(mark)):
            return model
        found = "" if model is None else f" The vectors of {model} differ."
        raise ModelFileError(
            f"was fitted with {cls.parameter}={str(source)!r}, which is not in it. Pass the model "
            f"as it was: load(path, {cls.parameter}=...); or fit again.{found}"
        )

    def is_like(self, mark: Vectors) -> bool:
        """Return whether the vectors that it is known by are these, but for rounding."""
        if mark.shape != self.mark.shape:
            return False
        products = (mark * self.mark).sum(axis=1)
        length, own = np.linalg.norm([mark, self.mark], axis=2)
        is_as_long = np.abs(own - length) <= MOST_STRETCHED * length
        return bool((is_as_long & (products >= LEAST_COSINE * length * own)).all())


def open_folder(folder: Path, name: str, function: str, **options: bool) -> Any:
    """Return what a function of a package reads from a folder; nothing is downloaded."""
    if not folder.is_dir():  # the package would ask the network for it
        raise FileNotFoundError(f"There is no folder {str(folder)!r}.")
    package = imported(name, f"The folder {str(folder)!r}")
    try:
        return attrgetter(function)(package)(str(folder), **options)
    except Exception as error:
        raise FileNotFoundError(f"{name} can't open the folder {folder}: {error!r}.") from error


def without_halves(text: str) -> str:
    """Return a text without half surrogate pairs, which tokenizers refuse."""
    return text.encode(errors="replace").decode()


def shown(vectors: object) -> str:
    """Return what the user gives, shortened, and its type."""
    return f"{reprlib.repr(vectors)} ({type(vectors).__name__})"
