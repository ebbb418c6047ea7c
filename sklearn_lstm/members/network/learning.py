"""How a network learns: a whole training, or an epoch of `partial_fit`."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from skorch import NeuralNet
from skorch.callbacks import EarlyStopping
from skorch.utils import noop
from torch import Tensor

from sklearn_lstm.blending import ExpectedFactor, HeldOutLogits
from sklearn_lstm.callback_support import Attributes, CallbackTask
from sklearn_lstm.compute import workers
from sklearn_lstm.data.kinds import MEASUREMENTS
from sklearn_lstm.data.sequences import Sequences
from sklearn_lstm.encoding.channel_scaling import ChannelScaling
from sklearn_lstm.encoding.token_codes import (
    N_SPECIAL,
    PADDING_CODE,
    UNKNOWN_CODE,
    GrowingTables,
    TokenCodes,
)
from sklearn_lstm.members.member import BATCH_SIZE_OF_PARTIAL_FIT
from sklearn_lstm.members.network.loop import (
    epoch_rows,
    has_rows_of,
    optimizer_state_of,
    replace_weight,
    torch_generator,
    train,
)
from sklearn_lstm.members.network.network import Network
from sklearn_lstm.members.network.network_member import Encoding, EpochRow
from sklearn_lstm.members.network.schedule_and_end import NetworkProgress, Trapezoid
from sklearn_lstm.network.network import N_SUMMARIES, SequenceNetwork
from sklearn_lstm.progress import FitProgress
from sklearn_lstm.targets.samples import Samples
from sklearn_lstm.training.configuration import Configuration
from sklearn_lstm.training.duration import TrainingPlan, steps_per_frame
from sklearn_lstm.training.held_out import Split

Result = TypeVar("Result")


def fit_network(
    split: Split,
    configuration: Configuration,
    plan: TrainingPlan,
    held_out: HeldOutLogits,
    progress: FitProgress,
    *,
    ended: Callable[[Network, HeldOutLogits, list[EpochRow]], Result],
) -> Result:
    """Train a network, and return what the fit leaves; the loss of the blend may end it.

    `held_out` are the logits of the members that were fitted before. `ended` returns what the fit
    leaves if it ends with a network, held-out logits and rows of epochs. The logits are those of
    the network too, if the held-out samples can judge it.
    """
    settings, is_trained = configuration.training, plan.max_epochs > 0
    ends_early = is_trained and settings.early_stopping is True
    judges = bool(held_out.members) or bool(np.isnan(configuration.thresholds).any())
    expected = ExpectedFactor(configuration.kind.network_weight, deviation=1.0)
    rng, learned, n_updates = split.generator, split.learned, progress.updates_per_epoch
    values, generator = learned.targets.values, torch_generator(rng)
    start = new_network(configuration, None, learned.sequences, generator, values)

    def judged(network: Network) -> HeldOutLogits:
        """Return what all members say of the held-out samples."""
        return held_out.joined_by(network.name, network.logits(split.held_out.sequences), expected)

    def loss() -> tuple[float, float]:
        """Return sum and mean of the loss of the blend with the network as it is now."""
        loss = judged(start).blend().loss
        return loss, loss / len(split.held_out)

    def ended_with(network: Network, net: NeuralNet) -> Result:
        logits = judged(network) if judges and is_trained else held_out
        return ended(network, logits, epoch_rows(net))

    def so_far(net: NeuralNet) -> Attributes:
        """Return what the classifier has if the training ends now."""
        return {"_fitted": ended_with(start.trained_so_far(), net)}

    followed, most = loss if plan.follows_loss else None, plan.max_epochs * n_updates
    schedule = Trapezoid(settings.lr, most, n_updates, followed, plan.updates_per_check)
    callbacks: list[Any] = [schedule]
    if ends_early:
        patience = settings.n_iter_no_change
        callbacks.append(EarlyStopping(patience=patience, threshold=0, load_best=True, sink=noop))
    callbacks.append(NetworkProgress(progress, so_far, schedule))
    watched = split.held_out if ends_early else None
    net = train(start, learned, settings, plan, rng=rng, callbacks=callbacks, held_out=watched)
    return ended_with(replace(start, is_trained=is_trained, net=net), net)


@torch.inference_mode(mode=False)
def fit_network_one_epoch(
    samples: Samples,
    configuration: Configuration,
    rng: np.random.Generator,
    previous: Network | None,
) -> tuple[Network, Excerpt | None]:
    """Train a network for an epoch at a constant learning rate.

    Returns
    -------
    Network
    Excerpt or None
        What was trained, if it is an excerpt: the network needs `whole_again` then.
    """
    settings = configuration.training
    batch_size = settings.batch_size
    if isinstance(batch_size, str):
        batch_size = BATCH_SIZE_OF_PARTIAL_FIT
    generator = torch_generator(rng)
    plan = TrainingPlan(batch_size, 1, follows_loss=False, updates_per_check=1, n_held_out=0)
    excerpt = Excerpt.of(configuration, previous, samples.sequences, generator)
    if excerpt is None:
        network = new_network(configuration, previous, samples.sequences, generator)
    else:
        network = excerpt.network
    n_updates = plan.updates_per_epoch(len(samples))
    is_shown, task = settings.verbose > 0, CallbackTask()  # no callback is told of it
    progress = FitProgress({}, plan.max_epochs, n_updates, is_shown=is_shown, task=task)
    with workers(settings.device, network.module.n_directions), progress:
        callbacks = [NetworkProgress(progress)]
        net = train(network, samples, settings, plan, rng=rng, callbacks=callbacks)
    state = optimizer_state_of(net)
    return replace(network, is_trained=True, optimizer_state=state, net=net), excerpt


def new_network(
    configuration: Configuration,
    previous: Network | None,
    sequences: Sequences,
    generator: torch.Generator,
    targets: NDArray[np.generic] | None = None,
) -> Network:
    """Return a network that reads these sequences, ready to be trained.

    Targets are those that the encoding may depend on. Without them the level of a channel stays:
    nothing says whether it tells the class.
    """
    if previous is not None and previous.is_trained:  # it reads measurements, else see `Excerpt`
        return replace(previous, module=deepcopy(previous.module))
    known, own = (None, None) if previous is None else (previous.encoding, previous.vectors)
    encoding: Encoding
    if configuration.kind is MEASUREMENTS:
        encoding = known or ChannelScaling.of(sequences, targets, normalize=configuration.normalize)
    else:
        known_codes = cast("TokenCodes", known or TokenCodes.of(np.empty(0, np.int64)))
        encoding = known_codes.extended(sequences, configuration.ids_with_vectors)
    kind = configuration.kind
    tokens, size = kind is not MEASUREMENTS, steps_per_frame(sequences, kind)
    architecture: dict[str, Any] = {"tokens": tokens, "steps_per_frame": size}
    architecture |= configuration.architecture  # of a network before, all of it
    if architecture["embedding_dim"] == "auto":
        n_features = len(encoding) * (N_SUMMARIES if size > 1 else 1)
        architecture["embedding_dim"] = min(128, int(16 * n_features**0.5))
    module = SequenceNetwork(**architecture | {"n_inputs": len(encoding)})
    # Weights that were not trained are drawn again, since a loaded network has none.
    module.draw_weights(generator)
    for vectors in (own, configuration.vectors):
        if vectors is not None and len(vectors.ids):
            codes = cast("TokenCodes", encoding)(vectors.ids)
            _, known_vectors = vectors(vectors.ids, None)
            weight = module.embedding.weight.detach()
            weight[torch.from_numpy(codes)] = torch.from_numpy(known_vectors)
    return Network(encoding, configuration.vectors if previous is None else own, module)


@dataclass(frozen=True)
class Excerpt:
    """A network of tokens with only those rows of its tables that some samples read.

    The embedding table has a row for each token, and so have tables of the optimiser. An epoch on
    a few samples changes few rows. So `partial_fit` trains the excerpt, whose tables hold copies of
    these rows. They are written into the whole tables at the end, when nothing can fail any more.

    Parameters
    ----------
    network : Network
        The excerpt, which knows only the ids of the samples.
    whole : Network
        The network that it is taken from.
    codes : Tensor of shape (n_rows,)
        For each code of the excerpt, in ascending order: the code in the whole network.
    tables : dict of str to Tensor of shape (n_codes, ...)
        Those parts of the state of the whole optimiser that have a row for each code, by name.
    new_ids : ndarray of shape (n_new,)
        The ids in the samples, or with a pretrained vector, that the whole network lacks.
    new_vectors : Tensor of shape (n_new, embedding_dim)
        Their vectors before training.
    """

    network: Network
    whole: Network
    codes: Tensor
    tables: dict[str, Tensor]
    new_ids: NDArray[np.int64]
    new_vectors: Tensor

    @classmethod
    def of(
        cls,
        configuration: Configuration,
        whole: Network | None,
        sequences: Sequences,
        generator: torch.Generator,
    ) -> Excerpt | None:
        """Return the excerpt for some sequences; None without a trained network of tokens."""
        if whole is None or not (whole.is_trained and whole.module.tokens):
            return None
        known, weight = cast("TokenCodes", whole.encoding), whole.module.embedding.weight
        ids = sequences.distinct_ids().astype(np.int64)
        new_ids = known.new_ids(ids, configuration.ids_with_vectors)
        new_vectors = whole.module.new_vectors(len(known) + len(new_ids), generator)
        given = configuration.vectors
        if given is not None and len(given.ids):
            has_vector, vectors = given(new_ids, None)
            places = torch.from_numpy(has_vector).to(weight.device)
            new_vectors[places] = torch.from_numpy(vectors[has_vector]).to(weight.device)

        ids = ids[ids > 0]
        codes_of_ids = known(ids)
        is_new = codes_of_ids == UNKNOWN_CODE
        codes_of_ids[is_new] = len(known) + np.searchsorted(new_ids, ids[is_new])
        order = np.argsort(codes_of_ids)
        codes = torch.from_numpy(np.append(np.arange(N_SPECIAL), codes_of_ids[order]))
        codes = codes.to(weight.device)
        is_known = codes < len(known)
        module = deepcopy(whole.module, {id(weight): weight})
        rows = weight.detach()[codes[is_known]], new_vectors[codes[~is_known] - len(known)]
        module.set_table(torch.cat(rows))
        tables, optimizer_state = {}, None
        states = whole.optimizer_state_for(configuration.training.optimizer)
        if states is not None:
            index = [id(parameter) for parameter in whole.module.parameters()].index(id(weight))
            state = dict(states.get(index, {}))
            for name, value in state.items():
                table = torch.from_numpy(value) if isinstance(value, np.ndarray) else value
                if has_rows_of(table, weight):
                    tables[name] = table.to(weight.device)
                    # New rows begin as padding, whose gradient is 0.
                    state[name] = tables[name][torch.where(is_known, codes, PADDING_CODE)]
            optimizer_state = {**(whole.optimizer_state or {}), "state": {**states, index: state}}
        excerpt = Network(TokenCodes.of(ids[order]), None, module, optimizer_state=optimizer_state)
        return cls(excerpt, whole, codes, tables, new_ids, new_vectors)

    @torch.inference_mode(mode=False)
    def whole_again(self, trained: Network, growing: GrowingTables) -> Network:
        """Return the trained network with whole tables; its optimiser gets whole tables too.

        The trained rows are in the tables after `growing.write()`.
        """
        assert trained.net is not None  # noqa: S101 - it has trained the excerpt
        module, optimizer = trained.module, trained.net.optimizer_
        encoding = cast("TokenCodes", self.whole.encoding).appended(self.new_ids, growing)

        def grown(table: Tensor, new_rows: Tensor, rows: Tensor) -> Tensor:
            whole: Tensor = growing.with_rows(table, new_rows)
            growing.change(whole, self.codes, rows)
            return whole

        weight = module.embedding.weight
        state = optimizer.state.pop(weight, {})
        for name, value in state.items():
            if has_rows_of(value, weight):
                table = self.tables.get(name)
                if table is None:  # the initial state, which padding still has
                    table = value[:1].repeat(len(self.whole.encoding), *[1] * (value.ndim - 1))
                new_rows = table[:1].expand(len(self.new_ids), *value.shape[1:])
                state[name] = grown(table, new_rows, value)
        table = self.whole.module.embedding.weight.detach()
        module.set_table(grown(table, self.new_vectors, weight.detach()))
        replace_weight(optimizer, weight, module.embedding.weight)
        optimizer.state[module.embedding.weight] = state
        return replace(
            trained,
            encoding=encoding,
            vectors=self.whole.vectors,
            optimizer_state=optimizer_state_of(trained.net),
        )
