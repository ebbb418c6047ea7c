"""Records -> sequences and labels."""

from __future__ import annotations

import json
import math
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.command_line.records import Record
from sklearn_lstm.data.containers import LARGEST
from sklearn_lstm.exceptions import UsageError
from sklearn_lstm.fields import check_fields


@dataclass(frozen=True)
class Table:
    """A data frame, as far as models read one.

    Parameters
    ----------
    by_name : dict of str to ndarray of shape (n_records,)
    """

    by_name: dict[str, NDArray[Any]]

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return list(self.by_name)

    def get_columns(self) -> list[NDArray[Any]]:
        """Return the columns."""
        return list(self.by_name.values())


@dataclass(frozen=True)
class Columns:
    """Which columns a model has learned from; its file keeps them.

    Parameters
    ----------
    sequence : str
        The column of the texts or series.
    is_series : bool
    label : str
    separator : str
        What stands between several labels; "": each record has one.
    label_names : tuple of str
        Of several labels.
    numbers : tuple of str
        The columns of numbers beside the sequence.
    """

    sequence: str = "text"
    is_series: bool = False
    label: str = "label"
    separator: str = ""
    label_names: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()

    @classmethod
    def stored(cls, content: Mapping[str, Any]) -> Self:
        """Return the columns in the tree of a model file; Python stores a model without any.

        Raises
        ------
        ValueError
            If they are of another form.
        """
        if "columns" not in content:
            is_series = content["class"] == "LSTMSequenceClassifier"
            return cls("series" if is_series else "text", is_series)
        values = dict(content["columns"])
        values |= {name: tuple(values.get(name, ())) for name in ("label_names", "numbers")}
        check_fields(cls, values)
        return cls(**values)

    def changed(self, options: Namespace) -> Self:
        """Return these columns but for those that the options name."""
        if options.text and options.series:
            raise UsageError("a model reads --text or --series, not both")
        given = {name: getattr(options, name, None) for name in ("label", "separator", "numbers")}
        given["numbers"] = given["numbers"] and tuple(given["numbers"])
        if options.text or options.series:
            sequence = options.text or options.series
            given |= {"sequence": sequence, "is_series": bool(options.series)}
        return replace(self, **{name: value for name, value in given.items() if value is not None})

    def read_sequences(self, records: Sequence[Record]) -> object:
        """Return the sequences of records, with the numbers beside them."""
        sequences = list(map(self.read_sequence, records))
        if not self.numbers:
            return sequences
        columns = {self.sequence: np.fromiter(sequences, np.object_, len(sequences))}
        for name in self.numbers:
            columns[name] = np.array([_number(record, name) for record in records])
        return Table(columns)

    def read_sequence(self, record: Record) -> str | NDArray[np.float64]:
        """Return the text of a record, or its series, an array of float64."""
        value = record[self.sequence]
        if isinstance(value, str) and not self.is_series:
            return value
        reason: object = f"found {json.dumps(value):.50}"
        if self.is_series:
            try:
                series = np.asarray(value, np.float64)  # null becomes NaN
            except (TypeError, ValueError, OverflowError) as error:
                reason = error
            else:
                if (np.abs(series) > LARGEST).any():
                    reason = "it holds infinity, or a number that is too large"
                elif series.ndim in (1, 2):
                    return series
        kind = "list of numbers, or of lists of one length" if self.is_series else "text"
        raise record.refusal(f"{self.sequence!r} is no {kind}: {reason}")

    def read_label(self, record: Record) -> Any:
        """Return the label of a record, or the list of its labels."""
        value = record[self.label]
        labels = value if self.separator and isinstance(value, list) else [value]
        if any(one is None or isinstance(one, list | dict) for one in labels) or (
            value == "" and not self.separator
        ):
            found = f"{self.label!r} is {json.dumps(value)}, but no label"
            raise record.refusal(f"{found}. Leave out such records; --separator reads several")
        if not self.separator:
            return value
        names = labels if isinstance(value, list) else name_of(value).split(self.separator)
        return [name for label in names if (name := name_of(label).strip())]

    def read_truth(self, record: Record, names: list[str]) -> list[bool]:
        """Return which of the classes with these names are true of a record."""
        label = self.read_label(record)
        labels = label if self.separator else [name_of(label)]
        if unknown := [name for name in labels if name not in names]:
            known = ", ".join(map(repr, names[:10]))
            raise record.refusal(f"the model has no class {unknown[0]!r}, but {known}")
        return [name in labels for name in names]


def _number(record: Record, name: str) -> float:
    """Return a number of a record, NaN if it is missing."""
    value = record[name]
    try:
        number = math.nan if value in (None, "") else float(value)
        reason = f"{number} is too large"
    except (TypeError, ValueError, OverflowError) as error:
        number, reason = math.inf, str(error)
    if np.abs(number) > LARGEST:
        raise record.refusal(f"{name!r} is no number ({reason})")
    return number


def name_of(label: object) -> str:
    """Return the name of a class, as it is printed, and written in files."""
    return label if isinstance(label, str) else json.dumps(label)
