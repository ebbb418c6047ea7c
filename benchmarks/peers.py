"""The other models of the benchmarks: plain pipelines, and other libraries.

aeon, fastText and Keras are imported where they are used, because they are optional.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import welch
from scipy.sparse import csr_matrix, diags
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression, RidgeClassifierCV
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC
from skorch import NeuralNetClassifier
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from sklearn_lstm import TextSequenceVectorizer

EMBEDDING_DIM = HIDDEN_SIZE = 128
BATCH_SIZE = 64
N_POSITIONS = 120  # as many as `brackets` has


class LastStateLSTM(nn.Module):
    """Embedding, one bidirectional LSTM layer, the last state of each direction, linear output."""

    def __init__(self, n_ids: int, n_classes: int, *, packed: bool) -> None:
        super().__init__()
        self.embedding = nn.Embedding(n_ids, EMBEDDING_DIM, padding_idx=0)
        self.lstm = nn.LSTM(EMBEDDING_DIM, HIDDEN_SIZE, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(0.5)
        self.output = nn.Linear(2 * HIDDEN_SIZE, n_classes)
        self.packed = packed

    def forward(self, X: Tensor) -> Tensor:
        """Ids (B, T), padded with 0 at their end -> logits (B, n_classes)."""
        steps = self.embedding(X)  # (B, T, D)
        if self.packed:
            lengths = (X > 0).sum(1).cpu()
            steps = pack_padded_sequence(steps, lengths, batch_first=True, enforce_sorted=False)
        _, (last, _) = self.lstm(steps)  # (2, B, H)
        return self.output(self.dropout(torch.cat([last[0], last[1]], 1)))


def skorch_lstm(X: csr_matrix, n_classes: int, *, packed: bool, max_epochs: int) -> Any:
    """Return a skorch net that reads `padded(X)`."""
    return NeuralNetClassifier(
        LastStateLSTM,
        module__n_ids=int(X.max()) + 1,
        module__n_classes=n_classes,
        module__packed=packed,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=1e-3,
        batch_size=BATCH_SIZE,
        max_epochs=max_epochs,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
    )


def padded(X: csr_matrix) -> NDArray[np.int64]:
    """Return ids (n_samples, max_length), filled with 0."""
    return X.toarray().astype(np.int64)


class KerasLSTM:
    """TextVectorization, Embedding with a mask, Bidirectional LSTM: the example of Keras."""

    def __init__(self, *, max_length: int | None, max_epochs: int) -> None:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        import keras  # noqa: PLC0415 - optional, and slow to import

        self.keras = keras
        self.max_length = max_length
        self.max_epochs = max_epochs

    def fit(self, texts: list[str], y: NDArray[np.integer[Any]]) -> KerasLSTM:
        """Learn the vocabulary, and train."""
        layers = self.keras.layers
        self.read = layers.TextVectorization(output_sequence_length=self.max_length)
        self.read.adapt(texts, batch_size=1024)
        self.model = self.keras.Sequential(
            [
                layers.Embedding(self.read.vocabulary_size(), EMBEDDING_DIM, mask_zero=True),
                layers.Bidirectional(layers.LSTM(HIDDEN_SIZE)),
                layers.Dropout(0.5),
                layers.Dense(int(y.max()) + 1, activation="softmax"),
            ]
        )
        self.model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
        ids = np.asarray(self.read(texts))
        self.model.fit(ids, y, batch_size=BATCH_SIZE, epochs=self.max_epochs, verbose=0)
        return self

    def predict_proba(self, texts: list[str]) -> NDArray[np.float32]:
        """Return probabilities (n_samples, n_classes)."""
        probabilities = self.model.predict(
            np.asarray(self.read(texts)), batch_size=BATCH_SIZE, verbose=0
        )
        return np.asarray(probabilities)


class SkorchLSTM(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """The LSTM of most tutorials: packed, bidirectional, five epochs, on words or characters."""

    def __init__(self, analyzer: str = "word") -> None:
        self.analyzer = analyzer

    def fit(self, X: list[str], y: NDArray[Any]) -> SkorchLSTM:
        """Learn the vocabulary, and train."""
        self.classes_, targets = np.unique(y, return_inverse=True)
        self.read_ = TextSequenceVectorizer(max_length=400, analyzer=self.analyzer)
        ids = self.read_.fit_transform(X)
        torch.manual_seed(0)
        self.net_ = skorch_lstm(ids, len(self.classes_), packed=True, max_epochs=5)
        self.net_.fit(padded(ids), targets)
        return self

    def predict(self, X: list[str]) -> NDArray[Any]:
        """Return the most probable label of each text."""
        return np.asarray(self.classes_[self.net_.predict(padded(self.read_.transform(X)))])


class FastText(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """fastText's supervised classifier (Joulin et al. 2017).

    It reads runs of one or two words, or of one to four characters.
    """

    def __init__(self, analyzer: str = "word") -> None:
        self.analyzer = analyzer

    def _one_line(self, text: str) -> str:
        """Return the tokens of a text, separated by blanks."""
        pattern = r"\w+|[^\w\s]" if self.analyzer == "word" else r"\S"
        return " ".join(re.findall(pattern, text.lower()))

    def fit(self, X: list[str], y: NDArray[Any]) -> FastText:
        """Write the texts into a file, which fastText needs, and train."""
        import fasttext  # noqa: PLC0415 - optional

        self.classes_ = np.unique(y)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "texts")
            targets = np.searchsorted(self.classes_, y)
            lines = (
                f"__label__{target} {self._one_line(text)}\n"
                for text, target in zip(X, targets, strict=True)
            )
            path.write_text("".join(lines), encoding="utf-8")
            self.model_ = fasttext.train_supervised(
                str(path),
                epoch=25,
                lr=0.5,
                dim=100,
                wordNgrams=2 if self.analyzer == "word" else 4,
                thread=2,
                verbose=0,
            )
        return self

    def predict(self, X: list[str]) -> NDArray[Any]:
        """Return the most probable label of each text."""
        labels, _ = self.model_.predict([self._one_line(text) for text in X])
        targets = [int(label[0].removeprefix("__label__")) if label else 0 for label in labels]
        return np.asarray(self.classes_[targets])


class NBSVM(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A linear SVM on binary 1- and 2-grams times naive Bayes ratios (Wang and Manning 2012)."""

    def fit(self, X: Any, y: Any) -> NBSVM:
        """Fit one machine for each class; one machine for two classes."""
        self.classes_ = np.unique(y)
        self.read_ = CountVectorizer(ngram_range=(1, 2), binary=True)
        counts = self.read_.fit_transform(X)
        self.machines_ = []
        for label in self.classes_[len(self.classes_) == 2 :]:
            of_class = y == label
            inside, outside = counts[of_class].sum(0) + 1.0, counts[~of_class].sum(0) + 1.0
            ratio = np.asarray(np.log(inside / inside.sum() / (outside / outside.sum()))).ravel()
            machine = LinearSVC(C=1).fit(counts @ diags(ratio), of_class)
            weight = machine.coef_.ravel()
            weight = 0.75 * np.abs(weight).mean() + 0.25 * weight
            self.machines_.append((ratio * weight, machine.intercept_[0]))
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the label whose machine has the largest margin."""
        counts: csr_matrix = self.read_.transform(X)
        margins = np.column_stack([counts @ weight + bias for weight, bias in self.machines_])
        if len(self.machines_) == 1:
            return self.classes_[(margins[:, 0] > 0).astype(int)]
        return self.classes_[margins.argmax(axis=1)]


def tfidf(**options: Any) -> TfidfVectorizer:
    """Return TF-IDF with the logarithm of counts."""
    return TfidfVectorizer(sublinear_tf=True, **options)


def letters(shortest: int, longest: int, *, min_df: int = 1, C: float = 1) -> Any:
    """Return a linear SVM on tf-idf of runs of characters."""
    runs = tfidf(analyzer="char", ngram_range=(shortest, longest), min_df=min_df)
    return make_pipeline(runs, LinearSVC(C=C))


def words_and_letters() -> Any:
    """Return a linear SVM on tf-idf of 1- and 2-grams, and of 2 to 5 letters within words."""
    within_words = tfidf(analyzer="char_wb", ngram_range=(2, 5), min_df=2)
    return make_pipeline(make_union(tfidf(ngram_range=(1, 2)), within_words), LinearSVC())


def positions(texts: Any) -> NDArray[Any]:
    """Return the last 120 characters of each text as columns, blanks before shorter texts."""
    return np.array([list(text[-N_POSITIONS:].rjust(N_POSITIONS)) for text in texts])


def statistics(series: Any) -> NDArray[Any]:
    """Return mean, standard deviation, least and greatest value of each channel."""
    return np.array(
        [np.r_[one.mean(0), one.std(0), one.min(0), one.max(0)] for one in series]
    )  # (n_samples, 4 * n_channels)


def statistics_and_spectrum(series: Any) -> NDArray[Any]:
    """Return also the logarithm of the power at 129 frequencies (Welch 1967)."""
    power = [welch(one, nperseg=256, axis=0)[1].ravel() for one in series]
    return np.hstack([statistics(series), np.log(np.maximum(power, 1e-12))])


def statistics_of_known(series: Any) -> NDArray[Any]:
    """Return statistics of the values of each channel that are not missing, NaN without any.

    They are the mean, the least, greatest, first and last value, and the number of values.
    """
    rows = []
    for one in series:
        is_known = ~np.isnan(one)
        ends = [is_known.argmax(0), len(one) - 1 - is_known[::-1].argmax(0)]
        first, last = (np.take_along_axis(one, end[np.newaxis], 0)[0] for end in ends)
        n_known = is_known.sum(0)
        mean = np.where(is_known, one, 0).sum(0) / np.where(n_known, n_known, np.nan)
        spread = [np.fmin.reduce(one, 0), np.fmax.reduce(one, 0)]
        rows.append(np.concatenate([mean, *spread, first, last, n_known]))
    return np.array(rows)  # (n_samples, 6 * n_channels)


def boosted_trees() -> Any:
    """Return gradient boosting of small trees, which read missing values, on statistics.

    The number of trees, their size and the learning rate were chosen on the stays: with the
    defaults of scikit-learn the log loss is .05 higher.
    """
    trees = HistGradientBoostingClassifier(
        learning_rate=0.05, max_iter=150, max_leaf_nodes=8, random_state=0
    )
    return make_pipeline(FunctionTransformer(statistics_of_known), trees)


def extra_trees(features: Callable[[Any], NDArray[Any]], *steps: Any) -> Any:
    """Return 500 trees on the features that a function computes."""
    return make_pipeline(
        FunctionTransformer(features), *steps, ExtraTreesClassifier(500, random_state=0)
    )


class EquallyLong(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Series of the length of the longest training series, as aeon reads them.

    Shorter series are extended by their last value, longer ones are cut.
    """

    def fit(self, X: Any, y: Any = None) -> EquallyLong:  # noqa: ARG002 - scikit-learn's signature
        """Remember the length."""
        self.length_ = max(map(len, X))
        return self

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Return series (n_samples, n_channels, length)."""
        steps = np.arange(self.length_)
        return np.stack([one[np.minimum(steps, len(one) - 1)].T for one in X], dtype=np.float32)


def minirocket() -> Any:
    """Return aeon's MiniRocket with a ridge classifier."""
    from aeon.transformations.collection.convolution_based import MiniRocket  # noqa: PLC0415

    return make_pipeline(
        EquallyLong(),
        MiniRocket(random_state=0),
        StandardScaler(with_mean=False),
        RidgeClassifierCV(np.logspace(-3, 3, 10)),
    )


