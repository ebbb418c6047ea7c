"""Fit to data that does not fit in memory: batches are read once, and kept in a file of numbers."""

import reprlib
from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray
from sklearn.pipeline import Pipeline

from sklearn_lstm.classifier import LSTMSequenceClassifier
from sklearn_lstm.data.arrays import Arrays
from sklearn_lstm.data.containers import column_names
from sklearn_lstm.data.input_format import InputFormat
from sklearn_lstm.data.kinds import find_kind
from sklearn_lstm.data.numbers import NO_NUMBERS, Numbers, texts_and_numbers
from sklearn_lstm.data.sequences import FlatSequences, Sequences
from sklearn_lstm.data.spelling import Spelling
from sklearn_lstm.exceptions import InvalidSequencesError
from sklearn_lstm.fitting import TrainingData, fit_classifier, read_at_fit
from sklearn_lstm.progress import ProgressBar
from sklearn_lstm.sklearn_internals import check_column_names, checked_parameters
from sklearn_lstm.targets.label_reading import read_labels
from sklearn_lstm.targets.labels import Labels
from sklearn_lstm.targets.targets import Samples, Targets, Weights
from sklearn_lstm.targets.weights_and_groups import read_sample_weight
from sklearn_lstm.text.analysis import TokenBatch, iterate_texts
from sklearn_lstm.text.id_matrix import cut_batches, fill_empty
from sklearn_lstm.text.vocabulary import FIRST_UNKNOWN, UNKNOWN, UnknownTokens
from sklearn_lstm.vectorizer import TextSequenceVectorizer, fit_and_number

__all__ = ["fit_batches"]

Model = TypeVar("Model", LSTMSequenceClassifier, Pipeline)
GO_ON = "call fit with as many samples as memory holds, and partial_fit with the others."


def fit_batches(
    model: Model, batches: Iterable[tuple[Any, ...]], *, folder: str | Path | None = None
) -> Model:
    """Fit a model to data that comes in batches, and need not fit in memory.

    The result is that of ``model.fit`` with the samples of all batches in their order, bit for
    bit. Each batch is read once, in order, and stored in a file: 4 bytes for each token of a text,
    4 or 8 for each measurement. Only the vocabulary, a few numbers per sample, and the linear model
    are kept in memory. From large data, the linear model learns from a sample.

    Parameters
    ----------
    model : LSTMSequenceClassifier or Pipeline
        A classifier without an encoder, perhaps in a Pipeline behind a TextSequenceVectorizer.
    batches : iterable of (X, y) or (X, y, sample_weight)
        Arguments of ``model.fit``, with any number of samples, or none. X has no columns beside the
        sequences. Iterators and generators are accepted.
    folder : str, Path or None, default=None
        The folder of the file while the model is fitted. It is removed afterwards, also after an
        error. None: the system's folder for temporary files, which is in memory on some machines.

    Returns
    -------
    model : LSTMSequenceClassifier or Pipeline
        The same object, fitted. After an error it is as it was before.

    Raises
    ------
    TypeError, ValueError
        As in ``model.fit``; also for any other kind of model, if there is no sample, if a batch is
        not such a tuple, if X can't be read like that of the first batch (fractions after
        integers), and if y is of another kind. A note names the batch.

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
    with TemporaryFile(dir=folder) as file:
        stream = Stream(batches, is_shown=classifier.verbose > 0)
        data = _read(stream, parameters, vectorizer, file)
        fit_classifier(classifier, parameters, data)
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
    TypeError, ValueError
        For another model, and for an encoder.
    """
    steps = [step for _, step in model.steps] if isinstance(model, Pipeline) else [model]
    match steps:
        case [*_, LSTMSequenceClassifier(encoder=encoder)] if encoder is not None:
            raise ValueError(f"fit_batches keeps no texts for an encoder: {GO_ON}")
        case [LSTMSequenceClassifier() as classifier]:
            return None, classifier
        case [TextSequenceVectorizer(output="sparse") as vectorizer, LSTMSequenceClassifier()]:
            return vectorizer, steps[1]
    raise TypeError(
        "fit_batches fits an LSTMSequenceClassifier, or a Pipeline of a TextSequenceVectorizer "
        f"(with output='sparse') and an LSTMSequenceClassifier; found {steps}. Apply other steps "
        "to the batches before."
    )


