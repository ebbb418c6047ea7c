"""Files of records, as they come -> X and y: CSV, JSON lines or plain lines."""

# ruff: noqa: PLC0415

import csv
import json
import re
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, Self

FORMATS = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
MOST_BYTES = 2**16  # that are read at once: a batch; a pipe gives what it holds
WHOLE = re.compile(r"^(-?\d+)\.0+$")  # 1.0 of CSV is the class 1
REMEDIES: dict[type[Exception], str] = {
    UnicodeDecodeError: "Make it UTF-8, such as by iconv -f WINDOWS-1252 (or UTF-16) -t UTF-8",
    csv.Error: "Lines end with \\n or \\r\\n. Quotes go around a whole field, doubled inside",
    json.JSONDecodeError: "Each line has to be JSON; jq -c '.[]' makes lines of an array",
}


class CommandError(Exception):
    """Raised if a command can't use data or a model: where, what was found, and what to do."""


class Record(NamedTuple):
    """A record: the file and the line where it begins, and its values by their names."""

    place: str
    fields: Mapping[str, Any]


# --- Files to records


class Lines:
    """The lines of a file, as they come.

    Parameters
    ----------
    file : BufferedReader
    """

    def __init__(self, file: Any) -> None:
        self.file, self.number = file, 0
        self.n_left = 0  # that need not be waited for

    def __iter__(self) -> Iterator[str]:
        rest = b""
        while chunk := rest + self.file.read1(MOST_BYTES):
            if b"\n" not in chunk:
                chunk += self.file.readline() or b"\n"
            *lines, rest = chunk.split(b"\n")
            for self.n_left, line in zip(reversed(range(len(lines))), lines, strict=True):
                self.number += 1
                yield line.decode("utf-8-sig" if self.number == 1 else "utf-8") + "\n"


def read_records(options: Namespace, name: str) -> Iterator[list[Record]]:
    """Yield the records that have come, in batches; those before an error come before it.

    A value without a name gets this one.
    """
    source, batch, start = options.source, list[Record](), 1
    if options.data == "-" and sys.stdin is None:
        raise CommandError("the standard input is closed")
    with sys.stdin.buffer if options.data == "-" else Path(options.data).open("rb") as file:
        lines = Lines(file)
        try:
            for fields in parse(lines, options, name):
                if fields is not None:
                    batch.append(Record(f"{source}, line {start}", fields))
                start = lines.number + 1
                if not lines.n_left:
                    yield batch
                    batch = []
        except (ValueError, RecursionError, csv.Error) as error:
            yield batch
            remedy = [f". {text}" for kind, text in REMEDIES.items() if isinstance(error, kind)]
            reason = getattr(error, "msg", error)  # JSON's error names a line of its own
            raise CommandError(f"{source}, line {start}: {reason}{''.join(remedy)}") from None


def parse(lines: Lines, options: Namespace, name: str) -> Iterator[dict[str, object] | None]:
    """Yield the fields of records, None for what is none; a value without a name gets this one."""
    suffix = Path(options.data).suffix.lower()
    form = options.format or ("csv" if options.delimiter else FORMATS.get(suffix, "lines"))
    if form == "csv":
        yield from parse_csv(iter(lines), options.delimiter or "\t" * (suffix == ".tsv"))
        return
    for line in lines:
        if form == "lines":
            yield {name: line[:-1].removesuffix("\r")}
        elif not line.strip():
            yield None
        else:
            value = json.loads(line)
            if isinstance(value, list) and any(isinstance(one, dict) for one in value):
                raise json.JSONDecodeError("an array of records", line, 0)
            yield value if isinstance(value, dict) else {name: value}


def parse_csv(lines: Iterator[str], delimiter: str) -> Iterator[dict[str, object] | None]:
    """Yield the fields of records, None for the header and blank lines."""
    csv.field_size_limit(2**31 - 1)  # the largest number that every system takes
    header = next(filter(str.strip, lines), "")
    delimiter = delimiter or max(",;\t|", key=header.count)
    rows = csv.reader(chain([header], lines), delimiter=delimiter, strict=True)
    names = next(rows)
    if len({*names}) < len(names):
        raise ValueError(f"a name comes twice in the header {names}")
    yield None
    for row in rows:
        if row and len(row) != len(names):
            raise ValueError(
                f"{len(row)} fields, but the header has {len(names)}: {', '.join(names):.100}. Put "
                "quotes around a field that holds the delimiter, or set --delimiter"
            )
        yield dict(zip(names, row, strict=True)) if row else None


# --- Records to X and y


@dataclass(frozen=True)
class Table:
    """A data frame, as far as models read one.

    Parameters
    ----------
    columns : list of str
        Their names.
    arrays : list of ndarray of shape (n_records,) or Categories
    """

    columns: Sequence[str]
    arrays: Sequence[object]

    def get_columns(self) -> Sequence[object]:
        """Return the columns."""
        return self.arrays


