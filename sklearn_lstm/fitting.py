"""A fit of the classifier, to sequences in memory or in files: how X is read, what is set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils.validation import check_consistent_length, validate_data

from sklearn_lstm.algorithm import fit_model
from sklearn_lstm.callback_support import CallbackTask
from sklearn_lstm.data.embeddings import find_encoder, read_embeddings
from sklearn_lstm.data.input_format import InputFormat
from sklearn_lstm.data.labels import Labels, read_labels
from sklearn_lstm.data.reading import read_sequences
from sklearn_lstm.data.sentence_encoders import EncodedTexts, SentenceEncoder
from sklearn_lstm.data.sequences import Samples, Sequences
from sklearn_lstm.data.weights import Targets, fixed_class_weight, read_groups, relative_weights
from sklearn_lstm.members.network.history import epoch_rows
from sklearn_lstm.model import SequenceModel
from sklearn_lstm.parameters import check_column_names, checked_parameters
from sklearn_lstm.training.checkpoint import checkpoint_of_fit
from sklearn_lstm.training.configuration import Configuration


def read_as_at_fit(classifier: Any, X: Any) -> Sequences:
    """Read X as it was read at fit."""
    fitted = vars(classifier)
    has_names = hasattr(classifier, "feature_names_in_") or not issparse(X)
    if has_names and not fitted["_format"].channel_names:  # else checked series by series
        validate_data(classifier, X, reset=False, skip_check_array=True, ensure_2d=False)
    sequences: Sequences = fitted["_format"].read(X)
    sequences.vectors = fitted.get("_vectors")  # files of version 0.1 have none
    sequences.encoder = fitted.get("_encoder")
    return sequences


class Fit:
    """A fit of a classifier, which stays as it is until all went well.

    Parameters
    ----------
    classifier : LSTMSequenceClassifier
        Its parameters are checked.
    goes_on : bool
        Go on from its last fit, if there was one.

    Attributes
    ----------
    before : dict
        Its attributes, if the fit goes on from an earlier one.
    previous : SequenceModel or None
        The model that training goes on from.
    X, sequences, labels, input_format
        From `know` on: what the classifier is fitted to, and how X was read.
    """

    X: Any
    sequences: Sequences
    labels: Labels
    input_format: InputFormat

    def __init__(self, classifier: Any, *, goes_on: bool) -> None:
        self.classifier, self.parameters = classifier, checked_parameters(classifier)
        is_fitted = goes_on and classifier.__sklearn_is_fitted__()
        self.before: Mapping[str, Any] = vars(classifier) if is_fitted else {}
        self.previous: SequenceModel | None = self.before.get("_model")

    def read(self, X: Any, *, had_missing: bool | None = None) -> Sequences:
        """Read X; nothing about it is kept yet."""
        check_column_names(X)
        if self.before:
            return read_as_at_fit(self.classifier, X)
        ways = self.parameters["input_type"], self.parameters["time_channel"]
        return read_sequences(X, *ways, had_missing=had_missing)

    def format_of(self, X: Any, sequences: Sequences) -> InputFormat:
        """Return how X, which was read as `sequences`, and later ones are read."""
        known: InputFormat | None = self.before.get("_format")
        ways = (self.parameters[name] for name in ("input_type", "time_channel", "token_unit"))
        return known or InputFormat.of(X, sequences, *ways)

    def format_of_batches(self, X: Any) -> InputFormat:
        """Return how all batches are read, by the X of the first one."""
        first = self.format_of(X, self.read(X, had_missing=True))
        if self.before:
            return first
        is_guess = self.parameters["input_type"] == "auto" and first.input_type == "tokens"
        return replace(
            first,
            input_type="integers" if is_guess else first.input_type,
            gappy=tuple(range(first.n_channels or 0)),  # any may have gaps later
        )

    def know(self, X: Any, sequences: Sequences, labels: Labels) -> None:
        """Give sequences their vectors, and keep the X they were read from for its names."""
        sequences.vectors, embeddings = None, self.parameters["embeddings"]
        if embeddings is not None:
            if sequences.n_channels is not None:
                raise ValueError(
                    "embeddings are vectors of token ids, but X holds measurements. Leave it None."
                )
            sequences.vectors = read_embeddings(embeddings, getattr(X, "vocabulary", None))
        self.X, self.sequences, self.labels = X, sequences, labels
        self.input_format = self.format_of(X, sequences)

    def configuration(self) -> Configuration:
        """Return what the fit is told."""
        return Configuration.of(
            self.parameters,
            self.input_format.kind,
            self.labels,
            vectors=self.sequences.vectors,
            previous=None if self.previous is None else self.previous.networks.first,
        )

    def random_generator(self) -> np.random.Generator:
        """Return the generator of the fit; one that goes on draws other numbers."""
        seed = self.parameters["random_state"]
        if seed is None:
            return np.random.default_rng()
        if isinstance(seed, np.random.RandomState):
            seed = seed.randint(1 << 31)
        return np.random.default_rng([int(seed), self.before.get("n_epochs_", 0)])

    def targets(
        self, values: NDArray[Any], labels: Labels, sample_weight: Any, groups: Any = None
    ) -> Targets:
        """Return encoded labels with their weights, relative to each other, and groups."""
        # Samples of validation, which are read later, get the class weights of training.
        fixed = fixed_class_weight(self.parameters["class_weight"], sample_weight, values, labels)
        self.parameters["class_weight"] = fixed
        weights = relative_weights(sample_weight, fixed, values, labels)
        return Targets(values, weights, labels, read_groups(groups, len(values)))

    def train(
        self,
        X: Any,
        sequences: Sequences,
        targets: Targets,
        task: CallbackTask,
        validation: tuple[Any, Any, Any] = (None, None, None),
    ) -> None:
        """Train on sequences, wherever they lie.

        Only the names of columns and tokens are read from X.
        """
        self.know(X, sequences, targets.labels)
        encoder = find_encoder(self.parameters["embeddings"])
        sequences.encoder = None if encoder is None else EncodedTexts(SentenceEncoder.of(encoder))
        samples = Samples(sequences, targets).counted()
        attributes = partial(self.attributes, n_samples=len(samples))
        held_out = self._read_validation(*validation)
        configuration = self.configuration()
        with checkpoint_of_fit(
            samples,
            held_out,
            configuration,
            folder=self.parameters["checkpoint"],
            rng=self.random_generator(),
            is_seeded=self.parameters["random_state"] is not None,
        ) as (folder, rng):
            model = fit_model(
                samples,
                held_out,
                replace(configuration, checkpoint=folder),
                rng=rng,
                callback_task=task,
                attributes=attributes,
                previous=self.previous,
            )
            # In one statement: a user may press Ctrl-C.
            self.classifier.__dict__ = attributes(model)
        task.end({})

    def _read_validation(self, X_val: Any, y_val: Any, sample_weight_val: Any) -> Samples | None:
        """Read validation samples as X and y were read; None if none were passed."""
        if X_val is None and y_val is None and sample_weight_val is None:
            return None
        if X_val is None or y_val is None:
            found = {"X_val": X_val, "y_val": y_val, "sample_weight_val": sample_weight_val}
            names = " and ".join(name for name, part in found.items() if part is not None)
            raise ValueError(f"X_val and y_val have to be passed together, found only {names}.")
        try:
            check_column_names(self.X, X_val)
            sequences, y_val = self.input_format.read(X_val), read_labels(y_val, "y_val")
            check_consistent_length(sequences, y_val)
            sequences.vectors, sequences.encoder = self.sequences.vectors, self.sequences.encoder
            values = self.labels.encode(y_val, "y_val")
            targets = self.targets(values, self.labels, sample_weight_val)
            return Samples(sequences, targets).counted()
        except (TypeError, ValueError) as error:
            error.add_note("This is about X_val, y_val and sample_weight_val of fit.")
            raise

    def attributes(self, model: SequenceModel, n_samples: int) -> dict[str, Any]:
        """Return all attributes of the classifier with a model that has learned so many samples."""
        fitted = object.__new__(type(self.classifier))
        attributes: dict[str, Any] = vars(self.classifier).copy()
        fitted.__dict__ = attributes
        history = epoch_rows(model.networks.net)
        if self.previous is None:
            validate_data(fitted, self.X, skip_check_array=True, ensure_2d=False)  # column names
            if self.input_format.channel_names:
                names = np.array(self.input_format.channel_names, np.object_)
                fitted.feature_names_in_ = names
        else:
            history = [*self.before["history_"], *history]
        encoder = self.sequences.encoder
        if isinstance(encoder, EncodedTexts):  # of a whole fit
            encoder = encoder.encoder
        return attributes | {
            "classes_": self.labels.classes,
            "n_features_in_": self.input_format.n_features,
            "input_type_": self.input_format.input_type,
            "token_unit_": self.input_format.token_unit,
            "history_": history,
            "n_epochs_": len(history),
            "_labels": self.labels,
            "_format": self.input_format,
            "_model": model,
            "_n_samples": n_samples,
            "_vectors": self.sequences.vectors,
            "_encoder": encoder,
            "_coverage": self.sequences.coverage(),
        }
