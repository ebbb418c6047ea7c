"""Sequences and their labels to a fitted model: `fit` and `partial_fit`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import validate_data
from skorch import NeuralNet

from sklearn_lstm import devices, labels, parallel, training
from sklearn_lstm.batches import SequenceDataset
from sklearn_lstm.encoding import align_embeddings
from sklearn_lstm.model import Pretrained, SequenceModel
from sklearn_lstm.network import POOLINGS
from sklearn_lstm.prediction import SequencePredictor
from sklearn_lstm.reading import read_sequences
from sklearn_lstm.sequences import Samples, Sequences

FEWEST_TO_HOLD_OUT = 100  # sequences, a tenth of which tell how far to trust what
FEWEST_FOR_BRANCH = 20
MOST_WORK_TWICE = 4_000_000  # tokens over all epochs: about a minute


class SequenceEstimator(SequencePredictor):
    """Fits with the parameters of `LSTMSequenceClassifier`."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on sequences and their labels.

        Parameters
        ----------
        X : {sparse matrix, array-like} of n_samples sequences
            Integers are token ids, everything else is a measurement: 2-D ids (CSR or dense, 0 is
            padding), 2-D series, 3-D series (n_samples, n_timesteps, n_channels), or a list or
            column of arrays of unequal length.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Labels of any kind, or a multilabel indicator of 0 and 1.
        sample_weight : array-like of shape (n_samples,), default=None
            How much each sequence counts; None is 1 each.

        Returns
        -------
        self : LSTMSequenceClassifier

        Raises
        ------
        TypeError
            If X holds strings or a bag of words.
        ValueError
            If X is not a set of sequences (names the row), y is not a set of labels, a parameter
            is out of range, or the loss becomes infinite or NaN. What was fitted before is kept.
        """
        self._validate_params()
        resumed = self.warm_start and self.__sklearn_is_fitted__()
        return self._train(X, y, sample_weight, None, resumed=resumed, one_pass=False)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Pass once over some more sequences.

        The optimiser goes on where the last call stopped, at a constant learning rate. New token
        ids get a vector of their own. Channels keep the scale of the first call, and weights count
        as they are, where `fit` brings them to a mean of 1.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.
        classes : array-like of shape (n_classes,), default=None
            All labels that any call may bring. Needed in the first call, unless y is multilabel.

        Returns
        -------
        self : LSTMSequenceClassifier

        Raises
        ------
        TypeError, ValueError
            As `fit`; also for labels that are not among the classes.
        """
        self._validate_params()
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' is not supported for partial_fit, which does not know how "
                "often each class will come. Pass a dict, or sample_weight."
            )
        resumed = self.__sklearn_is_fitted__()
        return self._train(X, y, sample_weight, classes, resumed=resumed, one_pass=True)

    def _train(
        self, X: Any, y: Any, sample_weight: Any, classes: Any, *, resumed: bool, one_pass: bool
    ) -> Self:
        """Read, encode, train; the estimator changes only once all went well."""
        y, multilabel = labels.read_labels(y)
        sequences = self._read(X) if resumed else read_sequences(X, self.input_type)
        check_consistent_length(sequences, y)
        if resumed or one_pass:
            classes = self._known_classes(y, classes, multilabel=multilabel, resumed=resumed)
        else:
            classes = labels.find_classes(y, multilabel=multilabel)
        codes = labels.encode_labels(y, classes, multilabel=multilabel)
        weights = labels.read_weights(sample_weight, self.class_weight, y)
        samples = Samples(sequences, codes, weights).subset(np.flatnonzero(weights))
        if not one_pass:
            samples = replace(samples, weights=samples.weights / samples.weights.mean())
        options = self._net_options(multilabel=multilabel)

        rng = np.random.default_rng([self._draw_seed(), self.n_epochs_ if resumed else 0])
        with devices.seeded(int(rng.integers(1 << 62)), options["device"]):
            pretrained = self._pretrained(X, sequences)

            def learn(
                parts: Sequence[Samples], validation: Samples | None
            ) -> list[tuple[SequenceModel, NeuralNet]]:
                models = [
                    self._start(part.sequences, pretrained, len(classes), resumed=resumed)
                    for part in parts
                ]
                verbose = [*[0] * (len(parts) - 1), self.verbose]  # not both at the same time
                nets = parallel.in_pairs(
                    options["device"],
                    lambda job: self._learn(
                        *job, validation, resumed=resumed, one_pass=one_pass, **options
                    ),
                    list(zip(models, parts, rng.spawn(len(parts)), verbose, strict=True)),
                )
                return list(zip(models, nets, strict=True))

            if one_pass:
                [(model, net)] = learn([samples], None)
            else:
                model, net = self._fit(samples, learn, options["device"], rng, resumed=resumed)
        if not resumed:
            validate_data(self, X, skip_check_array=True, ensure_2d=False)  # names of the columns
            self.classes_ = classes
            self.n_features_in_ = sequences.n_features
            self.input_type_ = "tokens" if sequences.n_channels is None else "numeric"
            # Ids may come in any number of columns, unless the caller declares them a table of ids.
            self._is_table = sequences.is_table and (
                self.input_type_ == "numeric" or self.input_type == "tokens"
            )
            self._multilabel = multilabel
        self.history_ = [*(self.history_ if resumed else ()), *training.epoch_rows(net)]
        self.n_epochs_ = len(self.history_)
        self.net_ = net
        self._model = model
        self._progress = training.gather_progress(net.optimizer_) if one_pass else None
        return self

    def _fit(
        self,
        samples: Samples,
        learn: Callable[[Sequence[Samples], Samples | None], list[tuple[SequenceModel, NeuralNet]]],
        device: torch.device,
        rng: np.random.Generator,
        *,
        resumed: bool,
    ) -> tuple[SequenceModel, NeuralNet]:
        """Train a network, and put a linear model beside it.

        Samples that are held out tell when to stop, and how far each of the two is to be trusted.
        If there is time, the network that tells this is a trial: another one learns from all
        samples beside it, and both are averaged. A network that goes on knows all samples, and is
        trusted as before.
        """
        has_branch = self._has_branch(samples)
        _, max_epochs = training.plan(samples.sequences, self.batch_size, self.max_epochs)
        is_short = max_epochs * training.work_of(samples.sequences) <= MOST_WORK_TWICE
        is_trial = has_branch and is_short and not (self.early_stopping or resumed)
        n_samples = len(samples)
        share = 0.0
        if self.early_stopping:
            share = self.validation_fraction
        elif is_trial:
            share = min(max(500, min(n_samples / 10, 1000)) / n_samples, 0.5)
        elif has_branch and n_samples >= FEWEST_TO_HOLD_OUT and not resumed:
            share = min(0.1, 1000 / n_samples)
        rows, held_out = np.arange(n_samples), np.arange(0)
        if share:
            rows, held_out = training.hold_out(samples.codes, share, rng)
        validation = samples.subset(held_out) if self.early_stopping else None
        learnt = learn([samples.subset(rows), *[samples] * is_trial], validation)
        (first, _), (model, net) = learnt[0], learnt[-1]
        if not has_branch:
            return replace(model, branch=None, scales=(1.0,)), net
        seed = int(rng.integers(1 << 31))
        keeps_scales = resumed and self._model.branch is not None
        judges = np.arange(0) if keeps_scales else held_out
        both = first.with_branch(samples, judges, device=device, seed=seed)
        scales = self._model.scales if keeps_scales else both.scales
        trial = first if is_trial else None
        return replace(model, branch=both.branch, scales=scales, trial=trial), net

    def _start(
        self, sequences: Sequences, pretrained: Pretrained | None, n_outputs: int, *, resumed: bool
    ) -> SequenceModel:
        """Give the model that is to learn from these sequences."""
        if resumed:
            return self._model.extended(sequences, pretrained)
        return SequenceModel.new(sequences, pretrained, **self._architecture(n_outputs))

    def _learn(
        self,
        model: SequenceModel,
        samples: Samples,
        rng: np.random.Generator,
        verbose: int,
        validation: Samples | None,
        *,
        resumed: bool,
        one_pass: bool,
        **options: Any,
    ) -> NeuralNet:
        """Train the network of a model; other samples, if any, tell when to stop."""
        return training.train(
            model.network,
            SequenceDataset(samples, model.encoding, self.token_dropout),
            None if validation is None else SequenceDataset(validation, model.encoding),
            rng=rng,
            batch_size=32 if one_pass and self.batch_size == "auto" else self.batch_size,
            max_epochs=1 if one_pass else self.max_epochs,
            lr_schedule="constant" if one_pass else self.lr_schedule,
            gradient_clip=self.gradient_clip,
            n_iter_no_change=self.n_iter_no_change,
            callbacks=self.callbacks,
            verbose=verbose,
            progress=self._progress if resumed and one_pass else None,
            **options,
        )

    def _known_classes(
        self, y: NDArray[Any], classes: Any, *, multilabel: bool, resumed: bool
    ) -> NDArray[Any]:
        """Give the classes that training goes on with, or that the first partial_fit names."""
        if resumed:
            if multilabel != self._multilabel:
                raise ValueError("y is multilabel in one call and is not in another.")
            if classes is not None and not np.array_equal(np.unique(classes), self.classes_):
                raise ValueError(
                    f"classes={np.unique(classes).tolist()} is not the same as in the first call: "
                    f"{self.classes_.tolist()}."
                )
            return self.classes_
        if multilabel:
            return labels.find_classes(y, multilabel=True)
        if classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        return np.unique(classes)

    def _draw_seed(self) -> int:
        if self.random_state is None:
            return int(np.random.default_rng().integers(1 << 31))
        if isinstance(self.random_state, np.random.RandomState):
            return int(self.random_state.randint(1 << 31))
        return int(self.random_state)

    def _pretrained(self, X: Any, sequences: Sequences) -> Pretrained | None:
        """Give the ids that have a pretrained vector, and their vectors."""
        if self.embeddings is None:
            return None
        if sequences.n_channels is not None:
            raise ValueError("embeddings are vectors of token ids, but X holds measurements.")
        return align_embeddings(self.embeddings, getattr(X, "vocabulary", None))

    def _architecture(self, n_outputs: int) -> dict[str, Any]:
        """Give what a model is built from."""
        pooling = (self.pooling,) if isinstance(self.pooling, str) else tuple(self.pooling)
        if not pooling or not all(name in POOLINGS for name in pooling):
            raise ValueError(f"pooling needs names out of {POOLINGS}, found {self.pooling!r}.")
        return {
            "n_outputs": n_outputs,
            "normalize": self.normalize,
            "embedding_dim": self.embedding_dim,
            "freeze_embeddings": self.freeze_embeddings,
            "cell": self.cell,
            "hidden_size": self.hidden_size,
            "num_layers": self.num_layers,
            "bidirectional": self.bidirectional,
            "pooling": pooling,
            "dropout": self.dropout,
        }

    def _has_branch(self, samples: Samples) -> bool:
        """Tell whether a linear model stands beside the network."""
        fewest = FEWEST_TO_HOLD_OUT if samples.sequences.n_channels is None else FEWEST_FOR_BRANCH
        return (
            self.linear_branch
            and self.criterion == "cross_entropy"
            and len(samples) >= max(fewest, 2 * len(np.unique(samples.codes)))
        )