class Categories(list[object]):
    """A column of categories, by its type."""

    dtype = "category"


@dataclass(frozen=True)
class Columns:
    """Which columns a model reads; its file keeps them.

    Parameters
    ----------
    sequence : str
        The column of the texts or series.
    label : str
    numbers, categories : list of str
        The columns of numbers, and of categories, beside the sequence.
    names : list of str
        Those of the data frame of `fit`, in its order; none if the sequences were alone.
    """

    sequence: str = "text"
    label: str = "label"
    numbers: list[str] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    @classmethod
    def stored(cls, content: Mapping[str, Any]) -> Self:
        """Return the columns in the tree of a model file.

        Raises
        ------
        ValueError
            If they are of another form.
        """
        from sklearn_lstm.storage.fields import check_fields

        values = content.get("columns", {})
        check_fields(cls, values)
        return cls(**values)

    def chosen(self, options: Namespace) -> Self:
        """Return the columns that options name, else these."""
        sequence = options.text or options.series or self.sequence
        return replace(self, sequence=sequence, label=options.label or self.label)

    def inputs_of(self, records: Sequence[Record]) -> object:
        """Return the X of records."""
        import numpy as np

        kinds = "a text, or a list as a series"
        X = np.fromiter(column(records, self.sequence, sequence_of, kinds), np.object_)
        wanted = "a number, such as 3.5, without a sign of money; fit --categories takes names"
        beside: dict[str, object] = {
            name: np.array(column(records, name, number_of, wanted)) for name in self.numbers
        } | {
            name: Categories(column(records, name, category_of, "a string"))
            for name in self.categories
        }
        arrays = [beside.get(name, X) for name in self.names]
        return Table(self.names, arrays) if arrays else X

    def labels_of(self, records: Sequence[Record]) -> object:
        """Return the y of records; of lists of labels, a column of 0 and 1 for each label."""
        import numpy as np

        y = column(records, self.label)
        if not any(isinstance(label, list) for label in y):
            return y
        y = column(records, self.label, strings_of, "a list of strings, as other records have one")
        names = sorted({*chain(*y)})
        if len(names) < 2:
            raise ValueError(f"a model of several labels needs two or more, found {names}")
        return Table(names, [np.array([name in labels for labels in y], int) for name in names])


def known(value: object) -> object:
    """Return a value, None for an empty field."""
    return None if value == "" else value


def column(
    records: Sequence[Record], name: str, read: Callable[[Any], Any] = known, wanted: str = ""
) -> list[Any]:
    """Return what a function makes of each value of a column.

    Raises
    ------
    ValueError
        If a record has no such column, or the function raises one; it names the row.
    """
    values = []
    for row, (_, fields) in enumerate(records):
        if name not in fields:
            names = ", ".join(map(repr, [*fields][:20])) or "none"
            advice = "See --format for records with columns, and --help for options that name them"
            raise ValueError(f"row {row}: no column {name!r}, but {names}. {advice}")
        try:
            values.append(read(fields[name]))
        except ValueError:
            found = f"{name!r} is {json.dumps(fields[name], ensure_ascii=False):.50}"
            raise ValueError(f"row {row}: {found}, but has to be {wanted}") from None
    return values


def sequence_of(value: object) -> object:
    """Return a text or a list."""
    if not isinstance(value, str | list):
        raise ValueError
    return value


def category_of(value: object) -> object:
    """Return a category, None if it is missing."""
    if isinstance(value, list | dict):
        raise ValueError
    return known(value)


def number_of(value: object) -> float:
    """Return a number, NaN if it is missing; booleans are 0 and 1."""
    text = str(value).lower().replace("_", "no number")  # 1_000 is none
    return float({"": "nan", "none": "nan", "true": "1", "false": "0"}.get(text, text))


def strings_of(value: object) -> object:
    """Return a list of labels."""
    if not (isinstance(value, list) and all(isinstance(one, str) and one for one in value)):
        raise ValueError
    return value


def truth_of(label: object, names: Sequence[str], *, is_several: bool) -> list[bool]:
    """Return which of the labels with these names a record has."""
    given = [*map(name_of, label)] if isinstance(label, list) else [name_of(label)]
    given = [name if name in names else WHOLE.sub(r"\1", name) for name in given]
    if label is None or isinstance(label, list) != is_several or not {*given} <= {*names}:
        raise ValueError
    return [name in given for name in names]


def name_of(label: object) -> str:
    """Return the name of a label, as it is printed, and written in files."""
    if isinstance(label, float) and label.is_integer():
        label = int(label)
    return label if isinstance(label, str) else json.dumps(label)
