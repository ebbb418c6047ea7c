"""Integrated gradients of a network (Sundararajan et al. 2017), as fine as needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sklearn_lstm.data.batches import steps_at_once
from sklearn_lstm.data.sequences import Sequences
from sklearn_lstm.members.member import Contributions
from sklearn_lstm.training.encoded_network import EncodedNetwork

N_INTERVALS = 16  # of the path, at first
MOST_INTERVALS = 128
TOLERANCE = 0.01  # of the error, relative to the difference of the scores or 1

_cudnn = Lock()


@torch.inference_mode(mode=False)
def integrated_gradients(
    model: EncodedNetwork, sequences: Sequences, direction: NDArray[np.float64]
) -> Contributions:
    """Return what each step of one sequence adds to the score ``logits @ direction``.

    The baseline has unknown tokens only, or is the mean series. A straight path leads from its
    vectors to those of the sequence. A step's contribution is the integral of the gradient of the
    score along the path, times the way of the step's vector (trapezoidal rule). In each interval of
    the path, the contributions have to sum to the difference of the scores at its ends. Intervals
    where they do not are halved. What is still missing then is divided among the steps, in
    proportion to the sizes of their contributions, so that the sum is exact.

    Parameters
    ----------
    model : EncodedNetwork
    sequences : Sequences
        One.
    direction : ndarray of shape (n_outputs,)

    Returns
    -------
    contributions : ndarray of shape (n_steps,)
    base : float
        The score of the baseline.
    """
    path = VectorPath(model, sequences, direction)
    places = np.linspace(0, 1, N_INTERVALS + 1)
    scores, slopes = path.look(places)
    while True:
        widths = np.diff(places)
        means = (slopes[1:] + slopes[:-1]) / 2  # (n_intervals, n_steps)
        missing = np.diff(scores) - means.sum(axis=1) * widths
        tolerance = TOLERANCE * max(1, abs(scores[-1] - scores[0]))
        if np.abs(missing).sum() <= tolerance or len(widths) >= MOST_INTERVALS:
            break
        halved = np.flatnonzero(np.abs(missing) > tolerance / len(widths))
        middles = places[halved] + widths[halved] / 2
        new_scores, new_slopes = path.look(middles)
        places = np.insert(places, halved + 1, middles)
        scores = np.insert(scores, halved + 1, new_scores)
        slopes = np.insert(slopes, halved + 1, new_slopes, axis=0)
    sizes = np.abs(means) + np.finfo(float).tiny
    frame_contributions = widths @ means + (missing / sizes.sum(axis=1)) @ sizes
    # The steps of a frame share its contribution.
    frame = np.arange(sequences.lengths[0]) // model.network.steps_per_frame
    return (frame_contributions / np.bincount(frame))[frame], float(scores[0])


class VectorPath:
    """The straight path from the vectors of the baseline to those of one sequence."""

    def __init__(
        self, model: EncodedNetwork, sequences: Sequences, direction: NDArray[np.float64]
    ) -> None:
        self.network, device = model.network.eval(), model.device
        self.direction = torch.from_numpy(direction).float().to(device)
        (codes,), extension = model.encoded(sequences, np.arange(1))
        nothing = model.encoding.uninformed(sequences.read(np.arange(1)))
        baseline = torch.from_numpy(model.encoding(nothing, sequences.lengths)).to(device)
        both = torch.stack([baseline, codes], 1)  # (T, 2) or (T, 2, C)
        with torch.no_grad(), torch.autocast(device.type, enabled=False):
            n_steps = torch.full((2,), len(both), device=device)
            self.start, end = self.network.embed(both, n_steps, extension).unbind(1)  # (T, D) each
        self.way = end - self.start

    def look(self, places: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the score at places between 0 and 1, and its slope by each step.

        Shapes (n_places,) and (n_places, n_steps).
        """
        size = max(1, steps_at_once(self.way.device) // 2 // len(self.way))  # of that in training
        parts = [self._look(part) for part in np.split(places, range(size, len(places), size))]
        scores, slopes = zip(*parts, strict=True)
        return np.concatenate(scores), np.concatenate(slopes)

    def _look(self, places: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        share = torch.from_numpy(places).float().to(self.way.device)[None, :, None]  # (1, B, 1)
        with torch.enable_grad(), _float32_gradients(self.way.device):
            x = (self.start[:, None] + share * self.way[:, None]).requires_grad_()  # (T, B, D)
            lengths = torch.full((len(places),), len(x), device=x.device)
            logits = self.network.output(self.network.pool(x, lengths))
            scores = logits @ self.direction  # (B,)
            gradients: Tensor
            (gradients,) = torch.autograd.grad(scores.sum(), x)
            slopes = (gradients * self.way[:, None]).sum(2).T  # (B, T)
        return scores.detach().cpu().numpy().astype(float), slopes.cpu().numpy().astype(float)


@contextmanager
def _float32_gradients(device: torch.device) -> Iterator[None]:
    """Compute in float32, and on a GPU without cuDNN, which needs a network in training."""
    with torch.autocast(device.type, enabled=False):
        if device.type != "cuda":
            yield
            return
        with _cudnn, torch.backends.cudnn.flags(enabled=False):  # they are those of the process
            yield
