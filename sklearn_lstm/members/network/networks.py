"""One or two networks: they read in order, and learn what depends on the order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError

from sklearn_lstm.blending import HeldOutLogits, Logits
from sklearn_lstm.compute.devices import find_device_or_cpu, prefers_bfloat16
from sklearn_lstm.compute.threads import map_on_workers, workers
from sklearn_lstm.data.growing_tables import GrowingTables
from sklearn_lstm.data.sequences import Samples, Sequences
from sklearn_lstm.members.member import Contributions, Member
from sklearn_lstm.members.network.excerpt import Excerpt
from sklearn_lstm.members.network.gradients import integrated_gradients
from sklearn_lstm.members.network.loop import optimizer_state_of, torch_generator, train
from sklearn_lstm.members.network.micro_batches import MicroBatchNet
from sklearn_lstm.members.network.new_network import new_network
from sklearn_lstm.training.checkpoint import Checkpoint
from sklearn_lstm.training.configuration import Configuration
from sklearn_lstm.training.duration import BATCH_SIZE_OF_PARTIAL_FIT, TrainingPlan
from sklearn_lstm.training.encoded_network import EncodedNetwork
from sklearn_lstm.training.held_out import Parts
from sklearn_lstm.training.progress import FitProgress


@dataclass
class Networks(Member):
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
    networks: Annotated[tuple[EncodedNetwork, ...], "n_networks<10"]
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
    def fit(
        cls,
        parts: Parts,
        configuration: Configuration,
        plan: TrainingPlan,
        held_out: HeldOutLogits,
        progress: FitProgress,
    ) -> tuple[Self, HeldOutLogits]:
        """Train a network on each part; the loss of the blend on held-out samples may end it.

        Returns
        -------
        Networks
        HeldOutLogits
            With the logits of the networks, if the held-out samples can judge them.
        """
        if plan.max_epochs == 0 and not held_out.members:
            raise ValueError(
                "max_epochs=0 fits the linear model alone, but that was left out, as a warning "
                "says. Leave max_epochs='auto'."
            )
        is_trained = configuration.goes_on or plan.max_epochs > 0
        has_seen_all = configuration.goes_on and parts.rows is not None
        judges = bool(held_out.members) or bool(np.isnan(configuration.thresholds).any())
        is_held_out = any(map(len, parts.held_out))
        is_judged = judges and is_held_out and is_trained and not has_seen_all
        starts = []
        for learned, rng in zip(parts.learned, parts.generators, strict=True):
            generator, targets = torch_generator(rng), learned.targets.values
            starts.append(new_network(configuration, learned.sequences, generator, targets))
        expected = configuration.kind.network_weight

        def learn(index: int) -> MicroBatchNet:
            start, rng, part = starts[index], parts.generators[index], parts.held_out[index]
            so_far = NetworkSoFar(
                start, part.sequences, held_out.part(index), expected, is_judged=is_judged
            )
            folder = configuration.checkpoint
            return train(
                start,
                parts.learned[index],
                configuration if index == 0 else replace(configuration, callbacks=(), verbose=0),
                plan,
                rng=rng,
                held_out=part,
                held_out_loss=so_far.loss,
                progress=progress.network(index, so_far),
                checkpoint=folder and Checkpoint(folder, index, rng),
            )

        nets = map_on_workers(learn, range(len(starts)))
        networks = tuple(replace(start, is_trained=is_trained) for start in starts)
        member = cls(networks, net=nets[0])
        if not is_judged:
            return member, held_out
        judged = zip(networks, parts.held_out, strict=True)
        logits = [network.logits(part.sequences) for network, part in judged]
        return member, held_out.joined_by(cls.name, logits, expected)

    @classmethod
    @torch.inference_mode(mode=False)
    def fit_one_epoch(
        cls,
        samples: Samples,
        configuration: Configuration,
        rng: np.random.Generator,
        previous: Networks | None,
    ) -> tuple[Self, Excerpt | None]:
        """Train one network for an epoch at a constant learning rate.

        Returns
        -------
        Networks
        Excerpt or None
            What was trained, if it is an excerpt: the networks need `with_whole_tables` then.
        """
        batch_size = configuration.batch_size
        if isinstance(batch_size, str):
            batch_size = BATCH_SIZE_OF_PARTIAL_FIT
        plan = TrainingPlan(
            batch_size, 1, follows_loss=False, updates_per_check=1, n_networks=1, n_held_out=0
        )
        generator, optimizer_state = torch_generator(rng), None
        if previous is not None and previous.optimizer_state is not None:
            is_same = previous.optimizer_state["optimizer"] == configuration.optimizer.__name__
            optimizer_state = previous.optimizer_state["state"] if is_same else None
        excerpt = Excerpt.of(configuration, samples.sequences, generator, optimizer_state)
        if excerpt is None:
            model = new_network(configuration, samples.sequences, generator)
        else:
            model, optimizer_state = excerpt.network, excerpt.optimizer_state
        progress = FitProgress(
            {}, 1, [plan.updates_per_epoch(len(samples))], is_shown=configuration.verbose > 0
        )
        with workers(configuration.device, model.network.n_directions), progress:
            net = train(
                model,
                samples,
                replace(configuration, lr_schedule="constant", early_stopping=False),
                plan,
                rng=rng,
                optimizer_state=optimizer_state,
                progress=progress.network(0),
            )
        trained = (replace(model, is_trained=True),)
        return cls(trained, optimizer_state_of(net), net), excerpt

    @torch.inference_mode(mode=False)
    def with_whole_tables(self, excerpt: Excerpt, growing: GrowingTables) -> Self:
        """Return the networks after the training of an excerpt, once the changes are written."""
        assert self.net is not None  # noqa: S101 - it has trained the excerpt
        network = excerpt.whole_again(self.net, growing)
        return replace(self, networks=(network,), optimizer_state=optimizer_state_of(self.net))

    def move(self, parameters: Mapping[str, Any]) -> None:
        """Move loaded networks to their device, or to the processor where it is not there."""
        device = find_device_or_cpu(parameters["device"])
        can_round = parameters["precision"] == "bfloat16" or prefers_bfloat16(device)
        for network in self.networks:
            if network.has_weights:
                network.network.to(device)
            network.network.use_bfloat16 = network.network.use_bfloat16 and can_round

    def logits(self, sequences: Sequences) -> Logits:
        """Return the mean of the networks' logits (n_samples, n_outputs)."""
        return np.asarray(np.mean([network.logits(sequences) for network in self.networks], axis=0))

    def contributions(self, sequences: Sequences, direction: NDArray[np.float64]) -> Contributions:
        """Return what each step adds to the score, by integrated gradients."""
        share = direction / len(self.networks)
        found = [integrated_gradients(network, sequences, share) for network in self.networks]
        contributions, bases = zip(*found, strict=True)
        return np.sum(contributions, axis=0), sum(bases)

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