class Stream:
    """Batches, each of which is read once: X is handed on, and what y and weights say is kept.

    Parameters
    ----------
    batches : iterable of (X, y) or (X, y, sample_weight)
    is_shown : bool
        Whether a bar shows how many rows were read.

    Attributes
    ----------
    place : str
        Which batch is being read, for errors; "" if none is.
    """

    def __init__(self, batches: Iterable[tuple[Any, ...]], *, is_shown: bool) -> None:
        if not isinstance(batches, Iterable):
            found = f"batches is a {type(batches).__name__}, but has to be an iterable of (X, y)"
            raise TypeError(f"{found}. Call a function that yields them: function().")
        self._batches, self._is_shown = batches, is_shown
        self.n_samples, self.place = 0, ""
        self._first = ""  # what the labels of the first batch are
        self._names: tuple[str, ...] = ()
        # The labels of each batch, each once, and which of them each sample has.
        self._labels = list[NDArray[np.generic]]()
        self._places, self._weights = list[NDArray[np.integer]](), list[Weights]()

    def __iter__(self) -> Iterator[Any]:
        """Yield the X of each batch that holds a sample.

        Raises
        ------
        TypeError, ValueError
            For what is no batch, for wrong labels, and if there is no sample at all.
        """
        with ProgressBar(is_shown=self._is_shown) as bar:
            for number, batch in enumerate(self._batches):
                self.place = f"This is about batch {number} of fit_batches, counted from 0."
                if not isinstance(batch, tuple | list) or len(batch) not in (2, 3):
                    found = reprlib.repr(batch)
                    raise TypeError(f"A batch is (X, y) or (X, y, sample_weight), found {found}.")
                X, y, sample_weight = (*batch, None)[:3]
                X = list(X) if isinstance(X, Iterator) else X  # of texts, as `fit` reads it
                if self._add((getattr(X, "shape", None) or (len(X),))[0], y, sample_weight):
                    yield X
                self.place = ""
                bar.show(0.0, f"{self.n_samples:,} rows read")
        if not self.n_samples:
            raise ValueError("The batches hold no sample. An iterator can be read only once.")

    def _add(self, n_samples: int, y: object, sample_weight: object) -> bool:
        """Keep the labels and weights of a batch; return whether there are any."""
        names, y = column_names(y), read_labels(y)
        if len(y) != n_samples:
            raise ValueError(f"X holds {n_samples} sequences, but y holds {len(y)} labels.")
        if not n_samples:
            return False
        found = _describe(y, names)
        self._first, self._names = self._first or found, names
        if found != self._first:
            raise ValueError(
                f"y holds {found}, but the y of the first batch holds {self._first}. The labels of "
                "all batches have to be of one kind."
            )
        are_sets = y.ndim == 2
        labels, places = (y, np.arange(len(y))) if are_sets else np.unique(y, return_inverse=True)
        self._labels.append(labels)
        self._places.append(places.astype(np.min_scalar_type(len(labels))))
        self._weights.append(read_sample_weight(sample_weight, n_samples))
        self.n_samples += n_samples
        return True

    def targets(self) -> Targets:
        """Return the labels of all batches in small integers, and their weights."""
        labels = Labels.of(np.concatenate(self._labels), self._names)
        dtype = np.float32 if labels.is_multilabel else np.min_scalar_type(-len(labels))
        batches = zip(self._labels, self._places, strict=True)
        values = [labels.encode(found).astype(dtype)[places] for found, places in batches]
        return Targets(np.concatenate(values), np.concatenate(self._weights), labels)


