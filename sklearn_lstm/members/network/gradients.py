"""Integrated gradients of a network (Sundararajan et al. 2017), as fine as needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sklearn_lstm.locks import ForkSafeLock
from sklearn_lstm.members.member import Contributions
from sklearn_lstm.members.network.batches import steps_at_once
from sklearn_lstm.members.network.sequence_network import SequenceNetwork

Floats: TypeAlias = NDArray[np.float64]

N_INTERVALS = 16  # of the path, at first
MOST_INTERVALS = 128
TOLERANCE = 0.01  # of the error, relative to the difference of the scores or 1

_cudnn = ForkSafeLock()


@torch.inference_mode(mode=False)
def integrated_gradients(path: VectorPath, directions: Floats) -> Contributions:
    """Return what each step of a sequence adds to the scores ``logits @ directions`` of a network.

    A straight path leads from the vectors of the baseline to those of the sequence. A step's
    contribution is the integral of the gradient of the score along the path, times the way of the
    step's vector (trapezoidal rule). In each interval of the path, the contributions have to sum to
    the difference of the scores at its ends. Intervals where they do not are halved. What is still
    missing then is divided among the steps, in proportion to the sizes of their contributions, so
    that the sum is exact.

    Returns
    -------
    contributions : ndarray of shape (n_frames, n_scores)
    base : ndarray of shape (1, n_scores)
        The scores of the baseline.
    """
    places = np.linspace(0, 1, N_INTERVALS + 1)
    looked = zip(directions.T, *path.look(places, directions), strict=True)
    added = [_integral(path, places, *of_score) for of_score in looked]
    contributions, base = zip(*added, strict=True)
    return np.stack(contributions, axis=1), np.array([base])


def _integral(
    path: VectorPath, places: Floats, direction: Floats, scores: Floats, slopes: Floats
) -> tuple[Floats, float]:
    """Return the contributions to one score, and that of the baseline."""
    while True:
        widths = np.diff(places)
        means = (slopes[1:] + slopes[:-1]) / 2  # (n_intervals, n_steps)
        missing = np.diff(scores) - means.sum(axis=1) * widths
        tolerance = TOLERANCE * max(1, abs(scores[-1] - scores[0]))
        if np.abs(missing).sum() <= tolerance or len(widths) >= MOST_INTERVALS:
            break
        halved = np.flatnonzero(np.abs(missing) > tolerance / len(widths))
        middles = places[halved] + widths[halved] / 2
        (new_scores,), (new_slopes,) = path.look(middles, direction[:, np.newaxis])
        places = np.insert(places, halved + 1, middles)
        scores = np.insert(scores, halved + 1, new_scores)
        slopes = np.insert(slopes, halved + 1, new_slopes, axis=0)
    sizes = np.abs(means) + np.finfo(float).tiny
    return widths @ means + (missing / sizes.sum(axis=1)) @ sizes, float(scores[0])


class VectorPath:
    """The straight path from the vectors of a baseline to those of one sequence.

    Parameters
    ----------
    network : SequenceNetwork
        Not in training.
    both : Tensor of shape (T, 2) or (T, 2, n_inputs)
        The steps of the baseline, and those of the sequence.
    extension : Tensor of shape (n, embedding_dim) or None
        Vectors of tokens that the network has no row for.
    """

    def __init__(self, network: SequenceNetwork, both: Tensor, extension: Tensor | None) -> None:
        self.network, device = network, both.device
        with torch.no_grad(), torch.autocast(device.type, enabled=False):
            n_steps = torch.full((2,), len(both), device=device)
            self.start, end = network.embed(both, n_steps, extension).unbind(1)  # (T, D) each
        self.way = end - self.start

    def look(self, places: Floats, directions: Floats) -> tuple[Floats, Floats]:
        """Return scores at places between 0 and 1, and the share of each step in their slopes.

        Shapes (n_scores, n_places) and (n_scores, n_places, n_steps).
        """
        size = max(1, steps_at_once(self.way.device) // 2 // len(self.way))  # of that in training
        split = np.split(places, range(size, len(places), size))
        scores, slopes = zip(*(self._look(few, directions) for few in split), strict=True)
        return np.concatenate(scores, axis=1), np.concatenate(slopes, axis=1)

    def _look(self, places: Floats, directions: Floats) -> tuple[Floats, Floats]:
        device = self.way.device
        share = torch.from_numpy(places).float().to(device)[None, :, None]  # (1, B, 1)
        with torch.enable_grad(), _float32_gradients(device):
            x = (self.start[:, None] + share * self.way[:, None]).requires_grad_()  # (T, B, D)
            lengths = torch.full((len(places),), len(x), device=device)
            logits = self.network.output(self.network.pool(x, lengths))
            scores = (logits @ torch.from_numpy(directions).float().to(device)).T  # (n_scores, B)
            slopes = []
            for score in scores:  # they share what was computed up to the logits
                (gradients,) = torch.autograd.grad(score.sum(), x, retain_graph=True)
                of_steps = (gradients * self.way[:, None]).sum(2).T  # (B, T)
                slopes.append(of_steps.cpu().numpy().astype(float))
        return scores.detach().cpu().numpy().astype(float), np.stack(slopes)


@contextmanager
def _float32_gradients(device: torch.device) -> Iterator[None]:
    """Compute in float32, and on a GPU without cuDNN, which needs a network in training."""
    with torch.autocast(device.type, enabled=False):
        if device.type != "cuda":
            yield
            return
        # The flags are those of the process.
        with _cudnn.lock, torch.backends.cudnn.flags(enabled=False):
            yield
