"""Texts to the token ids that a sequence classifier reads."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any, ClassVar, Literal, Self
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, CountVectorizer
from sklearn.utils import TransformerTags
from sklearn.utils.validation import check_is_fitted

from sklearn_lstm import sklearn_internals
from sklearn_lstm.data.numbers import NO_NUMBERS, Numbers
from sklearn_lstm.data.text_reader import TextReader, divided, iterate_texts, keeps_texts
from sklearn_lstm.exceptions import InputTypeWarning, warn_user
from sklearn_lstm.storage.estimators import StoredMixin
from sklearn_lstm.text.analysis import Analysis, TokenBatch
from sklearn_lstm.text.id_matrix import look_up_rows, names_of_steps
from sklearn_lstm.text.vocabulary import (
    FIRST_TOKEN,
    FIRST_UNKNOWN,
    CallIds,
    Keep,
    TextCounts,
    TokenCounts,
    count_texts,
    frequent_tokens,
    number_tokens,
    refuse_empty_vocabulary,
)
from sklearn_lstm.text.words import words_of

UNKNOWN_TOKEN = "<unk>"
SINGLE_WORDS = (
    "Most texts are a single word, and most words occur once, so new texts are unknown. Of names, "
    "DNA or other strings of letters, analyzer='char' reads the letters."
)
UNIQUE_TOKENS = "Most tokens occur once: new ones are unknown. Leave out times and numbers."
DECIMALS = (
    "The texts consist of decimal numbers, read as words. Pass series to the classifier alone: "
    "[np.array(text.strip('[]').replace(',', ' ').split(), float) for text in X]."
)
ENGLISH = sorted(ENGLISH_STOP_WORDS)


class TextSequenceVectorizer(
    StoredMixin,
    sklearn_internals.DocumentedMixin,
    sklearn_internals.CallbackSupportMixin,  # type: ignore[misc]
    BaseEstimator,  # type: ignore[misc]
):
    r"""Convert texts to sequences of token ids.

    The tokens keep their order instead of being counted. A parameter of scikit-learn's
    ``CountVectorizer`` has the same meaning here, and, except `token_pattern`, the same default.
    There is no ``analyzer="char_wb"``, and no `ngram_range`, `binary` and `dtype`.

    Id 0 is padding, id 1 is any unknown token. The tokens of the vocabulary have the ids from 2 on,
    by falling frequency. An empty text becomes one unknown token.

    Parameters
    ----------
    input : {"content", "filename", "file"}, default="content"
        Whether texts are strings or bytes, names of files, or open files.
    encoding : str, default="utf-8"
        The encoding of bytes and files.
    decode_error : {"strict", "ignore", "replace"}, default="strict"
        What to do with bytes that can't be decoded.
    strip_accents : {"ascii", "unicode"}, callable or None, default=None
        How to remove accents; None keeps them.
    lowercase : bool, default=True
        Whether to convert texts to lower case.
    preprocessor : callable or None, default=None
        Replaces `strip_accents` and `lowercase`.
    tokenizer : callable or None, default=None
        Replaces `token_pattern`.
    stop_words : {"english"}, list or None, default=None
        Words to leave out, if ``analyzer="word"``.
    token_pattern : str or None, default=None
        Regular expression of a word, if ``analyzer="word"``. None: words of any script, see Notes.
    analyzer : {"word", "char"} or callable, default="word"
        Whether a token is a word, or a character (a run of white space is one blank). A function
        takes a text and returns its tokens.
    max_df : float in [0, 1] or int, default=1.0
        Tokens in more texts than this are left out. A float is a share of the texts.
    min_df : float in [0, 1] or int, default=1
        Tokens in fewer texts than this are left out. A float is a share of the texts.
    max_features : int or None, default=None
        The largest size of the vocabulary; the most frequent tokens stay.
    vocabulary : mapping, iterable or None, default=None
        The tokens in order, or a mapping from tokens to 0, 1, ...: index `i` becomes id ``i + 2``.
        A mapping that begins with 2, as `vocabulary_` does, holds the ids themselves.
    fixed_vocabulary : bool, default=True
        Whether only the tokens in `vocabulary` get ids. False: further tokens of the texts get the
        next ids.
    max_length : int or None, default=None
        The largest number of tokens that are kept of a text. None: all are kept, except that
        `transform` cuts texts longer than all training texts, with a warning, for an `output` other
        than "sparse".
    truncation : {"pre", "post", "middle"}, default="pre"
        Where longer texts lose tokens: at the start, the end, or in the middle.
    padding : {"post", "pre"}, default="post"
        The side of the zeros, if ``output="dense"``.
    output : {"sparse", "dense", "onehot"}, default="sparse"
        The container that `transform` returns. As `CountVectorizer`, it makes no data frames, also
        under ``set_config(transform_output="pandas")``.

    Attributes
    ----------
    vocabulary_ : dict
        The id of each token, from 2 on.
    max_length_ : int
        `max_length`, or the length of the longest training text if that is None: the number of
        columns of the output. For longer texts, sparse output has more.
    coverage_ : dict of str to int
        What the last `fit` or `partial_fit` read: `n_texts`, `n_tokens`, `n_unknown_tokens`,
        `n_truncated_texts` and `n_empty_texts`.
    feature_names_in_ : ndarray of str objects of shape (n_columns,)
        The names of the columns, if X of `fit` was a data frame with numbers beside the texts.

    See Also
    --------
    LSTMSequenceClassifier : Classify the sequences of ids.
    WordVectors : Learn vectors of the words.

    Notes
    -----
    With ``token_pattern=None``, a word is

    - a run of letters, digits and underscores; apostrophes inside belong to it ("don't"), and a
      point between two digits to the number after it ("2.0" is "2" and ".0");
    - one letter, in scripts that put no spaces between words (Han, kana, Thai, Lao, Khmer, Myanmar,
      Tibetan, the Tai scripts); pass a `tokenizer` that finds words in them;
    - a run of other symbols ("!!!", ":)", a sequence of emoji).

    Marks, such as accents and vowel signs, belong to the character before them. Tokens, also those
    of ``analyzer="char"``, are in Unicode's normal form C. In Latin, Greek and Cyrillic texts
    without combining marks, this is the pattern
    ``r"(?:(?<=[0-9])\.(?=[0-9]))?\w+(?:['’]\w+)*|[^\w\s]+"``. ``CountVectorizer`` leaves out
    punctuation and words of one letter, which help to recognise sentiment and spam.

    Texts may come from a generator: they are read once, a bounded number at a time. `transform`
    needs `fit` even if the vocabulary is given, unlike that of ``CountVectorizer``.

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
    _english: list[str] | None = None  # stop words, of a stored object
    _columns: tuple[str, ...] | None = None  # of the data frame with numbers beside the texts
    _categories: tuple[str, ...] | None = None  # which of them hold categories

    _parameter_constraints: ClassVar[dict[str, list[Any] | str]] = sklearn_internals.VECTORIZER

    def __init__(
        self,
        *,
        input: Literal["content", "filename", "file"] = "content",  # noqa: A002 - CountVectorizer's
        encoding: str = "utf-8",
        decode_error: Literal["strict", "ignore", "replace"] = "strict",
        strip_accents: Literal["ascii", "unicode"] | Callable[[str], str] | None = None,
        lowercase: bool = True,
        preprocessor: Callable[[Any], Any] | None = None,
        tokenizer: Callable[[Any], Iterable[Hashable]] | None = None,
        stop_words: Literal["english"] | list[str] | None = None,
        token_pattern: str | None = None,
        analyzer: Literal["word", "char"] | Callable[[Any], Iterable[Hashable]] = "word",
        max_df: float = 1.0,
        min_df: float = 1,
        max_features: int | None = None,
        vocabulary: Mapping[Any, int] | Iterable[Hashable] | None = None,
        fixed_vocabulary: bool = True,
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
        self.fixed_vocabulary = fixed_vocabulary
        self.max_length = max_length
        self.truncation = truncation
        self.padding = padding
        self.output = output

    def fit(self, raw_documents: Iterable[object], y: object = None) -> Self:  # noqa: ARG002
        """Learn the vocabulary, and the length of the longest text.

        Parameters
        ----------
        raw_documents : iterable of length n_texts
            Texts, or what `input` says: a list, a generator, an array, a column of pandas, polars
            or pyarrow, or a table of one column. Or a data frame with a column of texts beside
            columns of numbers, booleans and categories. From 20 rows on, columns of strings are
            categories too, if each of their values stands there twice on average, and exactly one
            column of strings is left, which has the most letters: the texts. `transform` then reads
            them as categories in any X.
        y : None
            Ignored.

        Returns
        -------
        self : TextSequenceVectorizer
            The fitted vectorizer.

        Raises
        ------
        TypeError
            If something is no text (the message names its row), and for dicts and sets.
        ValueError
            If `raw_documents` is one string or another table, if a text is NaN or can't be decoded,
            or if the vocabulary would be empty. The vectorizer stays as it was.
        """
        self._fit(*divided(raw_documents, self.output))
        return self

    def fit_transform(self, raw_documents: Iterable[object], y: object = None) -> Any:  # noqa: ARG002
        """Fit to texts and return their token ids; the texts are read only once.

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
        texts, numbers = divided(raw_documents, self.output)
        if keeps_texts(vars(self)):
            texts = list(iterate_texts(texts))  # which are read twice
        batches = list[TokenBatch]()
        final, ids = self._fit(texts, numbers, batches.append)
        numbered = ((final.take(tokens), lengths) for tokens, lengths in batches)
        reader = self._reader()
        return reader.lay_out(reader.trimmed(numbered), ids, texts, numbers)

    def partial_fit(self, raw_documents: Iterable[object], y: object = None) -> Self:  # noqa: ARG002
        """Extend the vocabulary, and `max_length_`, by further texts.

        Tokens keep their ids. New tokens that pass `min_df`, `max_df` and `max_features` get the
        next ids, and `max_length_` grows if `max_length` is None. The vocabulary may be empty.

        The counts of tokens without an id are kept for the next call of `partial_fit`; `fit` keeps
        none. `min_df` and `max_df` therefore refer to the texts since the last `fit`.

        Parameters
        ----------
        raw_documents : iterable of length n_texts
            As for `fit`.
        y : None
            Ignored.

        Returns
        -------
        self : TextSequenceVectorizer
            The vectorizer, with the extended vocabulary.
        """
        vocabulary, known = checked_vocabulary(self), vars(self).copy()
        if self.__sklearn_is_fitted__():
            texts, numbers = replace(self._reader(), keeps_texts=False).divided(raw_documents)
        else:
            texts, numbers = divided(raw_documents, self.output)
        read, counts = count_texts(self._analysis(), iterate_texts(texts)), TokenCounts.none()
        if self._learns():
            counts = known.get("_counts", counts) + read.tokens
            vocabulary = self._extended(known.get("vocabulary_", vocabulary), counts)
        known["_counts"] = counts.without(vocabulary)
        self._commit(read, numbers, vocabulary, known)
        return self

    def transform(self, raw_documents: Iterable[object]) -> Any:
        """Convert texts to token ids.

        Parameters
        ----------
        raw_documents : iterable of length n_texts
            As for `fit`.

        Returns
        -------
        X : csr_matrix or ndarray
            Depending on `output`:

            - "sparse": int32 CSR of shape (n_texts, max_length_), or as wide as the longest of
              these texts. Row `i` holds the ids of text `i` from column 0 on. Rows and copies keep
              what it knows of its tokens:
              `texts`, as they were written (None for one that is no str); `vocabulary`;
              `input_type`, which is "characters" for ``analyzer="char"`` or if most of the first
              1,000 tokens are one character, "auto" if `analyzer` is a function, else "words";
              `unknown_tokens`, the tokens with the id 1, in order; `numbers`, of a data frame.
            - "dense": int32 array of shape (n_texts, max_length_), padded with 0. It knows no
              tokens, and a scaler behind it would make measurements of them.
            - "onehot": float32 array of shape (n_texts, max_length_, len(vocabulary_) + 1);
              channel `j` stands for id ``j + 1``, and the steps after the text are NaN. This array
              is large; ``LSTMSequenceClassifier(embedding_dim=None)`` has the same effect.

        Warns
        -----
        InputTypeWarning
            If dense or one-hot output has cut texts, though `max_length` is None.
        """
        if not self.__sklearn_is_fitted__():
            check_is_fitted(self)  # raises the error
        return self._reader()(raw_documents)

    def known_share(self, raw_documents: Iterable[object]) -> NDArray[np.float64]:
        """Return how much of each text the vocabulary knows.

        Little is known of a text in another language or script, and a model says little about it.

        Parameters
        ----------
        raw_documents : iterable of length n_texts
            As for `fit`.

        Returns
        -------
        ndarray of shape (n_texts,)
            The share of the tokens of each text that have an id; 0 for a text without a token.
        """
        check_is_fitted(self)
        return self._reader().known_share(raw_documents)

    def inverse_transform(self, X: object) -> list[NDArray[np.object_]]:
        """Return the tokens of each sequence.

        Parameters
        ----------
        X : csr_matrix or array-like
            Ids in any of the forms that `transform` returns.

        Returns
        -------
        tokens : list of ndarray of object
            One array per row, of shape (n_tokens,): its tokens in order, "<unk>" for unknown ones.

        Raises
        ------
        ValueError
            If a row has an id that is not in the vocabulary.
        """
        check_is_fitted(self)
        # Tokens that are tuples must stay single elements.
        return look_up_rows(X, np.fromiter(("", UNKNOWN_TOKEN, *self.vocabulary_), np.object_))

    def build_analyzer(self) -> Callable[[Any], Any]:
        """Return the function that splits a text into tokens; a subclass may override it.

        Returns
        -------
        callable
            A function that decodes, preprocesses and tokenizes a text.
        """
        return Analysis.of(self._stored_attributes())

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:  # noqa: ARG002
        """Return the names of `max_length_` columns: "position0", "position1", ...

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        ndarray of str objects of shape (max_length_,)
            The names.
        """
        check_is_fitted(self)
        return np.array(names_of_steps(self.max_length_), np.object_)

    @property
    def feature_names_in_(self) -> NDArray[np.object_]:
        """Return the names of the columns.

        Raises
        ------
        AttributeError
            If there were no numbers beside the texts.
        """
        if self._columns is None:
            raise AttributeError("X of fit had no numbers beside the texts.")
        return np.array(self._columns, np.object_)

    def __sklearn_is_fitted__(self) -> bool:
        return "vocabulary_" in vars(self)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags = TransformerTags()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags

    def _stored_numbers(self) -> dict[str, object]:
        sizes = {"n_tokens": len(self.vocabulary_), "max_length": self.max_length_}
        return {"sizes": sizes, "n_samples": self.coverage_["n_texts"]}

    def _stored_attributes(self) -> dict[str, Any]:
        """Return all attributes, and the English stop words, which not every reader knows."""
        return vars(self) | ({"_english": ENGLISH} if self.stop_words == "english" else {})

    def _analysis(self) -> Analysis:
        """Return what finds the tokens of this object."""
        analysis = Analysis.of(self._stored_attributes())
        if type(self).build_analyzer is TextSequenceVectorizer.build_analyzer:
            return analysis
        own = self.build_analyzer()  # it reads files itself
        return replace(analysis, analyzer=own, tokenizer=None, input="content")

    def _settle(self, *, is_file: bool) -> None:
        if is_file and self.__sklearn_is_fitted__():
            self._reader().check()

    def _reader(self) -> TextReader:
        """Return what reads texts as they were read at fit."""
        return TextReader.of(vars(self), self._analysis())

    def _learns(self) -> bool:
        """Return whether the tokens of training texts get ids."""
        return self.vocabulary is None or not self.fixed_vocabulary

    def _extended(self, vocabulary: dict[Hashable, int], counts: TokenCounts) -> dict[Any, int]:
        """Return a vocabulary with the next ids for new tokens that are frequent enough."""
        new = [t for t in frequent_tokens(counts, self.min_df, self.max_df) if t not in vocabulary]
        if self.max_features is not None:
            new = new[: max(int(self.max_features) - len(vocabulary), 0)]
        # A copy: the output of an earlier `transform` keeps the tokens of its time.
        return vocabulary | number_tokens(new, FIRST_TOKEN + len(vocabulary)) if new else vocabulary

    @sklearn_internals.told_to_callbacks
    def _fit(
        self, texts: Any, numbers: Numbers = NO_NUMBERS, keep: Keep | None = None
    ) -> tuple[NDArray[np.int32], CallIds]:
        """Fit; `keep` gets the tokens of the texts as numbers, of which each is an index.

        Returns
        -------
        ndarray of shape (2 + n_tokens,)
            At each index the id of the token, or its number if it is unknown.
        CallIds
            What these stand for.
        """
        vocabulary = checked_vocabulary(self)
        read = count_texts(self._analysis(), iterate_texts(texts), keep)
        if self._learns():
            vocabulary = self._extended(vocabulary, read.tokens)
            if not vocabulary:
                refuse_empty_vocabulary(read.tokens, self.min_df, self.max_df)
        if self.analyzer == "word" and read.are_single_words():
            warn_user(SINGLE_WORDS, InputTypeWarning)
        elif callable(self.analyzer) and read.are_unique():
            warn_user(UNIQUE_TOKENS, InputTypeWarning)
        if read.are_decimals():
            warn_user(DECIMALS, InputTypeWarning)
        self._commit(read, numbers, vocabulary, {})
        ids = CallIds(vocabulary)
        return np.fromiter(chain([0, FIRST_UNKNOWN], ids(read.tokens.ids)), np.int32), ids

    def _commit(
        self, read: TextCounts, numbers: Numbers, vocabulary: dict[Any, int], known: dict[str, Any]
    ) -> None:
        """Set the fitted attributes, once nothing can fail; those known say how texts are read."""
        max_length = int(self.max_length or max(known.get("max_length_", 1), *read.lengths, 1))
        columns, categories = known.get("_columns"), known.get("_categories")
        if numbers and columns is None:
            columns, categories = numbers.names, numbers.categories
        self.__dict__.update(  # all at once, whenever a user presses Ctrl-C
            vocabulary_=vocabulary,
            max_length_=max_length,
            coverage_=read.coverage(vocabulary, max_length),
            _counts=known.get("_counts", TokenCounts.none()),
            _columns=columns,
            _categories=categories,
        )


def checked_vocabulary(estimator: BaseEstimator) -> dict[Hashable, int]:
    """Check the parameters; warn and raise as ``CountVectorizer`` does in ``fit``, with the same.

    Returns
    -------
    dict
        The ids of the tokens in the parameter `vocabulary`.
    """
    parameters = sklearn_internals.checked_parameters(estimator)
    given = [""] if estimator.vocabulary is None else estimator.vocabulary
    vectorizer = CountVectorizer(**{name: parameters[name] for name in sklearn_internals.SHARED})
    vectorizer.tokenizer = Analysis.of(parameters | {"_english": ()}).tokenizer
    if isinstance(given, set | frozenset):
        given = sorted(given)  # their own order differs from process to process
    elif not isinstance(given, Mapping):
        given = given.to_pylist() if hasattr(given, "to_pylist") else list(given)  # pyarrow's
        _check_distinct(given)  # CountVectorizer's own error fails for tuples
    elif min(given.values(), default=0) == FIRST_TOKEN:  # `vocabulary_` of a vectorizer
        given = {token: id_ - FIRST_TOKEN for token, id_ in given.items()}
    vectorizer.set_params(vocabulary=given)
    if not all(isinstance(token, str) for token in given):
        vectorizer.lowercase = False  # it would look for upper case in other tokens too
    indices = vectorizer.fit([]).vocabulary_
    tokens = sorted(indices, key=indices.get) if estimator.vocabulary is not None else []
    # Strings of an array are NumPy scalars. Dates of Python are other tokens than those of NumPy.
    tokens = [
        token.item() if isinstance(token, np.generic) and token.dtype.kind not in "mM" else token
        for token in tokens
    ]
    if vectorizer.tokenizer is words_of or parameters["analyzer"] == "char":  # have this form
        tokens = [normalize("NFC", token) if isinstance(token, str) else token for token in tokens]
        _check_distinct(tokens)
    return number_tokens(tokens)


def _check_distinct(tokens: list[Hashable]) -> None:
    for token, times in Counter(tokens).most_common(1):
        if times > 1:
            raise ValueError(f"Duplicate term in vocabulary: {token!r}")
