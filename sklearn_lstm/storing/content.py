"""The tree of a stored model as a text: its format, its checks, the one error of reading it."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import sklearn_lstm
from sklearn_lstm.exceptions import ModelFileError
from sklearn_lstm.storing.stored_form import checksum_of

FORMAT = 3
DEEPEST = 100  # lists and objects inside each other, in the tree of an attribute


def read_content(content: str, checksum: str) -> dict[str, Any]:
    """Return the tree of a text whose checksum fits."""
    if checksum_of(content) != checksum:
        raise ModelFileError("is damaged: the checksum of its JSON does not fit.")
    tree: dict[str, Any] = from_text(content)
    if tree["format"] != FORMAT:
        is_newer = tree["format"] > FORMAT
        remedy = "Install a newer version to load it." if is_newer else "Fit the model again."
        raise ModelFileError(
            f"has format {tree['format']}, but sklearn_lstm {sklearn_lstm.__version__} reads "
            f"format {FORMAT} alone. {remedy}"
        )
    other_version(tree)  # a tree without one is damaged
    return tree


def other_version(content: Mapping[str, Any]) -> str | None:
    """Return the version of sklearn_lstm that stored a model, None if it is this one."""
    stored: str = content["versions"]["sklearn_lstm"]
    return None if stored == sklearn_lstm.__version__ else stored


@contextmanager
def one_error(what: str) -> Iterator[None]:
    """Make every error of loading a `ModelFileError` that says what could not be loaded."""
    try:
        yield
    except (ImportError, OSError, Warning):
        raise  # not about the content
    except ModelFileError as error:
        raise ModelFileError(f"{what} {error}") from error
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise ModelFileError(f"{what} is damaged, or is no stored model ({reason}).") from error


def to_text(content: Any) -> str:
    """Return the tree as JSON in ASCII."""
    return json.dumps(content, allow_nan=False, separators=(",", ":"))


def from_text(text: str | bytes, to_object: Callable[[list[Any]], Any] | None = None) -> Any:
    """Return the tree of a text.

    Raises
    ------
    ValueError
        If it is no JSON, or names an entry twice.
    RecursionError
        If it is nested too deeply.
    """
    tree = json.loads(text, object_pairs_hook=to_object or _unique)
    check_depth(tree, 2 * DEEPEST)  # an attribute, and the Pipelines around it
    return tree


def check_depth(tree: Any, deepest: int = DEEPEST) -> None:
    """Raise a RecursionError, which not every Python raises itself, if a tree is too deep."""
    level: list[Any] = [[tree]]
    for _ in range(deepest):
        inner = (item.values() if isinstance(item, dict) else item for item in level)
        level = [child for items in inner for child in items if isinstance(child, dict | list)]
        if not level:
            return
    raise RecursionError(f"more than {deepest} lists inside each other")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(found := dict(pairs)) < len(pairs):
        raise ValueError(f"a name comes twice among {sorted(found)[:5]}")
    return found
