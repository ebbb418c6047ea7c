"""How X is read: decided at fit, and kept."""

import reprlib
from dataclasses import dataclass
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from sklearn_lstm.data.arrays import Arrays, read_arrays
from sklearn_lstm.data.containers import LONG_TABLE, check_same_columns, column_names, names_of
from sklearn_lstm.data.input_rules import warn_of_another_reading
from sklearn_lstm.data.kinds import KINDS, MEASUREMENTS, Kind, KindName, find_kind
from sklearn_lstm.data.numbers import check_numbers
from sklearn_lstm.data.reading import read_sequences
from sklearn_lstm.data.sequences import Sequences
from sklearn_lstm.exceptions import (
    InputTypeWarning,
    InvalidSequencesError,
    MissingValuesWarning,
    warn_user,
)


@dataclass(frozen=True)
class InputFormat:
    """How X is read.

    Parameters
    ----------
    input_type : {"words", "characters", "measurements"}
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
    number_names, category_names : tuple of str
        The names of the columns beside the sequences, and of those that hold categories.
    empty_names : tuple of str
        The names of the columns of numbers without a value.
    """

    input_type: KindName
    n_channels: Annotated[int, range(1, 1 << 24)] | None
    n_features: int
    has_fixed_width: bool
    gappy: Annotated[tuple[int, ...], "n_gappy of n_channels"] = ()
    time_channel: Annotated[int, "of n_channels"] | None = None
    channel_names: tuple[str, ...] = ()
    column_names: tuple[str, ...] = ()
    number_names: tuple[str, ...] = ()
    category_names: tuple[str, ...] = ()
    empty_names: tuple[str, ...] = ()

    @classmethod
    def of(cls, arrays: Arrays, sequences: Sequences, kind: Kind, input_type: str) -> Self:
        """Return the format of arrays, which were read as `sequences`."""
        numbers, steps = arrays.numbers, arrays.steps
        names = arrays.column_names if numbers else ()
        is_list = isinstance(steps, list)
        is_table = not (is_list or issparse(steps) or steps.ndim > 2 or numbers)
        return cls(
            input_type=kind.name,
            n_channels=sequences.n_channels,
            n_features=len(names) or (sequences.n_channels or 1 if is_list else steps.shape[-1]),
            has_fixed_width=is_table and (kind is MEASUREMENTS or input_type != "auto"),
            gappy=tuple(np.flatnonzero(sequences.has_missing).tolist()),
            time_channel=sequences.time_channel,
            channel_names=arrays.channel_names,
            column_names=(() if numbers else arrays.channel_names) or arrays.column_names,
            number_names=tuple(numbers.columns),
            category_names=numbers.categories,
            empty_names=numbers.empty,
        )

    @classmethod
    def found_in(
        cls, X: object, input_type: str = "auto", time_channel: int | str | None = None
    ) -> tuple[Self, Sequences]:
        """Read X as the classifier's parameters say, and decide how every other X is read.

        Parameters
        ----------
        X : sparse matrix, array, data frame, column of lists or list of arrays
            A data frame with one column of sequences may have columns of numbers and categories
            too.
        input_type, time_channel
            Parameters of the classifier.
        """
        arrays = read_arrays(X, input_type, time_channel)
        sequences = read_sequences(arrays, input_type)
        kind = find_kind(arrays.steps, sequences, input_type)
        if input_type == "auto":
            warn_of_another_reading(X, arrays, sequences)
        return cls.of(arrays, sequences, kind, input_type), sequences

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
        notes = ["1 channel" if self.n_channels == 1 else f"{self.n_channels:,} channels"]
        if self.gappy:
            notes.append(f"{len(self.gappy):,} with missing values")
        if self.time_channel is not None:
            notes.append(f"time in channel {self.time_channel}")
        return ", ".join(notes)

    def read(self, X: Any) -> Sequences:
        """Read X in this format.

        Raises
        ------
        TypeError, ValueError
            If X has another format.

        Warns
        -----
        MissingValuesWarning
            If values are missing in a channel that had all of them, or a column lost all it had.
        """
        is_read = isinstance(X, Sequences) and self.n_channels is None  # by a `TextReader`
        sequences: Sequences = X if is_read else self._read(X)
        check_numbers(sequences.numbers, self.number_names, self.category_names)
        empty = {*sequences.numbers.empty} - {*self.empty_names, *self.category_names}
        _warn_of_gaps("no value in columns that had some", empty)
        return sequences

    def _read(self, X: Any) -> Sequences:
        """Read X, whatever the columns beside its sequences are."""
        names = column_names(X)
        if self.column_names and not self.channel_names:
            check_same_columns(names, self.column_names)
        if self.channel_names and {*self.channel_names} <= {*names}:
            raise InvalidSequencesError(
                f"X is one data frame, but fit saw a list: of one series pass [frame]. {LONG_TABLE}"
            )
        arrays = read_arrays(X, self.input_type, self.time_channel, self.channel_names)
        if self.channel_names and not (names or any(map(names_of, X))):
            warn_user(
                "X does not have valid feature names, but LSTMSequenceClassifier was fitted with "
                f"feature names: its channels have to be {reprlib.repr([*self.channel_names])}."
            )
        has_gaps = bool(self.gappy)
        sequences = read_sequences(arrays, self.input_type, self.n_channels, has_gaps=has_gaps)
        found = self.of(arrays, sequences, self.kind, self.input_type)
        has_width = self.has_fixed_width and found.has_fixed_width
        if has_width and found.n_features != self.n_features and not isinstance(X, list | tuple):
            raise InvalidSequencesError(
                f"X has {found.n_features} features, but LSTMSequenceClassifier is expecting "
                f"{self.n_features} features as input. Pass series of another length in a list."
            )
        is_new_table = self.n_channels and found.has_fixed_width and not self.has_fixed_width
        if is_new_table and found.n_features == 1 < len(sequences):
            told = "Each row of X is read as a series of one step. If X is one series, pass [X]."
            warn_user(told, InputTypeWarning)
        shown = self.channel_names or range(len(sequences.has_missing))
        new = {shown[channel] for channel in {*found.gappy} - {*self.gappy}}
        _warn_of_gaps("missing values in channels that had none", new)
        return sequences


def _warn_of_gaps(found: str, new: set[Any]) -> None:
    if new:
        warn_user(
            f"X has {found} at fit: {reprlib.repr(sorted(new))}. The last value before, or the "
            "mean, is read.",
            MissingValuesWarning,
        )
