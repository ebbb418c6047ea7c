"""Models that a stored classifier only names, and tables of tokens, which may be such models."""

import os
import reprlib
from abc import abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import chain, compress
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any, ClassVar, Protocol, Self, TypeAlias, runtime_checkable
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.exceptions import ModelFileError, imported
from sklearn_lstm.locks import ForkSafeLock
from sklearn_lstm.storage import forms
from sklearn_lstm.storage.forms import Unpacker

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


# --- Tables of tokens


ONE_AT_A_TIME = ForkSafeLock()  # model2vec sets its tokenizer anew for each call
ACCEPTED = (
    "embeddings takes an array of shape (n_ids, embedding_dim), whose row i is the vector of id i "
    "(0 is padding), a mapping from tokens to vectors, or an object with lookup: a fitted "
    "WordVectors, or what from_gensim and static_model of sklearn_lstm.vectors return. An encoder "
    "of whole texts is the parameter encoder"
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
    def of(cls, mapping: Mapping[Any, Any], tokens: Iterable[object] | None = None) -> Self:
        """Return a copy of what a mapping says of tokens, or of all that it says."""
        keys: Iterable[object] = mapping
        if tokens is not None:
            keys = filter(mapping.__contains__, chain.from_iterable(map(_spellings, tokens)))
        try:
            found = {_composed(key): np.asarray(mapping[key], np.float32) for key in keys}
        except (TypeError, ValueError) as error:
            raise ValueError(f"embeddings maps a token to what is no vector: {error}.") from error
        shapes = {vector.shape: word for word, vector in found.items()}
        if len(shapes) > 1 or any(len(shape) != 1 or shape == (0,) for shape in shapes):
            told = "embeddings needs a vector of shape (embedding_dim,) for each token"
            raise ValueError(f"{told}, the same for all; found {shapes}.")
        array = np.stack([*found.values()]) if found else np.empty((0, 0), np.float32)
        check_finite(array, found)
        name = f"a {type(mapping).__name__}"
        return cls(name, {word: row for row, word in enumerate(found)}, array, has_own_scale=True)

    def lookup(self, tokens: Sequence[object]) -> Found:
        """Return which tokens have a vector (n,), and the vectors of these (n_known, dim)."""
        row_of = self.vocabulary
        found = (next((row_of[s] for s in _spellings(t) if s in row_of), -1) for t in tokens)
        rows = np.fromiter(found, np.intp, len(tokens))
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
                for spelling in _spellings(token):
                    with suppress(KeyError):
                        vector[:] = read(spelling)
                        break
        return _known_of(vectors)

    def __str__(self) -> str:
        return f"a {type(self.model).__name__}"


class StaticModel(NamedModel):
    """Words to vectors, by a model of model2vec or wordllama.

    It is known by the vectors of five pieces of words.
    """

    parameter: ClassVar[str] = "embeddings"
    has_own_scale: bool = False

    @classmethod
    def opened(cls, source: Any) -> Self:
        """Return a static model; parameter and errors are those of `static_model`."""
        if isinstance(source, os.PathLike):
            source = Path(source)
            model = open_folder(source, "model2vec", "StaticModel.from_pretrained")
        elif hasattr(source, "tokenizer") and hasattr(source, "embedding"):
            model, source = source, type(source).__name__
        else:
            raise TypeError(
                "static_model takes the pathlib.Path of a folder of model2vec, or an object of "
                f"model2vec or wordllama; found {shown(source)}."
            )
        rows = np.linspace(0, len(model.embedding) - 1, 5).astype(np.intp)
        return cls(model, source, np.array(model.embedding[rows], np.float32))

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


def table_of(vectors: object, tokens: Iterable[object] | None) -> TokenVectors:
    """Return the table that a model keeps of what the user gives; what can change is copied.

    Of a mapping, these tokens alone, or all.
    """
    if isinstance(vectors, Mapping):
        return VectorTable.of(vectors, tokens)
    if isinstance(vectors, type) or not isinstance(vectors, TokenVectors):
        raise ValueError(f"{ACCEPTED}; found {shown(vectors)}.")
    return getattr(vectors, "_vector_table", lambda: vectors)()  # WordVectors may be fitted again


def looked_up(table: TokenVectors, tokens: Sequence[object], width: int | None = None) -> Found:
    """Return what a table knows of tokens, after a look at what it returns."""
    known, vectors = table.lookup(tokens)
    known, vectors = np.asarray(known, bool), np.asarray(vectors, np.float32)
    width = vectors.shape[-1] if width is None else width
    if known.shape != (len(tokens),) or vectors.shape != (known.sum(), width):
        raise ValueError(
            f"embeddings: lookup of a {type(table).__name__} has to return arrays of shape "
            f"({len(tokens)},) and (n_known, {width}); found {known.shape} and {vectors.shape}."
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


def _composed(token: Any) -> Any:
    """Return a token in Unicode's normal form C; what is no str has none."""
    return normalize("NFC", token) if isinstance(token, str) else token


def _spellings(token: Any) -> Iterator[Any]:
    """Yield a token, then what may stand for a str: its normal forms, and its lower case."""
    yield token
    if isinstance(token, str):
        yield from (_composed(token), normalize("NFD", token), _composed(token).lower())


def _known_of(vectors: NDArray[np.float32]) -> Found:
    """Return which tokens have a vector, and the vectors of these; 0 says nothing."""
    is_known = np.asarray(vectors.any(axis=1))
    return is_known, vectors[is_known]
