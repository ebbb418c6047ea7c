"""The training of one network through skorch."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, GradientNormClipping, PrintLog
from skorch.helper import predefined_split
from torch import nn

from sklearn_lstm.compute import prefers_bfloat16
from sklearn_lstm.data.sequences import Rows
from sklearn_lstm.encoding.token_codes import PADDING_CODE
from sklearn_lstm.exceptions import NonFiniteTrainingError
from sklearn_lstm.members.network.batches import LengthBatches, MicroBatchNet, SequenceDataset
from sklearn_lstm.members.network.loss_and_optimizer import FUSED_STATE, optimizer_options
from sklearn_lstm.members.network.network import Network, has_rows_of
from sklearn_lstm.members.network.network_member import EpochRow
from sklearn_lstm.members.network.sequence_network import SequenceNetwork
from sklearn_lstm.progress import print_above_bar
from sklearn_lstm.targets.samples import Samples
from sklearn_lstm.training.configuration import Configuration
from sklearn_lstm.training.duration import TrainingPlan

TOKEN_DROPOUT = 0.1  # share of the tokens that training reads as the unknown one, to learn it
LARGEST_GRADIENT = 1.0  # norm; larger ones are scaled down to it


def make_net(module: SequenceNetwork, settings: Configuration, **options: Any) -> MicroBatchNet:
    """Return a skorch net with the network and a fresh optimiser."""
    optimizer_arguments = optimizer_options(settings.optimizer, settings.weight_decay)
    net = MicroBatchNet(
        module,
        criterion=settings.loss,
        optimizer=settings.optimizer,
        lr=settings.lr,
        **{f"optimizer__{name}": value for name, value in optimizer_arguments.items()},
        device=str(settings.device),
        classes=list(range(module.architecture.n_outputs)),
        predict_nonlinearity=settings.loss.probabilities,
        callbacks__valid_acc=None,
        iterator_valid=LengthBatches,
        **{"iterator_train": LengthBatches, "train_split": None, "verbose": 0} | options,
    )
    net.initialize()
    return net


def train(
    network: Network,
    samples: Samples,
    settings: Configuration,
    plan: TrainingPlan,
    *,
    rng: np.random.Generator,
    callbacks: Sequence[Callback],
    held_out: Samples | None = None,
) -> MicroBatchNet:
    """Train a network in place, and return the skorch net that did it.

    Training ends early if one of the callbacks says that the net `has_stopped`. They come after the
    user's. The loss of `held_out` is computed after each epoch.

    Raises
    ------
    NonFiniteTrainingError
        If the loss or a weight is no longer finite.
    """
    module = network.module
    is_trained = [weight.requires_grad for weight in module.parameters()]
    can_round = settings.precision == "auto" and prefers_bfloat16(settings.device)
    tokens = module.architecture.tokens
    module.use_bfloat16 = tokens and can_round
    dataset = SequenceDataset(samples, network.encoding, TOKEN_DROPOUT * tokens)
    split = held_out and predefined_split(SequenceDataset(held_out, network.encoding))
    first = EpochRecord(), SparseEmbedding(), GradientNormClipping(LARGEST_GRADIENT)
    prints_rows = settings.verbose > 1
    with torch.enable_grad(), torch.autocast(settings.device.type, enabled=False):
        net = make_net(
            module,
            settings,
            max_epochs=plan.max_epochs,
            batch_size=plan.batch_size,
            iterator_train=partial(LengthBatches, rng=rng),
            train_split=split,
            callbacks=[*_named(first), *settings.callbacks, *_named(callbacks)],
            verbose=int(prints_rows),
            # Else it would lay rows out for nobody, and print them if `print` is replaced.
            callbacks__print_log=PrintLog(sink=print_above_bar) if prints_rows else None,
        )
        optimizer_state = network.optimizer_state_for(settings.optimizer)
        if optimizer_state is not None:
            _restore(net.optimizer_, optimizer_state)
        module.generator = torch_generator(rng, net.device)
        net.notify("on_train_begin", X=dataset, y=None)
        while len(net.history) < net.max_epochs and not net.has_stopped:
            net.fit_loop(dataset, epochs=1)
        module.generator = None
        net.notify("on_train_end", X=dataset, y=None)
    check_weights(net)
    for weight, is_trained_again in zip(module.parameters(), is_trained, strict=True):
        weight.requires_grad_(is_trained_again)  # a Freezer counts for this training alone
    module.eval()
    net.train_split = None  # it would keep the held-out samples alive
    return net


def torch_generator(rng: np.random.Generator, device: str = "cpu") -> torch.Generator:
    """Return a generator of torch, so that numbers are drawn without any global random state."""
    return torch.Generator(device).manual_seed(int(rng.integers(1 << 62)))


def _named(callbacks: Sequence[Callback]) -> list[tuple[str, Callback]]:
    """Give callbacks of ours names that the user's do not have."""
    return [(f"sklearn_lstm_{type(callback).__name__}", callback) for callback in callbacks]


def optimizer_state_of(net: MicroBatchNet) -> dict[str, Any]:
    """Return what the optimiser of a net has gathered so far."""
    optimizer = net.optimizer_
    return {"optimizer": type(optimizer).__name__, "state": optimizer.state_dict()["state"]}


def _restore(optimizer: torch.optim.Optimizer, optimizer_state: Mapping[int, Any]) -> None:
    """Go on with what an optimiser of the same class has gathered about each weight."""
    optimizer.load_state_dict(optimizer.state_dict() | {"state": optimizer_state})
    for weight, values in optimizer.state.items():
        for name in FUSED_STATE & values.keys():
            if getattr(values[name], "shape", weight.shape) != weight.shape:
                raise ValueError(
                    f"The state {name} of the optimiser has the shape {list(values[name].shape)}, "
                    f"but its weight {list(weight.shape)}: the stored model is damaged."
                )


