"""What each step adds to the score of a class, and which neighbours count as one: "not good"."""

from dataclasses import dataclass
from itertools import pairwise
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.inspection.explanation import Explanation
from sklearn_lstm.inspection.inputs import OpenModel, Single, WithoutSpan, open_model
from sklearn_lstm.members.network.network import Network
from sklearn_lstm.threads import map_on_workers, workers

METHODS = ["shares", "leave_one_out"]


def explain(model: Any, X: Any, target: Any = None, *, method: str = "shares") -> list[Explanation]:
    """Explain the score of a class by what each token or step contributes to it.

    The score is a sum over the members of the model, and so is each contribution. Contributions to
    the linear model are exact: the value of an n-gram of tokens is divided among its tokens, the
    value of an n-gram of letters goes to the words that contain it, and a convolution counts at the
    step in its middle, relative to its mean in training. Contributions to the network are
    integrated gradients [1]_, with a sequence of unknown tokens or a series that is the mean
    throughout as the baseline. An encoder reads the text as a whole: its contribution is a separate
    number. So are those of the columns beside the sequences (`numbers`), which say how much each
    differs from the mean of the training samples.

    These shares say where the evidence lies. ``method="leave_one_out"`` measures a change instead:
    how much the score of the whole model, encoder included, falls when a token is deleted, or, if a
    member counts places ("positions", "states"), is read as unknown in its place.

    Parameters
    ----------
    model : LSTMSequenceClassifier, or a Pipeline or a search that ends with one
        A fitted model.
    X : iterable of n_samples sequences
        Inputs of the model.
    target : class, array-like of n_samples classes, or None, default=None
        The class, one for all sequences or one for each. None: the predicted class of each; if y
        was multilabel, the label with the highest score above its threshold.
    method : {"shares", "leave_one_out"}, default="shares"
        How contributions are computed, see above. "leave_one_out" is for tokens, and makes one
        prediction for each token of a text. An encoder reads the text as it was written, without
        the token; if the tokens are not all of the text (stop words, `max_length`), it reads the
        other tokens, joined by blanks.

    Returns
    -------
    list of Explanation
        One for each sequence. The sum of `base_value`, `values`, `whole` and `numbers` is the score
        of its class. With "leave_one_out", `network` is what the network loses, `linear` what the
        other members that read texts lose, `whole` is 0, and `base_value` is the remainder.

    Raises
    ------
    TypeError, NotFittedError
        If `model` is none of these, or is not fitted.
    ValueError
        If the target is not a class of the model, the method is unknown, or
        ``method="leave_one_out"`` is used with measurements.

    See Also
    --------
    Explanation : What is returned, with an example.
    explain_phrases : Find steps that depend on each other.
    ExplanationDisplay : Draw an explanation.
    as_shap_explanation : Convert explanations for the plots of SHAP.

    References
    ----------
    .. [1] Sundararajan, Taly and Yan (2017). Axiomatic attribution for deep networks. ICML.
    """
    return explain_opened(open_model(model, X), target, method)


def explain_opened(opened: OpenModel, target: object, method: str = "shares") -> list[Explanation]:
    """Return what `explain` returns."""
    if method not in METHODS:
        raise ValueError(f"method must be one of {METHODS}; got {method!r}.")
    if method == "leave_one_out" and opened.sequences.n_channels is not None:
        raise ValueError("method='leave_one_out' needs tokens, X holds measurements: use 'shares'.")
    outputs = target_outputs(opened, target)
    rows = list(zip(opened, outputs.tolist(), strict=True))
    with workers(opened.model.network.device):
        return map_on_workers(lambda row: _explained(opened, *row, method), rows)


def target_outputs(opened: OpenModel, target: object) -> NDArray[np.intp]:
    """Return the index of the target class of each sequence."""
    classes, shown = opened.labels.classes, opened.labels.shown
    names = [*classes, *classes.tolist(), *shown.tolist()]  # NumPy's dates are not those of Python
    outputs = dict(zip(names, [*range(len(classes))] * 3, strict=True))
    if target is None:
        proba = opened.labels.proba(opened.model.blended_logits(opened.sequences))
        return opened.labels.best_outputs(proba, opened.model.thresholds)
    targets = np.asarray(target, np.object_)
    if targets.shape not in {(), (len(opened),)}:
        raise ValueError(
            f"target must be one class, or one class for each of {len(opened)} sequences; got the "
            f"shape {targets.shape}."
        )
    try:
        return np.array([outputs[one] for one in np.broadcast_to(targets, len(opened))], np.intp)
    except KeyError as error:
        known = ", ".join(map(repr, opened.classes))
        raise ValueError(f"target={error} is not a class of the model: {known}.") from error


def _explained(opened: OpenModel, one: Single, output: int, method: str) -> Explanation:
    """Return the explanation of one sequence."""
    sequences, data = one
    model, direction = opened.model, opened.labels.directions[:, output]
    linear, network = np.zeros((2, len(data)))
    base_value, names = float((model.biases * direction).sum()), [*sequences.numbers.columns]
    beside = {"whole": np.zeros(1), "columns": np.zeros(len(names))}
    is_deleted = len(data) > 1 and all(one.explained != "steps at places" for one in model.members)
    for member, weight in zip(model.members, model.weights, strict=True):
        if not weight:
            continue
        part = network if member.name == Network.name else linear
        if method == "shares" or member.explained == "columns":
            part = beside.get(member.explained, part)
            added, rest = member.contributions(sequences, weight * direction[:, np.newaxis])
            contributions, base = added[:, 0], float(rest[0, 0])
        else:
            spans = [(0, 0), *((step, step + 1) for step in range(len(data)))]
            encoding = None if is_deleted else model.network.encoding
            copies = WithoutSpan(sequences, spans, encoding)
            scores = member.logits(copies) @ (weight * direction)
            contributions = scores[0] - scores[1:]
            (score,) = member.logits(sequences) @ (weight * direction)  # of the text as written
            base = float(score - contributions.sum())
        part += contributions
        base_value += base
    target, whole = opened.labels.shown[output], float(beside["whole"][0])
    numbers = dict(zip(names, beside["columns"].tolist(), strict=True))
    return Explanation(data, linear, network, base_value, target, whole, numbers)


# --- Phrases


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
    Phrase : What is returned, with an example.
    explain : Return what each single step adds.

    Notes
    -----
    A sequence of n steps is predicted about ``n * longest`` times.

    References
    ----------
    .. [1] Zeiler and Fergus (2014). Visualizing and understanding convolutional networks. ECCV.
    """
    if not isinstance(longest, Integral) or longest < 1:
        raise ValueError(f"longest must be an integer from 1 on; got {longest!r}.")
    opened = open_model(model, X)
    pairs = zip(opened, target_outputs(opened, target).tolist(), strict=True)
    return [_cut(opened, one, output, longest) for one, output in pairs]


def _cut(opened: OpenModel, one: Single, output: int, longest: int) -> list[Phrase]:
    """Return the phrases of one sequence."""
    sequences, data = one
    n_steps, spans = len(data), [(0, 0)]
    for length in range(1, min(longest, n_steps) + 1):
        spans += [(start, start + length) for start in range(n_steps - length + 1)]
    occluded = WithoutSpan(sequences, spans, opened.model.network.encoding)
    scores = opened.model.blended_logits(occluded) @ opened.labels.directions[:, output]
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
