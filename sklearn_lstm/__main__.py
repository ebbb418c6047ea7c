"""The command ``sklearn-lstm``: tables of texts, as pandas reads them -> models, labels, scores.

A command imports what it needs: `predict` no torch, and help the standard library alone.
"""

# ruff: noqa: PLC0415

import csv
import gzip
import json
import os
import sys
import warnings
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from ast import literal_eval
from codecs import BOM_UTF8
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

import sklearn_lstm
from sklearn_lstm.exceptions import imported

# Missing values and booleans beside the texts, as for pandas.
MISSING = ["", "NA", "N/A", "n/a", "<NA>", "#N/A", "NaN", "nan", "NULL", "null", "None"]
VALUES: dict[str, bool | None] = {
    **dict.fromkeys(MISSING),
    **dict.fromkeys(["True", "TRUE", "true"], True),
    **dict.fromkeys(["False", "FALSE", "false"], False),
}
NUMBERS_ADVICE = "Write numbers as 1200.5"


# --- The commands


def fit(options: Namespace) -> None:
    """Fit a model to texts and their labels, and store it."""
    from sklearn_lstm.storage.file import target_of

    target_of(options.output)  # before a fit that could not be stored
    options.columns = [options.text, *options.beside]
    if len({options.label, *options.columns}) <= len(options.columns):
        raise ValueError("--text, --label and --beside name a column twice")
    table = read_all(options)

    from sklearn.pipeline import make_pipeline

    from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer, io
    from sklearn_lstm.data.numbers import recur

    classifier = LSTMSequenceClassifier(encoder=options.encoder, random_state=options.seed)
    classifier.set_params(verbose=int(sys.stderr.isatty()))
    model = make_pipeline(TextSequenceVectorizer(), classifier)
    names = {key.partition("__")[2]: key for key in model.get_params()}
    if unknown := {*dict(options.set)} - {*names}:
        raise ValueError(f"--set has {[*unknown]}, but parameters are {sorted(names)[1:]}")
    model.set_params(**{names[name]: value for name, value in options.set})
    words = {name: no_numbers(options, table[name]) for name in options.beside}
    options.categories = [name for name in words if len(words[name])]
    for name in options.categories:
        if not recur([*table[name].dropna()]):
            found = f"neither numbers nor categories that recur: {words[name].iloc[0]!r}"
            raise ValueError(f"{name!r} holds {found}. {NUMBERS_ADVICE}")
    groups = {"lstmsequenceclassifier__groups": table[options.groups]} if options.groups else {}
    model.fit(inputs(options, table), table[options.label].tolist(), **groups)
    model[0]._columns = tuple(options.columns)  # noqa: SLF001 - of one column alone, too
    io.save(model, options.output)
    classes = table[options.label].value_counts()
    found = f"{len(table):,} rows, {len(classes)} classes, the largest {classes[:5].to_dict()}"
    found += f", categories {options.categories}" if options.categories else ""
    n_empty = model[0].coverage_["n_empty_texts"]
    found += f", {n_empty:,} texts without a word" if n_empty else ""
    print(f"{found}: {options.output}", file=sys.stderr)


def predict(options: Namespace) -> None:
    """Print the label of each text, as CSV."""
    model, pd, n_before = stored_model(options), options.pandas, 0
    names = model.classes_.astype(str).tolist() if options.proba else []
    header: Any = ["label", *names]
    for part in read_parts(options, n_rows=1_000):
        proba = model.predict_proba(inputs(options, part))
        labels = model._fitted.labels_of(proba)  # noqa: SLF001
        columns = [labels, *proba.T[: len(names)]]
        pd.DataFrame(dict(enumerate(columns))).to_csv(sys.stdout, index=False, header=header)
        header = False
        n_before += len(part)
        options.place = f"sklearn-lstm predict {options.data}, from row {n_before:,} on"
    if header:  # no rows
        pd.DataFrame(columns=header).to_csv(sys.stdout, index=False)


def evaluate(options: Namespace) -> None:
    """Print precision, recall and F1 of each class, and the log loss."""
    from sklearn.metrics import classification_report, log_loss

    model, table = stored_model(options), read_all(options)
    labels, classes = table[options.label].tolist(), model.classes_.astype(str).tolist()
    if unknown := sorted({*labels} - {*classes}):
        found = f"but not {len(unknown)} of the table, {unknown[:5]}: leave such rows out"
        raise ValueError(f"The model has the labels {classes!s:.200}, {found}")
    proba = model.predict_proba(inputs(options, table))
    predicted = model._fitted.labels_of(proba).astype(str)  # noqa: SLF001
    print(classification_report(labels, predicted, zero_division=0))
    loss = log_loss([*map(classes.index, labels)], proba, labels=range(len(classes)))
    print(f"log loss {loss:.4f}")


