"""Texts -> what `TextSequenceVectorizer.transform` returns, without the vectorizer."""

import reprlib
from collections.abc import Iterable, Iterator, Mapping, MappingView
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from math import inf
from typing import Annotated, Any, Literal, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from sklearn_lstm import exceptions
from sklearn_lstm.data.containers import Column, check_same_columns, column_names, read_frame
from sklearn_lstm.data.numbers import NO_NUMBERS, Numbers, check_numbers, texts_and_numbers
from sklearn_lstm.data.sequences import FlatSequences
from sklearn_lstm.storage.fields import check_agreement
from sklearn_lstm.text.analysis import Analysis, TokenBatch, read_tokens
from sklearn_lstm.text.id_matrix import cut, fill_empty, joined, to_csr, to_dense, to_onehot
from sklearn_lstm.text.spelling import Spelling
from sklearn_lstm.text.vocabulary import FIRST_TOKEN, FIRST_UNKNOWN, UNKNOWN, CallIds


@dataclass(frozen=True)
class TextReader:
    """All that a fitted `TextSequenceVectorizer` reads texts by.

    Parameters
    ----------
    analysis : Analysis
        What a token is.
    keeps_texts : bool
        Whether the output holds the texts as they were written.
    vocabulary : dict
        The id of each token.
    max_length : int or None
        Longer texts are cut. None: only dense and one-hot output is cut.
    width : int
        The number of columns of such output.
    truncation, padding, output : str
        Parameters of the vectorizer.
    columns : tuple of str or None
        Those of the data frame that held the texts of `fit`; None if these were alone.
    categories : tuple of str or None
        Which of the columns held categories.
    """

    analysis: Analysis
    keeps_texts: bool
    vocabulary: Annotated[dict[Any, int], "n_tokens of n_ids"]
    max_length: int | None
    width: Annotated[int, range(1, 1 << 31)]
    truncation: Literal["pre", "post", "middle"]
    padding: Literal["post", "pre"]
    output: Literal["sparse", "dense", "onehot"]
    columns: tuple[str, ...] | None
    categories: tuple[str, ...] | None

    @classmethod
    def of(cls, attributes: Mapping[str, Any], analysis: Analysis | None = None) -> Self:
        """Return the reader of a vectorizer with these parameters and fitted attributes."""
        attributes = dict(attributes)  # another thread may set them all in `partial_fit`
        names = ["vocabulary_", "max_length", "max_length_", "truncation", "padding", "output"]
        names += ["_columns", "_categories"]
        known: list[Any] = [attributes.get(name) for name in names]
        return cls(analysis or Analysis.of(attributes), keeps_texts(attributes), *known)

    @property
    def n_ids(self) -> int:
        """The number of ids, 0 and that of unknown tokens included."""
        return FIRST_TOKEN + len(self.vocabulary)

    def check(self) -> None:
        """Raise an error if it was stored, and can't read."""
        check_agreement(self)
        self.analysis.check()

    def __call__(self, raw_documents: Iterable[Any]) -> Any:
        """Return the ids of texts, as `TextSequenceVectorizer.transform` describes them."""
        return self.lay_out(*self._tokens(raw_documents))

    def _tokens(self, raw_documents: Any) -> tuple[Iterator[TokenBatch], CallIds, Any, Numbers]:
        """Return the ids of texts, what they stand for, the texts, and the columns beside them."""
        ids = CallIds(self.vocabulary)
        texts, numbers = self.divided(raw_documents)
        return self.trimmed(read_tokens(self.analysis, texts, ids)), ids, texts, numbers

    def read(self, raw_documents: Iterable[object]) -> Any:
        """Return texts as what a classifier makes of the ids: sequences, if `output` is "sparse".

        SciPy's checks of a matrix, and ours, take as long as to find the tokens of a short text.
        """
        if self.output != "sparse":
            return self(raw_documents)
        batches, ids, texts, numbers = self._tokens(raw_documents)
        spellings, lengths = joined(batches)
        if not len(lengths):
            return to_csr((), ids, self.width)  # which nobody reads
        spelling = Spelling(ids.vocabulary, [*ids.unknown])
        known = {"spelling": spelling, "numbers": numbers, "as_written": self._as_written(texts)}
        return FlatSequences(spellings, lengths, **known)

    def known_share(self, raw_documents: Iterable[object]) -> NDArray[np.float64]:
        """Return the share of the tokens of each text that have an id."""
        X = replace(self, output="sparse", keeps_texts=False)(raw_documents)
        n_known = np.add.reduceat(X.data != UNKNOWN, X.indptr[:-1], dtype=float)
        return np.asarray(n_known / np.diff(X.indptr))

    def lay_out(
        self, batches: Iterable[TokenBatch], ids: CallIds, texts: Iterable[object], numbers: Numbers
    ) -> sp.csr_matrix | NDArray[np.generic]:
        """Return the ids of texts in the container that `output` names."""
        X = to_csr(batches, ids, self.width)
        if self.output == "dense":
            return to_dense(X, self.padding)
        if self.output == "onehot":
            return to_onehot(X, len(self.vocabulary) + 1)
        X.analyzer = None if callable(self.analysis.analyzer) else self.analysis.analyzer
        if (as_written := self._as_written(texts)) is not None:
            X.texts = as_written
        X.numbers = numbers or None
        return X

    def trimmed(self, batches: Iterable[TokenBatch]) -> Iterator[TokenBatch]:
        """Cut the texts that are too long; an empty text is one unknown token.

        Warns
        -----
        InputTypeWarning
            If texts are cut though no `max_length` was set.
        """
        most = self.max_length or (inf if self.output == "sparse" else self.width)
        n_cut = 0
        for batch in batches:
            ids, lengths = fill_empty(*batch, FIRST_UNKNOWN)
            n_cut += int(np.count_nonzero(lengths > most))
            yield cut((ids, lengths), most, self.truncation)
        if n_cut and self.max_length is None:
            exceptions.warn_user(
                f"Texts longer than all training texts were cut to {self.width} tokens: {n_cut}.",
                exceptions.InputTypeWarning,
            )

    def divided(self, raw_documents: Any) -> tuple[Any, Numbers]:
        """Return the texts, and the columns beside them, if X has those of `fit`."""
        texts, numbers, known = raw_documents, NO_NUMBERS, self.categories or ()
        if self.columns is not None:
            check_same_columns(column_names(raw_documents), self.columns)
            texts, numbers = divided(raw_documents, self.output, known)
            check_numbers(numbers, tuple(numbers.columns), known)
        texts = iterate_texts(texts)
        return list(texts) if self.keeps_texts else texts, numbers

    def _as_written(self, texts: Iterable[object]) -> NDArray[np.object_] | None:
        """Return the texts that the output keeps, None in place of one that is no str."""
        if not self.keeps_texts:
            return None
        as_written = (str.__str__(text) if isinstance(text, str) else None for text in texts)
        return np.fromiter(as_written, np.object_)