@dataclass(frozen=True)
class NetworkSoFar:
    """A network that is being trained, beside the members that were fitted before it.

    Parameters
    ----------
    network : EncodedNetwork
    sequences : Sequences
        Held out of it.
    held_out : HeldOutLogits
        What the other members say of these.
    expected : float
        The median of the prior of the network's weight.
    is_judged : bool
        Whether the held-out sequences say how much the network counts, or choose thresholds.
    """

    network: EncodedNetwork
    sequences: Sequences
    held_out: HeldOutLogits
    expected: float
    is_judged: bool

    def judged(self) -> HeldOutLogits:
        """Return what all members say of the held-out sequences now."""
        logits = [self.network.logits(self.sequences)]
        return self.held_out.joined_by(Networks.name, logits, self.expected)

    def loss(self) -> tuple[float, float]:
        """Return sum and mean of the loss of the blend, if the network joins it as it is now."""
        loss = self.judged().blend().loss
        return loss, loss / len(self.sequences)

    def member(self, net: MicroBatchNet) -> tuple[Networks, HeldOutLogits]:
        """Return a copy of the network as it is now, and what is said of held-out sequences."""
        so_far = replace(self, network=self.network.trained_so_far())
        held_out = so_far.judged() if self.is_judged else self.held_out
        return Networks((so_far.network,), net=net), held_out
