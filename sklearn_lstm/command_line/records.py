"""Records of a file or of the standard input: CSV, JSON lines or plain lines, in batches."""

from __future__ import annotations

import csv
import json
import sys
from argparse import Namespace
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sklearn_lstm.exceptions import CommandError, UsageError
from sklearn_lstm.progress_bar import ProgressBar

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
