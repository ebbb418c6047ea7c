"""`LSTMSequenceClassifier`: what can be set, with its defaults and why."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from sklearn_lstm import objectives, training
from sklearn_lstm.estimator import SequenceEstimator
from sklearn_lstm.network import CELLS, POOLINGS


class LSTMSequenceClassifier(SequenceEstimator):
    """Classify whole sequences with a long short-term memory network.

    Takes token ids, time series, speech frames, notes or bases, of equal or unequal length, where
    other classifiers of scikit-learn take rows of features, and does whatever they do.

    Integers are token ids, everything else is a measurement: see `input_type`. Batches are made of
    sequences of like length, and the steps that are padding take no part in anything.

    Parameters
    ----------
    input_type : {"auto", "tokens", "numeric"}, default="auto"
        How X is read. "auto" decides in `fit`: non-negative integers in two dimensions (CSR, dense
        or ragged) are token ids, everything else is a measurement. "tokens" also takes ids that a
        container has turned into floats (a fraction is an unknown token), and holds a dense X to
        the number of columns that it had in `fit`.
    embedding_dim : int, "auto" or None, default="auto"
        Length of the vector that a step is turned into: one learnt for each token id, or a linear
        map of the channels; sines and cosines of its position are added [7]_. "auto" grows with
        the square root of the number of ids or inputs, up to 128. None takes every step as it is:
        channels, or one-hot ids, by a table that stands for the input weights of the gates; no
        one-hot array is ever built.
    embeddings : array of shape (n_ids, embedding_dim), mapping or gensim KeyedVectors, default=None
        Pretrained vectors. Row i of an array belongs to id i. A mapping from tokens needs the CSR
        output of `TextSequenceVectorizer` as it is, which says which token an id stands for: a
        Pipeline passes it on. Ids without a vector are drawn at random.
    freeze_embeddings : bool, default=False
        Do not train the vectors.
    linear_branch : bool, default=True
        Put a linear model beside the network and add its logits: what the two get wrong differs.
        For token ids support vector machines on tf-idf of all runs of one or two ids, or of one to
        five letters (see `max_epochs`), that two training sequences hold [9]_, from 100 sequences
        on; for measurements ridge regression on how often random convolutions exceed thresholds
        [10]_, from 20 on. Samples held out of the network tell how far each is to be trusted, which
        makes probabilities of the sum too: a tenth of the training data, 1,000 at most (with
        `early_stopping` the `validation_fraction`). If training on all takes no more than about a
        minute, this is told by a network of its own, 500 samples at least or a half of them
        (`callbacks` see it too), while another one learns from all; the logits of the two are
        averaged. Only `fit` does so, and only for the cross entropy; with `warm_start` each stays
        as trusted as it was, and one network goes on. Memory grows with the number of different
        runs in the sequences times that of the classes, or by 100 kB for each series. False: one
        network alone, in half the time.
    normalize : bool, default=True
        Bring each channel of measurements to mean 0 and deviation 1 over all training steps, and
        put beside it its change from the step before, on the same scale. False: X as it is.
    cell : {"lstm", "gru", "rnn"}, default="lstm"
        LSTM [1]_, GRU [2]_, or the plain recurrent network that both improve on.
    hidden_size : int, default=128
        Units of each layer and direction.
    num_layers : int, default=1
        Recurrent layers, each reading the states of the one below.
    bidirectional : bool, default=True
        Read from both ends [3]_.
    pooling : {"max", "mean", "last", "attention"} or tuple of them, default=("max", "mean")
        What becomes of the states of all steps: the largest value of each unit, their average, the
        state in which each direction ends, or an average with learnt weights [4]_. Several are
        laid side by side: "max" finds a cue wherever it stands, "mean" weighs up all of them.
    dropout : float in [0, 1), default=0.3
        Share of the features of the steps, of the states between layers, and of the pooled vector
        that is dropped in training; a feature is dropped in all steps of a sequence [8]_.
    token_dropout : float in [0, 1), default=0.1
        Share of the tokens that training reads as unknown, which is how the vector of the unknown
        token is learnt. Those that were seen but once are more like the tokens to come, and run
        that risk six times over.
    criterion : "cross_entropy" or class of torch losses, default="cross_entropy"
        The loss; the cross entropy of a multilabel y is that of each label by itself. A class is
        called with ``reduction="none"``, and its loss with logits and targets.
    optimizer : {"adamw", "adam", "nadam", "rmsprop", "sgd"} or torch optimizer, default="adamw"
        AdamW [5]_, or any class of ``torch.optim``.
    lr : float, default=0.005
        The highest learning rate.
    weight_decay : float, default=0.01
        Pull of all weights towards 0.
    lr_schedule : {"onecycle", "cosine", "constant"}, default="onecycle"
        How the learning rate changes from batch to batch over all of `max_epochs`: up and down
        [6]_, down, or not at all.
    max_epochs : int or "auto", default="auto"
        Passes over the training data. "auto" follows the data: about 1,500 steps of the
        optimiser, 100 passes and 10 million tokens (or half as many measurements) at most, and 12
        passes at least, or 30 over letters; fewer, down to 4, where those would read more than 50
        million. Letters, bases, notes and the like are ids that keep recurring: n of them are less
        than 4 sqrt(n) different ones, which words are not. For a quick answer set it to 2.
    batch_size : int or "auto", default="auto"
        Sequences in a training batch. "auto" is 64, or less where an epoch would have fewer than
        20 steps; 32 in `partial_fit`. Predictions do not depend on it.
    gradient_clip : float or None, default=1.0
        The gradient is scaled down to this norm where it is longer.
    class_weight : dict, list of dict, "balanced" or None, default=None
        Weight of each class, as everywhere in scikit-learn; multiplies `sample_weight`.
    early_stopping : bool, default=False
        Hold out part of the data, stop when the loss on it no longer falls, and restore the best
        weights.
    validation_fraction : float in (0, 1), default=0.1
        The part held out, class by class.
    n_iter_no_change : int, default=5
        Epochs without a better validation loss before training stops.
    warm_start : bool, default=False
        Let `fit` go on from the weights of the last one.
    callbacks : list of skorch callbacks, default=None
        Called while training, copies of them.
    random_state : int, RandomState or None, default=None
        Seed of weights, dropout, and order of the data. An int gives the same model each time, on
        one machine and number of threads, whatever the global random states are. None: drawn from
        the operating system.
    verbose : int, default=0
        Above 0: a progress bar and a row for each epoch.
    device : str or torch.device, default="auto"
        Where to compute. "auto" is the GPU if there is one. A model that is loaded on a machine
        without its device runs on the processor.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        Arithmetic of the matrix products. "auto" is bfloat16 for token ids where the processor or
        GPU is faster in it, float32 for measurements. Weights, sums and the output are not rounded;
        a probability differs by some thousandths between the two. Predictions on a GPU, and those
        of other cells than "lstm", use float32 always, since they would depend on the batch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels; for a multilabel y the numbers of its columns.
    n_features_in_ : int
        Columns of a 2-D X, channels of any other.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, if X had any.
    input_type_ : {"tokens", "numeric"}
        How X is read.
    history_ : list of dict
        One row for each epoch: `train_loss`, `valid_loss` (None without early stopping), `lr` at
        its end, `seconds`, `tokens_per_second` and `padding`, the share of steps that were.
    n_epochs_ : int
        Rows of `history_`.
    net_ : skorch.NeuralNet
        The network with its optimiser.
    module_ : torch.nn.Module
        The network.

    See Also
    --------
    TextSequenceVectorizer : Turns texts into the token ids that this classifier reads.

    Notes
    -----
    A sample's probabilities depend neither on its padding, nor on its neighbours, nor on the batch.
    Ids that were not there in `fit` are unknown tokens. The fitted estimator is stored as plain
    NumPy arrays with a checksum, by pickle, joblib and skops alike.

    References
    ----------
    .. [1] Hochreiter and Schmidhuber (1997). Long short-term memory. Neural Computation 9(8).
    .. [2] Cho et al. (2014). Learning phrase representations using RNN encoder-decoder for
       statistical machine translation. EMNLP.
    .. [3] Schuster and Paliwal (1997). Bidirectional recurrent neural networks. IEEE Transactions
       on Signal Processing 45(11).
    .. [4] Yang et al. (2016). Hierarchical attention networks for document classification. NAACL.
    .. [5] Loshchilov and Hutter (2019). Decoupled weight decay regularization. ICLR.
    .. [6] Smith and Topin (2018). Super-convergence: very fast training of neural networks using
       large learning rates.
    .. [7] Vaswani et al. (2017). Attention is all you need. NeurIPS.
    .. [8] Gal and Ghahramani (2016). A theoretically grounded application of dropout in recurrent
       neural networks. NeurIPS.
    .. [9] Wang and Manning (2012). Baselines and bigrams: simple, good sentiment and topic
       classification. ACL.
    .. [10] Dempster, Schmidt and Webb (2021). MiniRocket: a very fast (almost) deterministic
       transform for time series classification. KDD.

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
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "input_type": [StrOptions({"auto", "tokens", "numeric"})],
        "embedding_dim": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left"), None],
        "embeddings": ["array-like", HasMethods(["__getitem__", "__contains__"]), None],
        "freeze_embeddings": ["boolean"],
        "linear_branch": ["boolean"],
        "normalize": ["boolean"],
        "cell": [StrOptions(set(CELLS))],
        "hidden_size": [Interval(Integral, 1, None, closed="left")],
        "num_layers": [Interval(Integral, 1, None, closed="left")],
        "bidirectional": ["boolean"],
        "pooling": [StrOptions(set(POOLINGS)), list, tuple],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "token_dropout": [Interval(Real, 0, 1, closed="left")],
        "criterion": [StrOptions({"cross_entropy"}), type],
        "optimizer": [StrOptions(set(objectives.OPTIMIZERS)), type],
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

    def __init__(
        self,
        *,
        input_type: str = "auto",
        embedding_dim: int | str | None = "auto",
        embeddings: Any = None,
        freeze_embeddings: bool = False,
        linear_branch: bool = True,
        normalize: bool = True,
        cell: str = "lstm",
        hidden_size: int = 128,
        num_layers: int = 1,
        bidirectional: bool = True,
        pooling: str | tuple[str, ...] = ("max", "mean"),
        dropout: float = 0.3,
        token_dropout: float = 0.1,
        criterion: str | type[torch.nn.Module] = "cross_entropy",
        optimizer: str | type[torch.optim.Optimizer] = "adamw",
        lr: float = 0.005,
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
        self.linear_branch = linear_branch
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
