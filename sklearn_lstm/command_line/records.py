"""CSV, JSON lines or plain lines -> records, in batches -> sequences and labels."""

from __future__ import annotations

import csv
import json
import math
import sys
from argparse import Namespace
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.containers import LARGEST
from sklearn_lstm.exceptions import CommandError, UsageError
from sklearn_lstm.field_checks import check_fields
from sklearn_lstm.progress import ProgressBar

FORMATS = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
MOST_BYTES = 2**20  # that are read at once; a pipe gives what it holds
LARGEST_BATCH = 1024
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
LONGEST_FIELD = 2**31 - 1  # of CSV: the largest number that every system takes


@dataclass(frozen=True)
class Record:
    """A record, and where it begins.

    Parameters
    ----------
    file : str
    line : int
    fields : dict
        Values, by the names of the columns.
    """

    file: str
    line: int
    fields: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        if name not in self.fields:
            names = ", ".join(map(repr, self.fields))
            raise self.refusal(f"no column {name!r}, but {names}. --help lists the options for it")
        return self.fields[name]

    def refusal(self, reason: object) -> CommandError:
        """Return an error that says where the record is."""
        return CommandError(f"{self.file}, line {self.line}: {reason}")


class Lines(Iterator[str]):
    """The lines of a file as they come, without their ends.

    Parameters
    ----------
    file : BufferedReader
    name : str
    """

    def __init__(self, file: Any, name: str) -> None:
        self.file, self.name = file, name
        self.number = 0  # of the last line
        self.complete = deque[bytes]()  # the lines that need not be waited for
        self._rest: list[bytes] = []

    def __next__(self) -> str:
        if not self.complete:
            self._read()
        line = self.complete.popleft()
        self.number += 1
        if self.number == 1:
            line = line.removeprefix(BYTE_ORDER_MARK)
        try:
            return line.decode()
        except UnicodeDecodeError as error:
            raise Record(self.name, self.number, {}).refusal(
                f"byte {error.start + 1} is {line[error.start]:#04x}, which is no UTF-8. Convert "
                "the file, for example with iconv -f WINDOWS-1252 -t UTF-8"
            ) from None

    def _read(self) -> None:
        """Read until a line is complete, or the file ends."""
        while chunk := self.file.read1(MOST_BYTES):
            first, *lines = chunk.split(b"\n")
            self._rest.append(first)
            if lines:
                self.complete.append(b"".join(self._rest))
                self._rest = [lines.pop()]
                self.complete.extend(lines)
                return
        last = b"".join(self._rest)
        if not last:
            raise StopIteration
        self.complete.append(last)
        self._rest = []


def read_records(options: Namespace, sequence: str) -> Iterator[list[Record]]:
    """Yield the records that have come, at most `LARGEST_BATCH` at a time.

    Those before a record that can't be read come before its error.

    Parameters
    ----------
    options : argparse.Namespace
        `data`, `format` and `delimiter`.
    sequence : str
        The name of what stands in a line that names no columns.
    """
    name = "standard input" if options.data == "-" else options.data
    batch, n_records = list[Record](), 0
    with sys.stdin.buffer if options.data == "-" else Path(name).open("rb") as file:
        size = 0 if options.data == "-" else Path(name).stat().st_size
        is_shown = size and sys.stderr.isatty() and not sys.stdout.isatty() and find_spec("tqdm")
        lines = Lines(file, name)
        with ProgressBar(is_shown=bool(is_shown)) as bar:
            try:
                for record in _records(lines, options, sequence):
                    batch.append(record)
                    if len(batch) == LARGEST_BATCH or not lines.complete:
                        yield batch
                        batch, n_records = [], n_records + len(batch)
                        bar.show(file.tell() / size if size else 0, f"{n_records:,} records")
            except CommandError:
                yield batch
                raise
            yield batch


def _records(lines: Lines, options: Namespace, sequence: str) -> Iterator[Record]:
    suffix = Path(lines.name).suffix.lower()
    form = options.format or ("csv" if options.delimiter else FORMATS.get(suffix, "lines"))
    if form == "csv":
        yield from _csv(lines, options.delimiter or ("\t" if suffix == ".tsv" else ","))
        return
    for line in lines:
        record = Record(lines.name, lines.number, {sequence: line.removesuffix("\r")})
        if form == "lines":
            yield record
        elif line.strip():
            try:
                value = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise record.refusal(f"no JSON ({error}). Each line has to be a value") from None
            yield replace(record, fields=value if isinstance(value, dict) else {sequence: value})


def _csv(lines: Lines, delimiter: str) -> Iterator[Record]:
    csv.field_size_limit(LONGEST_FIELD)
    names, delimiter = list[str](), delimiter.replace("\\t", "\t")
    ended = (f"{line}\n" for line in lines)
    try:
        rows = csv.reader(ended, delimiter=delimiter, strict=True)
    except TypeError:
        raise UsageError(f"--delimiter takes one character, found {delimiter!r}") from None
    record = Record(lines.name, 1, {})
    try:
        for row in rows:
            if not names:
                names = row
                if len({*names}) < len(names):
                    raise record.refusal(f"a name comes twice in the header {names}")
            elif len(row) not in (0, len(names)):
                raise record.refusal(
                    f"{len(row)} fields, but the header has {len(names)}. Put quotes around a "
                    "field that contains the delimiter, or set --delimiter"
                )
            elif row:
                yield replace(record, fields=dict(zip(names, row, strict=True)))
            record = replace(record, line=lines.number + 1)
    except csv.Error as error:
        remedy = "Quotes go around a whole field, and are doubled inside it"
        raise record.refusal(f"this record is no CSV ({error}). {remedy}") from None


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