def explain(options: Namespace) -> None:
    """Print what adds most to the score of the predicted class of each text."""
    from sklearn_lstm import inspection, io

    _, table = stored_model(options), read_all(options)
    model = io.load(options.model, encoder=options.encoder)
    print(*inspection.explain(model, inputs(options, table)), sep="\n")


def stored_model(options: Namespace) -> Any:
    """Return the stored model, which also says which columns it reads."""
    model = sklearn_lstm.Predictor.load(options.model, encoder=options.encoder)
    reader, form = model._reader, model._fitted.input_format  # noqa: SLF001
    if reader is None or len(model.thresholds_) > 1:
        raise ValueError(f"{options.model} reads no texts, or has several labels: use Python")
    options.beside, options.categories = form.number_names, form.category_names
    names, text = reader.columns or ["text"], options.text
    options.columns = [name if name in options.beside else text or name for name in names]
    return model


# --- Tables


def inputs(options: Namespace, table: Any) -> Any:
    """Return the X in a table."""
    types = dict.fromkeys(options.beside, float) | dict.fromkeys(options.categories, "category")
    for name in {*options.beside} - {*options.categories}:
        if len(words := no_numbers(options, table[name])):
            raise ValueError(f"{name!r} holds no number: {words.iloc[0]!r}. {NUMBERS_ADVICE}")
    return table[options.columns].astype(types) if options.beside else table[options.columns[0]]


def no_numbers(options: Namespace, column: Any) -> Any:
    """Return what a column holds that is no number, nor missing."""
    known = column.dropna()
    return known[options.pandas.to_numeric(known.astype(object), errors="coerce").isna()]  # dates


def read_all(options: Namespace) -> Any:
    """Return the whole table."""
    if not (parts := [*read_parts(options, n_rows=2**31 - 1)]):
        raise ValueError("The table has no rows")
    return options.pandas.concat(parts, ignore_index=True)


def read_parts(options: Namespace, n_rows: int) -> Iterator[Any]:
    """Yield the table, some rows at a time; labels and groups are strings, None if empty."""
    labels = [*{options.label, options.groups} - {None}]
    with opened(options.data) as file:
        first = file.peek(8).removeprefix(BOM_UTF8).lstrip()
        read = next((read for begin, read in READERS.items() if first.startswith(begin)), read_csv)
        for part in read(options, file, n_rows):
            if missing := sorted({*options.columns, *labels} - {*part}):
                raise ValueError(f"The table has no columns {missing}, but {[*part]}: see --help")
            if twice := [name for name in options.columns + labels if [*part].count(name) > 1]:
                raise ValueError(f"The table has several columns {twice}")
            part[labels] = part[labels].astype("string").replace({"": None})
            if (is_missing := part[labels].isna().any(axis=1)).any():
                found = f"{is_missing.sum():,} rows have no {' or no '.join(labels)}"
                row = 1 + is_missing.to_numpy().argmax()
                raise ValueError(f"{found}, the first is row {row} of the data: leave them out")
            for name in {*options.columns} - {*options.beside}:
                part[name] = part[name].fillna("")
            if len(part):
                yield part


def read_csv(options: Namespace, file: Any, n_rows: int) -> Iterator[Any]:
    """Yield the rows of CSV, all strings; its delimiter is the one that the header has most of."""
    delimiter = chr(max(b",;\t|", key=file.peek(1).lstrip().partition(b"\n")[0].count))
    with TextIOWrapper(file, "utf-8-sig", newline="") as lines:
        rows = rows_of(lines, delimiter)
        names = next(rows, [])
        part: list[list[str]] | None = []  # whose columns are checked without a row, too
        while part is not None:
            table = options.pandas.DataFrame(part, columns=names, dtype=object)
            for name in {*options.beside} & {*names}:
                table[name] = [VALUES.get(cell, cell) for cell in table[name]]
            yield table
            part = [*islice(rows, n_rows)] or None


def rows_of(lines: TextIOWrapper, delimiter: str) -> Iterator[list[str]]:
    """Yield the header and the rows of CSV, all of the length of the header."""
    csv.field_size_limit(2**31 - 1)  # a text may be long
    reader, n_fields, n_lines = csv.reader(lines, delimiter=delimiter, strict=True), 0, 0
    try:
        for row in reader:
            n_fields = n_fields or len(row)
            if len(row) > n_fields:
                refuse_row(n_lines + 1, f"{len(row)} fields, the header {n_fields}")
            if row or n_fields == 1:  # a blank line of texts alone is a text
                yield row + [""] * (n_fields - len(row))
            n_lines = reader.line_num
    except csv.Error as error:
        refuse_row(n_lines + 1, f"a quote that does not end it ({error})")


