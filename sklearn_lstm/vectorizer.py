"""Texts to the token ids that a sequence classifier reads."""

from __future__ import annotations

from itertools import repeat
from numbers import Integral
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from sklearn_lstm.layout import look_up_rows, to_csr, to_dense, to_onehot
from sklearn_lstm.tokens import (
    TOKEN_PATTERN,
    iterate_texts,
    read_tokens,
    warn_of_ignored_parameters,
)
from sklearn_lstm.vocabulary import (
    UNKNOWN,
    TokenCounts,
    check_not_empty,
    extend_vocabulary,
    given_vocabulary,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import scipy.sparse as sp
    from numpy.typing import NDArray

    from sklearn_lstm.tokens import TokenRuns

UNKNOWN_TOKEN = "<unk>"  # noqa: S105 - the literature's name, not a password
_COVERAGE = ("n_texts", "n_tokens", "n_unknown_tokens", "n_truncated_texts", "n_empty_texts")
_NOT_SHARED = {"binary", "dtype", "ngram_range"}  # CountVectorizer's alone


class TextSequenceVectorizer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    r"""Convert texts to sequences of token ids.

    Reads like :class:`~sklearn.feature_extraction.text.CountVectorizer`, with the same names,
    meanings, defaults and errors, and keeps the order of the tokens instead of counting them.

    Id 0 is padding, id 1 is any unknown token, and the tokens of the vocabulary follow from 2 by
    falling frequency. A text without tokens, or of unknown tokens alone however many, becomes one
    unknown token: there is nothing in it to read, and every sequence has a step.

    Parameters
    ----------
    input : {"content", "filename", "file"}, default="content"
        What the texts are given as: themselves (str or bytes), names of files, or open files.
    encoding : str, default="utf-8"
        How bytes and files are decoded.
    decode_error : {"strict", "ignore", "replace"}, default="strict"
        What to do about bytes that do not decode.
    strip_accents : {"ascii", "unicode"}, callable or None, default=None
        Removal of accents before tokens are found.
    lowercase : bool, default=True
        Whether to convert to lower case first.
    preprocessor : callable or None, default=None
        Replaces `strip_accents` and `lowercase`.
    tokenizer : callable or None, default=None
        Replaces `token_pattern`.
    stop_words : {"english"}, list or None, default=None
        Words left out, if ``analyzer="word"``.
    token_pattern : str, default=r"\w+(?:['’]\w+)*|[^\w\s]+"
        What a word is, if ``analyzer="word"``. Differs from ``CountVectorizer``'s, which drops
        punctuation, one-letter words ("I", "a", "u", "4") and what follows an apostrophe. Here
        words of any length, contractions ("don't") and runs of punctuation ("!!!", ":)", "...")
        are tokens. Measured by logistic regression on tf-idf of words and pairs of words, 5-fold:
        macro F1 0.974 against 0.966 on SMS spam; no difference beyond 0.002 on movie reviews and
        TREC questions. The share of unseen tokens falls on all three, by 0.7 to 2.3 points.
    analyzer : {"word", "char"} or callable, default="word"
        Whether a token is a word or a character (runs of white space count as one blank), or a
        function from a text to its tokens. "char_wb" is not offered: it pads words for n-grams,
        and there are none here.
    max_df, min_df : float in [0, 1] or int, default=1.0 and 1
        Tokens in more, or fewer, texts than this (a share if float, a count if int) are unknown.
    max_features : int or None, default=None
        Keep only this many tokens, the most frequent.
    vocabulary : mapping, iterable or None, default=None
        The tokens in order, or a mapping from tokens to 0, 1, ...; the index `i` gets id ``i + 2``.
        None learns it from the texts.
    max_length : int or None, default=None
        The most tokens kept of a text; None: as many as the longest training text has.
    truncation : {"pre", "post", "middle"}, default="pre"
        Where longer texts lose tokens: at the start, at the end, or in the middle, so that both
        ends stay. The default keeps the end, where reviews and letters conclude.
    padding : {"post", "pre"}, default="post"
        The side of the zeros if ``output="dense"``. Sequences start at column 0 otherwise.
    output : {"sparse", "dense", "onehot"}, default="sparse"
        The container that `transform` returns. Sparse holds no padding.

    Attributes
    ----------
    vocabulary_ : dict
        Token to id, the ids starting at 2.
    max_length_ : int
        The number of columns of the output.
    coverage_ : dict of str to int
        What the last `fit` or `partial_fit` read: `n_texts`, `n_tokens`, `n_unknown_tokens`
        (pruned, or not in a given vocabulary), `n_truncated_texts` and `n_empty_texts`.

    See Also
    --------
    sklearn.feature_extraction.text.CountVectorizer : Counts of the same tokens, without order.

    Notes
    -----
    Texts are read once and a bounded number at a time, so that a generator serves. The counts of
    all tokens read stay in the fitted object for `partial_fit` to go on from, unless the
    vocabulary is given. `transform` needs `fit` even then, unlike ``CountVectorizer``'s.

    Examples
    --------
    >>> from sklearn_lstm import TextSequenceVectorizer
    >>> vectorizer = TextSequenceVectorizer(output="dense")
    >>> vectorizer.fit_transform(["no, no!", "I said no"])
    array([[2, 4, 2, 3],
           [5, 6, 2, 0]], dtype=int32)
    >>> vectorizer.inverse_transform(vectorizer.transform(["I said maybe"]))
    [array(['i', 'said', '<unk>'], dtype=object)]
    """  # noqa: RUF002 - the typeset apostrophe is meant

    vocabulary_: dict[Any, int]
    max_length_: int
    coverage_: dict[str, int]
    _counts: TokenCounts
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **CountVectorizer._parameter_constraints,  # noqa: SLF001
        "analyzer": [StrOptions({"word", "char"}), callable],
        "max_length": [Interval(Integral, 1, None, closed="left"), None],
        "truncation": [StrOptions({"pre", "post", "middle"})],
        "padding": [StrOptions({"post", "pre"})],
        "output": [StrOptions({"sparse", "dense", "onehot"})],
    }

    def __init__(
        self,
        *,
        input: Literal["content", "filename", "file"] = "content",  # noqa: A002 - CountVectorizer's
        encoding: str = "utf-8",
        decode_error: Literal["strict", "ignore", "replace"] = "strict",
        strip_accents: Literal["ascii", "unicode"] | Callable[[str], str] | None = None,
        lowercase: bool = True,
        preprocessor: Callable[[Any], Any] | None = None,
        tokenizer: Callable[[Any], Iterable[Any]] | None = None,
        stop_words: Literal["english"] | list[str] | None = None,
        token_pattern: str | None = TOKEN_PATTERN,
        analyzer: Literal["word", "char"] | Callable[[Any], Iterable[Any]] = "word",
        max_df: float = 1.0,
        min_df: float = 1,
        max_features: int | None = None,
        vocabulary: Mapping[Any, int] | Iterable[Any] | None = None,
        max_length: int | None = None,
        truncation: Literal["pre", "post", "middle"] = "pre",
        padding: Literal["post", "pre"] = "post",
        output: Literal["sparse", "dense", "onehot"] = "sparse",
    ) -> None:
        self.input = input
        self.encoding = encoding
        self.decode_error = decode_error
        self.strip_accents = strip_accents
        self.lowercase = lowercase
        self.preprocessor = preprocessor
        self.tokenizer = tokenizer
        self.stop_words = stop_words
        self.token_pattern = token_pattern
        self.analyzer = analyzer
        self.max_df = max_df
        self.min_df = min_df
        self.max_features = max_features
        self.vocabulary = vocabulary
        self.max_length = max_length
        self.truncation = truncation
        self.padding = padding
        self.output = output

    def fit(self, raw_documents: Iterable[Any], y: Any = None) -> Self:  # noqa: ARG002
        """Learn the vocabulary and the length of the sequences.

        Parameters
        ----------
        raw_documents : iterable of length n_texts
            Texts, or what `input` says. Lists, generators, arrays, and pandas, polars or pyarrow
            columns.
        y : None
            Ignored.

        Returns
        -------
        self : TextSequenceVectorizer

        Raises
        ------
        ValueError
            If `raw_documents` is one string or a table, if a text does not decode, or if no token
            is left for the vocabulary. The object stays as it was.
        """
        self._learn(raw_documents)
        return self

    def fit_transform(self, raw_documents: Iterable[Any], y: Any = None) -> Any:  # noqa: ARG002
        """Fit and transform, reading the texts only once.

        Parameters
        ----------
        raw_documents : iterable of length n_texts
            As for `fit`.
        y : None
            Ignored.

        Returns
        -------
        X : csr_matrix or ndarray
            As from `transform`.
        """
        batches: list[TokenRuns] = []
        ids = self._learn(raw_documents, keep=batches)
        return self._lay_out((ids.take(indices), lengths) for indices, lengths in batches)

    def partial_fit(self, raw_documents: Iterable[Any], y: Any = None) -> Self:  # noqa: ARG002
        """Go on learning from further texts.

        Ids that were given stay. New tokens that pass `min_df`, `max_df` and `max_features`, all
        texts since `fit` counted, get the next ids, and `max_length_` grows if `max_length` is
        None. A vocabulary that is still empty, since `min_df` waits for more texts, is no error.

        Parameters
        ----------
        raw_documents : iterable of length n_texts
            As for `fit`.
        y : None
            Ignored.

        Returns
        -------
        self : TextSequenceVectorizer
        """
        self._learn(raw_documents, go_on=True)
        return self

    def transform(self, raw_documents: Iterable[Any]) -> Any:
        """Convert texts to token ids.

        Parameters
        ----------
        raw_documents : iterable of length n_texts
            As for `fit`.

        Returns
        -------
        X : csr_matrix or ndarray
            By `output`:

            - "sparse": int32 CSR of shape (n_texts, max_length_). Row `i` holds the ids of text
              `i` from column 0 on. The attribute ``X.vocabulary`` is `vocabulary_`, by which the
              classifier aligns pretrained embeddings; slices of X do not have it.
            - "dense": the same as an int32 array, filled with 0.
            - "onehot": float32 array of shape (n_texts, max_length_, len(vocabulary_) + 1);
              channel `j` stands for id ``j + 1`` and the steps after the text are all NaN. Large:
              the classifier reads ids, and ``embedding_dim=None`` is one-hot without this array.
        """
        check_is_fitted(self)
        find = self.vocabulary_.get
        return self._lay_out(
            read_tokens(
                self._count_vectorizer(),
                iterate_texts(raw_documents),
                lambda tokens: map(find, tokens, repeat(UNKNOWN)),
            )
        )

    def inverse_transform(self, X: Any) -> list[NDArray[np.object_]]:
        """Return the tokens of each sequence.

        Parameters
        ----------
        X : csr_matrix or array-like
            In any of the forms that `transform` returns.

        Returns
        -------
        tokens : list of ndarray of object
            The tokens in order, one array per row; unknown ones are "<unk>".

        Raises
        ------
        ValueError
            If a row has an id that the vocabulary lacks.
        """
        check_is_fitted(self)
        # 0 is a placeholder; tuples and the like must stay single elements.
        tokens = np.fromiter(("", UNKNOWN_TOKEN, *self.vocabulary_), np.object_)
        return look_up_rows(X, tokens)

    def build_analyzer(self) -> Callable[[Any], Any]:
        """Return the function that turns one text into its tokens.

        Returns
        -------
        callable
            Decodes, preprocesses and tokenizes, as ``CountVectorizer.build_analyzer``.
        """
        analyzer: Callable[[Any], Any] = self._count_vectorizer().build_analyzer()
        return analyzer

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:  # noqa: ARG002
        """Name the columns of the output: "position0", "position1", ...

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        ndarray of str objects of shape (max_length_,)
        """
        check_is_fitted(self)
        return np.array([f"position{column}" for column in range(self.max_length_)], np.object_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags

    def _count_vectorizer(self) -> CountVectorizer:
        shared = CountVectorizer().get_params().keys() - _NOT_SHARED
        return CountVectorizer(**{name: getattr(self, name) for name in shared})

    def _lay_out(self, batches: Iterable[TokenRuns]) -> sp.csr_matrix | NDArray[Any]:
        X = to_csr(batches, self.max_length_, self.truncation)
        if self.output == "dense":
            return to_dense(X, self.padding)
        if self.output == "onehot":
            return to_onehot(X, len(self.vocabulary_) + 1)
        X.vocabulary = self.vocabulary_
        return X

    def _learn(
        self,
        raw_documents: Iterable[Any],
        *,
        go_on: bool = False,
        keep: list[TokenRuns] | None = None,
    ) -> NDArray[np.int32]:
        """Read the texts and set the fitted attributes; return the id of each token index."""
        self._validate_params()
        texts = iterate_texts(raw_documents)
        counter = self._count_vectorizer()
        counter.build_analyzer()  # for what it has to say about patterns and stop words
        resumes = go_on and hasattr(self, "vocabulary_")
        counts = self._counts.copy() if resumes else TokenCounts()
        n_before = counts.occurrences
        given = None if self.vocabulary is None else given_vocabulary(counter)
        warn_of_ignored_parameters(counter, given or {})

        coverage = dict.fromkeys(_COVERAGE, 0)
        longest = 1
        for indices, lengths in counts.read(counter, texts):
            if keep is not None:
                keep.append((indices, lengths))
            coverage["n_texts"] += len(lengths)
            coverage["n_tokens"] += len(indices)
            coverage["n_empty_texts"] += int(np.count_nonzero(lengths == 0))
            if self.max_length is not None:
                coverage["n_truncated_texts"] += int(np.count_nonzero(lengths > self.max_length))
            longest = max(longest, int(lengths.max()))

        if given is None:
            document_bounds = {"min_df": self.min_df, "max_df": self.max_df}
            vocabulary = extend_vocabulary(
                self.vocabulary_ if resumes else {},
                counts,
                max_features=self.max_features,
                **document_bounds,
            )
            if not go_on:
                check_not_empty(vocabulary, counts, **document_bounds)
        else:
            vocabulary = given
        ids = np.fromiter((vocabulary.get(t, UNKNOWN) for t in counts.indices), np.int32)
        n_read = counts.occurrences - np.pad(n_before, (0, len(ids) - len(n_before)))
        coverage["n_unknown_tokens"] = int(n_read[ids == UNKNOWN].sum())

        # Nothing failed: now the state may change.
        self.vocabulary_ = vocabulary
        self.max_length_ = self.max_length or max(longest, self.max_length_ if resumes else 1)
        self.coverage_ = coverage
        self._counts = counts if given is None else TokenCounts()
        return ids
