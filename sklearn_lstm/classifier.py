"""`LSTMSequenceClassifier`: sequences in, labels out, the way scikit-learn does it."""

from __future__ import annotations

from copy import deepcopy
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_consistent_length, compute_sample_weight
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data
from skorch import NeuralNet

from sklearn_lstm import labels, persistence, training
from sklearn_lstm.batches import SequenceDataset, pad, prediction_rows
from sklearn_lstm.encoding import ChannelScaling, Encoding, TokenCodes, align_embeddings
from sklearn_lstm.network import CELLS, POOLINGS, SequenceNetwork
from sklearn_lstm.sequences import Sequences, check_same_width, read_sequences


class LSTMSequenceClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Classify sequences with an LSTM, the scikit-learn way."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "input_type": [StrOptions({"auto", "tokens", "numeric"})],
        "embedding_dim": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left"), None],
        "embeddings": ["array-like", HasMethods(["__getitem__", "__contains__"]), None],
        "freeze_embeddings": ["boolean"],
        "normalize": ["boolean"],
        "cell": [StrOptions(set(CELLS))],
        "hidden_size": [Interval(Integral, 1, None, closed="left")],
        "num_layers": [Interval(Integral, 1, None, closed="left")],
        "bidirectional": ["boolean"],
        "pooling": [StrOptions(set(POOLINGS)), list, tuple],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "token_dropout": [Interval(Real, 0, 1, closed="left")],
        "criterion": [StrOptions({"auto", *training.CRITERIA}), type],
        "optimizer": [StrOptions(set(training.OPTIMIZERS)), type],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "lr_schedule": [StrOptions(set(training.SCHEDULES))],
        "max_epochs": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "gradient_clip": [Interval(Real, 0, None, closed="neither"), None],
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "warm_start": ["boolean"],
        "callbacks": ["array-like", None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "device": [str, torch.device],
        "precision": [StrOptions({"auto", "float32", "bfloat16"})],
    }

    classes_: NDArray[Any]
    n_features_in_: int
    input_type_: str
    history_: list[dict[str, Any]]
    n_epochs_: int
    net_: NeuralNet
    _encoding: Encoding
    _multilabel: bool
    _is_table: bool
    _optimizer_state: dict[str, Any] | None

    def __init__(
        self,
        *,
        input_type: str = "auto",
        embedding_dim: int | str | None = "auto",
        embeddings: Any = None,
        freeze_embeddings: bool = False,
        normalize: bool = True,
        cell: str = "lstm",
        hidden_size: int = 128,
        num_layers: int = 1,
        bidirectional: bool = True,
        pooling: str | tuple[str, ...] = ("max", "last"),
        dropout: float = 0.3,
        token_dropout: float = 0.1,
        criterion: str | type[torch.nn.Module] = "auto",
        optimizer: str | type[torch.optim.Optimizer] = "adamw",
        lr: float = 0.003,
        weight_decay: float = 0.01,
        lr_schedule: str = "onecycle",
        max_epochs: int | str = "auto",
        batch_size: int | str = "auto",
        gradient_clip: float | None = 1.0,
        class_weight: dict[Any, float] | list[dict[Any, float]] | str | None = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        warm_start: bool = False,
        callbacks: list[Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
        device: str | torch.device = "auto",
        precision: str = "auto",
    ) -> None:
        self.input_type = input_type
        self.embedding_dim = embedding_dim
        self.embeddings = embeddings
        self.freeze_embeddings = freeze_embeddings
        self.normalize = normalize
        self.cell = cell
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bidirectional = bidirectional
        self.pooling = pooling
        self.dropout = dropout
        self.token_dropout = token_dropout
        self.criterion = criterion
        self.optimizer = optimizer
        self.lr = lr
        self.weight_decay = weight_decay
        self.lr_schedule = lr_schedule
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.gradient_clip = gradient_clip
        self.class_weight = class_weight
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose
        self.device = device
        self.precision = precision

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
        ids get a vector of their own. Channels keep the scale of the first call.

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
        sequences = self._read(X) if resumed else read_sequences(X, self.input_type)  # type: ignore[arg-type]
        check_consistent_length(sequences, y)
        if resumed or one_pass:
            classes = self._known_classes(y, classes, multilabel=multilabel, resumed=resumed)
        else:
            classes = labels.find_classes(y, multilabel=multilabel)
        codes = labels.encode_labels(y, classes, multilabel=multilabel)
        weights = labels.read_sample_weight(sample_weight, len(y))
        if self.class_weight is not None:
            weights = weights * compute_sample_weight(self.class_weight, y)
        if not one_pass:
            weights = weights / weights.mean()

        rng = np.random.default_rng([self._draw_seed(), self.n_epochs_ if resumed else 0])
        device = training.find_device(self.device)
        with training.seeded(int(rng.integers(1 << 62)), device):
            network, encoding = self._prepare(X, sequences, len(classes), resumed=resumed)
            dataset = SequenceDataset(sequences, encoding, codes, weights.astype(np.float32))
            dataset, validation = dataset.subset(np.flatnonzero(weights)), None
            if self.early_stopping and not one_pass:
                rows, held_out = training.hold_out(dataset.targets, self.validation_fraction, rng)
                dataset, validation = dataset.subset(rows), dataset.subset(held_out)
            net = training.train(
                network,
                dataset,
                validation,
                rng=rng,
                batch_size=self.batch_size,
                max_epochs=1 if one_pass else self.max_epochs,
                lr_schedule="constant" if one_pass else self.lr_schedule,
                gradient_clip=self.gradient_clip,
                n_iter_no_change=self.n_iter_no_change,
                callbacks=self.callbacks,
                verbose=self.verbose,
                optimizer_state=self._optimizer_state if resumed and one_pass else None,
                **self._net_options(device, multilabel=multilabel),
            )
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
        self._encoding = encoding
        self._optimizer_state = net.optimizer_.state_dict() if one_pass else None
        return self

    def _prepare(
        self, X: Any, sequences: Sequences, n_outputs: int, *, resumed: bool
    ) -> tuple[SequenceNetwork, Encoding]:
        """Build the network and the encoding of its input, or continue those that are fitted."""
        tokens = sequences.n_channels is None
        ids, vectors = np.empty(0, dtype=np.int64), None
        if self.embeddings is not None:
            if not tokens:
                raise ValueError("embeddings are vectors of token ids, but X holds measurements.")
            ids, vectors = align_embeddings(self.embeddings, getattr(X, "vocabulary", None))
            if self.embedding_dim not in ("auto", vectors.shape[1]):
                raise ValueError(
                    f"embeddings holds vectors of length {vectors.shape[1]}, but "
                    f"embedding_dim={self.embedding_dim}. Leave it 'auto'."
                )
        known = self._encoding if resumed else TokenCodes() if tokens else None
        encoding: Encoding
        if isinstance(known, TokenCodes):
            encoding = known.extended(sequences, ids)
        elif known is not None:
            encoding = known
        else:
            encoding = ChannelScaling.of(sequences, normalize=self.normalize)
        if resumed:
            network = deepcopy(self.module_)
            network.grow(len(encoding))
        else:
            network = SequenceNetwork(
                n_inputs=len(encoding),
                n_outputs=n_outputs,
                tokens=tokens,
                embedding_dim=self._embedding_dim(len(encoding))
                if vectors is None
                else vectors.shape[1],
                cell=self.cell,
                hidden_size=self.hidden_size,
                num_layers=self.num_layers,
                bidirectional=self.bidirectional,
                pooling=self._pooling(),
                dropout=self.dropout,
                token_dropout=self.token_dropout,
                bfloat16=self.precision == "bfloat16",
            )
        if vectors is not None:
            codes = torch.from_numpy(encoding(ids))
            new = codes >= (len(self._encoding) if resumed else 0)
            network.set_vectors(codes[new], torch.from_numpy(vectors)[new])
            network.embedding.weight.requires_grad_(not self.freeze_embeddings)
        return network, encoding

    def _read(self, X: Any) -> Sequences:
        """Read X as it was read at fit."""
        validate_data(self, X, reset=False, skip_check_array=True, ensure_2d=False)
        sequences = read_sequences(X, self.input_type_)  # type: ignore[arg-type]
        n_channels = None if self.input_type_ == "tokens" else len(self._encoding)
        check_same_width(sequences, n_channels, self.n_features_in_ if self._is_table else None)
        return sequences

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

    def _embedding_dim(self, n_codes: int) -> int | None:
        if isinstance(self.embedding_dim, str):
            return min(128, round(4 * n_codes**0.5))
        return self.embedding_dim

    def _pooling(self) -> tuple[str, ...]:
        names = (self.pooling,) if isinstance(self.pooling, str) else tuple(self.pooling)
        if not names or not set(names) <= set(POOLINGS):
            raise ValueError(f"pooling needs names out of {POOLINGS}, found {self.pooling!r}.")
        return names

    def _net_options(self, device: torch.device, *, multilabel: bool) -> dict[str, Any]:
        """Give what a skorch net needs besides its network."""
        criterion = self.criterion
        if criterion == "auto":
            criterion = "binary_cross_entropy" if multilabel else "cross_entropy"
        return {
            "criterion": criterion,
            "optimizer": self.optimizer,
            "lr": self.lr,
            "weight_decay": self.weight_decay,
            "device": device,
        }

    def _logits(self, X: Any) -> NDArray[np.float64]:
        """Give the logits (n_samples, n_classes)."""
        check_is_fitted(self)
        sequences = self._read(X)
        logits = np.empty((len(sequences), len(self.classes_)))
        with torch.inference_mode():
            for rows in prediction_rows(sequences.lengths):
                # One sequence alone takes another way through the matrix products, and rounds
                # differently: it is read twice, so that its neighbours never matter.
                inputs = pad(sequences, np.resize(rows, max(2, len(rows))), self._encoding)
                batch = {name: tensor.to(self.net_.device) for name, tensor in inputs.items()}
                logits[rows] = self.net_.module_(**batch)[: len(rows)].cpu().numpy()
        return logits

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Give the logits of the network.

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
        network: SequenceNetwork = self.net_.module_
        return network

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
            state["net_"] = persistence.pack_network(self.module_)
            state["_encoding"] = persistence.pack_encoding(self._encoding)
            state["_optimizer_state"] = persistence.to_arrays(self._optimizer_state)
            state["_checksum"] = persistence.checksum(state)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "net_" in state:
            state = persistence.verified(state)
            network = persistence.unpack_network(state.pop("net_"))
            state["_encoding"] = persistence.unpack_encoding(state["_encoding"])
            state["_optimizer_state"] = persistence.to_tensors(state["_optimizer_state"])
            super().__setstate__(state)
            device = training.find_device(self.device)
            if not training.is_available(device):
                device = torch.device("cpu")
            options = self._net_options(device, multilabel=self._multilabel)
            self.net_ = training.make_net(network, **options)
        else:
            super().__setstate__(state)
