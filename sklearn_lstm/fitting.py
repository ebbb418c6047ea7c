"""The algorithm: train networks, fit a linear model beside them, and blend their logits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from sklearn_lstm.compute.threads import lanes, map_in_lanes
from sklearn_lstm.data.batches import SequenceDataset
from sklearn_lstm.data.encoding import ChannelScaling
from sklearn_lstm.data.sequences import Rows, Samples, Sequences
from sklearn_lstm.linear.blending import fit_blend_weights
from sklearn_lstm.linear.convolutions import fit_convolutions, work_of_convolutions
from sklearn_lstm.linear.ngrams import fit_ngrams
from sklearn_lstm.model import LinearModel, NetworkModel, SequenceModel
from sklearn_lstm.training.loop import TrainingSettings, train
from sklearn_lstm.training.micro_batches import MicroBatchNet
from sklearn_lstm.training.plan import (
    BATCH_SIZE_OF_PARTIAL_FIT,
    Length,
    hold_out,
    plan_length,
    work_of_epoch,
)

FEWEST_FOR_NGRAMS = FEWEST_TO_HOLD_OUT = 100  # sequences
FEWEST_FOR_CONVOLUTIONS = 20
MOST_WORK_FOR_TWO_NETWORKS = 4_000_000  # tokens over all epochs: about a minute
EXPECTED_WEIGHTS = [0.5, 1.0]  # of network and linear model: a network is too sure of itself


@dataclass(frozen=True)
class FitPlan:
    """What `fit_model` does with the samples.

    Parameters
    ----------
    length : Length
        Batch size and epochs.
    has_linear_model : bool
    has_calibration_network : bool
        A second network does not see the held-out samples.
    held_out_share : float
        Share of the samples that are held out of a network.
    early_stopping : bool
        The held-out samples also tell when to stop.
    n_lanes : int
        How many things can be computed at the same time: two networks, or two directions.
    """

    length: Length
    has_linear_model: bool
    has_calibration_network: bool
    held_out_share: float
    early_stopping: bool
    n_lanes: int


def plan_fit(
    samples: Samples,
    parameters: Mapping[str, Any],
    token_unit: str | None,
    previous: SequenceModel | None,
) -> FitPlan:
    """Plan a fit from the kind and the amount of the data, by counting alone.

    With a linear model, held-out samples set the blend weights. Where training is short, a second
    network serves for that, and the first learns from all samples. A network that goes on from an
    earlier fit has seen all samples, so its blend weights stay.
    """
    sequences, n_samples = samples.sequences, len(samples)
    length = plan_length(sequences, parameters["batch_size"], parameters["max_epochs"], token_unit)
    has_channels = sequences.n_channels is not None
    fewest = FEWEST_FOR_CONVOLUTIONS if has_channels else FEWEST_FOR_NGRAMS
    has_linear_model = (
        parameters["linear_branch"]
        and parameters["criterion"] == "cross_entropy"
        and n_samples >= max(fewest, 2 * len(np.unique(samples.targets)))
    )
    work = length.max_epochs * work_of_epoch(sequences)
    if has_channels and has_linear_model:
        work += work_of_convolutions(sequences)
    early_stopping = parameters["early_stopping"]
    has_calibration_network = (
        has_linear_model
        and work <= MOST_WORK_FOR_TWO_NETWORKS
        and not early_stopping
        and previous is None
    )
    if early_stopping:
        share = parameters["validation_fraction"]
    elif has_calibration_network:
        share = min(max(500, min(n_samples / 10, 1000)) / n_samples, 0.5)
    elif has_linear_model and n_samples >= FEWEST_TO_HOLD_OUT and previous is None:
        share = min(0.1, 1000 / n_samples)
    else:
        share = 0.0
    return FitPlan(
        length,
        has_linear_model,
        has_calibration_network,
        share,
        early_stopping,
        n_lanes=2 if has_calibration_network or parameters["bidirectional"] else 1,
    )


StartNetwork = Callable[[Sequences, torch.Generator], NetworkModel]


@torch.inference_mode(mode=False)
def fit_model(
    samples: Samples,
    plan: FitPlan,
    start: StartNetwork,
    settings: TrainingSettings,
    rng: np.random.Generator,
    *,
    token_unit: str | None,
    n_outputs: int,
    previous: SequenceModel | None = None,
) -> tuple[SequenceModel, MicroBatchNet]:
    """Fit networks and a linear model to samples.

    Returns
    -------
    SequenceModel
    MicroBatchNet
        The skorch net that trained its first network.
    """
    rows, held_out = np.arange(len(samples)), np.arange(0)
    if plan.held_out_share:
        rows, held_out = hold_out(samples.targets, plan.held_out_share, rng)
    validation = samples.subset(held_out) if plan.early_stopping else None
    quiet = replace(settings, callbacks=None, verbose=0)
    parts = [(samples.subset(rows), settings)]
    if plan.has_calibration_network:
        parts = [(samples, settings), (samples.subset(rows), quiet)]

    def learn(job: Any) -> tuple[NetworkModel, MicroBatchNet]:
        (part, its_settings), its_rng = job
        model = start(part.sequences, _generator(its_rng))
        return model, train(
            model.network,
            SequenceDataset(part, model.encoding, settings.token_dropout),
            None if validation is None else SequenceDataset(validation, model.encoding),
            its_settings,
            plan.length,
            rng=its_rng,
        )

    seed = int(rng.integers(1 << 31))
    jobs = list(zip(parts, rng.spawn(len(parts)), strict=True))
    with lanes(settings.device, plan.n_lanes):
        learnt = map_in_lanes(learn, jobs)
        model, net = SequenceModel(tuple(model for model, _ in learnt)), learnt[0][1]
        if plan.has_linear_model:
            model = _blend(
                model,
                samples,
                held_out,
                settings.device,
                previous,
                token_unit=token_unit,
                n_outputs=n_outputs,
                seed=seed,
            )
    return model, net


def _blend(
    model: SequenceModel,
    samples: Samples,
    held_out: Rows,
    device: torch.device,
    previous: SequenceModel | None,
    *,
    token_unit: str | None,
    n_outputs: int,
    seed: int,
) -> SequenceModel:
    """Put a linear model beside the networks; held-out samples set the blend weights."""
    linear_model: LinearModel | None
    keeps_weights = previous is not None and previous.linear_model is not None
    if keeps_weights:
        held_out = held_out[:0]
    if isinstance(model.encoding, ChannelScaling):
        linear_model, of_linear = fit_convolutions(
            samples, held_out, encoding=model.encoding, n_outputs=n_outputs, seed=seed
        )
    else:
        linear_model, of_linear = fit_ngrams(
            samples, held_out, n_outputs=n_outputs, token_unit=str(token_unit), seed=seed
        )
    if linear_model is None:
        return model
    if keeps_weights and previous is not None:
        return replace(previous, networks=model.networks, linear_model=linear_model)
    new = samples.subset(held_out)
    of_network = model.networks[-1].logits(new.sequences, device)
    weights = fit_blend_weights(
        [of_network, of_linear], new.targets, new.weights, expected=EXPECTED_WEIGHTS
    )
    network_weight, linear_weight = weights.tolist()
    return replace(
        model,
        linear_model=linear_model,
        network_weight=network_weight,
        linear_weight=linear_weight,
        n_held_out=len(held_out),
    )


@torch.inference_mode(mode=False)
def update_model(
    samples: Samples,
    batch_size: int | str,
    start: StartNetwork,
    settings: TrainingSettings,
    rng: np.random.Generator,
    *,
    previous: SequenceModel | None,
    optimizer_state: Mapping[str, Any] | None,
) -> tuple[SequenceModel, MicroBatchNet]:
    """Train the network for one epoch at a constant learning rate; a linear model stays as it was.

    Returns
    -------
    SequenceModel
    MicroBatchNet
    """
    if isinstance(batch_size, str):
        batch_size = BATCH_SIZE_OF_PARTIAL_FIT
    model = start(samples.sequences, _generator(rng))
    n_lanes = 2 if model.network.architecture["bidirectional"] else 1
    with lanes(settings.device, n_lanes):
        net = train(
            model.network,
            SequenceDataset(samples, model.encoding, settings.token_dropout),
            None,
            replace(settings, lr_schedule="constant"),
            Length(batch_size, max_epochs=1),
            rng=rng,
            optimizer_state=optimizer_state,
        )
    if previous is None:
        return SequenceModel((model,)), net
    return replace(previous, networks=(model,)), net


def _generator(rng: np.random.Generator) -> torch.Generator:
    """Return a generator of torch, so that weights are drawn without any global random state."""
    return torch.Generator().manual_seed(int(rng.integers(1 << 62)))
