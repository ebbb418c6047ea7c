"""What each step adds to the score of a class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.compute.threads import map_on_workers, workers
from sklearn_lstm.data.sequences import NO_ID, DerivedSequences, Rows, Sequences
from sklearn_lstm.inspection.inputs import OpenModel, open_model
from sklearn_lstm.members.encoder.encoder_model import EncoderModel
from sklearn_lstm.members.network.networks import Networks

METHODS = ["shares", "leave_one_out"]


@dataclass(frozen=True, eq=False)
class Explanation:
    """What each step of one sequence adds to the score of a class.

    The score is a logit: that of the class, as in `decision_function`. For two classes it is the
    logit of the class minus that of the other.

    Parameters
    ----------
    data : ndarray of shape (n_steps,) or (n_steps, n_channels)
        The tokens (ids, if no vocabulary is known), or the measurements.
    linear, network : ndarray of shape (n_steps,)
        What each step adds, by the linear models and by the networks.
    base_value : float
        The score of the baseline: a linear model that finds none of its n-grams, and networks that
        read unknown tokens only; for measurements, a series that is the mean throughout (0 with
        ``normalize=False``). It includes the logit adjustment.
    target : object
        The class.
    whole : float
        What the text as a whole adds: the share of an encoder, which names no steps.
    left_out : dict of str to int
        What the model did not read or did not know, as far as this can be told: "truncated tokens"
        of the text, and "unknown tokens", of which only the linear model sees the letters.
    """

    data: NDArray[Any]
    linear: NDArray[np.float64]
    network: NDArray[np.float64]
    base_value: float
    target: Any
    left_out: dict[str, int]
    whole: float = 0.0

    @property
    def values(self) -> NDArray[np.float64]:
        """What each step adds, (n_steps,): the sum of both parts."""
        return self.linear + self.network

    @property
    def score(self) -> float:
        """The score: `base_value` and all contributions."""
        return float(self.base_value + self.values.sum() + self.whole)


def explain(model: Any, X: Any, target: Any = None, *, method: str = "shares") -> list[Explanation]:
    """Return what each token or step adds to the score of a class, or what the score loses without.

    The score is a sum over the members of the model, and so is each contribution. Those of the
    linear model are exact: the value of an n-gram of tokens is divided among its tokens, that of an
    n-gram of letters goes to the words that hold it, and a convolution counts at the step in its
    middle. Those of the networks are integrated gradients [1]_. Their baseline is a sequence of
    unknown tokens only, or a series that is the mean throughout. An encoder reads the text as a
    whole: its share is a number by itself.

    These shares say where the evidence lies. ``method="leave_one_out"`` says what a change does:
    how much the score of the whole model, encoder included, falls when a token is deleted.

    Parameters
    ----------
    model : LSTMSequenceClassifier, or a Pipeline or a search that ends with one
        Fitted.
    X : iterable of n_samples sequences
        What the model takes.
    target : class, array-like of n_samples classes, or None, default=None
        The class, one for all or one for each sequence. None is the predicted class of each; if y
        was multilabel, the label with the highest score above its threshold.
    method : {"shares", "leave_one_out"}, default="shares"
        What the values are, see above. "leave_one_out" is for tokens, and needs as many
        predictions as a text has tokens.

    Returns
    -------
    list of Explanation
        One for each sequence. ``base_value + values.sum() + whole`` is the score of its class. With
        "leave_one_out" `network` is what the networks lose, `linear` what all other members lose,
        `whole` is 0, and `base_value` is the rest of the score.

    Raises
    ------
    TypeError
        If `model` is neither an LSTMSequenceClassifier nor a Pipeline or search that ends with one.
    NotFittedError
        If it is not fitted.
    ValueError
        If the target is not a class of the model, the method is unknown, or measurements are to be
        left out.

    Notes
    -----
    All is computed in float32; a classifier that predicts in bfloat16 has scores that differ by
    some thousandths. A contribution tells what the model does, not what is true of the world. Where
    the meaning of one token depends on another, the two share it: see `explain_phrases`.

    References
    ----------
    .. [1] Sundararajan, Taly and Yan (2017). Axiomatic attribution for deep networks. ICML.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
    >>> from sklearn_lstm.inspection import explain
    >>> model = make_pipeline(
    ...     TextSequenceVectorizer(),
    ...     LSTMSequenceClassifier(hidden_size=16, max_epochs=60, random_state=0),
    ... ).fit(["so good", "good fun", "so bad", "bad, boring"], ["pos", "pos", "neg", "neg"])
    >>> (explanation,) = explain(model, ["such good fun"])
    >>> print(explanation.target)
    pos
    >>> explanation.data[explanation.values.argmax()]
    'good'
    >>> explanation.left_out
    {'truncated tokens': 0, 'unknown tokens': 1}
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {METHODS}; got {method!r}.")
    opened = open_model(model, X)
    if method == "leave_one_out" and opened.sequences.n_channels is not None:
        raise ValueError("method='leave_one_out' deletes tokens, but X holds measurements.")
    return explain_opened(opened, target, method)