def divided(
    X: object, output: str, categories: tuple[str, ...] | None = None
) -> tuple[Any, Numbers]:
    """Return what `texts_and_numbers` does, if the output has a place for it."""
    texts, numbers = texts_and_numbers(X, categories)
    if numbers and output != "sparse":
        raise ValueError(
            f"output={output!r} has no place for columns {[*numbers.columns]}: leave it 'sparse'."
        )
    return texts, numbers


def keeps_texts(parameters: Mapping[str, object]) -> bool:
    """Return whether the output holds the texts as they were written."""
    return parameters["input"] == "content" and parameters["output"] == "sparse"


def iterate_texts(raw_documents: Any) -> Iterator[Any]:
    """Return an iterator over the texts; refuse what is no column of them."""
    texts, found = raw_documents, read_frame(raw_documents)
    if isinstance(found, dict) and len(found) == 1:  # as other libraries pass on a column
        found = found.popitem()[1]
    if isinstance(found, Column):
        texts = found.values
    elif isinstance(texts, np.ndarray) and texts.shape[1:] == (1,):
        texts = texts[:, 0]
    shape: tuple[int, ...] = getattr(texts, "shape", (0,))
    has_order = isinstance(texts, MappingView) or not isinstance(texts, Mapping | AbstractSet)
    is_wrong = len(shape) != 1 or isinstance(texts, str | bytes)
    if is_wrong or not has_order or not isinstance(texts, Iterable):
        error = (
            exceptions.InvalidSequencesError if is_wrong else exceptions.InvalidSequencesTypeError
        )
        raise error(
            f"X is a {type(texts).__name__}: {shape if len(shape) > 1 else reprlib.repr(texts)}. "
            "Pass a list of texts, in the order of the labels, [text] of one, or one column of "
            "texts alone, frame['text'] or X[:, k]; with columns beside them, at fit too, a data "
            "frame: pd.DataFrame([X]) of a row, pd.DataFrame(X, columns=[...]) of an array. "
            "Of arrays of tokens: X.tolist()."
        )
    return iter(texts)
