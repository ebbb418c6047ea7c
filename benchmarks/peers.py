"""The other libraries of the benchmarks: an LSTM in skorch, an LSTM in Keras, and fastText."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, ClassifierMixin
from skorch import NeuralNetClassifier
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from sklearn_lstm import TextSequenceVectorizer

EMBEDDING_DIM = HIDDEN_SIZE = 128
BATCH_SIZE = 64


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