def explain_opened(opened: OpenModel, target: Any, method: str = "shares") -> list[Explanation]:
    """Return what `explain` returns."""
    outputs = target_outputs(opened, target)
    rows = [(row, *pair, int(outputs[row])) for row, pair in enumerate(opened)]
    with workers(opened.model.networks.first.device):
        return map_on_workers(lambda row: _explained(opened, *row, method=method), rows)


def target_outputs(opened: OpenModel, target: Any) -> NDArray[np.intp]:
    """Return the index of the target class of each sequence."""
    classes = opened.labels.classes.tolist()
    if target is None:
        logits = opened.model.logits(opened.sequences)
        return opened.labels.best_outputs(logits, opened.model.thresholds)
    targets = np.asarray(target, np.object_)
    if targets.ndim == 0:
        targets = np.repeat(targets, len(opened))
    if targets.shape != (len(opened),):
        raise ValueError(
            f"target must be one class, or one class for each of {len(opened)} sequences; got an "
            f"array of shape {targets.shape}."
        )
    for label in targets:
        if label not in classes:
            raise ValueError(
                f"target={label!r} is not a class of the model; its classes are "
                f"{', '.join(map(repr, classes))}."
            )
    return np.array([classes.index(label) for label in targets], np.intp)


def _explained(
    opened: OpenModel,
    row: int,
    sequences: Sequences,
    data: NDArray[Any],
    output: int,
    *,
    method: str,
) -> Explanation:
    model, direction = opened.model, opened.labels.direction(output)
    linear, network = np.zeros((2, len(data)))
    whole, base_value = np.zeros(1), float((model.biases * direction).sum())
    parts = {Networks.name: network, EncoderModel.name: whole if method == "shares" else linear}
    for member, weight in zip(model.members, model.weights, strict=True):
        if not weight:
            continue
        if method == "shares":
            contributions, base = member.contributions(sequences, weight * direction)
        else:
            full, *shorter = member.logits(WithoutStep(sequences)) @ (weight * direction)
            contributions, base = full - np.array(shorter), float(full)
        parts.get(member.name, linear)[:] += contributions
        base_value += base
    if method == "leave_one_out":
        base_value -= float((linear + network).sum())
    target, left_out = opened.labels.classes[output], opened.left_out(row)
    return Explanation(data, linear, network, base_value, target, left_out, float(whole[0]))


class WithoutStep(DerivedSequences):
    """A sequence, and its copies without each step in turn."""

    def __init__(self, source: Sequences) -> None:
        n_steps = int(source.lengths[0])
        # Without its only step, a sequence is one unknown token.
        super().__init__(source, np.maximum(n_steps - (np.arange(n_steps + 1) > 0), 1))

    def source_rows(self, rows: Rows) -> Rows:
        """Return the one row, for each copy."""
        return np.zeros_like(rows)

    def derive(self, steps: NDArray[Any], rows: Rows) -> NDArray[Any]:
        """Delete a step of each copy."""
        steps = steps.astype(np.int64)
        copies = steps.reshape(len(rows), -1)
        n_steps = copies.shape[1]
        if n_steps == 1:
            return np.where(rows > 0, NO_ID, steps)
        return np.asarray(copies[np.arange(n_steps) != rows[:, np.newaxis] - 1])
