"""Fit to texts that do not fit in memory: batches are read once, and a file keeps their ids."""

import reprlib
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from dataclasses import replace
from itertools import chain
from math import inf
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO, TypeAlias, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils import check_consistent_length
from sklearn.utils.multiclass import check_classification_targets

from sklearn_lstm.classifier import LSTMSequenceClassifier
from sklearn_lstm.data.containers import column_names, names_of, to_numpy
from sklearn_lstm.data.kinds import find_kind
from sklearn_lstm.data.numbers import NO_NUMBERS
from sklearn_lstm.data.sequences import VALUES_PER_CHUNK, FlatSequences
from sklearn_lstm.data.text_reader import iterate_texts
from sklearn_lstm.fitting import TrainingData, fit_classifier, read_at_fit
from sklearn_lstm.progress import TimeLimit
from sklearn_lstm.sklearn_internals import checked_parameters
from sklearn_lstm.targets.label_reading import read_labels, read_sample_weight, read_targets
from sklearn_lstm.targets.targets import Labels, Samples, Targets, Weights
from sklearn_lstm.text.analysis import TokenBatch
from sklearn_lstm.text.id_matrix import TokenIds, cut, fill_empty
from sklearn_lstm.text.spelling import Spelling
from sklearn_lstm.text.vocabulary import FIRST_TOKEN, UNKNOWN, CallIds
from sklearn_lstm.vectorizer import TextSequenceVectorizer

__all__ = ["fit_batches"]

Model = TypeVar("Model", LSTMSequenceClassifier, Pipeline)
Reader: TypeAlias = Callable[..., TokenIds]
# Of the samples of a batch: what kind of labels they have, the labels, weights, and groups.
Known: TypeAlias = tuple[tuple[Any, ...], NDArray[Any], Weights, list[Any]]


def fit_batches(
    model: Model, batches: Iterable[tuple[Any, ...]], *, folder: str | Path | None = None
) -> Model:
    """Fit a model to texts that come in batches, and need not fit in memory.

    The result is that of ``model.fit`` with the samples of all batches in their order, bit for
    bit. Each batch is read once, in order, and a file keeps 4 bytes for each of its tokens. Only
    the vocabulary, a few numbers per sample, and the linear model are kept in memory. From large
    data, the linear model learns from a sample.

    Parameters
    ----------
    model : Pipeline or LSTMSequenceClassifier
        A TextSequenceVectorizer and a classifier without an encoder; or such a classifier alone,
        for what one fitted TextSequenceVectorizer returns.
    batches : iterable of (X, y), (X, y, sample_weight) or (X, y, sample_weight, groups)
        Arguments of ``model.fit``, with any number of samples, or none. X has no columns beside the
        texts. Iterators and generators are accepted.
    folder : str, Path or None, default=None
        The folder of the file while the model is fitted. It is removed afterwards, also after an
        error. None: the system's folder for temporary files, which is in memory on some machines.

    Returns
    -------
    model : Pipeline or LSTMSequenceClassifier
        The same object, fitted. After an error it is as it was before.

    Raises
    ------
    TypeError, ValueError
        As in ``model.fit``: ``X[5]`` is then counted over all batches, ``y of batch 3[5]`` in its
        own. Also for any other kind of model, if there is no sample, if a batch is not such a
        tuple, and if the y of two batches are of different kinds.

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
    steps = [step for _, step in model.steps] if isinstance(model, Pipeline) else [model]
    read, copies = _reader_of(steps), [copy(step) for step in steps]
    parameters = checked_parameters(copies[-1])
    limit = TimeLimit.after(parameters["max_seconds"])
    with TemporaryFile(dir=folder) as file:
        tokens, known = TokenFile(file), list[Known]()
        X = read(copies[0], _read_batches(batches, known), tokens)
        sequences = tokens.sequences(X.spelling)
        kind = find_kind(X, sequences, parameters["input_type"])
        input_format = replace(read_at_fit(parameters, X)[0], input_type=kind.name)
        samples = Samples(sequences, _joined(known))
        data = TrainingData.weighted(input_format, samples, parameters["class_weight"])
        fit_classifier(copies[-1], parameters, data, limit)
    # Two stores in a row, without a call between them at which Ctrl-C could come.
    steps[0].__dict__, steps[-1].__dict__ = copies[0].__dict__, copies[-1].__dict__
    return model


def _reader_of(steps: list[Any]) -> Reader:
    """Return what reads batches for these steps of a model.

    Raises
    ------
    TypeError
        For another model, and for an encoder.
    """
    match steps:
        case [LSTMSequenceClassifier(encoder=None)]:
            return _read_ids
        case [TextSequenceVectorizer(output="sparse"), LSTMSequenceClassifier(encoder=None)]:
            return _read_texts
    raise TypeError(
        "fit_batches fits a TextSequenceVectorizer with output='sparse' and a classifier without "
        f"an encoder; found {steps!r:.300}. Apply other steps to the batches before, "
        "or use partial_fit."
    )


def _read_batches(batches: Iterable[tuple[Any, ...]], known: list[Known]) -> Iterator[Any]:
    """Yield the X of each batch that holds a sample, and add what is known of its samples."""
    if not isinstance(batches, Iterable) or isinstance(batches, str):
        found = f"batches is a {type(batches).__name__}: pass a list, a generator"
        raise TypeError(f"{found}, or what a function returns: fit_batches(model, read()).")
    for number, batch in enumerate(batches):
        is_tuple = isinstance(batch, tuple | list) and 2 <= len(batch) <= 4
        if not is_tuple or isinstance(batch[0], str):
            found = f"batch {number} is {reprlib.repr(batch)}; a single batch is passed as [(X, y)]"
            found += ", a part of a frame as (part['text'], part['label'])"
            raise TypeError(f"A batch is (X, y), or adds sample_weight and groups; {found}.")
        X, y, sample_weight, groups = (*batch, None, None)[:4]
        X = [*X] if isinstance(X, Iterator) else X  # of texts, as `fit` reads it
        if len(names_of(X)) > 1:
            raise TypeError(
                f"Batch {number} has further columns. Pass the texts alone, or use fit."
            )
        labels = read_labels(y, f"y of batch {number}")
        try:
            check_consistent_length(X, labels, groups)
        except ValueError as error:
            error.args = (f"Batch {number}: {error}",)
            raise
        if len(labels):
            kind = column_names(y), labels.shape[1:], labels.dtype.kind in "OU"
            values, places = np.unique(labels, return_inverse=True)  # equal strings are one object
            labels = values[places].reshape(labels.shape)
            weights = read_sample_weight(sample_weight, len(labels))
            groups = to_numpy(groups, "groups") if hasattr(groups, "__array__") else groups
            known.append((kind, labels, weights, [] if groups is None else [*groups]))
            yield X
    if not known:
        raise ValueError("The batches hold no sample. An iterator can be read only once.")


def _joined(known: list[Known]) -> Targets:
    """Return what is known of the samples of all batches, which are forgotten."""
    kinds, labels, weights, groups = zip(*known, strict=True)
    known.clear()
    if len({*kinds}) > 1:
        found = "The batches hold labels of several kinds"
        raise ValueError(f"{found}: pass strings, numbers, or tables with the same columns.")
    y, (names, *_) = np.concatenate(labels), kinds[0]
    check_classification_targets(y)  # warns of nearly as many classes as samples
    all_groups = [*chain.from_iterable(groups)] or None
    return read_targets(Labels.of(y, names), y, np.concatenate(weights), all_groups)


class TokenFile:
    """Ids of texts in a file, laid end to end. It grows batch by batch.

    Parameters
    ----------
    file : file
        Empty, and open for reading and writing.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._lengths = file, list[NDArray[Any]]()

    def append(self, batch: TokenBatch) -> None:
        """Add the ids of some texts; a text without a token is unknown."""
        ids, lengths = fill_empty(*batch, UNKNOWN)
        self._file.write(ids.astype(np.int32).tobytes())
        self._lengths.append(lengths.astype(np.int32))

    def renumber(self, final: NDArray[np.int32]) -> None:
        """Replace, in place, each number of a token by what stands at this index."""
        ids = self._ids()
        for part in np.split(ids, range(VALUES_PER_CHUNK, len(ids), VALUES_PER_CHUNK)):
            part[:] = final.take(part)

    def sequences(self, spelling: Spelling) -> FlatSequences:
        """Return the texts, whose ids are read from the file where they are used."""
        return FlatSequences(self._ids(), np.concatenate(self._lengths), spelling=spelling)

    def _ids(self) -> NDArray[np.int32]:
        return np.asarray(np.memmap(self._file, np.int32))


