"""Tables of tokens and their vectors, as a model keeps what the user gives."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import compress
from typing import Annotated, Any, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.pretrained.named_models import Shared, shown
from sklearn_lstm.pretrained.static_models import Found, StaticModel, known_of

ACCEPTED = (
    "embeddings takes an array of shape (n_ids, embedding_dim), whose row i is the vector of id i "
    "(0 is padding), a mapping from tokens to vectors, 'wordllama', or an object with lookup, such "
    "as a fitted WordVectors. sklearn_lstm.vectors makes such an object of others: static_model of "
    "a model of wordllama or model2vec or the path of its folder, from_gensim of a model of gensim "
    "or fastText, side_by_side of several tables. An encoder of whole texts is the parameter "
    "encoder"
)


@runtime_checkable
class TokenVectors(Protocol):
    """What `embeddings` takes beside arrays and mappings."""

    def lookup(self, tokens: Sequence[Any], /) -> Found:
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
        return known_of(vectors)

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


def is_array(vectors: Any) -> bool:
    """Return whether these are the vectors of ids, row by row."""
    return isinstance(vectors, list | tuple) or hasattr(vectors, "__array__")


def table_of(vectors: Any, tokens: Iterable[Any] | None = None) -> TokenVectors:
    """Return the table that a model keeps of what the user gives; what can change is copied.

    Of a mapping, these tokens alone, or all.
    """
    if isinstance(vectors, str):
        return StaticModel.opened(vectors)
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
