"""Models that others trained: a stored classifier names them, and holds none of their weights."""

import reprlib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Self

from sklearn_lstm.exceptions import ModelFileError
from sklearn_lstm.storing.stored_form import PASSED


class Shared:
    """Copies are the object itself, which is large and stays as it is."""

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self

    def __repr__(self) -> str:
        return f"<{self}>"


class NamedModel(Shared):
    """A model that others trained: a stored classifier names it, and holds none of its weights.

    A package is read again, and a folder too by pickle; in place of what else a file names, `load`
    takes what the user passes. A subclass says how it is `opened`, and which mark `is_like` it.
    """

    parameter: ClassVar[str]  # of the classifier
    installed: ClassVar[str]  # the package that a file may name

    @classmethod
    def from_stored(cls: Any, source: str | Path, mark: Any) -> Any:
        """Return the model of this mark: installed, passed to `load`, or named by a pickle.

        A file may come from a stranger, so the folder that it names is not opened.
        """
        passed = [model for model in PASSED.get() or () if isinstance(model, cls)]
        if PASSED.get() is None or source == cls.installed:
            passed = [cls.opened(source)]
        for model in passed:
            if model.is_like(mark):
                return model
        found = f" The vectors of {' and '.join(map(str, passed))} differ." if passed else ""
        raise ModelFileError(
            f"was fitted with {cls.parameter}={str(source)!r}, which is not in it. Pass the model "
            f"as it was: load(path, {cls.parameter}=...); or fit again.{found}"
        )


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
