"""What a fitted classifier does, the way scikit-learn does it: predict, and be stored."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted, validate_data
from skorch import NeuralNet

from sklearn_lstm import devices, objectives, persistence, training
from sklearn_lstm.model import SequenceModel
from sklearn_lstm.network import SequenceNetwork
from sklearn_lstm.reading import check_same_width, read_sequences
from sklearn_lstm.sequences import Sequences


class SequencePredictor(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Predicts with what `SequenceEstimator` has fitted."""

    classes_: NDArray[Any]
    n_features_in_: int
    input_type_: str
    history_: list[dict[str, Any]]
    n_epochs_: int
    net_: NeuralNet
    _model: SequenceModel
    _multilabel: bool
    _is_table: bool
    _progress: dict[str, Any] | None

    def _read(self, X: Any) -> Sequences:
        """Read X as it was read at fit."""
        if hasattr(self, "feature_names_in_") or not issparse(X):  # else no names
            validate_data(self, X, reset=False, skip_check_array=True, ensure_2d=False)
        sequences = read_sequences(X, self.input_type_)
        check_same_width(
            sequences,
            getattr(self._model.encoding, "n_channels", None),
            self.n_features_in_ if self._is_table else None,
        )
        return sequences

    def _net_options(self, *, multilabel: bool, or_cpu: bool = False) -> dict[str, Any]:
        """Give what a skorch net needs besides its network."""
        return {
            "criterion": objectives.find_criterion(self.criterion, multilabel=multilabel),
            "optimizer": objectives.find_optimizer(self.optimizer),
            "device": devices.find_device(self.device, or_cpu=or_cpu),
            "lr": self.lr,
            "weight_decay": self.weight_decay,
            "precision": self.precision,
        }

    def _logits(self, X: Any) -> NDArray[np.float64]:
        """Give the logits (n_samples, n_classes)."""
        check_is_fitted(self)
        return self._model.logits(self._read(X), self.net_.device)

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Give the logits.

        Parameters
        ----------
        X : {sparse matrix, array-like} of n_samples sequences
            As in `fit`.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            For two classes: how much the second is ahead of the first.
        """
        logits = self._logits(X)
        if len(self.classes_) == 2 and not self._multilabel:
            return np.asarray(logits[:, 1] - logits[:, 0])
        return logits

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Give the probability of each class; of each label by itself if y is multilabel.

        Parameters
        ----------
        X : {sparse matrix, array-like} of n_samples sequences
            As in `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of `classes_`.
        """
        logits = self._logits(X)
        return np.asarray(expit(logits) if self._multilabel else softmax(logits, axis=1))

    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:
        """Give the logarithm of `predict_proba`, exact for small probabilities too.

        Parameters
        ----------
        X : {sparse matrix, array-like} of n_samples sequences
            As in `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        logits = self._logits(X)
        return np.asarray(log_expit(logits) if self._multilabel else log_softmax(logits, axis=1))

    def predict(self, X: Any) -> NDArray[Any]:
        """Give the most probable label; every label more probable than not if y is multilabel.

        Parameters
        ----------
        X : {sparse matrix, array-like} of n_samples sequences
            As in `fit`.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
        """
        logits = self._logits(X)
        if self._multilabel:
            return (logits > 0).astype(np.int64)
        return np.asarray(self.classes_[logits.argmax(axis=1)])

    @property
    def module_(self) -> SequenceNetwork:
        """The network, a `torch.nn.Module`."""
        check_is_fitted(self)
        return self._model.network

    def __sklearn_is_fitted__(self) -> bool:
        return "net_" in vars(self)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.input_tags.three_d_array = True
        tags.input_tags.categorical = self.input_type == "tokens"
        tags.input_tags.positive_only = tags.input_tags.sparse = tags.input_tags.categorical
        return tags

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        if self.__sklearn_is_fitted__():
            del state["net_"]
            state["_model"] = persistence.pack_model(self._model)
            state["_progress"] = persistence.to_arrays(self._progress)
            state["_checksum"] = persistence.checksum(state)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "_model" in state:
            state = persistence.verified(state)
            state["classes_"] = np.array(state["classes_"])  # not a memory map
            state["_model"] = persistence.unpack_model(state["_model"])
            state["_progress"] = persistence.to_tensors(state["_progress"])
        super().__setstate__(state)
        if "_model" in state:
            options = self._net_options(multilabel=self._multilabel, or_cpu=True)
            was_mixed = self._model.network.use_bfloat16
            self.net_ = training.make_net(self._model.network, **options)
            self._model.network.use_bfloat16 &= was_mixed
            if self._model.trial is not None:
                trial = self._model.trial.network.to(self.net_.device)
                trial.use_bfloat16 = self._model.network.use_bfloat16