def _describe(y: NDArray[np.generic], names: tuple[str, ...]) -> str:
    """Return what labels are; those that differ in this can't be sorted."""
    if y.ndim == 2:
        return f"{y.shape[1]} labels each" + f", {[*names]}" * bool(names)
    types = dict.fromkeys("biuf", "numbers") | dict.fromkeys("UO", "strings")
    return types.get(y.dtype.kind, f"labels of the type {type(y[0]).__name__}")


def _read(
    stream: Stream,
    parameters: Mapping[str, Any],
    vectorizer: TextSequenceVectorizer | None,
    file: BinaryIO,
) -> TrainingData:
    """Read all batches; the sequences are in the file."""
    try:
        if vectorizer is None:
            input_format, sequences = _read_sequences(stream, parameters, file)
        else:
            input_type = parameters["input_type"]
            input_format, sequences = _read_texts(stream, vectorizer, input_type, file)
    except (TypeError, ValueError) as error:
        if stream.place:
            error.add_note(stream.place)
        raise
    samples = Samples(sequences, stream.targets())
    return TrainingData.weighted(input_format, samples, parameters["class_weight"])


def refuse_numbers(numbers: Numbers) -> None:
    """Raise an error if there are columns beside the sequences."""
    if numbers:
        raise InvalidSequencesError(
            f"fit_batches does not keep the columns beside the sequences, {[*numbers.columns]}. "
            f"Leave them out, or {GO_ON}"
        )


class StepsFile:
    """Steps of sequences in a file, laid end to end. It grows batch by batch.

    Parameters
    ----------
    file : file
        Empty, and open for reading and writing.
    dtype : dtype, default=int32
    """

    def __init__(self, file: BinaryIO, dtype: DTypeLike = np.int32) -> None:
        self._file, self.dtype = file, np.dtype(dtype)
        self._lengths: list[NDArray[Any]] = []

    def append(self, batch: tuple[NDArray[Any], NDArray[Any]]) -> None:
        """Add the steps of some sequences, and their lengths; a text without a token is unknown."""
        steps, lengths = fill_empty(*batch, UNKNOWN)
        self._file.write(steps.astype(self.dtype).tobytes())
        self._lengths.append(lengths.astype(np.int32))

    def __iter__(self) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
        """Read the steps that were added, batch by batch."""
        stops = np.cumsum([lengths.sum() for lengths in self._lengths])
        return zip(np.split(self.values(), stops[:-1]), self._lengths, strict=True)

    def values(self) -> NDArray[Any]:
        """Return all values, as an array that is read from the file where it is used."""
        return np.asarray(np.memmap(self._file, self.dtype))

    def lengths(self) -> NDArray[np.int32]:
        """Return the steps of each sequence."""
        return np.concatenate(self._lengths)

    def rewritten(self, batches: Iterable[TokenBatch]) -> tuple[NDArray[Any], NDArray[np.int32]]:
        """Return the steps of batches and their lengths, stored in place of those they replace."""
        values, stop = self.values(), 0
        for number, (steps, lengths) in enumerate(batches):
            start, stop = stop, stop + len(steps)  # never beyond what was read
            values[start:stop] = steps
            self._lengths[number] = lengths
        return values[:stop], self.lengths()


