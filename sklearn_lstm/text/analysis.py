"""Texts -> tokens -> ids, as ``CountVectorizer`` finds tokens, in batches of bounded size."""

import re
import reprlib
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, filterfalse
from typing import Any, Literal, Self, TypeAlias
from unicodedata import combining, normalize

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.exceptions import InvalidSequencesError, InvalidSequencesTypeError
from sklearn_lstm.storage.fields import check_fields
from sklearn_lstm.text import words

# The ids of the tokens of some texts, laid end to end, and how many tokens each text has.
TokenBatch: TypeAlias = tuple[NDArray[np.integer], NDArray[np.int64]]
Find: TypeAlias = Callable[[Iterable[Hashable]], Iterable[int]]  # tokens to ids


PREPROCESSED, TOKENS, IN_ORDER = "text after the preprocessor", "list of tokens", "tokens in order"
# What our own steps read, and what to do about anything else.
REMEDIES = {
    PREPROCESSED: "It has to return a string.",
    TOKENS: "The tokenizer or analyzer has to return one, of what has a hash: of nested "
    "lists [token for part in text for token in part], of dicts [step['event'] for step in text].",
    IN_ORDER: "analyzer=list reads a list of tokens for each text, [text] of one. Strings need "
    "analyzer='char' or 'word', lists in strings json.loads(text), a long table "
    "frame.groupby('id')['event'].agg(list), frames or dicts [[*rows['event']] for rows in X].",
    "text": "Turn it into a string: frame['text'].fillna('').astype(str), path.read_text(). Lists "
    "of tokens need TextSequenceVectorizer(analyzer=list), a table pd.DataFrame(X), a row "
    "pd.DataFrame([X]).",
}


class NoTextError(Exception):
    """Raised by a step of ours, not by a function of the user, for what it can't read.

    Parameters
    ----------
    found : object
        What the step got; or the error of bytes that do not decode.
    expected : str
        What it reads, of `REMEDIES`.
    """

    def at(self, place: str) -> Exception:
        """Return the error for the user, which says where this was found."""
        found, expected = self.args
        if isinstance(found, UnicodeDecodeError):
            found.reason += f", in {place}. Set `encoding`, or decode_error='replace'"
            return found
        is_nan = isinstance(found, float | np.floating) and np.isnan(found)
        error = InvalidSequencesError if is_nan else InvalidSequencesTypeError
        return error(
            f"{place} is no {expected}, but {reprlib.repr(found)} ({type(found).__name__}). "
            f"{REMEDIES[expected]}"
        )


@dataclass(frozen=True)
class Analysis:
    """What a token is, by parameters of `TextSequenceVectorizer` that ``CountVectorizer`` has too.

    Its tokenizer is `words_of` if the analyzer is "word", and the vectorizer has neither a
    tokenizer nor a pattern.
    """

    input: Literal["content", "file", "filename"]
    encoding: str
    decode_error: Literal["strict", "ignore", "replace"]
    strip_accents: Literal["ascii", "unicode"] | Callable[[str], str] | None
    lowercase: bool
    preprocessor: Callable[[Any], Any] | None
    tokenizer: Callable[[Any], list[Hashable]] | None
    stop_words: Any
    token_pattern: str | None
    analyzer: Literal["word", "char"] | Callable[[Any], Iterable[Hashable]]

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Self:
        """Return the analysis of a vectorizer with these parameters, and perhaps others.

        Beside ``stop_words="english"`` stand these words, as "_english".
        """
        known = {name: parameters[name] for name in cls.__dataclass_fields__}
        if known["stop_words"] == "english":
            known["stop_words"] = parameters["_english"]
        if known["analyzer"] == "word" and (known["tokenizer"] or known["token_pattern"]) is None:
            known["tokenizer"] = words.words_of
        if known["analyzer"] == "word" and known["tokenizer"] is None:
            _check_pattern(known["token_pattern"])
        return cls(**known)

    def check(self) -> None:
        """Raise an error if a stored analysis finds no tokens."""
        check_fields(Analysis, vars(self))
        self.tokens_of(["a", "b"] if self.analyzer in (list, tuple) else "a b")

    def __call__(self, document: Any) -> list[Hashable]:
        """Return the tokens of a text, of bytes, or of what `input` says."""
        try:
            return self.tokens_of(self.decode(document))
        except NoTextError as error:
            raise error.at("The document") from None

    def decode(self, document: Any) -> Any:
        """Return the text of a document."""
        if self.input == "file":
            document = document.read()
        elif self.input == "filename":
            with open(document, "rb") as file:  # noqa: PTH123 - of any name, as there
                document = file.read()
        if isinstance(document, bytes):
            try:
                return document.decode(self.encoding, self.decode_error)
            except UnicodeDecodeError as error:
                raise NoTextError(error, "text") from None
        if document is np.nan:  # noqa: PLW0177 - as ``CountVectorizer`` does
            raise NoTextError(document, "text")
        return document

    def preprocess(self, text: Any) -> Any:
        """Return a text as its tokens are looked for."""
        if self.preprocessor is not None:
            return self.preprocessor(text)
        if self.lowercase:
            if not hasattr(text, "lower"):
                raise NoTextError(text, "text")
            text = text.lower()
        if isinstance(self.strip_accents, str):
            return WITHOUT_ACCENTS[self.strip_accents](_checked(text))
        return self.strip_accents(text) if self.strip_accents else text

    def preprocess_str(self, text: object) -> str:
        """Return the same for a tokenizer of ours, which reads no other type."""
        is_own = self.preprocessor is None and not callable(self.strip_accents)
        return _checked(self.preprocess(text), "text" if is_own else PREPROCESSED)

    def tokens_of(self, text: object) -> list[Hashable]:
        """Return the tokens of a decoded text."""
        if self.analyzer in (list, tuple) and (
            isinstance(text, str | bytes | AbstractSet | Mapping) or hasattr(text, "columns")
        ):
            raise NoTextError(text, IN_ORDER)
        if callable(self.analyzer):
            return _listed(self.analyzer(text))
        if self.analyzer == "char":
            return list(BLANKS.sub(" ", normalize("NFC", self.preprocess_str(text))))
        has_own = self.tokenizer is not None and self.tokenizer is not words.words_of
        text = self.preprocess(text) if has_own else self.preprocess_str(text)
        tokens = _listed(self._tokenize(text))
        return [token for token in tokens if token not in self._left_out]

    @cached_property
    def _tokenize(self) -> Callable[[Any], Iterable[Hashable]]:
        return self.tokenizer or re.compile(str(self.token_pattern)).findall

    @cached_property
    def _left_out(self) -> frozenset[Hashable]:
        return frozenset(self.stop_words or ())


