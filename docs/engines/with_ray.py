"""Search and predict with Ray."""

from collections.abc import Sequence
from typing import Any

import joblib
import ray
import ray.data
from ray.util.joblib import register_ray


def start(n_workers: int = 2) -> None:
    """Start Ray on this machine. For a cluster: ``ray.init(address)``."""
    ray.init(
        num_cpus=n_workers + 1, include_dashboard=False
    )  # one more, for reading


class Stored(list[Any]):
    """A list in Ray's object store: each fit is sent only a reference."""

    def __init__(self, values: Sequence[Any]) -> None:
        super().__init__(values)
        self.reference = ray.put(values)

    def __reduce__(self) -> tuple[Any, ...]:
        return ray.get, (self.reference,)


def fit(
    search: Any, X: Sequence[Any], y: Sequence[Any], n_workers: int = 2
) -> Any:
    """Fit a search; each machine gets X and y once."""
    register_ray()
    with joblib.parallel_backend("ray", n_workers):
        return search.fit(Stored(X), Stored(y))


class Probabilities:
    """Probabilities of batches; each worker loads the model once."""

    def __init__(self, model: ray.ObjectRef) -> None:
        self.model = ray.get(model)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Return the probabilities of a batch."""
        values = self.model.predict_proba(batch["text"])
        names = [str(label) for label in self.model.classes_]
        return {"id": batch["id"], **dict(zip(names, values.T, strict=True))}


def predict_proba(
    model: Any, data: ray.data.Dataset, n_workers: int = 2
) -> ray.data.Dataset:
    """Return the column "id" and one for each class; texts are in "text"."""
    return data.map_batches(
        Probabilities,
        fn_constructor_args=[ray.put(model)],
        compute=ray.data.ActorPoolStrategy(size=n_workers),
        num_cpus=1,
        batch_size=4096,
    )
