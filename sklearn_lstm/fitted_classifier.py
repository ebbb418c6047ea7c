"""What a classifier does once it is fitted: predict, show what was built, and be stored."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data
from skorch import NeuralNet

from sklearn_lstm.configuration import move_loaded, training_settings
from sklearn_lstm.data.encoding import N_SPECIAL
from sklearn_lstm.data.input_format import InputFormat
from sklearn_lstm.data.labels import Labels, read_labels, relative_weights
from sklearn_lstm.data.reading import read_sequences
from sklearn_lstm.data.sequences import Samples, Sequences
from sklearn_lstm.description import FittedDescriptionMixin
from sklearn_lstm.io.envelope import StoredMixin
from sklearn_lstm.io.packing import pack, to_tensors, unpack
from sklearn_lstm.logit_classifier import LogitClassifierMixin
from sklearn_lstm.model import LinearModel, SequenceModel
from sklearn_lstm.network.network import SequenceNetwork
from sklearn_lstm.parameters import CLASSIFIER, check_column_names, plain_parameters
from sklearn_lstm.training.history import epoch_rows
from sklearn_lstm.training.loop import make_net

PACKED = {"_model", "_format", "_optimizer_state"}


class FittedClassifier(
    StoredMixin,
    FittedDescriptionMixin,
    LogitClassifierMixin,
    BaseEstimator,  # type: ignore[misc]
):
    """A classifier whose fitted part is a `SequenceModel`."""

    classes_: NDArray[Any]
    n_features_in_: int
    input_type_: str
    token_unit_: str | None
    history_: list[dict[str, Any]]
    n_epochs_: int
    _model: SequenceModel
    _format: InputFormat
    _multilabel: bool
    _optimizer_state: dict[str, Any] | None
    _device: torch.device
    _net: NeuralNet | None
    input_type: str
    token_unit: str
    class_weight: Any

    def _commit(
        self,
        X: Any,
        model: SequenceModel,
        net: NeuralNet,
        *,
        labels: Labels,
        input_format: InputFormat,
        goes_on: bool,
        optimizer_state: dict[str, Any] | None = None,
    ) -> Self:
        """Set what was fitted, once all went well."""
        if not goes_on:
            validate_data(self, X, skip_check_array=True, ensure_2d=False)  # column names
            self.classes_, self._multilabel = labels.classes, labels.is_multilabel
            self._format = input_format
            self.n_features_in_ = input_format.n_features
            self.input_type_ = input_format.input_type
            self.token_unit_ = input_format.token_unit
        self.history_ = [*(self.history_ if goes_on else ()), *epoch_rows(net)]
        self.n_epochs_ = len(self.history_)
        self._model, self._net, self._device = model, net, torch.device(net.device)
        self._optimizer_state = optimizer_state
        return self

    @property
    def net_(self) -> NeuralNet:
        """The skorch net that trained the network; after loading a new one."""
        check_is_fitted(self)
        if self._net is None:
            parameters = plain_parameters(self, CLASSIFIER)
            settings = training_settings(
                parameters, is_multilabel=self._multilabel, device=self._device
            )
            self._net = make_net(self._model.network, settings)
        return self._net

    @property
    def module_(self) -> SequenceNetwork:
        """The network, a `torch.nn.Module`."""
        check_is_fitted(self)
        return self._model.network

    @property
    def linear_model_(self) -> LinearModel | None:
        """The linear model beside the network, or None."""
        check_is_fitted(self)
        return self._model.linear_model

    @property
    def calibration_(self) -> dict[str, float] | None:
        """How the logits of network and linear model are blended, or None."""
        check_is_fitted(self)
        return self._model.calibration()

    def _previous(self) -> SequenceModel | None:
        return self._model if self.__sklearn_is_fitted__() else None

    def _labels(self) -> Labels:
        return Labels(self.classes_, self._multilabel)

    def _is_multilabel(self) -> bool:
        return self._multilabel

    def _read(self, X: Any) -> Sequences:
        """Read X as it was read at fit."""
        if hasattr(self, "feature_names_in_") or not issparse(X):  # else no names
            validate_data(self, X, reset=False, skip_check_array=True, ensure_2d=False)
        return self._format.read(X)

    def _read_new(
        self, X: Any, y: NDArray[Any], previous: SequenceModel | None
    ) -> tuple[Sequences, InputFormat]:
        """Read the X of a training; nothing about it is kept yet."""
        check_column_names(X)
        sequences = read_sequences(X, self.input_type) if previous is None else self._read(X)
        check_consistent_length(sequences, y)
        if previous is not None:
            return sequences, self._format
        return sequences, InputFormat.of(X, sequences, self.input_type, self.token_unit)

    def _read_validation(
        self, X: Any, validation: tuple[Any, Any, Any], labels: Labels, input_format: InputFormat
    ) -> Samples | None:
        """Read X_val, y_val and sample_weight_val as X and y were read; None if none was passed."""
        if all(part is None for part in validation):
            return None
        X_val, y_val, sample_weight_val = validation
        if X_val is None or y_val is None:
            found = {"X_val": X_val, "y_val": y_val, "sample_weight_val": sample_weight_val}
            names = " and ".join(name for name, part in found.items() if part is not None)
            raise ValueError(f"X_val and y_val have to be passed together, found only {names}.")
        try:
            check_column_names(X, X_val)
            sequences, y_val = input_format.read(X_val), read_labels(y_val, "y_val")
            check_consistent_length(sequences, y_val)
            labels.encode(y_val, "y_val")  # before the weights of its classes are looked up
            weights = relative_weights(sample_weight_val, self.class_weight, y_val, labels)
            return labels.samples(sequences, y_val, weights)
        except (TypeError, ValueError) as error:
            error.add_note("This is about X_val, y_val and sample_weight_val of fit.")
            raise

    def _logits(self, X: Any) -> NDArray[np.float64]:
        check_is_fitted(self)
        return self._model.logits(self._read(X), self._device)

    def _fitted_parts(self) -> dict[str, str]:
        if not self.__sklearn_is_fitted__():
            return {}
        n_channels, n_ids = self._format.n_channels, len(self._model.encoding) - N_SPECIAL
        if n_channels is None:
            size = f"{n_ids:,} known ids of {self.token_unit_}s"
        else:
            size = f"{n_channels:,} channel{'s' * (n_channels > 1)}"
        return {
            "input": f"{self.input_type_}: {size}",
            **self._model.parts(),
            "epochs": str(self.n_epochs_),
        }

    def __sklearn_is_fitted__(self) -> bool:
        return "_model" in vars(self)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.input_tags.three_d_array = True
        tags.input_tags.categorical = self.input_type == "tokens"
        tags.input_tags.positive_only = tags.input_tags.sparse = tags.input_tags.categorical
        return tags

    def _pack_fitted(self, fitted: dict[str, Any]) -> dict[str, Any]:
        return {
            name: pack(value) if name in PACKED else value
            for name, value in fitted.items()
            if name not in {"_net", "_device"}
        }

    def _unpack_fitted(self, packed: dict[str, Any]) -> dict[str, Any]:
        if "_model" not in packed:
            return packed
        model = unpack(packed["_model"])
        return {
            **packed,
            "classes_": np.array(packed["classes_"]),  # not a memory map
            "_format": unpack(packed["_format"]),
            "_model": model,
            "_optimizer_state": to_tensors(packed["_optimizer_state"]),
            "_net": None,
            "_device": move_loaded(model, plain_parameters(self, CLASSIFIER)),
        }
