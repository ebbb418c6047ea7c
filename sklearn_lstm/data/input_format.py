"""How X is read: decided at fit, and kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.kinds import KINDS, MEASUREMENTS, Kind, find_kind
from sklearn_lstm.data.numbers import check_numbers
from sklearn_lstm.data.reading import read_sequences
from sklearn_lstm.data.rows import column_names
from sklearn_lstm.data.sequences import Sequences
from sklearn_lstm.data.time_stamps import check_kind_of_times
from sklearn_lstm.exceptions import InvalidSequencesError, MissingValuesWarning, warn_user


@dataclass(frozen=True)
class InputFormat:
    """How X is read.

    Parameters
    ----------
    input_type : {"words", "characters", "measurements", "integers"}
        "integers": while batches are read, ids that nobody called so.
    n_channels : int or None
        None: token ids.
    n_features : int
        What scikit-learn counts as features.
    has_fixed_width : bool
        X is a table whose number of columns must stay the same in arrays; rows of a list may have
        any length. Ids may come in any number of columns, unless the user says that they are a
        table of ids.
    gappy : tuple of int
        The channels with missing values.
    time_channel : int or None
    channel_names : tuple of str
        The names of the channels, if each series is a data frame.
    column_names : tuple of str
        The same, or those of X, if it is a data frame.
    has_dates : bool
        The times are dates or durations.
    number_names, category_names : tuple of str
        The names of the columns beside the sequences, and of those that hold categories.
    """

    input_type: str
    n_channels: Annotated[int, range(1, 1 << 24)] | None
    n_features: int
    has_fixed_width: bool
    gappy: tuple[int, ...] = ()
    time_channel: int | None = None
    channel_names: tuple[str, ...] = ()
    column_names: tuple[str, ...] = ()
    has_dates: bool = False
    number_names: tuple[str, ...] = ()
    category_names: tuple[str, ...] = ()

    @classmethod
    def of(cls, X: Any, sequences: Sequences, input_type: str) -> InputFormat:
        """Return the format of X, which was read as `sequences`."""
        kind, numbers = find_kind(X, sequences, input_type), sequences.numbers
        names, is_table = column_names(X), sequences.is_table and not numbers
        return cls(
            input_type=kind.name,
            n_channels=sequences.n_channels,
            n_features=(len(names) if numbers else 0) or sequences.n_features,
            has_fixed_width=is_table and (kind is MEASUREMENTS or input_type != "auto"),
            gappy=tuple(np.flatnonzero(sequences.has_missing).tolist()),
            time_channel=sequences.time_channel,
            channel_names=sequences.channel_names,
            column_names=(() if numbers else sequences.channel_names) or names,
            has_dates=bool(sequences.has_dates),
            number_names=tuple(numbers.columns),
            category_names=numbers.categories,
        )

    @property
    def kind(self) -> Kind:
        """What a step is."""
        return KINDS[self.input_type]

    @property
    def is_category(self) -> dict[str, bool]:
        """Whether each column beside the sequences holds categories."""
        return {name: name in self.category_names for name in self.number_names}

    @property
    def feature_names(self) -> NDArray[np.object_]:
        """The names of channels or columns.

        Raises
        ------
        AttributeError
            If they have none.
        """
        if not self.column_names:
            raise AttributeError("X of fit had no names of columns.")
        return np.array(self.column_names, np.object_)

    def describe(self) -> str:
        """Return how many channels X has, and what is known of them."""
        notes = [f"{self.n_channels:,} channel{'s' * (self.n_channels != 1)}"]
        if self.gappy:
            notes.append(f"{len(self.gappy):,} with missing values")
        if self.time_channel is not None:
            notes.append(f"time in channel {self.time_channel}")
        return ", ".join(notes)

    def read_again(self, X: Any) -> Sequences:
        """Read X in this format.

        Raises
        ------
        TypeError, ValueError
            If X has another format.

        Warns
        -----
        MissingValuesWarning
            If values are missing in a channel that had all of them.
        """
        names = column_names(X)
        if names and self.column_names and names != self.column_names and not self.channel_names:
            raise InvalidSequencesError(
                f"X has the columns {[*names[:5]]}, but at fit it had {[*self.column_names[:5]]}: "
                "the same names are needed, in the same order."
            )
        ways = self.input_type, self.time_channel, self.channel_names
        had_missing, n_channels = bool(self.gappy), self.n_channels
        sequences = read_sequences(X, *ways, had_missing=had_missing, n_channels=n_channels)
        check_numbers(sequences.numbers, self.number_names, self.category_names)
        if sequences.n_channels != self.n_channels:
            raise InvalidSequencesError(
                f"X has {sequences.n_channels} channels, but LSTMSequenceClassifier is expecting "
                f"{self.n_channels} channels, as at fit."
            )
        has_width = self.has_fixed_width and sequences.is_table and not isinstance(X, list | tuple)
        if has_width and sequences.n_features != self.n_features:
            raise InvalidSequencesError(
                f"X has {sequences.n_features} features, but LSTMSequenceClassifier is expecting "
                f"{self.n_features} features as input. For series of another length pass a list, "
                "or fill the missing steps with trailing NaN."
            )
        if self.time_channel is not None and sequences.has_dates is not None:
            check_kind_of_times(sequences.has_dates, self.has_dates, "X")
        new = set(np.flatnonzero(sequences.has_missing).tolist()).difference(self.gappy)
        if new:
            warn_user(
                f"X has missing values in {len(new)} channel(s) that had none at fit, the first "
                f"being channel {min(new)}. They are read as the last value before them, or as the "
                "mean of the channel where there is none.",
                MissingValuesWarning,
            )
        return sequences
