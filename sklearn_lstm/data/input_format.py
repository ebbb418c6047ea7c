"""How X is read: decided at fit, and kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sklearn_lstm.data.ambiguous_input import warn_of_doubts
from sklearn_lstm.data.reading import check_same_width, read_sequences
from sklearn_lstm.data.sequences import Sequences
from sklearn_lstm.data.token_units import find_token_unit


@dataclass(frozen=True)
class InputFormat:
    """How X is read.

    Parameters
    ----------
    input_type : {"tokens", "numeric"}
    token_unit : {"word", "char"} or None
    n_channels : int or None
        None: token ids.
    n_features : int
        What scikit-learn counts as features.
    has_fixed_width : bool
        X is a table whose number of columns must stay the same. Ids may come in any number of
        columns, unless the user says that they are a table of ids.
    """

    input_type: str
    token_unit: str | None
    n_channels: int | None
    n_features: int
    has_fixed_width: bool

    @classmethod
    def of(cls, X: Any, sequences: Sequences, input_type: str, token_unit: str) -> InputFormat:
        """Return the format of X, which was read as `sequences`.

        Warns
        -----
        InputTypeWarning
            If it looks like something else, and the user did not say what it is.
        """
        if input_type == "auto":
            warn_of_doubts(sequences)
        is_numeric = sequences.n_channels is not None
        return cls(
            input_type="numeric" if is_numeric else "tokens",
            token_unit=find_token_unit(X, sequences, token_unit),
            n_channels=sequences.n_channels,
            n_features=sequences.n_features,
            has_fixed_width=sequences.is_table and (is_numeric or input_type == "tokens"),
        )

    def read(self, X: Any) -> Sequences:
        """Read X in this format.

        Raises
        ------
        TypeError, ValueError
            If X has another format.
        """
        sequences = read_sequences(X, self.input_type)
        n_features = self.n_features if self.has_fixed_width else None
        check_same_width(sequences, self.n_channels, n_features)
        return sequences