def _read_texts(
    vectorizer: TextSequenceVectorizer, stream: Iterator[Any], tokens: TokenFile
) -> TokenIds:
    """Fit the vectorizer, and store all ids; return those of one text, told what all stand for."""

    def keep(batch: TokenBatch) -> None:
        tokens.append(cut(batch, vectorizer.max_length or inf, vectorizer.truncation))

    texts = (text for X in stream for text in iterate_texts(X))
    final, ids = vectorizer._fit(texts, keep=keep)  # noqa: SLF001 - of a class of ours
    tokens.renumber(final)
    reader, no_token = vectorizer._reader(), np.empty(0, np.int32)  # noqa: SLF001
    batches = reader.trimmed([(no_token, np.zeros(1, np.int64))])
    return cast("TokenIds", reader.lay_out(batches, ids, [""], NO_NUMBERS))


def _read_ids(_: object, stream: Iterator[Any], tokens: TokenFile) -> TokenIds:
    """Store the ids of one vectorizer; return those of one text, told what all stand for."""
    first = next(stream)
    ids = CallIds(getattr(first, "vocabulary", {}))
    for X in chain([first], stream):
        if getattr(X, "vocabulary", None) != ids.vocabulary or X.numbers:
            raise TypeError(
                "Without a vectorizer, X of all batches has to be sparse output of one, of texts; "
                f"found {reprlib.repr(X)}. Series can be in a file: numpy.lib.format.open_memmap."
            )
        numbers = np.fromiter(ids(X.spelling.unknown_words), np.int32)  # of -2, -3, ...
        final = np.concatenate([np.arange(FIRST_TOKEN + len(X.vocabulary)), numbers[::-1], [0]])
        tokens.append((final[X.spellings], np.diff(X.indptr)))
    example: TokenIds = first[:1]
    example.spelling = Spelling(ids.vocabulary, [*ids.unknown])
    return example
