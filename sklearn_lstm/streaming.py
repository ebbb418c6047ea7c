"""Fit to data that does not fit in memory: batches are read once, and kept on disk as numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sized
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any, TypeAlias, TypeVar

import numpy as np
from sklearn.pipeline import Pipeline

from sklearn_lstm.callback_support import CallbackTask
from sklearn_lstm.classifier import LSTMSequenceClassifier
from sklearn_lstm.data.arrays import Arrays
from sklearn_lstm.data.input_format import InputFormat
from sklearn_lstm.data.kinds import find_kind
from sklearn_lstm.data.numbers import NumberBatches, texts_and_numbers
from sklearn_lstm.data.reading import refuse_unknown
from sklearn_lstm.data.sequences import FlatSequences, Sequences
from sklearn_lstm.data.spelling import Spelling
from sklearn_lstm.fitting import TrainingData, fit_classifier, read_sequences
from sklearn_lstm.progress import ProgressBar
from sklearn_lstm.sklearn_internals import check_column_names, checked_parameters
from sklearn_lstm.stored_batches import LabelBatches, SequencesFile, StepsFile, TextsFile
from sklearn_lstm.targets.targets import Samples, Targets
from sklearn_lstm.targets.weights_and_groups import read_sample_weight
from sklearn_lstm.text.analysis import iterate_texts
from sklearn_lstm.text.id_matrix import cut_batches
from sklearn_lstm.vectorizer import TextSequenceVectorizer, fit_and_number

__all__ = ["fit_batches"]

Model = TypeVar("Model", LSTMSequenceClassifier, Pipeline)
Batch: TypeAlias = tuple[Any, ...]  # (X, y) or (X, y, sample_weight)
Numbered: TypeAlias = Iterator[tuple[int, Any]]  # the number of each batch, and its X


def fit_batches(
    model: Model, batches: Iterable[tuple[Any, ...]], *, folder: str | Path | None = None
) -> Model:
    """Fit a model to data that comes in batches, and need not fit in memory.

    The result is that of ``model.fit`` with the samples of all batches in their order, bit for
    bit. Each batch is read once, in order, and stored in files: 4 bytes for each token of a text, 4
    or 8 for each measurement. Only the vocabulary, a few numbers per sample, and the linear model
    are kept in memory. From large data, the linear model learns from a sample: see "Data that does
    not fit" in the documentation.

    Parameters
    ----------
    model : LSTMSequenceClassifier or Pipeline
        A classifier, or a Pipeline of a TextSequenceVectorizer and a classifier.
    batches : iterable of (X, y) or (X, y, sample_weight)
        Arguments of ``model.fit``, with any number of samples, or none. Iterators and generators
        are accepted.
    folder : str, Path or None, default=None
        The folder of the files while the model is fitted. They are removed afterwards, also after
        an error. None: the system's folder for temporary files, which is in memory on some
        machines.

    Returns
    -------
    model : LSTMSequenceClassifier or Pipeline
        The same object, fitted. After an error it is as it was before.

    Raises
    ------
    TypeError, ValueError
        As in ``model.fit``; also for any other kind of model, if there is no sample, if a batch is
        not such a tuple, if X can't be read like that of the first batch (floats after integers),
        and if y is of another kind. A note names the batch.

    See Also
    --------
    LSTMSequenceClassifier.partial_fit : Train for one epoch on further sequences.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
    >>> from sklearn_lstm.streaming import fit_batches
    >>> batches = [(["so bad", "good fun"], ["neg", "pos"]), (["good"], ["pos"])]
    >>> model = make_pipeline(TextSequenceVectorizer(), LSTMSequenceClassifier())
    >>> fit_batches(model, batches).predict(["so good"]).shape
    (1,)
    """
    old_vectorizer, old_classifier = _steps(model)
    vectorizer, classifier = copy(old_vectorizer), copy(old_classifier)
    parameters = checked_parameters(classifier)
    if folder is not None:
        Path(folder).mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as path:
        data = _read(batches, vectorizer, parameters, Path(path))
        fit_classifier(classifier, parameters, data, CallbackTask())
    first, fitted = old_vectorizer or old_classifier, (vectorizer or classifier).__dict__
    # Two stores in a row, without a call between them at which Ctrl-C could come.
    first.__dict__, old_classifier.__dict__ = fitted, classifier.__dict__
    return model


def _steps(
    model: LSTMSequenceClassifier | Pipeline,
) -> tuple[TextSequenceVectorizer | None, LSTMSequenceClassifier]:
    """Return the vectorizer of a model, if it has one, and its classifier.

    Raises
    ------
    TypeError
        For another model.
    ValueError
        For a vectorizer with another output than sparse.
    """
    steps = [step for _, step in model.steps] if isinstance(model, Pipeline) else [model]
    match steps:
        case [LSTMSequenceClassifier() as classifier]:
            return None, classifier
        case [TextSequenceVectorizer(output="sparse") as vectorizer, LSTMSequenceClassifier()]:
            return vectorizer, steps[1]
        case [TextSequenceVectorizer(output=output), LSTMSequenceClassifier()]:
            raise ValueError(
                f"fit_batches keeps ids without padding, but the vectorizer has output={output!r}. "
                "Leave it 'sparse', the default."
            )
    names = [type(step).__name__ for step in steps]
    raise TypeError(
        "fit_batches fits an LSTMSequenceClassifier, or a Pipeline of a TextSequenceVectorizer "
        f"and an LSTMSequenceClassifier; found {' and '.join(names)}. Apply other steps to "
        "the batches before."
    )


def _read(
    batches: Iterable[Batch],
    vectorizer: TextSequenceVectorizer | None,
    parameters: Mapping[str, Any],
    folder: Path,
) -> TrainingData:
    """Read all batches; the sequences are in files."""
    labels = LabelBatches()
    reading = _numbered(batches, labels, is_shown=parameters["verbose"] > 0)
    texts = None if parameters["encoder"] is None else TextsFile(folder / "texts")
    if vectorizer is None:
        input_format, sequences = _read_sequences(reading, parameters, folder, texts)
    else:
        texts = texts if vectorizer.input == "content" else None
        input_type = parameters["input_type"]
        input_format, sequences = _read_texts(reading, vectorizer, input_type, folder, texts)
    values, known, weights = labels.encoded()
    targets = Targets(values, read_sample_weight(weights, len(values)), known)
    samples = Samples(sequences, targets)
    return TrainingData.weighted(input_format, samples, parameters["class_weight"])


def _numbered(batches: Iterable[Batch], labels: LabelBatches, *, is_shown: bool) -> Numbered:
    """Yield the number and the X of each batch that holds a sample, and gather the labels.

    A bar shows how many rows were read.

    Raises
    ------
    TypeError, ValueError
        For what is no batch, for wrong labels, and if there is no sample at all.
    """
    n_batches = len(batches) if isinstance(batches, Sized) else None
    start = monotonic()
    with ProgressBar(is_shown=is_shown) as bar:
        for number, batch in enumerate(batches):
            with noted(number):
                is_batch = isinstance(batch, tuple | list)
                if not is_batch or len(batch) not in (2, 3):
                    size = f" of length {len(batch)}" if is_batch else ""
                    raise TypeError(
                        "A batch is (X, y) or (X, y, sample_weight), found a "
                        f"{type(batch).__name__}{size}."
                    )
                X, y, sample_weight = (*batch, None)[:3]
                X = list(X) if isinstance(X, Iterator) else X  # of texts, as `fit` reads it
                n_samples = _n_rows(X)
                if not n_samples and not _n_rows(y):
                    continue
                labels.add(n_samples, y, sample_weight)
            yield number, X
            rows, seconds = labels.n_samples, max(monotonic() - start, 1e-6)
            share = (number + 1) / n_batches if n_batches else 0.0
            bar.show(share, f"{rows:,} rows read, {rows / seconds:,.0f} a second")
    if not labels.n_samples:
        raise ValueError(
            "The batches hold no sample. If it is an iterator, it may have been read before: "
            "make a new one."
        )


@contextmanager
def noted(number: int) -> Iterator[None]:
    """Tell in an error which batch it is about."""
    try:
        yield
    except (TypeError, ValueError) as error:
        error.add_note(note_of(number))
        raise


def note_of(number: int) -> str:
    """Return the note that tells which batch an error is about."""
    return f"This is about batch {number} of fit_batches, counted from 0."


def _n_rows(values: Any) -> int:
    """Return how many rows a container has; None has none."""
    if values is None:
        return 0
    shape = getattr(values, "shape", None)
    return int(shape[0]) if shape else len(values)


def _read_texts(
    reading: Numbered,
    vectorizer: TextSequenceVectorizer,
    input_type: str,
    folder: Path,
    texts: TextsFile | None,
) -> tuple[InputFormat, Sequences]:
    """Fit the vectorizer to all texts, and return their ids.

    As in `fit_transform`, texts are read once, and kept until the vocabulary is known.
    """
    tokens, file = StepsFile(folder / "tokens", np.int32), StepsFile(folder / "ids", np.int32)
    beside, place = NumberBatches(), list[str]()
    documents = _documents(reading, texts, beside, place)
    try:
        batches, ids = fit_and_number(vectorizer, documents, tokens)
    except Exception as error:
        for note in place:
            error.add_note(note)
        raise
    numbers = beside.joined()
    vectorizer._columns = numbers.names or None  # noqa: SLF001 - a copy, whose fit has ended
    max_length = vectorizer.max_length_
    for batch in cut_batches(batches, max_length, vectorizer.truncation):
        file.append(batch)
    tokens.path.unlink()
    X = vectorizer.transform([])
    spelling = Spelling(ids.vocabulary, list(ids.unknown), X.joiner)
    known = {"spelling": spelling, "as_written": texts, "numbers": numbers}
    sequences = FlatSequences(file.values(), file.lengths(), **known)
    kind, arrays = find_kind(X, sequences, input_type), Arrays(X, (), (), None, None, numbers)
    return InputFormat.of(arrays, sequences, kind, input_type), sequences


def _documents(
    reading: Numbered, texts: TextsFile | None, beside: NumberBatches, place: list[str]
) -> Iterator[object]:
    """Yield all documents, write those that are texts into a file, and gather the numbers.

    The place says which batch those are from that the vectorizer reads.
    """
    n_documents = 0
    for number, X in reading:
        with noted(number):
            column, numbers = texts_and_numbers(X)
            documents = list(iterate_texts(column))
            beside.add(numbers)
        if texts is not None:
            texts.add([str.__str__(text) if isinstance(text, str) else None for text in documents])
        place.append(f"{note_of(number)} Its first text is X[{n_documents}].")
        yield from documents
        n_documents += len(documents)
        place.clear()


def _read_sequences(
    reading: Numbered, parameters: Mapping[str, Any], folder: Path, texts: TextsFile | None
) -> tuple[InputFormat, Sequences]:
    """Write all sequences to disk."""
    first = unknown = None
    shapes, has_lists = set[tuple[int, bool]](), False
    for number, X in reading:
        with noted(number):
            if first is None:
                first, (input_format, _) = X, read_sequences(parameters, X, is_batch=True)
            check_column_names(X)
            found, sequences = input_format.read_beside(X)
            if not shapes:
                file = SequencesFile(folder / "sequences", sequences, texts)
            input_format = replace(input_format, channel_names=found.channel_names)
            has_lists |= isinstance(X, list | tuple)
            shapes.add((found.n_features, found.has_fixed_width))
            file.add(sequences)
            if unknown is None and sequences.unknown_row is not None:
                unknown = number, sequences.unknown_row
    stored = file.stored(input_format.time_channel)
    if unknown and not stored.has_missing.any():
        number, row = unknown
        with noted(number):
            refuse_unknown(row)
    n_features, is_table = max(shapes)
    if has_lists and len(shapes) > 1:  # as one list, they are no table
        n_features, is_table = 1, False
    is_guess = input_format.refuses_floats
    input_format = replace(
        input_format,
        input_type=find_kind(first, stored, "auto").name if is_guess else input_format.input_type,
        n_features=n_features,
        has_fixed_width=is_table and not is_guess,
        gappy=tuple(np.flatnonzero(stored.has_missing).tolist()),
        category_names=stored.numbers.categories,
        column_names=input_format.channel_names or input_format.column_names,
        refuses_floats=False,
    )
    return input_format, stored
