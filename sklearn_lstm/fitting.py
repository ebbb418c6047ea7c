"""The algorithm: fit a linear model, train networks beside it, and blend their logits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sklearn_lstm.compute.threads import lanes, map_in_lanes
from sklearn_lstm.data.batches import SequenceDataset
from sklearn_lstm.data.encoding import ChannelScaling, Encoding
from sklearn_lstm.data.sequences import Samples, Sequences
from sklearn_lstm.linear.blending import Blend, ClassPrior, expected_network_weight, fit_blend
from sklearn_lstm.linear.convolutions import fit_convolutions, work_of_convolutions
from sklearn_lstm.linear.ngrams import fit_ngrams
from sklearn_lstm.model import LinearModel, NetworkModel, SequenceModel
from sklearn_lstm.training.held_out import Parts, divide
from sklearn_lstm.training.loop import TrainingSettings, train
from sklearn_lstm.training.micro_batches import MicroBatchNet
from sklearn_lstm.training.plan import (
    BATCH_SIZE_OF_PARTIAL_FIT,
    Length,
    n_to_hold_out,
    plan_length,
    work_of_epoch,
)
from sklearn_lstm.training.progress import FitProgress
from sklearn_lstm.training.schedule import HeldOutLoss

FEWEST_FOR_NGRAMS = 100  # sequences
FEWEST_FOR_CONVOLUTIONS = 20
MOST_WORK_FOR_TWO_NETWORKS = 1_500_000  # units of work over all epochs: about 20 seconds
EPOCHS_OF_NGRAMS, EPOCHS_OF_CONVOLUTIONS = 0.25, 2.0  # that take as long, for the progress bar
UNJUDGED_WEIGHT = 0.5  # of a network that may have learned far more than the linear model saw


@dataclass(frozen=True)
class FitPlan:
    """What `fit_model` does with the samples.

    Parameters
    ----------
    length : Length
        Batch size and epochs.
    has_linear_model : bool
    n_networks : int
    n_held_out : int
        Samples to hold out of each network; others for each network. 0: none, or the user's own.
    early_stopping : bool
        The network with the lowest loss of the held-out samples is restored.
    n_lanes : int
        How many things can be computed at the same time: two networks, or two directions.
    expected_network_weight : float
        In the blend, before any held-out sample tells.
    """

    length: Length
    has_linear_model: bool
    n_networks: int
    n_held_out: int
    early_stopping: bool
    n_lanes: int
    expected_network_weight: float


def plan_fit(
    samples: Samples,
    validation: Samples | None,
    parameters: Mapping[str, Any],
    token_unit: str | None,
    previous: SequenceModel | None,
) -> FitPlan:
    """Plan a fit from the kind and the amount of the data, by counting alone.

    With a linear model, held-out samples set the blend weights, and tell when training may end.
    Where training is short, two networks learn, each without a part of its own. A network that goes
    on from an earlier fit has seen all samples, so its blend weights stay, unless the user brings
    samples to set them.
    """
    sequences, n_samples = samples.sequences, len(samples)
    has_channels = sequences.n_channels is not None
    fewest = FEWEST_FOR_CONVOLUTIONS if has_channels else FEWEST_FOR_NGRAMS
    has_linear_model = (
        parameters["linear_branch"]
        and parameters["criterion"] == "cross_entropy"
        and n_samples >= max(fewest, 1 + len(np.unique(samples.targets)))
    )
    early_stopping = parameters["early_stopping"]
    has_seen_all = previous is not None and previous.network_weight > 0
    is_judged = has_linear_model and (validation is not None or not has_seen_all)
    length = plan_length(
        sequences,
        parameters["batch_size"],
        parameters["max_epochs"],
        token_unit,
        follows_loss=is_judged and not early_stopping and parameters["lr_schedule"] == "trapezoid",
    )
    if length.max_epochs == 0 and not has_linear_model:
        raise ValueError(
            "max_epochs=0 fits the linear model alone, but there is none: it needs "
            f"linear_branch=True (found {parameters['linear_branch']}), "
            f"criterion='cross_entropy' (found {parameters['criterion']!r}), and at least "
            f"{fewest} sequences, and more than classes (found {n_samples}). Change this, or leave "
            "max_epochs='auto'."
        )
    work = length.max_epochs * work_of_epoch(sequences)
    if has_channels and has_linear_model:
        work += work_of_convolutions(sequences)
    has_two_networks = (
        has_linear_model
        and length.max_epochs > 0
        and work <= MOST_WORK_FOR_TWO_NETWORKS
        and not early_stopping
        and previous is None
    )
    n_held_out = 0
    if validation is None and early_stopping:
        n_held_out = max(1, round(parameters["validation_fraction"] * n_samples))
    elif validation is None and is_judged:
        n_held_out = n_to_hold_out(n_samples)
    return FitPlan(
        length,
        has_linear_model,
        2 if has_two_networks else 1,
        n_held_out,
        early_stopping,
        n_lanes=2 if has_two_networks or parameters["bidirectional"] else 1,
        expected_network_weight=expected_network_weight(
            sequences, is_pretrained=parameters["embeddings"] is not None
        ),
    )


StartNetwork = Callable[[Sequences, torch.Generator], NetworkModel]


@dataclass(frozen=True)
class HeldOut:
    """Samples that a network does not learn from.

    Parameters
    ----------
    samples : Samples
    linear_logits : ndarray of shape (n_samples, n_outputs) or None
        Of a linear model that has not seen them either.
    """

    samples: Samples
    linear_logits: NDArray[np.float64] | None


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
    validation: Samples | None = None,
    previous: SequenceModel | None = None,
) -> tuple[SequenceModel, MicroBatchNet]:
    """Fit a linear model and networks to samples; the validation is the user's own held-out part.

    Returns
    -------
    SequenceModel
    MicroBatchNet
        The skorch net that trained its first network.
    """
    parts = divide(samples, validation, plan.n_held_out, rng, plan.n_networks)
    seed, generators = int(rng.integers(1 << 31)), rng.spawn(len(parts.learned))
    networks = tuple(
        start(part.sequences, _generator(its_rng))
        for part, its_rng in zip(parts.learned, generators, strict=True)
    )
    with lanes(settings.device, plan.n_lanes), _progress(plan, parts.learned, settings) as progress:
        linear_model: LinearModel | None = None
        linear_logits: list[NDArray[np.float64] | None] = [None] * len(networks)
        if plan.has_linear_model:
            linear_model, linear_logits = _fit_linear_model(
                samples,
                parts,
                networks[0].encoding,
                token_unit=token_unit,
                n_outputs=n_outputs,
                seed=seed,
            )
            progress.finish_linear_model()
        if linear_model is None and plan.length.max_epochs == 0:
            raise ValueError(
                "max_epochs=0 fits the linear model alone, but that was left out, as a warning "
                "says. Leave max_epochs='auto'."
            )
        prior = ClassPrior.of(samples, n_outputs, is_drawn=validation is None)
        held_out = [
            HeldOut(part, logits)
            for part, logits in zip(parts.held_out, linear_logits, strict=True)
        ]
        blend = partial(
            _blend,
            expected_network_weight=plan.expected_network_weight,
            prior=prior,
            device=settings.device,
        )

        def learn(index: int) -> MicroBatchNet:
            model = networks[index]
            stop_by = parts.held_out[index] if plan.early_stopping else None
            return train(
                model.network,
                SequenceDataset(parts.learned[index], model.encoding, settings.token_dropout),
                None if stop_by is None else SequenceDataset(stop_by, model.encoding),
                settings if index == 0 else replace(settings, callbacks=None, verbose=0),
                plan.length,
                rng=generators[index],
                held_out_loss=HeldOutLoss(
                    lambda: blend([held_out[index]], [model]).loss, len(held_out[index].samples)
                ),
                progress=progress.of_network(index),
            )

        nets = map_in_lanes(learn, range(len(networks)))
        if linear_model is None:
            return SequenceModel(networks), nets[0]
        if validation is None and previous and previous.network_weight:
            if previous.linear_model is None:
                previous = replace(previous, network_weight=UNJUDGED_WEIGHT, linear_weight=1.0)
            model = replace(
                previous, networks=networks, linear_model=linear_model, log_prior=prior.logs
            )
        else:
            is_trained = plan.length.max_epochs > 0 or bool(previous and previous.network_weight)
            found = blend(held_out, networks if is_trained else [])
            model = SequenceModel(
                networks,
                linear_model,
                float(found.factors[0]) if is_trained else 0.0,
                float(found.factors[-1]),
                found.prior_correction,
                prior.logs,
                n_held_out=sum(len(part.samples) for part in held_out),
            )
    return model, nets[0]


def _progress(plan: FitPlan, parts: list[Samples], settings: TrainingSettings) -> FitProgress:
    """Return the progress bar of a fit."""
    is_numeric = parts[0].sequences.n_channels is not None
    linear_epochs = EPOCHS_OF_CONVOLUTIONS if is_numeric else EPOCHS_OF_NGRAMS
    return FitProgress(
        linear_epochs if plan.has_linear_model else 0,
        plan.length.max_epochs,
        [plan.length.updates_per_epoch(len(part)) for part in parts],
        is_shown=settings.verbose > 0,
    )


def _fit_linear_model(
    samples: Samples,
    parts: Parts,
    encoding: Encoding,
    *,
    token_unit: str | None,
    n_outputs: int,
    seed: int,
) -> tuple[LinearModel | None, list[NDArray[np.float64] | None]]:
    """Fit a linear model; return it, and logits of the held-out parts by one without them."""
    rows = np.arange(0) if parts.rows is None else parts.rows
    model: LinearModel | None
    if isinstance(encoding, ChannelScaling):
        model, logits = fit_convolutions(
            samples, rows, encoding=encoding, n_outputs=n_outputs, seed=seed
        )
    else:
        model, logits = fit_ngrams(
            samples, rows, n_outputs=n_outputs, token_unit=str(token_unit), seed=seed
        )
    if model is None:
        return None, [None] * len(parts.held_out)
    if parts.rows is None:
        return model, [model.logits(part.sequences) for part in parts.held_out]
    ends = np.cumsum([len(part) for part in parts.held_out])
    return model, list(np.split(logits, ends[:-1]))


def _blend(
    held_out: list[HeldOut],
    networks: Iterable[NetworkModel],
    *,
    expected_network_weight: float,
    prior: ClassPrior,
    device: torch.device,
) -> Blend:
    """Fit the blend of linear model and networks to what was held out of each network.

    Without networks it is that of the linear model alone.
    """
    of_networks = [
        network.logits(part.samples.sequences, device)
        for network, part in zip(networks, held_out, strict=False)
    ]
    of_linear_model = [part.linear_logits for part in held_out if part.linear_logits is not None]
    logits, expected = [], []
    for parts, weight in (of_networks, expected_network_weight), (of_linear_model, 1.0):
        if parts:
            logits.append(np.concatenate(parts))
            expected.append(weight)
    return fit_blend(
        logits,
        np.concatenate([part.samples.targets for part in held_out]),
        np.concatenate([part.samples.weights for part in held_out]),
        expected=expected,
        prior=prior,
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
    length = Length(batch_size, max_epochs=1)
    progress = FitProgress(
        0, 1, [length.updates_per_epoch(len(samples))], is_shown=settings.verbose > 0
    )
    with lanes(settings.device, n_lanes), progress:
        net = train(
            model.network,
            SequenceDataset(samples, model.encoding, settings.token_dropout),
            None,
            replace(settings, lr_schedule="constant"),
            length,
            rng=rng,
            optimizer_state=optimizer_state,
            progress=progress.of_network(0),
        )
    if previous is None:
        return SequenceModel((model,)), net
    network_weight = previous.network_weight or UNJUDGED_WEIGHT
    return replace(previous, networks=(model,), network_weight=network_weight), net


def _generator(rng: np.random.Generator) -> torch.Generator:
    """Return a generator of torch, so that weights are drawn without any global random state."""
    return torch.Generator().manual_seed(int(rng.integers(1 << 62)))