def refuse_row(line: int, found: str) -> NoReturn:
    """Raise the error for a row of CSV that can be read in several ways."""
    raise ValueError(
        f"The row from line {line} on has {found}. Put texts in quotes, and double those in them: "
        '"It\'s ""new"", she said". A file without quotes: pd.read_csv(path, sep="\\t", quoting=3)'
        ".to_csv(new_path, index=False)"
    )


def read_json(options: Namespace, file: Any, n_rows: int) -> Iterator[Any]:
    """Yield the rows of JSON lines."""
    while lines := [*islice(filter(bytes.strip, file), n_rows)]:
        if lines[0].lstrip().startswith((b"[", b"{\n")) or b'":{"0":' in lines[0]:
            found = "These are no JSON lines, such as frame.to_json(path, orient='records', "
            raise ValueError(f"{found}lines=True) writes. jq -c '.[]' makes them of an array")
        records = json.loads(f"[{b','.join(lines).decode('utf-8-sig')}]")
        yield options.pandas.DataFrame(records, dtype=object)


def read_parquet(_: Namespace, file: Any, n_rows: int) -> Iterator[Any]:
    """Yield the rows of a Parquet file."""
    table = imported("pyarrow.parquet", "A Parquet file").ParquetFile(file)
    return (batch.to_pandas() for batch in table.iter_batches(n_rows))


READERS = {b"PAR1": read_parquet, b"{": read_json, b"[": read_json}  # by how a file begins


@contextmanager
def opened(data: str) -> Iterator[Any]:
    """Open the file to read, perhaps a gzipped one; the standard input for -."""
    stdin: Any = nullcontext(sys.stdin.buffer)
    with stdin if data == "-" else Path(data).open("rb") as file:
        yield gzip.GzipFile(fileobj=file) if file.peek(2).startswith(b"\x1f\x8b") else file


# --- Options and exit codes


def setting(text: str) -> tuple[str, object]:
    """Return the name and the value of a parameter, as in Python, else a string."""
    name, is_named, value = text.partition("=")
    if not (name and is_named):
        raise ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    with suppress(ValueError, SyntaxError):
        return name, literal_eval(value)
    return name, value


def name_or_folder(text: str) -> str | Path:
    """Return the name of an encoder as it is, else a folder, whether it is there or not."""
    return text if text.isidentifier() and not Path(text).is_dir() else Path(text)


def make_parser() -> ArgumentParser:
    """Return the parser of all commands."""
    parser = ArgumentParser("sklearn-lstm", description="Classify the texts of a table.")
    parser.add_argument("--version", action="version", version=sklearn_lstm.__version__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for run in (fit, predict, evaluate, explain):
        command = commands.add_parser(run.__name__, help=run.__doc__, description=run.__doc__)
        command.set_defaults(run=run, label=None, groups=None, categories=())
        add = command.add_argument
        if run is not fit:
            add("model", help="the file that fit has written")
        add("data", help="CSV, JSON lines, both also gzipped, or Parquet; - reads a pipe")
        add("--text", default="text" if run is fit else None, help="the column of texts (text)")
        add("--encoder", type=name_or_folder, help="name or folder")
        if run in {fit, evaluate}:
            add("--label", default="label", help="the column of labels (label)")
        if run is predict:
            add("--proba", action="store_true", help="print the probability of each class too")
        if run is fit:
            add("--output", required=True, help="the file to write")
            add("--beside", action="append", default=[], help="a column of numbers or categories")
            add("--groups", help="the column of groups, each of which is held out as a whole")
            add("--seed", type=int, help="of random numbers")
            add("--set", type=setting, action="append", default=[], help="such as analyzer=char")
    return parser


def main(argv: list[str] | None = None) -> None:
    """Run a command; an error ends the process."""
    options = make_parser().parse_args(argv)
    options.place = f"sklearn-lstm {options.run.__name__} {options.data}"
    warnings.formatwarning = lambda told, *_: f"{options.place}: {told}\n"
    try:
        options.pandas = imported("pandas", "sklearn-lstm")
        options.run(options)
        sys.stdout.flush()
    except (BrokenPipeError, KeyboardInterrupt):  # nobody reads on, as behind `| head -1`
        os._exit(130)  # Python's own end would write again
    except (EOFError, ImportError, OSError, TypeError, ValueError) as error:
        remedy = ". Store the table as CSV in UTF-8" * isinstance(error, UnicodeDecodeError)
        sys.exit(f"{options.place}: {' '.join(str(error).split())}{remedy}")


if __name__ == "__main__":
    main()
