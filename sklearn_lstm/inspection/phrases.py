"""Which neighbouring steps count as one thing: "not good"."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.sequences import Sequences
from sklearn_lstm.inspection.explaining import target_outputs
from sklearn_lstm.inspection.inputs import Data, OpenModel, WithoutSpan, open_model


@dataclass(frozen=True, eq=False)
class Phrase:
    """Store neighbouring steps of a sequence, and their joint effect on a score.

    Parameters
    ----------
    start : int
        The first step.
    stop : int
        The step after the last one.
    data : ndarray of shape (stop - start,) or (stop - start, n_channels)
        Their tokens, ids or measurements.
    effect : float
        The score of the sequence minus its score without these steps, in logits.

    See Also
    --------
    explain_phrases : Cut sequences into phrases.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_lstm.inspection import Phrase
    >>> phrase = Phrase(2, 4, np.array(["not", "good"]), effect=-1.5)
    >>> phrase.stop - phrase.start
    2
    """

    start: int
    stop: int
    data: NDArray[Any]
    effect: float


def explain_phrases(model: Any, X: Any, target: Any = None, longest: int = 4) -> list[list[Phrase]]:
    """Cut each sequence into phrases: neighbours that depend on each other stay together.

    The effect of a phrase is measured by occlusion: how much the score falls when the phrase is
    read as unknown tokens, or as the means of the channels [1]_. The joint effect of independent
    steps is the sum of their single effects; that of "not good" differs widely from this sum. The
    sequence is cut such that the phrases contain as much of these differences as possible; each
    step that joins a phrase has to add at least half a logit.

    Parameters
    ----------
    model : LSTMSequenceClassifier, or a Pipeline or a search that ends with one
        A fitted model.
    X : iterable of n_samples sequences
        Inputs of the model.
    target : class, array-like of n_samples classes, or None, default=None
        As in `explain`.
    longest : int, default=4
        The largest number of steps in a phrase.

    Returns
    -------
    list of lists of Phrase
        The phrases of each sequence, in order.

    Raises
    ------
    TypeError, NotFittedError
        As in `explain`.
    ValueError
        If the target is not a class of the model, or `longest` is below 1.

    See Also
    --------
    explain : Return what each single step adds.

    Notes
    -----
    A sequence of n steps is predicted about ``n * longest`` times.

    References
    ----------
    .. [1] Zeiler and Fergus (2014). Visualizing and understanding convolutional networks. ECCV.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
    >>> from sklearn_lstm.inspection import explain_phrases
    >>> texts = ["good", "so good", "not bad", "bad", "so bad", "not good"]
    >>> labels = ["pos", "pos", "pos", "neg", "neg", "neg"]
    >>> model = make_pipeline(
    ...     TextSequenceVectorizer(max_length=9),
    ...     LSTMSequenceClassifier(hidden_size=16, max_epochs=60, random_state=0),
    ... ).fit(texts, labels)
    >>> (phrases,) = explain_phrases(model, ["it was not good"])
    >>> [" ".join(phrase.data) for phrase in phrases]
    ['it', 'was', 'not good']
    """
    if not isinstance(longest, Integral) or longest < 1:
        raise ValueError(f"longest must be an integer from 1 on; got {longest!r}.")
    opened = open_model(model, X)
    pairs = zip(opened, target_outputs(opened, target).tolist(), strict=True)
    return [_cut(opened, *one, output, longest) for one, output in pairs]


def _cut(
    opened: OpenModel, sequences: Sequences, data: Data, output: int, longest: int
) -> list[Phrase]:
    """Return the phrases of one sequence."""
    n_steps = len(data)
    spans = [(0, 0)]
    for length in range(1, min(longest, n_steps) + 1):
        spans += [(start, start + length) for start in range(n_steps - length + 1)]
    occluded = WithoutSpan(sequences, spans, opened.model.encoding)
    scores = opened.model.blended_logits(occluded) @ opened.labels.direction(output)
    effects = dict(zip(spans, scores[0] - scores, strict=True))
    alone = np.append(0, np.cumsum([effects[step, step + 1] for step in range(n_steps)]))
    # The best cut of the first steps: its sum, and where its last phrase starts.
    best: list[tuple[float, int]] = [(0.0, 0)]
    for stop in range(1, n_steps + 1):
        candidates = []
        for start in range(max(0, stop - longest), stop):
            interaction = abs(effects[start, stop] - (alone[stop] - alone[start]))
            gain = interaction - 0.5 * (stop - start - 1)  # each step that joins has to add so much
            candidates.append((best[start][0] + gain, start))
        best.append(max(candidates))
    stops = [n_steps]
    while stops[0]:
        stops.insert(0, best[stops[0]][1])
    return [Phrase(*span, data[slice(*span)], float(effects[span])) for span in pairwise(stops)]