def _checked(text: object, expected: str = "text") -> str:
    """Return what a step of ours reads: a string."""
    if not isinstance(text, str):
        raise NoTextError(text, expected)
    return text


def _listed(tokens: object) -> list[Hashable]:
    """Return what a function of the user found; the keys of a dict are no tokens."""
    if isinstance(tokens, str | bytes | Mapping) or not isinstance(tokens, Iterable):
        raise NoTextError(tokens, TOKENS)
    found = list(tokens)
    try:
        hash(tuple(found))
    except TypeError:
        raise NoTextError(found, TOKENS) from None
    return found


def _check_pattern(pattern: str) -> None:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"token_pattern={pattern!r} is no regular expression: {error}.") from error


def _without_marks(text: str) -> str:
    return text if text.isascii() else "".join(filterfalse(combining, normalize("NFKD", text)))


WITHOUT_ACCENTS = {  # by `strip_accents`
    "ascii": lambda text: normalize("NFKD", text).encode("ascii", "ignore").decode("ascii"),
    "unicode": _without_marks,
}
BLANKS = re.compile(r"\s\s+")


def read_tokens(analysis: Analysis, texts: Iterable[object], find: Find) -> Iterator[TokenBatch]:
    """Read texts as ``CountVectorizer`` does.

    NumPy finds characters, and the words of `words_of`, in many texts at once. All other tokens
    are found text by text, by the functions of `analysis`. The tokens are the same either way.

    Parameters
    ----------
    analysis : Analysis
    texts : iterable of str, bytes, file objects or file names
        Read once, a bounded number at a time.
    find : callable
        From tokens to their ids, always the same id for the same token.

    Yields
    ------
    ids, lengths : TokenBatch
        Of the next texts.
    """
    # Without these two, a str is at most lowered, which is faster for many at once.
    is_plain = analysis.preprocessor is None and analysis.strip_accents is None
    lowers = is_plain and analysis.lowercase
    keeps_str = is_plain and analysis.input == "content"

    def read(text: object) -> str:
        """Return a text in which characters or words are looked for."""
        if keeps_str and type(text) is str:
            return text
        return analysis.preprocess_str(analysis.decode(text))

    if analysis.analyzer == "char":
        find_characters = words.CharacterTable(
            (lambda cs: find(map(str.lower, cs))) if lowers else find
        )
        for batch in _in_batches(texts, read):
            code_points, lengths = words.split_characters(batch, lowers=lowers)
            yield find_characters(code_points), lengths
    elif analysis.tokenizer is words.words_of and not analysis.stop_words:
        find_words = words.WordLookup(find)
        for batch in _in_batches(texts, read):
            if len(batch) == 1 and len(batch[0]) < 1 << 11:  # arrays are not worth their while
                yield _found([words.words_of(batch[0].lower() if lowers else batch[0])], find)
                continue
            split = words.split_words(batch, lowers=lowers)
            yield find_words(split), split.lengths
    else:
        for lists in _in_batches(texts, lambda text: analysis.tokens_of(analysis.decode(text))):
            yield _found(lists, find)


def _found(lists: list[list[Hashable]], find: Find) -> TokenBatch:
    lengths = words.lengths_of(lists)
    return np.fromiter(find(chain.from_iterable(lists)), np.int32, lengths.sum()), lengths


def _in_batches(texts: Iterable[object], read: Callable[[object], Any]) -> Iterator[list[Any]]:
    """Yield lists of what is read of texts, a string or a list of each."""
    batch: list[Any] = []
    size = 0
    for index, text in enumerate(texts):
        try:
            batch.append(read(text))
            size += len(batch[-1])
        except NoTextError as error:
            raise error.at(f"X[{index}]") from None
        except Exception as error:
            error.add_note(f"This is about X[{index}].")
            raise
        if size >= 1 << 16:  # characters or tokens: they fit into the processor's cache
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
