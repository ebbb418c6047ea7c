"""What tokens, numbers and categories add to each class, over many sequences."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from numbers import Integral
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from sklearn_lstm.data.sequences import Rows, chunks_of_rows
from sklearn_lstm.exceptions import imported
from sklearn_lstm.inspection.drawing import Axes, axes_for, printable, token_names
from sklearn_lstm.inspection.inputs import OpenModel, open_model
from sklearn_lstm.members.member import LINEAR, LinearModel
from sklearn_lstm.members.network.network import Network
from sklearn_lstm.threads import map_on_workers, workers

MOST_SAMPLES = 200  # whose contributions to the network are computed
NETWORK, NUMBERS, STATES = Network.name, "numbers", "states"
WHOLE, BASE = "the whole sequence", "base value"  # parts that have no tokens

COLUMNS = "class", "part", "name", "mean", "mean_where_present", "n_with", "n_samples"

Row: TypeAlias = dict[str, Any]  # of the data frame, by its columns
Key: TypeAlias = tuple[str, Any]  # a part, and the name of what adds
# The sum of what it adds, in how many samples, and of how many.
Total: TypeAlias = tuple[NDArray[np.float64], int, int]
Added: TypeAlias = list[tuple[Key, NDArray[np.float64], int]]  # the sum, and in how many samples


@dataclass(eq=False, repr=False)
class ClassExplanations:
    """Store and draw what adds to the score of each class, as a mean over many sequences.

    A contribution is that of `explain`. The linear members are explained over all sequences, the
    network over at most 200 of them. `print` shows the object as text. Only the picture needs
    matplotlib, and only `to_frame` pandas.

    Parameters
    ----------
    classes : list
        The classes, or the names of several labels.
    parts : list of str
        Of each row: "linear model", "network", "numbers" or "states"; "the whole sequence" for what
        an encoder adds; "base value".
    names : list
        What adds: tokens (ids, if no vocabulary is known), values of columns beside the sequences,
        states of machines, in words; for the base value, the part that has it.
    means : ndarray of shape (n_rows, n_classes)
        The mean contributions over all sequences of the part; 0 where a token is missing.
    n_with : ndarray of shape (n_rows,)
        How many of these sequences hold it.
    n_samples : ndarray of shape (n_rows,)
        The number of these sequences.
    network_rows : ndarray
        Which rows of X the network was explained for.
    n_tokens : int
        How many names are shown of each class and part.

    See Also
    --------
    explain_classes : Compute such explanations.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
    >>> from sklearn_lstm.inspection import explain_classes
    >>> texts, labels = ["so good", "good fun", "so bad", "bad, boring"], [1, 1, 0, 0]
    >>> model = make_pipeline(
    ...     TextSequenceVectorizer(),
    ...     LSTMSequenceClassifier(linear_model="alone", random_state=0),
    ... ).fit(texts, labels)
    >>> explanations = explain_classes(model, texts)
    >>> explanations.classes
    [0, 1]
    >>> explanations.to_frame().columns.tolist()
    ['class', 'part', 'name', 'mean', 'mean_where_present', 'n_with', 'n_samples']
    >>> explanations.names[explanations.means[:, 1].argmax()]
    'good'
    """

    classes: list[Any]
    parts: list[str]
    names: list[Any]
    means: NDArray[np.float64]
    n_with: NDArray[np.intp]
    n_samples: NDArray[np.intp]
    network_rows: Rows
    n_tokens: int

    @property
    def means_where_present(self) -> NDArray[np.float64]:
        """The mean contributions over the sequences that hold a name, (n_rows, n_classes)."""
        return self.means * (self.n_samples / self.n_with)[:, np.newaxis]

    def to_frame(self) -> Any:
        """Return all rows as a data frame of pandas, those with the largest means first.

        Returns
        -------
        DataFrame
            With the columns class, part, name, mean, mean_where_present, n_with and n_samples. The
            means of a class and a part add up to what the part adds to its score, on average.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        names = [printable(name) if isinstance(name, str) else name for name in self.names]
        return imported("pandas", "A data frame").DataFrame(replace(self, names=names).rows())

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows of `to_frame`.

        Returns
        -------
        list of dict
            Each row by the names of the columns.
        """
        orders = np.argsort(-self.means, axis=0, kind="stable").T
        return [row for place, order in enumerate(orders) for row in self._rows_of(place, order)]

    def _rows_of(self, place: int, rows: Iterable[int]) -> list[Row]:
        """Return the entries of some rows, for the class at a place."""
        means = self.means[:, place], self.means_where_present[:, place]
        numbers = (column.tolist() for column in (*means, self.n_with, self.n_samples))
        table = [*zip(self.parts, self.names, *numbers, strict=True)]
        return [dict(zip(COLUMNS, (self.classes[place], *table[row]), strict=True)) for row in rows]

    def shown(self, place: int) -> dict[str, list[int]]:
        """Return which rows are shown for a class, those that speak for it first.

        They are half of `n_tokens` that add most to its score, and half that take most from it.

        Parameters
        ----------
        place : int
            The place of the class in `classes`.

        Returns
        -------
        dict of str to list of int
            The rows of the linear model and of the network.
        """
        means, parts = self.means[:, place], np.array(self.parts)
        order = np.argsort(-means, kind="stable")
        shown = {}
        for title, of_part in {LINEAR: [LINEAR, NUMBERS, STATES], NETWORK: [NETWORK]}.items():
            rows = order[np.isin(parts[order], of_part)]
            against = rows[means[rows] < 0]
            last = against[max(0, len(against) - self.n_tokens // 2) :]
            ends = rows[means[rows] > 0][: -(-self.n_tokens // 2)], last
            if len(rows):
                shown[title] = np.concatenate(ends).tolist()
        return shown

    def _titled(self, place: int) -> dict[str, list[Row]]:
        """Return the rows that are shown of each part, by its name and number of samples."""
        titled = {}
        for part, rows in self.shown(place).items():
            n_samples = int(self.n_samples[rows].max(initial=0))
            titled[f"{part}, {n_samples:,} samples"] = self._rows_of(place, rows)
        return titled

    def _beside(self, place: int) -> str:
        """Return what belongs to no name: what an encoder adds, and the base values."""
        rows = self._rows_of(place, np.flatnonzero(np.isin(self.parts, [WHOLE, BASE])))
        return "; ".join(f"{row['part']} ({row['name']}) {row['mean']:+.2f}" for row in rows)

    def __repr__(self) -> str:
        lines, places = [], [*range(len(self.classes))]
        if len(places) == 2 and not self.means.sum(axis=1).any():  # one mirrors the other
            places = places[1:]
        for place in places:
            target = printable(self.classes[place])
            lines += ["", f"{target}: mean contribution (logits), that where present"]
            for title, rows in self._titled(place).items():
                lines += [f"  {title}", *(f"{row['mean']:+10.3f}  {_told(row)}" for row in rows)]
            lines.append(f"  {self._beside(place)}")
        return "\n".join(lines[1:])

    def plot(self, target: object = None, *, ax: Axes | None = None) -> Axes:
        """Draw bars of what adds most to the score of a class, and of what takes most from it.

        Beside each name stand its mean over the samples that hold it, and their number.

        Parameters
        ----------
        target : class or None, default=None
            None: the last class, which of two is the one that is called positive.
        ax : matplotlib Axes, default=None
            Where to draw. None: in a new figure.

        Returns
        -------
        matplotlib Axes
            The axes with the bars; their `figure` has `savefig`.

        Raises
        ------
        ValueError
            If the target is not a class of the model.
        ImportError
            If matplotlib is not installed.
        """
        if target is not None and target not in self.classes:
            raise ValueError(f"target={target!r} is not a class of the model: {self.classes}.")
        place = len(self.classes) - 1 if target is None else self.classes.index(target)
        parts = self._titled(place)
        n_bars = sum(len(rows) + 1 for rows in parts.values()) - 1
        ax = axes_for(ax, (6.4, float(np.clip(1.4 + 0.2 * n_bars, 2.4, 12))))
        labels, start = dict[int, str](), 0
        for title, rows in parts.items():
            places = range(start, start + len(rows))
            ax.barh(places, [row["mean"] for row in rows], label=title)
            labels |= dict(zip(places, map(_told, rows), strict=True))
            start = places.stop + 1  # a gap tells the parts apart
        ax.set_yticks([*labels], [*labels.values()], parse_math=False, fontsize="x-small")
        ax.axvline(0, color="0.5", linewidth=0.8)
        ax.margins(y=0.02)
        ax.invert_yaxis()
        label = f"adds to the score of {printable(self.classes[place])},\nmean over the samples"
        ax.set_xlabel(label, parse_math=False)
        ax.legend(fontsize="small")
        ax.set_title(self._beside(place), fontsize="small", color="0.4", parse_math=False)
        return ax


def _told(row: Row) -> str:
    """Return a name, white space made visible, not too long, and what it adds where it is."""
    (name,) = token_names(np.array([row["name"]], np.object_))
    shown = name if len(name) <= 60 else f"{name[:59]}…"
    return f"{shown}  {row['mean_where_present']:+.2f} in {row['n_with']:,}"


# --- How they are computed


def explain_classes(model: object, X: object, *, n_tokens: int = 20) -> ClassExplanations:
    """Explain which tokens speak for which class, over many sequences.

    What a token adds to the score of a class is that of `explain`: the sum over its places in a
    sequence, here as the mean over all sequences of X, where it is 0 in those without the token. So
    a token is important if it is frequent and speaks clearly. Beside this mean stand the mean over
    the sequences that hold the token, and their number.

    Parameters
    ----------
    model : LSTMSequenceClassifier, or a Pipeline or a search that ends with one
        A fitted model.
    X : iterable of n_samples sequences
        Texts or token ids, such as those of training, or new ones. All of them are read by the
        linear members; of more than 200 the network explains 200, which are drawn with a fixed
        seed, and its rows stand apart.
    n_tokens : int, default=20
        How many are shown of each class and part: half of them speak for it. `to_frame` has all.

    Returns
    -------
    ClassExplanations
        With `plot` and `to_frame`. Columns of numbers and categories beside the sequences stand
        among the tokens: each category by itself, numbers above and below the mean of training. So
        do states of machines, which are no tokens, in words.

    Raises
    ------
    TypeError, NotFittedError, ValueError
        If `model` is none of these, or is not fitted; if X holds measurements, or `n_tokens` is not
        a whole number from 1 on.

    See Also
    --------
    ClassExplanations : What is returned, with an example.
    explain : Explain single sequences.
    """
    if not isinstance(n_tokens, Integral) or n_tokens < 1:
        raise ValueError(f"n_tokens must be an integer from 1 on; got {n_tokens!r}.")
    opened = open_model(model, X)
    if opened.sequences.n_channels is not None:
        raise ValueError(
            "explain_classes is of tokens, but X holds measurements, whose steps have no names. "
            "explain(model, X) explains single series."
        )
    labels = opened.labels
    is_mirrored = len(labels) == 2 and not labels.is_multilabel  # what is for one is against both
    directions = labels.directions[:, -1:] if is_mirrored else labels.directions
    sampled = np.sort(np.random.default_rng(0).permutation(len(opened))[:MOST_SAMPLES])
    totals = _totals(opened, sampled, directions)
    parts, names = map(list, zip(*totals, strict=True))
    sums, n_with, n_samples = map(np.array, zip(*totals.values(), strict=True))
    means = sums / n_samples[:, np.newaxis]
    means = means * [-1, 1] if is_mirrored else means
    return ClassExplanations(
        opened.classes, parts, names, means, n_with, n_samples, sampled, n_tokens
    )


def _totals(opened: OpenModel, sampled: Rows, directions: NDArray[np.float64]) -> dict[Key, Total]:
    """Return what adds to the scores, over all rows; what the network adds, over those sampled."""
    chunks = [*chunks_of_rows(opened.sequences.lengths * directions.shape[1])]
    totals = dict[Key, Total]()
    with workers(opened.model.network.device):
        for part, rows in {LINEAR: chunks, NETWORK: [*sampled[:, np.newaxis]]}.items():
            n_samples = sum(map(len, rows))
            found = map_on_workers(partial(_added, opened, part, directions), rows)
            for key, added, n_more in chain.from_iterable(found):
                before, n_with, _ = totals.get(key, (0.0, 0, 0))
                totals[key] = before + added, n_with + n_more, n_samples
    return totals


def _added(opened: OpenModel, part: str, directions: NDArray[np.float64], rows: Rows) -> Added:
    """Return what adds to the scores of some rows: its part and name, the sum, and in how many."""
    sequences, sample = opened.sequences.subset(rows), np.arange(len(rows))
    steps = sample.repeat(sequences.lengths)
    names = opened.named(sequences.read_spellings(sample)).tolist()
    added, of_steps, found = np.zeros((len(steps), directions.shape[1])), 0, []
    rest = np.zeros((len(rows), directions.shape[1]))
    if part == LINEAR:
        rest += (opened.model.biases * directions.T).sum(axis=1)
    for member, weight in zip(opened.model.members, opened.model.weights, strict=True):
        if not weight or (member.name == NETWORK) != (part == NETWORK):
            continue
        contributions, base = member.contributions(sequences, weight * directions)
        rest += base
        if isinstance(member, LinearModel) and member.explained == "columns":
            columns = sample.repeat(len(contributions) // len(rows))
            values = member.features[0].values_of(sequences)
            found += _summed(NUMBERS, values, columns, contributions)
        elif isinstance(member, LinearModel) and (said := member.features[0].names):
            row, step, feature = member.features[0].entries(sequences)
            row, feature = row[step >= 0], feature[step >= 0]
            effects = (member.terms[0].coef @ (weight * directions))[feature]
            found += _summed(STATES, [said[number] for number in feature], row, effects)
        elif member.explained == "whole":
            found += _summed(WHOLE, [member.name] * len(rows), sample, contributions)
        else:
            added, of_steps = added + contributions, of_steps + 1
    found += _summed(part, names, steps, added) if of_steps else []
    return [*found, *_summed(BASE, [part] * len(rows), sample, rest)] if rest.any() else found


def _summed(
    part: str, names: Sequence[Hashable], sample: NDArray[np.intp], added: NDArray[np.float64]
) -> Added:
    """Return the sum of what each name adds (n_scores,), and how many samples hold it."""
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    number = np.array([numbers[name] for name in names], np.intp)
    pairs = np.unique(sample * len(numbers) + number)
    n_with = np.bincount(pairs % len(numbers))
    places = np.ones(len(names)), (number, np.arange(len(names)))
    sums = csr_matrix(places, (len(numbers), len(names))) @ added
    return [*zip(((part, name) for name in numbers), sums, n_with.tolist(), strict=True)]
