"""A picture of a gate over the steps of a sequence."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_lstm.inspection.drawing import Display, hatch_missing, label_steps
from sklearn_lstm.inspection.gates import activations_of
from sklearn_lstm.inspection.inputs import open_one

STATES = ("candidate", "memory_cell", "hidden_state")  # below 0 too


class GateDisplay(Display):
    """Draw a gate or state over the steps of one sequence as a heat map.

    Parameters
    ----------
    values : array-like of shape (n_units, n_steps)
        The activations.
    data : array-like of shape (n_steps,) or (n_steps, n_channels)
        The tokens, or the measurements.
    units : array-like of shape (n_units,)
        The number of each unit.
    gate : str, default="memory_cell"
        The name of the gate or state.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes with the heat map.
    figure_ : matplotlib Figure
        The figure of the axes.
    image_ : matplotlib AxesImage
        The heat map.

    See Also
    --------
    gate_activations : Return the activations of all units.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
    >>> from sklearn_lstm.inspection import GateDisplay
    >>> model = make_pipeline(
    ...     TextSequenceVectorizer(),
    ...     LSTMSequenceClassifier(hidden_size=8, max_epochs=10, random_state=0),
    ... ).fit(["so good", "good fun", "so bad", "bad, boring"], [1, 1, 0, 0])
    >>> display = GateDisplay.from_estimator(model, ["so much fun"], n_units=5)
    >>> display.values.shape
    (5, 3)
    """

    image_: Any

    def __init__(
        self, values: ArrayLike, data: ArrayLike, units: ArrayLike, gate: str = "memory_cell"
    ) -> None:
        self.values: NDArray[np.float64] = np.asarray(values, dtype=float)
        self.data: NDArray[np.generic] = np.asarray(data)
        self.units: NDArray[np.generic] = np.asarray(units)
        self.gate = gate

    @classmethod
    def from_estimator(
        cls,
        model: object,
        X: object,
        *,
        gate: str = "memory_cell",
        layer: int = -1,
        direction: int = 0,
        n_units: int = 20,
        ax: object = None,
    ) -> Self:
        """Draw the units of a fitted model that change most over one sequence.

        Parameters
        ----------
        model : LSTMSequenceClassifier, or a Pipeline or a search that ends with one
            A fitted model.
        X : iterable of one sequence
            An input of the model.
        gate : str, default="memory_cell"
            A name in the output of `gate_activations`; "hidden_state" exists for every cell.
        layer : int, default=-1
            The layer; the default is the last one.
        direction : {0, 1}, default=0
            0 reads forwards, 1 backwards.
        n_units : int, default=20
            How many units to show, in the order of their standard deviation over the steps, the
            largest first.
        ax : matplotlib Axes, default=None
            Where to draw. None: in a new figure.

        Returns
        -------
        GateDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If X does not hold exactly one sequence, or the network has no such gate, layer or
            direction.
        """
        (activations,) = activations_of(open_one(model, X))
        names = [name for name in activations if name != "data"]
        if gate not in names:
            raise ValueError(f"gate={gate!r} is not in this network; it has {', '.join(names)}.")
        n_layers, n_directions = activations[gate].shape[:2]
        if not (-n_layers <= layer < n_layers and 0 <= direction < n_directions):
            raise ValueError(
                f"layer={layer}, direction={direction} is not in this network; it has {n_layers} "
                f"layer(s) and {n_directions} direction(s), counted from 0."
            )
        if n_units < 1:
            raise ValueError(f"n_units must be at least 1; got {n_units}.")
        values = activations[gate][layer, direction].T  # (hidden_size, n_steps)
        units = np.argsort(-values.std(axis=1), kind="stable")[:n_units]
        return cls(values[units], activations.data, units, gate).plot(ax=ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw the heat map.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None: in a new figure.

        Returns
        -------
        GateDisplay
            The display, drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        n_units, n_steps = self.values.shape
        width, height = np.clip(2 + 0.25 * n_steps, 5, 14), np.clip(1.5 + 0.2 * n_units, 2.5, 9)
        ax = self._begin(ax, (width, height))
        if self.gate in STATES:
            largest = float(np.abs(self.values).max(initial=0)) or 1.0
            colours = {"cmap": "RdBu_r", "vmin": -largest, "vmax": largest}
        else:
            colours = {"cmap": "viridis", "vmin": 0.0, "vmax": 1.0}
        self.image_ = ax.imshow(self.values, aspect="auto", interpolation="nearest", **colours)
        self.figure_.colorbar(self.image_, ax=ax, label=self.gate.replace("_", " "))
        is_short = all(len(str(token)) == 1 for token in self.data)
        label_steps(ax.xaxis, self.data, rotation=0 if is_short else 90)
        hatch_missing(ax, self.data)
        ax.set_yticks(range(n_units), [str(unit) for unit in self.units], fontsize="small")
        ax.set_ylabel("unit")
        return self
