"""A fit of the classifier, to sequences in memory or in files: how X is read, what is set."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from sklearn_lstm.algorithm import fit_model, fit_one_epoch
from sklearn_lstm.callback_support import CallbackTask
from sklearn_lstm.data.containers import LONG_TABLE, column_names
from sklearn_lstm.data.input_format import InputFormat
from sklearn_lstm.data.kinds import MEASUREMENTS
from sklearn_lstm.data.sequences import Sequences
from sklearn_lstm.encoding.encoding import TokenCodes
from sklearn_lstm.exceptions import InvalidSequencesTypeError
from sklearn_lstm.members.model import Fitted, SequenceModel
from sklearn_lstm.members.network.network import Network
from sklearn_lstm.parameters import check_column_names, checked_parameters
from sklearn_lstm.pretrained.embeddings import read_embeddings
from sklearn_lstm.pretrained.sentence_encoders import SentenceEncoder
from sklearn_lstm.targets.labels import Labels
from sklearn_lstm.targets.samples import Samples, Targets
from sklearn_lstm.targets.target_reading import (
    fixed_class_weight,
    read_groups,
    read_labels,
    read_sample_weight,
    relative_weights,
)
from sklearn_lstm.training.checkpoint import checkpoint_of_fit
from sklearn_lstm.training.configuration import Configuration


def what_was_fitted(classifier: Any) -> Fitted:
    """Return what the last fit has left.

    Raises
    ------
    NotFittedError
        If there was none.
    """
    fitted: Fitted | None = classifier._fitted  # noqa: SLF001 - this function alone looks inside
    if fitted is None:
        check_is_fitted(classifier)  # raises the error
    return fitted  # type: ignore[return-value]


def check_as_many(input_format: InputFormat, sequences: Sequences, y: Any) -> None:
    """Raise an error for another number of labels than of sequences."""
    try:
        check_consistent_length(sequences, y)
    except ValueError as error:
        if len(input_format.column_names) > 1 and not input_format.channel_names:
            error.add_note(LONG_TABLE)
        raise


def read_as_at_fit(classifier: Any, X: Any) -> Sequences:
    """Read X as it was read at fit."""
    input_format = what_was_fitted(classifier).input_format
    has_names = input_format.column_names or not issparse(X)
    if has_names and not input_format.channel_names:  # else checked series by series
        validate_data(classifier, X, reset=False, skip_check_array=True, ensure_2d=False)
    return input_format.read(X)


class Fit:
    """A fit of a classifier, which stays as it is until all went well.

    Parameters
    ----------
    classifier : LSTMSequenceClassifier
        Its parameters are checked.
    before : Fitted or None
        What an earlier fit has left, if this one goes on from it.
    """

    def __init__(self, classifier: Any, before: Fitted | None = None) -> None:
        self.classifier, self.parameters = classifier, checked_parameters(classifier)
        self.before = before

    def read(self, X: Any, *, is_batch: bool = False) -> tuple[InputFormat, Sequences]:
        """Read X, and return too how it is read; nothing about it is kept yet."""
        check_column_names(X)
        if self.before is not None:
            return self.before.input_format, read_as_at_fit(self.classifier, X)
        ways = self.parameters["input_type"], self.parameters["time_channel"]
        return InputFormat.found_in(X, *ways, is_batch=is_batch)

    def begin(
        self, input_format: InputFormat, sequences: Sequences, labels: Labels, n_samples: int
    ) -> tuple[Fitted, Configuration]:
        """Return what is known before the training, and the settings of the fit.

        If the fit goes on, `embeddings` are read for new ids alone.
        """
        start = self.before or Fitted(input_format, labels, SequenceModel.empty(), [], 0)
        network: Network | None = start.model[Network.name]
        own, previous = None, None
        if network is not None:
            own, previous = network.vectors, network.module.architecture
        embeddings, encoder = self.parameters["embeddings"], self.parameters["encoder"]
        if input_format.kind is MEASUREMENTS and (embeddings is not None or encoder is not None):
            name = "encoder" if embeddings is None else "embeddings"
            raise ValueError(f"{name} is for tokens, but X holds measurements. Leave it None.")
        vectors, new_ids, opened = None, None, None
        if embeddings is not None:
            if network is not None and isinstance(network.encoding, TokenCodes):
                new_ids = network.encoding.new_ids(sequences.distinct_ids(), np.arange(0))
            vocabulary = None if sequences.spelling is None else sequences.spelling.vocabulary
            vectors = read_embeddings(embeddings, vocabulary, new_ids, own)
        if encoder is not None and network is None:
            opened = SentenceEncoder.opened(encoder)
            opened.known = {}
        used = vectors if network is None else own
        coverage = None if used is None else used.coverage(sequences)
        start = replace(start, n_samples=start.n_samples + n_samples, coverage=coverage)
        known = self.parameters, input_format.kind, labels
        configuration = Configuration.of(*known, vectors=vectors, encoder=opened, previous=previous)
        return start, replace(configuration, numbers=bool(sequences.numbers))

    def random_generator(self) -> np.random.Generator | None:
        """Return the generator of the fit, None without a seed; one that goes on draws others."""
        seed = self.parameters["random_state"]
        if seed is None:
            return None
        if isinstance(seed, np.random.RandomState):
            seed = seed.randint(1 << 31)
        n_epochs = 0 if self.before is None else len(self.before.history)
        return np.random.default_rng([int(seed), n_epochs])

    def targets(
        self, values: NDArray[Any], labels: Labels, sample_weight: Any, groups: Any = None
    ) -> Targets:
        """Return encoded labels with their weights, relative to each other, and groups."""
        # Samples of validation, which are read later, get the class weights of training.
        weights = read_sample_weight(sample_weight, len(values))
        fixed = fixed_class_weight(self.parameters["class_weight"], weights, values, labels)
        self.parameters["class_weight"] = fixed
        weights = relative_weights(weights, fixed, values, labels)
        return Targets(values, weights, labels, read_groups(groups, len(values)))

    def train(
        self,
        input_format: InputFormat,
        sequences: Sequences,
        targets: Targets,
        task: CallbackTask,
        validation: tuple[Any, Any, Any] = (None, None, None),
    ) -> None:
        """Train on sequences, wherever they lie."""
        samples = Samples(sequences, targets).counted()
        start, configuration = self.begin(input_format, sequences, targets.labels, len(samples))
        held_out = self._read_validation(start, *validation)
        folder, rng = self.parameters["checkpoint"], self.random_generator()
        with checkpoint_of_fit(folder, samples, held_out, configuration, rng) as (folder, rng):
            configuration = replace(configuration, checkpoint=folder)
            fitted = fit_model(start, samples, held_out, configuration, rng=rng, callback_task=task)
            if configuration.encoder is not None:
                configuration.encoder.known = None
            self.classifier._fitted = fitted  # noqa: SLF001
        task.end({})

    def train_one_epoch(
        self, input_format: InputFormat, sequences: Sequences, targets: Targets
    ) -> None:
        """Train on sequences for one epoch."""
        n_samples = len(sequences)
        start, configuration = self.begin(input_format, sequences, targets.labels, n_samples)
        samples = Samples(sequences, targets).counted()
        rng = self.random_generator() or np.random.default_rng()
        with fit_one_epoch(start, samples, configuration, rng) as (fitted, growing):
            try:
                growing.write()
                self.classifier._fitted = fitted  # noqa: SLF001
            except BaseException:
                if self.classifier._fitted is self.before:  # noqa: SLF001 - it was not replaced yet
                    growing.undo()
                raise

    def _read_validation(
        self, start: Fitted, X_val: Any, y_val: Any, sample_weight_val: Any
    ) -> Samples | None:
        """Read validation samples as X and y were read; None if none were passed."""
        passed = {"X_val": X_val, "y_val": y_val, "sample_weight_val": sample_weight_val}
        names = [name for name, value in passed.items() if value is not None]
        if not names:
            return None
        if names[:2] != ["X_val", "y_val"]:
            found = " and ".join(names)
            raise ValueError(f"X_val and y_val have to be passed together, found only {found}.")
        try:
            check_column_names(X_val)
            start.labels.check_names(column_names(y_val), "y_val")
            sequences, y_val = start.input_format.read(X_val), read_labels(y_val, "y_val")
            check_consistent_length(sequences, y_val)
            values = start.labels.encode(y_val, "y_val")
            targets = self.targets(values, start.labels, sample_weight_val)
            return Samples(sequences, targets).counted()
        except (TypeError, ValueError) as error:
            error.add_note("This is about X_val, y_val and sample_weight_val of fit.")
            if isinstance(error, InvalidSequencesTypeError):
                error.add_note(
                    "The steps of a Pipeline transform X alone, unless transform_input=['X_val'] "
                    "names what else (with metadata routing). Or pass X_val as it comes out of "
                    "them: pipeline[:-1].fit(X, y).transform(X_val)."
                )
            raise
