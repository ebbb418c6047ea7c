"""One or two networks: they read in order, and learn what depends on the order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError

from sklearn_lstm.blending import HeldOutLogits
from sklearn_lstm.callback_support import Attributes
from sklearn_lstm.compute.devices import find_device_or_cpu, prefers_bfloat16
from sklearn_lstm.compute.threads import map_on_workers, workers
from sklearn_lstm.data.batches import SequenceDataset
from sklearn_lstm.data.row_changes import RowChanges
from sklearn_lstm.data.sequences import Samples, Sequences
from sklearn_lstm.members.encoded_network import EncodedNetwork, NetworkStart
from sklearn_lstm.members.excerpt import Excerpt
from sklearn_lstm.members.gradients import integrated_gradients
from sklearn_lstm.members.member import FitTask, FittedMember, PartLogits
from sklearn_lstm.training.checkpoint import Checkpoint
from sklearn_lstm.training.duration import BATCH_SIZE_OF_PARTIAL_FIT, TrainingPlan
from sklearn_lstm.training.loop import TrainingSettings, optimizer_state_of, train
from sklearn_lstm.training.micro_batches import MicroBatchNet
from sklearn_lstm.training.progress import FitProgress
from sklearn_lstm.training.schedule import HeldOutLoss

EXPECTED_WEIGHT, EXPECTED_WEIGHT_OF_TOKENS = 0.1, 0.03


@dataclass
class Networks(FittedMember):
    """Networks whose logits are averaged. Each learned without a part of the samples.

    Parameters
    ----------
    networks : tuple of EncodedNetwork
    optimizer_state : dict or None
        What the optimiser of `partial_fit` has gathered.
    net : MicroBatchNet or None
        The skorch net that trained the first network; None once it was stored.
    """

    name = "network"
    networks: tuple[EncodedNetwork, ...]
    optimizer_state: dict[str, Any] | None = None
    net: MicroBatchNet | None = field(default=None, repr=False, metadata={"is_stored": False})

    @property
    def first(self) -> EncodedNetwork:
        """The first network, or the only one."""
        return self.networks[0]

    @property
    def first_with_weights(self) -> EncodedNetwork:
        """The first network, to look into it.

        Raises
        ------
        NotFittedError
            If it was loaded, and not trained before.
        """
        if not self.first.has_weights:
            raise NotFittedError(
                "This network was not trained (max_epochs=0), so its weights were not stored. "
                "Train it with partial_fit, or with fit and another max_epochs."
            )
        return self.first

    @property
    def is_trained(self) -> bool:
        """Whether the networks were trained, not only drawn."""
        return self.first.is_trained

    @classmethod
    def suits(cls, samples: Samples, parameters: Mapping[str, Any]) -> bool:  # noqa: ARG003
        """Return True: a network reads all sequences."""
        return True

    @classmethod
    def expected_weight(cls, samples: Samples, parameters: Mapping[str, Any]) -> float:  # noqa: ARG003
        """Return how much a network counts in a blend, as long as no held-out sample tells.

        A network is too sure of itself, most of all of tokens.
        """
        has_tokens = samples.sequences.n_channels is None
        return EXPECTED_WEIGHT_OF_TOKENS if has_tokens else EXPECTED_WEIGHT

    @classmethod
    def fit(cls, task: FitTask, held_out: HeldOutLogits) -> tuple[Self, PartLogits | None]:
        """Train a network on each part; the loss of the blend on held-out samples may end it."""
        plan, settings, learned = task.plan, task.settings, task.parts.learned
        folder = task.checkpoint
        if plan.max_epochs == 0 and not held_out.members:
            raise ValueError(
                "max_epochs=0 fits the linear model alone, but that was left out, as a warning "
                "says. Leave max_epochs='auto'."
            )
        starts = [
            task.start(part, _torch_generator(rng))
            for part, rng in zip(learned, task.generators, strict=True)
        ]
        expected = cls.expected_weight(task.samples, task.parameters)
        is_trained = starts[0].is_trained or plan.max_epochs > 0
        has_seen_all = starts[0].is_trained and task.parts.rows is not None
        is_judged = bool(held_out.members) and is_trained and not has_seen_all

        def fitted(index: int, net: MicroBatchNet) -> Attributes:
            network, so_far = starts[index].trained_so_far(), held_out.of_part(index)
            if is_judged:
                so_far.add([network.logits(task.parts.held_out[index].sequences)], expected)
            return task.fitted(cls((network,), net=net), so_far)

        def learn(index: int) -> MicroBatchNet:
            start, part = starts[index], task.parts.held_out[index]
            loss = partial(_loss_of_blend, start, part.sequences, held_out, index, expected)
            return train(
                start.network,
                SequenceDataset(learned[index], start.encoding, settings.token_dropout),
                SequenceDataset(part, start.encoding) if settings.early_stopping else None,
                settings if index == 0 else replace(settings, callbacks=(), verbose=0),
                plan,
                rng=task.generators[index],
                held_out_loss=HeldOutLoss(loss, len(part)),
                progress=task.progress.of_network(index, partial(fitted, index)),
                checkpoint=folder and Checkpoint(folder, index, task.generators[index]),
            )

        nets = map_on_workers(learn, range(len(starts)))
        networks = tuple(replace(start, is_trained=is_trained) for start in starts)
        member = cls(networks, net=nets[0])
        if not is_judged:
            return member, None
        parts = zip(networks, task.parts.held_out, strict=True)
        return member, [network.logits(part.sequences) for network, part in parts]

    @classmethod
    @torch.inference_mode(mode=False)
    def fit_one_epoch(
        cls,
        samples: Samples,
        start: NetworkStart,
        settings: TrainingSettings,
        rng: np.random.Generator,
        *,
        batch_size: int | str,
        previous: Networks | None,
    ) -> tuple[Self, Excerpt | None]:
        """Train one network for an epoch at a constant learning rate.

        Returns
        -------
        Networks
        Excerpt or None
            What was trained, if it is an excerpt: the networks need `with_whole_tables` then.
        """
        if isinstance(batch_size, str):
            batch_size = BATCH_SIZE_OF_PARTIAL_FIT
        plan = TrainingPlan(batch_size, max_epochs=1)
        start = replace(start, knows_all_samples=False)
        generator, optimizer_state = _torch_generator(rng), None
        if previous is not None and previous.optimizer_state is not None:
            is_same = previous.optimizer_state["optimizer"] == settings.optimizer.__name__
            optimizer_state = previous.optimizer_state["state"] if is_same else None
        excerpt = Excerpt.of(start, samples.sequences, generator, optimizer_state)
        if excerpt is None:
            model = start(samples, generator)
        else:
            model, optimizer_state = excerpt.network, excerpt.optimizer_state
        progress = FitProgress(
            0, 1, [plan.updates_per_epoch(len(samples))], is_shown=settings.verbose > 0
        )
        with workers(settings.device, model.network.n_directions), progress:
            net = train(
                model.network,
                SequenceDataset(samples, model.encoding, settings.token_dropout),
                None,
                replace(settings, lr_schedule="constant"),
                plan,
                rng=rng,
                optimizer_state=optimizer_state,
                progress=progress.of_network(0),
            )
        trained = (replace(model, is_trained=True),)
        return cls(trained, optimizer_state_of(net), net), excerpt

    @torch.inference_mode(mode=False)
    def with_whole_tables(self, excerpt: Excerpt, changes: RowChanges, *, in_place: bool) -> Self:
        """Return the networks after the training of an excerpt, once the changes are written.

        In place, they share tables with those before: these stay as they are until then.
        """
        assert self.net is not None  # noqa: S101 - it has trained the excerpt
        network = excerpt.whole_again(self.net, changes, in_place=in_place)
        return replace(self, networks=(network,), optimizer_state=optimizer_state_of(self.net))

    def move(self, parameters: Mapping[str, Any]) -> None:
        """Move loaded networks to their device, or to the processor where it is not there."""
        device = find_device_or_cpu(parameters["device"])
        can_round = parameters["precision"] == "bfloat16" or prefers_bfloat16(device)
        for each in self.networks:
            if each.has_weights:
                each.network.to(device)
            each.network.use_bfloat16 = each.network.use_bfloat16 and can_round

    def logits(self, sequences: Sequences) -> NDArray[np.float64]:
        """Return the mean of the networks' logits (n_samples, n_outputs)."""
        return np.asarray(np.mean([each.logits(sequences) for each in self.networks], axis=0))

    def contributions(
        self, sequences: Sequences, direction: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], float]:
        """Return what each step adds to the score, by integrated gradients."""
        contributions, base = np.zeros(int(sequences.lengths[0])), 0.0
        for each in self.networks:
            of_one, its_base = integrated_gradients(
                each, sequences, direction / len(self.networks), each.device
            )
            contributions, base = contributions + of_one, base + its_base
        return contributions, base

    @property
    def n_weights(self) -> int:
        """The number of weights of one network."""
        return sum(weight.numel() for weight in self.first.network.parameters())

    def describe(self) -> str:
        """Return what the networks consist of, in one line."""
        architecture, n_networks = self.first.network.architecture, len(self.networks)
        return (
            f"{f'{n_networks} networks of ' if n_networks > 1 else ''}{architecture['num_layers']} "
            f"{'bidirectional ' * architecture['bidirectional']}{architecture['cell'].upper()} "
            f"layer{'s' * (architecture['num_layers'] > 1)} of {architecture['hidden_size']} units"
            f", {self.n_weights:,} weights{' each' * (n_networks > 1)}"
            f"{', not trained' * (not self.is_trained)}"
        )


def _loss_of_blend(
    network: EncodedNetwork,
    sequences: Sequences,
    held_out: HeldOutLogits,
    index: int,
    expected: float,
) -> float:
    """Return the loss on a held-out part if the network joins the blend as it is now."""
    return held_out.loss(index, network.logits(sequences), expected)


def _torch_generator(rng: np.random.Generator) -> torch.Generator:
    """Return a generator of torch, so that weights are drawn without any global random state."""
    return torch.Generator().manual_seed(int(rng.integers(1 << 62)))
