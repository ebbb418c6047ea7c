"""What the network knows of whole sequences, as vectors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError

from sklearn_lstm.inspection.inputs import open_model


def sequence_vectors(model: object, X: object) -> NDArray[np.float32]:
    """Return a vector of each sequence: what the network pools of its states.

    The output layer turns this vector into the logits of the network. Sequences of one class lie
    close together, so the vectors can be drawn, clustered and searched.

    Parameters
    ----------
    model : LSTMSequenceClassifier, or a Pipeline or a search that ends with one
        A fitted model.
    X : iterable of n_samples sequences
        Inputs of the model.

    Returns
    -------
    ndarray of float32 of shape (n_samples, n_features)
        For each direction that the network reads in, and for each kind of pooling, `hidden_size`
        numbers.

    Raises
    ------
    TypeError
        If `model` is neither an LSTMSequenceClassifier nor a Pipeline or search that ends with one.
    NotFittedError
        If it is not fitted, or its network was not trained (``linear_model="alone"``).

    See Also
    --------
    gate_activations : Return what each gate does at each step.

    Notes
    -----
    Only the network has such vectors. What n-grams, convolutions or an encoder say of a sequence is
    not in them.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
    >>> from sklearn_lstm.inspection import sequence_vectors
    >>> model = make_pipeline(
    ...     TextSequenceVectorizer(),
    ...     LSTMSequenceClassifier(hidden_size=8, max_epochs=10, random_state=0),
    ... ).fit(["so good", "good fun", "so bad", "bad, boring"], [1, 1, 0, 0])
    >>> sequence_vectors(model, ["so much fun", "dull"]).shape
    (2, 32)
    """
    opened = open_model(model, X)
    if not opened.model.network.is_trained:
        raise NotFittedError(
            "The network of this model was not trained, so its vectors would be random. Fit with "
            "linear_model=True and max_epochs='auto', the defaults. Vectors without a network are "
            "those of TfidfVectorizer, or of an encoder."
        )
    return opened.model.network.vectors_of(opened.sequences)
