"""Tables of results: CSV files whose rows are written one by one, so that a run can be resumed."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path

Key = tuple[str, ...]


def add_row_options(parser: argparse.ArgumentParser, keys: Sequence[Key]) -> None:
    """Add the options that say which rows are run, and which table they are written to."""
    parser.add_argument(
        "--model",
        action="append",
        choices=list(dict.fromkeys(key[-1] for key in keys)),
        metavar="MODEL",
        help="run these rows alone (repeatable)",
    )
    parser.add_argument("--table", type=Path, help="CSV file whose rows are replaced")
    parser.add_argument("--missing", action="store_true", help="run only rows the table lacks")


class ResultsTable:
    """A CSV file with one row for each key.

    Parameters
    ----------
    path : Path or None
        None: nothing is read or written.
    header : sequence of str
        Names of the columns; the first ones are the key. Columns that a row of the file lacks, as
        it is older than they are, are empty.
    keys : sequence of tuple of str
        All keys in the order of the rows. Rows with other keys come last.
    """

    def __init__(self, path: Path | None, header: Sequence[str], keys: Sequence[Key]) -> None:
        self.path = path
        self.header = header
        self.keys = {key: position for position, key in enumerate(keys)}
        self.n_key_columns = len(keys[0])

    def rows(self) -> dict[Key, list[str]]:
        """Return the rows that the file has."""
        if self.path is None or not self.path.exists():
            return {}
        with self.path.open(encoding="utf-8", newline="") as lines:
            return {tuple(row[: self.n_key_columns]): row for row in list(csv.reader(lines))[1:]}

    def put(self, row: Sequence[str]) -> None:
        """Add a row to the file, or replace the row of the same key."""
        if self.path is None:
            return
        rows = self.rows() | {tuple(row[: self.n_key_columns]): list(row)}
        ordered = sorted(rows, key=lambda key: self.keys.get(key, len(self.keys)))
        with self.path.open("w", encoding="utf-8", newline="") as lines:
            writer = csv.writer(lines, lineterminator="\n")
            writer.writerow(self.header)
            for key in ordered:
                writer.writerow(rows[key] + [""] * (len(self.header) - len(rows[key])))
