"""Tables of tokens and their vectors, as a model keeps what the user gives.

Of a static model, a word gets the mean of the vectors of its pieces.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from importlib.util import find_spec
from itertools import compress
from pathlib import Path
from typing import Annotated, Any, ClassVar, Protocol, Self, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.locks import ForkSafeLock
from sklearn_lstm.pretrained.named_models import (
    NamedModel,
    Shared,
    open_folder,
    shown,
    without_halves,
)

INSTALLED = "wordllama"
VECTORS = "weights/l2_supercat_256.safetensors"  # of pieces, in this package
TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"
ONE_AT_A_TIME = ForkSafeLock()  # model2vec sets its tokenizer anew for each call
ACCEPTED = (
    "embeddings takes an array of shape (n_ids, embedding_dim), whose row i is the vector of id i "
    "(0 is padding), a mapping from tokens to vectors, 'wordllama', or an object with lookup, such "
    "as a fitted WordVectors. sklearn_lstm.vectors makes such an object of others: static_model of "
    "a model of wordllama or model2vec or the path of its folder, from_gensim of a model of gensim "
    "or fastText, side_by_side of several tables. An encoder of whole texts is the parameter "
    "encoder"
)

Found: TypeAlias = tuple[NDArray[np.bool_], NDArray[np.float32]]


@runtime_checkable
class TokenVectors(Protocol):
    """What `embeddings` takes beside arrays and mappings."""

    def lookup(self, tokens: Sequence[object], /) -> Found:
        """Return which tokens have a vector (n,), and the vectors of these (n_known, dim)."""


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
    vocabulary: Annotated[Mapping[Any, int], "n_words of n_words"]
    vectors: Annotated[NDArray[np.float32], "n_words width"]
    has_own_scale: bool

    def __post_init__(self) -> None:
        self.vectors.flags.writeable = False

    @classmethod
    def of(cls, mapping: Mapping[Any, Any], tokens: Iterable[object]) -> Self:
        """Return a copy of what a mapping says of tokens."""
        words = [token for token in tokens if token in mapping]
        vectors = [np.asarray(mapping[word], np.float32) for word in words]
        shapes = {vector.shape: word for vector, word in zip(vectors, words, strict=True)}
        if len(shapes) > 1 or any(len(shape) != 1 or shape == (0,) for shape in shapes):
            raise ValueError(f"embeddings needs vectors of one length, found {shapes}.")
        array = np.stack(vectors) if vectors else np.empty((0, 0), np.float32)
        check_finite(array, words)
        name = f"a {type(mapping).__name__}"
        return cls(name, {word: row for row, word in enumerate(words)}, array, has_own_scale=True)

    def lookup(self, tokens: Sequence[object]) -> Found:
        """Return which tokens have a vector (n,), and the vectors of these (n_known, dim)."""
        rows = np.array([self.vocabulary.get(token, -1) for token in tokens], np.intp)
        return rows >= 0, self.vectors[rows[rows >= 0]]

    def __str__(self) -> str:
        return f"{self.name} ({len(self.vectors):,} words, {self.vectors.nbytes / 1e6:,.1f} MB)"


@dataclass(frozen=True, repr=False)
class GensimVectors(Shared):
    """The vectors of a ``KeyedVectors`` of gensim, or of a model of fastText."""

    model: Any

    def lookup(self, tokens: Sequence[object]) -> Found:
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
        return _known_of(vectors)

    def __str__(self) -> str:
        return f"a {type(self.model).__name__}"


class StaticModel(NamedModel):
    """Words to vectors, by a model of wordllama or model2vec.

    It is known by the vectors of its first five pieces of words.
    """

    parameter: ClassVar[str] = "embeddings"
    installed: ClassVar[str] = INSTALLED
    has_own_scale: bool = False

    @classmethod
    def opened(cls, source: Any) -> Self:
        """Return a static model; parameter and errors are those of `static_model`."""
        if isinstance(source, str) and source == INSTALLED:
            model = _in_package()
        elif isinstance(source, os.PathLike):
            source = Path(source)
            model = open_folder(source, "model2vec", "StaticModel.from_pretrained")
        elif not (hasattr(source, "tokenizer") and hasattr(source, "embedding")):
            raise TypeError(
                f"static_model takes {INSTALLED!r}, the pathlib.Path of a folder of model2vec, or "
                f"an object of these packages; found {shown(source)}."
            )
        else:
            model, source = source, type(source).__name__
        return cls(model, source, np.array(model.embedding[:5], np.float32))

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
        return _known_of(vectors)

    def __str__(self) -> str:
        return str(self.source)


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
def _in_package() -> Pieces:
    package = find_spec(INSTALLED)
    folder = Path(package.origin or "").parent if package is not None else Path()
    vectors, tokenizer = folder / VECTORS, folder / TOKENIZER
    if not (vectors.exists() and tokenizer.exists()):
        raise ImportError(
            f"{INSTALLED!r} needs {vectors.name} and {tokenizer.name} of the package {INSTALLED}, "
            f"not installed: pip install {INSTALLED}"
        )
    with import_module("safetensors").safe_open(str(vectors), "numpy") as file:
        embedding = file.get_tensor("embedding.weight").astype(np.float32)
    return Pieces(import_module("tokenizers").Tokenizer.from_file(str(tokenizer)), embedding)


@dataclass(frozen=True, repr=False)
class SideBySide(Shared):
    """Several tables, whose vectors are joined.

    Parameters
    ----------
    tables : tuple of TokenVectors
    """

    tables: tuple[TokenVectors, ...]

    def lookup(self, tokens: Sequence[object]) -> Found:
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


def is_array(vectors: object) -> bool:
    """Return whether these are the vectors of ids, row by row."""
    return isinstance(vectors, list | tuple) or hasattr(vectors, "__array__")


def table_of(vectors: object, tokens: Iterable[object] | None = None) -> TokenVectors:
    """Return the table that a model keeps of what the user gives; what can change is copied.

    Of a mapping, these tokens alone, or all.
    """
    if isinstance(vectors, str) and vectors == INSTALLED:
        return StaticModel.opened(vectors)
    if isinstance(vectors, Mapping):
        return VectorTable.of(vectors, vectors if tokens is None else tokens)
    if isinstance(vectors, type) or not isinstance(vectors, TokenVectors):
        raise ValueError(f"{ACCEPTED}; found {shown(vectors)}.")
    return getattr(vectors, "_vector_table", lambda: vectors)()  # WordVectors may be fitted again


def parts_of(table: object) -> tuple[Any, ...]:
    """Return the tables that stand side by side, or the only one."""
    return table.tables if isinstance(table, SideBySide) else (table,)


def widths_of(table: object, width: int) -> tuple[int, ...]:
    """Return the number of columns of each of these tables; `width` is that of all together."""
    return table.widths if isinstance(table, SideBySide) else (width,)


def looked_up(table: TokenVectors, tokens: Sequence[object], width: int | None = None) -> Found:
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


def check_finite(vectors: NDArray[np.float32], words: Iterable[object]) -> None:
    """Raise an error for values that are not finite."""
    is_wrong = ~np.isfinite(vectors).all(axis=1)
    if is_wrong.any():
        wrong = next(compress(words, np.atleast_1d(is_wrong)), None)
        place = "" if wrong is None else f" in the vector of {wrong!r}"
        raise ValueError(f"embeddings holds NaN or infinite values{place}.")


def _known_of(vectors: NDArray[np.float32]) -> Found:
    """Return which tokens have a vector, and the vectors of these; 0 says nothing."""
    is_known = np.asarray(vectors.any(axis=1))
    return is_known, vectors[is_known]
