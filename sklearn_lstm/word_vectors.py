"""`WordVectors`: texts -> which words stand near each other, and how often -> their vectors."""

from collections.abc import Hashable, Iterable, Iterator
from itertools import compress, islice
from operator import length_hint
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.utils.extmath import randomized_svd
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from sklearn_lstm.data.text_reader import iterate_texts
from sklearn_lstm.locks import ForkSafeLock
from sklearn_lstm.pretrained.token_tables import VectorTable
from sklearn_lstm.progress import ProgressBar
from sklearn_lstm.sklearn_internals import POSITIVE_INTEGER, DocumentedMixin, checked_parameters
from sklearn_lstm.storage.estimators import StoredMixin
from sklearn_lstm.text.analysis import TokenBatch, read_tokens
from sklearn_lstm.text.vocabulary import FIRST_TOKEN, UNKNOWN
from sklearn_lstm.vectorizer import TextSequenceVectorizer

BATCHES_AT_ONCE = 1 << 6  # of `read_tokens`, about a million words
SMALLEST = 1e-4  # singular value or length of a vector, by the largest one; less is rounding

# Held while BLAS is limited to one thread: else one fit could restore the limit of another.
_one_thread = ForkSafeLock()


class WordVectors(StoredMixin, DocumentedMixin, BaseEstimator):  # type: ignore[misc]
    """Learn vectors of words from texts without labels.

    Words that occur in similar contexts get similar vectors. If few of many texts have labels, a
    classifier learns from these vectors what the labelled texts alone can't teach it: pass the
    fitted object to ``LSTMSequenceClassifier(embeddings=...)``.

    Parameters
    ----------
    vectorizer : TextSequenceVectorizer or None, default=None
        A clone of it is fitted to the texts, and the words of its vocabulary get vectors. None:
        ``TextSequenceVectorizer(min_df=2, max_features=30_000)``. Pass one if the vectorizer of the
        classifier has another analyzer, for example of characters or events.
    embedding_dim : int, default=200
        Length of the vectors, at most the number of words.
    window : int, default=5
        The largest distance between two words of a text that count as neighbours.
    verbose : int, default=0
        1: a progress bar, which shows one part of the work at a time.

    Attributes
    ----------
    vocabulary_ : dict
        The row of each word in `vectors_`, the most frequent word first. A word without a neighbour
        in any text has no vector.
    vectors_ : ndarray of float32 of shape (n_words, embedding_dim)
        The vectors, each of length 1. They become read-only when a classifier shares them.

    See Also
    --------
    LSTMSequenceClassifier : Use the vectors as `embeddings`.
    TextSequenceVectorizer : Convert texts to token ids.

    Notes
    -----
    The counts of neighbours are turned into positive pointwise mutual information, with context
    counts raised to the power 0.75. The vectors are the left singular vectors of this matrix,
    multiplied by the square roots of the singular values and scaled to length 1 [1]_. Words that
    are not in the vocabulary are left out before neighbours are counted.

    The texts are read twice, a bounded number at a time. Memory grows with the number of different
    pairs of neighbours. The vectors depend neither on random numbers nor on the number of threads.

    ``clone`` keeps the vectors and shares their memory, so a search computes them only once. A
    clone whose `vectorizer`, `embedding_dim` or `window` is changed has to be fitted itself.

    References
    ----------
    .. [1] Levy, Goldberg and Dagan (2015). Improving distributional similarity with lessons learned
       from word embeddings. TACL 3.

    Examples
    --------
    >>> from sklearn_lstm import WordVectors
    >>> texts = ["a good film", "a great film", "a bad day", "a sad day"] * 5
    >>> vectors = WordVectors(embedding_dim=3).fit(texts)
    >>> is_known, (good, great, bad) = vectors.lookup(["good", "great", "bad"])
    >>> bool(good @ great > good @ bad)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[object] | str]] = {
        "vectorizer": [TextSequenceVectorizer, None],
        "embedding_dim": [POSITIVE_INTEGER],
        "window": [POSITIVE_INTEGER],
        "verbose": ["verbose"],
    }

    vocabulary_: Annotated[dict[Any, int], "n_words of n_words"]
    vectors_: Annotated[NDArray[np.float32], "n_words n_columns"]
    _n_texts: int

    def __init__(
        self,
        vectorizer: TextSequenceVectorizer | None = None,
        *,
        embedding_dim: int = 200,
        window: int = 5,
        verbose: int = 0,
    ) -> None:
        self.vectorizer = vectorizer
        self.embedding_dim = embedding_dim
        self.window = window
        self.verbose = verbose

    def fit(self, texts: Iterable[object], y: object = None) -> Self:  # noqa: ARG002
        """Learn the vectors of words from texts.

        Parameters
        ----------
        texts : iterable of length n_texts
            As for `TextSequenceVectorizer`. They are read twice: of an iterator, such as a
            generator or an open file, all are kept in memory meanwhile.
        y : None
            Ignored.

        Returns
        -------
        self : WordVectors
            The fitted object.

        Raises
        ------
        ValueError
            If no word is frequent enough or has a neighbour, or as in `TextSequenceVectorizer`. The
            object stays as it was.
        """
        parameters = checked_parameters(self)
        texts = [*texts] if iterate_texts(texts) is texts else texts  # which are read twice
        vectorizer = clone(self.vectorizer or TextSequenceVectorizer(min_df=2, max_features=30_000))
        with ProgressBar(is_shown=bool(parameters["verbose"])) as bar:
            vectorizer.fit(_shown(texts, bar, "words", length_hint(texts)))
            words, n_texts = list(vectorizer.vocabulary_), vectorizer.coverage_["n_texts"]
            batches = _known_words(vectorizer, _shown(texts, bar, "neighbours", n_texts))
            counts = count_neighbours(batches, len(words), parameters["window"])
            bar.show("vectors")
            has_vector, vectors = factorize(counts, min(parameters["embedding_dim"], len(words)))
            if not has_vector.any():
                raise ValueError(
                    f"The texts tell nothing about the words {words[:5]}: none is beside another "
                    "one more often than by chance. Pass more or longer texts."
                )
        self.__dict__.update(  # all in one statement: a user may press Ctrl-C
            vocabulary_={word: row for row, word in enumerate(compress(words, has_vector))},
            vectors_=vectors,
            _n_texts=n_texts,
        )
        return self

    def lookup(self, tokens: Iterable[Hashable]) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        """Return which tokens have a vector, and their vectors.

        Parameters
        ----------
        tokens : iterable of length n_tokens
            The tokens to look up.

        Returns
        -------
        is_known : ndarray of bool of shape (n_tokens,)
            Whether each token has a vector.
        vectors : ndarray of float32 of shape (n_known, embedding_dim)
            The vectors of the known tokens, in order.
        """
        return self._vector_table().lookup(list(tokens))

    def _vector_table(self) -> VectorTable:
        """Return what a model keeps; to fit again makes another one."""
        check_is_fitted(self)
        return VectorTable("WordVectors", self.vocabulary_, self.vectors_, has_own_scale=False)

    def __sklearn_clone__(self) -> Self:
        copied: Self = super().__sklearn_clone__()
        copied.__dict__ = vars(self) | vars(copied)  # also what was learned
        return copied

    def __sklearn_is_fitted__(self) -> bool:
        return "vectors_" in vars(self)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags

    def _stored_numbers(self) -> dict[str, object]:
        sizes = dict(zip(("n_words", "embedding_dim"), self.vectors_.shape, strict=True))
        return {"sizes": sizes, "n_samples": self._n_texts}


def _shown(texts: Iterable[object], bar: ProgressBar, part: str, n_texts: int) -> Iterator[object]:
    """Yield the texts, and show how many of them were read."""
    for index, text in enumerate(iterate_texts(texts)):
        bar.show(part, index / n_texts if n_texts > index else 0.0)
        yield text


def _known_words(vectorizer: TextSequenceVectorizer, texts: Iterable[Any]) -> Iterator[TokenBatch]:
    """Return the words of texts as rows of the vocabulary, -1 for those that it lacks."""
    ids = vectorizer.vocabulary_
    analysis = vectorizer._analysis()  # noqa: SLF001
    read = read_tokens(analysis, texts, lambda ts: (ids.get(t, UNKNOWN) for t in ts))
    return ((words.astype(np.int32) - FIRST_TOKEN, lengths) for words, lengths in read)


def count_neighbours(batches: Iterable[TokenBatch], n_words: int, window: int) -> sp.csr_matrix:
    """Count how often two words stand within a window in the same text.

    Memory grows with the number of different pairs, not with that of texts.

    Parameters
    ----------
    batches : iterable of TokenBatch
        Words as 0, 1, ... Words below 0 are left out, as if they were not in the texts.
    n_words : int
    window : int
        The largest distance of two neighbours.

    Returns
    -------
    csr_matrix of shape (n_words, n_words)
        Symmetric.
    """
    pairs = sp.csr_matrix((n_words, n_words), dtype=np.int64)
    batches = iter(batches)
    while block := list(islice(batches, BATCHES_AT_ONCE)):
        words, lengths = map(np.concatenate, zip(*block, strict=True))
        texts = np.repeat(np.arange(len(lengths)), lengths)[words >= 0]
        words = words[words >= 0]
        for distance in range(1, min(window + 1, len(words))):
            is_pair = texts[distance:] == texts[:-distance]
            places = words[:-distance][is_pair], words[distance:][is_pair]
            pairs += sp.csr_matrix((np.ones(len(places[0]), np.int64), places), pairs.shape)
    return pairs + pairs.T


def factorize(
    counts: sp.csr_matrix, n_dimensions: int
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Return which words have a vector, and their vectors of length 1, (n_vectors, n_dimensions).

    They are the left singular vectors, times the roots of the singular values, of the positive
    pointwise mutual information of words and contexts. So words of similar neighbours have similar
    vectors. A word without neighbours has none, and neither has one that the first `n_dimensions`
    singular vectors tell nothing about.
    """
    # OpenBLAS rounds by its number of threads, and that is the same for all threads of Python.
    with _one_thread.lock, threadpool_limits(1, "blas"):
        information = _positive_information(counts)
        left, values, _ = randomized_svd(information, n_dimensions, n_iter=5, random_state=0)
        values[values < SMALLEST * values.max()] = 0
        vectors = left * np.sqrt(values)
        norms = np.linalg.norm(vectors, axis=1)
    has_vector = norms > SMALLEST * norms.max()
    return has_vector, (vectors[has_vector] / norms[has_vector, np.newaxis]).astype(np.float32)


def _positive_information(counts: sp.csr_matrix) -> sp.csr_matrix:
    """Return max(0, log(p(word, context) / (p(word) p(context)))), contexts being smoothed."""
    totals = np.asarray(counts.sum(axis=1), np.float64).ravel()
    smoothed = totals**0.75  # frequent contexts count a little less, rare ones a little more
    ratios = counts.data * smoothed.sum()
    ratios /= np.repeat(totals, np.diff(counts.indptr))
    ratios /= smoothed[counts.indices]
    information = counts.astype(np.float32)
    information.data = np.log(np.maximum(ratios, 1)).astype(np.float32)
    information.eliminate_zeros()
    return information
