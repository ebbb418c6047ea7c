"""The tokens that ids stand for."""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.text.vocabulary import FIRST_UNKNOWN
from sklearn_lstm.text.words import LETTER, UNSTABLE, is_character, kind_of

NO_TEXTS = (
    "An encoder reads texts, but X (or X_val) does not say which words its ids stand for, or its "
    "tokens are no strings. Pass the CSR output of TextSequenceVectorizer, or rows of it, as a "
    "Pipeline does: dense output, scipy.sparse.vstack, save_npz and ColumnTransformer lose words."
)


@dataclass(frozen=True)
class Spelling:
    """Which token a spelling stands for: the id of a known one, or -2 - k, the k-th unknown one.

    Parameters
    ----------
    vocabulary : mapping
        Token to id.
    unknown_words : list
        Tokens that the vocabulary lacks.
    """

    vocabulary: Mapping[Hashable, int]
    unknown_words: list[Hashable]

    def words(self, spellings: Iterable[int]) -> dict[int, str]:
        """Return the words of these spellings; characters are no words."""
        tokens = self.tokens(spellings).items()
        return {n: word for n, word in tokens if isinstance(word, str) and not is_character(word)}

    def joined(self, spellings: NDArray[np.integer], lengths: NDArray[np.integer]) -> list[str]:
        """Return the texts of sequences that are laid end to end; what has no name is left out.

        Between two words stands a blank, but not beside a letter of a script without spaces.
        """
        joiner = "" if " " in self.vocabulary else " "  # of characters, a blank is one too
        texts = []
        for named in self.tokens_of_texts(spellings, lengths):
            pieces, was_alone = list[str](), True
            for token in filter(None, named):
                is_alone = kind_of(token[0]) % UNSTABLE == LETTER
                pieces += ["" if is_alone or was_alone else joiner, token]
                was_alone = is_alone
            texts.append("".join(pieces))
        return texts

    def tokens_of_texts(
        self, spellings: NDArray[np.integer], lengths: NDArray[np.integer]
    ) -> Iterator[list[str]]:
        """Yield the tokens of each of several sequences, "" for those without a name."""
        tokens = self.tokens(set(spellings.tolist()))
        if not all(isinstance(token, str) for token in tokens.values()):
            raise ValueError(NO_TEXTS)
        for numbers in np.split(spellings, np.cumsum(lengths)[:-1]):
            yield [tokens.get(number, "") for number in numbers.tolist()]

    def tokens(self, spellings: Iterable[int]) -> dict[int, Any]:
        """Return the tokens of these spellings, those that have one."""
        ids = {number for number in spellings if number > 0}
        tokens = {id_: token for token, id_ in self.vocabulary.items() if id_ in ids} if ids else {}
        for number in spellings:
            if number <= FIRST_UNKNOWN:
                tokens[number] = self.unknown_words[FIRST_UNKNOWN - number]
        return tokens