class SparseEmbedding(Callback):  # type: ignore[misc]
    """Let the optimiser see only those rows of the embedding table that the batch reads.

    A vocabulary of 100,000 tokens has 13 million weights, of which a batch needs some hundred rows.
    For one update the weight and its optimiser state are replaced by these rows, and the batch
    counts them from 0: any optimiser of torch works on this small weight.
    """

    def on_train_begin(self, net: NeuralNet, **_: Any) -> None:
        """Find the table."""
        self.embedding: Any = getattr(net.module_, "embedding", None)
        self.table: nn.Parameter | None = None
        if self.embedding is not None:
            net.optimizer_.register_step_post_hook(self._write_back)

    def on_batch_begin(
        self, net: NeuralNet, batch: Any = None, *, training: bool = False, **_: Any
    ) -> None:
        """Replace the table by the rows of the batch, and recode the batch."""
        if not training or self.embedding is None or not self.embedding.weight.requires_grad:
            return
        sequences, _targets = batch
        self.table = table = self.embedding.weight
        codes = torch.cat([sequences.steps.new_tensor([PADDING_CODE]), sequences.steps])
        codes, places = torch.unique(codes, return_inverse=True)
        sequences.steps = places[1:]
        self.codes = codes.to(table.device)
        rows = nn.Parameter(table.data.index_select(0, self.codes))
        net.optimizer_.state[rows] = {
            name: value.index_select(0, self.codes) if has_rows_of(value, table) else value
            for name, value in net.optimizer_.state[table].items()
        }
        self._put(net.optimizer_, rows)

    def _write_back(self, optimizer: torch.optim.Optimizer, *_: Any) -> None:
        """Write the rows, and the optimiser state about them, back into the table."""
        if self.table is None:
            return
        rows, state = self.embedding.weight, optimizer.state[self.table]
        for name, value in optimizer.state.pop(rows).items():
            if not has_rows_of(value, rows):
                state[name] = value
                continue
            if name not in state:  # the initial state, which padding still has: its gradient is 0
                state[name] = value[PADDING_CODE].repeat(len(self.table), *[1] * (value.ndim - 1))
            state[name].index_copy_(0, self.codes, value)
        self.table.data.index_copy_(0, self.codes, rows.data)
        self._put(optimizer, self.table)
        self.table = None

    def _put(self, optimizer: torch.optim.Optimizer, weight: nn.Parameter) -> None:
        """Make this the weight of the embedding, for the optimiser too."""
        old, self.embedding.weight = self.embedding.weight, weight
        for group in optimizer.param_groups:
            group["params"] = [weight if one is old else one for one in group["params"]]


class EpochRecord(Callback):  # type: ignore[misc]
    """Record learning rate, steps and padding of each epoch; stop at a loss that is not finite."""

    def on_epoch_begin(self, *_: Any, **__: Any) -> None:
        """Start to count."""
        self.n_steps = self.n_padded_steps = 0

    def on_batch_end(
        self, net: NeuralNet, batch: Any = None, *, training: bool = False, **step: Any
    ) -> None:
        """Count the batch, and check its loss."""
        if not training:
            return
        sequences, _targets = batch
        self.n_steps += int(sequences.lengths.sum())
        self.n_padded_steps += step["n_padded_steps"]
        loss = net.history[-1]["batches"][-1]["train_loss"]
        if not np.isfinite(loss):
            is_finite = step["is_finite"].cpu().numpy()
            rows = sequences.rows[is_finite.all() | ~is_finite]  # of their sum, all
            raise_not_finite(f"the loss is {loss}", net, rows)

    def on_epoch_end(self, net: NeuralNet, **_: Any) -> None:
        """Write the counts into the row of the epoch."""
        net.history.record("lr", net.optimizer_.param_groups[0]["lr"])
        net.history.record("n_steps", self.n_steps)
        net.history.record("padding", 1 - self.n_steps / self.n_padded_steps)


def check_weights(net: NeuralNet) -> None:
    """Raise an error if a weight is not finite."""
    # The least and the largest are finite only if all are, and need no copy of a large table.
    weights = (weight.detach().aminmax() for weight in net.module_.parameters())
    if not np.isfinite([end.item() for ends in weights for end in ends]).all():
        raise_not_finite("a weight of the network is not finite", net)


def raise_not_finite(found: str, net: NeuralNet, rows: Rows | None = None) -> None:
    """Raise an error that says where the training broke, perhaps at rows of X; and what to try."""
    row, where = net.history[-1], "X"
    if rows is not None:
        numbers = ", ".join(map(str, np.sort(rows)[:10].tolist()))
        others = f" and {len(rows) - 10:,} others" * (len(rows) > 10)
        where = f"the rows {numbers}{others} of X"
    raise NonFiniteTrainingError(
        f"Training stopped: {found} in epoch {row['epoch']}, batch {len(row['batches'])} "
        f"(lr={net.optimizer_.param_groups[0]['lr']:g}). Try a smaller lr, "
        f"normalize=True, or precision='float32', and look for extreme values in {where}."
    )


def epoch_rows(net: NeuralNet) -> list[EpochRow]:
    """Return a row for each finished epoch."""
    return [
        {
            "train_loss": float(row["train_loss"]),
            "valid_loss": None if row.get("valid_loss") is None else float(row["valid_loss"]),
            "lr": float(row["lr"]),
            "seconds": float(row["dur"]),
            # A coarse timer may measure 0 seconds.
            "tokens_per_second": row["n_steps"] / max(row["dur"], np.finfo(float).eps),
            "padding": float(row["padding"]),
        }
        for row in net.history
        if "dur" in row and "train_loss" in row and "padding" in row
    ]