def multirocket_hydra() -> Any:
    """Return aeon's MultiRocket and Hydra with a ridge classifier."""
    from aeon.classification.convolution_based import (  # noqa: PLC0415
        MultiRocketHydraClassifier,
    )

    return make_pipeline(EquallyLong(), MultiRocketHydraClassifier(random_state=0))


def quant() -> Any:
    """Return aeon's QUANT: quantiles of intervals, and extra trees."""
    from aeon.classification.interval_based import QUANTClassifier  # noqa: PLC0415

    return make_pipeline(EquallyLong(), QUANTClassifier(random_state=0))


def nearest_warped() -> Any:
    """Return aeon's nearest neighbour by dynamic time warping.

    The window is a tenth of the length.
    """
    from aeon.classification.distance_based import (  # noqa: PLC0415
        KNeighborsTimeSeriesClassifier,
    )

    return make_pipeline(
        EquallyLong(),
        KNeighborsTimeSeriesClassifier(distance="dtw", distance_params={"window": 0.1}),
    )


PEERS: dict[str, dict[str, Callable[[], Any]]] = {
    "word": {
        "tf-idf, logistic regression": lambda: make_pipeline(
            TfidfVectorizer(), LogisticRegression(max_iter=1000)
        ),
        "tf-idf of 1- and 2-grams": lambda: make_pipeline(
            tfidf(ngram_range=(1, 2)), LogisticRegression(C=10, max_iter=1000)
        ),
        "tf-idf of words and letters, SVM": words_and_letters,
        "1-3 letters, linear SVM": lambda: letters(1, 3),
        "NB-SVM": NBSVM,
        "fastText": FastText,
        "LSTM through skorch": SkorchLSTM,
    },
    "char": {
        "single letters, linear SVM": lambda: letters(1, 1),
        "8 letters, linear SVM": lambda: letters(8, 8, C=10),
        "one-hot positions, extra trees": lambda: extra_trees(
            positions, OneHotEncoder(handle_unknown="ignore")
        ),
        "1-3 letters, linear SVM": lambda: letters(1, 3),
        "1-5 letters, linear SVM": lambda: letters(1, 5, min_df=2),
        "fastText, 1-4 letters": lambda: FastText("char"),
        "LSTM through skorch": lambda: SkorchLSTM("char"),
    },
    "series": {
        "statistics, extra trees": lambda: extra_trees(statistics),
        "MiniRocket, ridge": minirocket,
        "MultiRocket-Hydra": multirocket_hydra,
        "QUANT": quant,
        "1-NN, time warping": nearest_warped,
    },
    "recordings": {
        "statistics, spectrum, extra trees": lambda: extra_trees(statistics_and_spectrum),
        "MiniRocket, ridge": minirocket,
    },
    "stays": {"statistics, boosted trees": boosted_trees},
}
COMPILED = {"MiniRocket, ridge", "MultiRocket-Hydra", "1-NN, time warping"}  # at first use