class SequencesFile(StepsFile):
    """A file that sequences like the first ones are written into.

    Parameters
    ----------
    file : file
    first : Sequences
    """

    def __init__(self, file: BinaryIO, first: Sequences) -> None:
        are_ids, (steps, _) = first.n_channels is None, next(first.chunks())
        super().__init__(file, np.int32 if are_ids else np.result_type(steps, np.float32))
        self._spelling, self._unknown = _without_unknown(first.spelling), UnknownTokens()
        self._has_missing = first.has_missing

    def add(self, sequences: Sequences) -> None:
        """Add sequences that were read from a batch.

        Raises
        ------
        ValueError
            If their ids stand for other words than those before, or the type of the file can't hold
            their values; and for columns beside them.
        """
        refuse_numbers(sequences.numbers)
        if _without_unknown(sequences.spelling) != self._spelling:
            raise ValueError(
                "The ids of X stand for other tokens than those of the first batch, or only one of "
                "the two says which. Transform all texts with one fitted TextSequenceVectorizer, "
                "or pass fit_batches a Pipeline and the texts."
            )
        words = sequences.spelling.unknown_words if sequences.spelling else []
        numbers = np.array([self._unknown[word] for word in words], np.int32)
        self._has_missing = self._has_missing | sequences.has_missing
        for rows in sequences.chunks_of_rows():
            steps = sequences.read_spellings(rows)
            if sequences.n_channels is None:
                steps = steps.astype(np.int32)  # a small type may hold none that is negative
                is_unknown = steps <= FIRST_UNKNOWN
                steps[is_unknown] = numbers[FIRST_UNKNOWN - steps[is_unknown]]
            elif not np.can_cast(steps.dtype, self.dtype):
                raise ValueError(
                    f"X holds {steps.dtype}, but the file {self.dtype}, like the first batch. "
                    "Convert all batches to one type: X.astype(np.float64)."
                )
            self.append((steps, sequences.lengths[rows]))

    def stored(self, time_channel: int | None) -> FlatSequences:
        """Return what was written."""
        values, has_missing = self.values(), self._has_missing
        if len(has_missing):
            values = values.reshape(-1, len(has_missing))
        spelling = self._spelling and replace(self._spelling, unknown_words=list(self._unknown))
        known = {"has_missing": has_missing, "time_channel": time_channel}
        return FlatSequences(values, self.lengths(), spelling=spelling, **known)


def _without_unknown(spelling: Spelling | None) -> Spelling | None:
    return spelling and replace(spelling, unknown_words=[])


def _read_texts(
    stream: Stream, vectorizer: TextSequenceVectorizer, input_type: str, file: BinaryIO
) -> tuple[InputFormat, Sequences]:
    """Fit the vectorizer to all texts, and return their ids.

    As in `fit_transform`, texts are read once, and their tokens are kept until the vocabulary is
    known.
    """
    tokens = StepsFile(file)
    batches, ids = fit_and_number(vectorizer, _documents(stream), tokens)
    cut = cut_batches(batches, vectorizer.max_length_, vectorizer.truncation)
    X = vectorizer.transform([])
    spelling = Spelling(ids.vocabulary, list(ids.unknown))
    sequences = FlatSequences(*tokens.rewritten(cut), spelling=spelling)
    kind, arrays = find_kind(X, sequences, input_type), Arrays(X, (), (), None, None, NO_NUMBERS)
    return InputFormat.of(arrays, sequences, kind, input_type), sequences


def _documents(stream: Stream) -> Iterator[object]:
    """Yield all documents."""
    n_documents = 0
    for X in stream:
        texts, numbers = texts_and_numbers(X, None)
        refuse_numbers(numbers)
        documents = list(iterate_texts(texts))
        stream.place += f" Its first text is X[{n_documents}]."
        n_documents += len(documents)
        yield from documents


def _read_sequences(
    stream: Stream, parameters: Mapping[str, Any], file: BinaryIO
) -> tuple[InputFormat, Sequences]:
    """Write all sequences into the file."""
    first, shapes = None, set[tuple[int, bool]]()
    for X in stream:
        if first is None:
            first, (input_format, sequences) = X, read_at_fit(parameters, X, is_batch=True)
            written = SequencesFile(file, sequences)
        check_column_names(X)
        found, sequences = input_format.read_beside(X)
        input_format = replace(input_format, channel_names=found.channel_names)
        shapes.add((found.n_features, found.has_fixed_width))
        written.add(sequences)
    stored = written.stored(input_format.time_channel)
    n_features, is_table = shapes.pop() if len(shapes) == 1 else (1, False)  # of ragged rows
    is_guess = parameters["input_type"] == "auto" and stored.n_channels is None
    input_format = replace(
        input_format,
        input_type=find_kind(first, stored, "auto").name if is_guess else input_format.input_type,
        n_features=n_features,
        has_fixed_width=is_table and not is_guess,
        gappy=tuple(np.flatnonzero(stored.has_missing).tolist()),
        column_names=input_format.channel_names or input_format.column_names,
    )
    return input_format, stored
