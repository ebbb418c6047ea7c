"""What is recorded of each epoch."""

from typing import Any

import numpy as np
from skorch import NeuralNet
from skorch.callbacks import Callback

from sklearn_lstm.data.sequences import Rows
from sklearn_lstm.exceptions import NonFiniteTrainingError
from sklearn_lstm.members.network.network_member import EpochRow


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
