"""Search and predict with Dask."""

from typing import Any

import dask.dataframe as dd
import joblib
import pandas as pd
from dask.distributed import Client


def start(n_workers: int = 2) -> Client:
    """Start processes of one thread. For a cluster: ``Client(address)``."""
    return Client(
        n_workers=n_workers, threads_per_worker=1, dashboard_address=None
    )


def fit(search: Any, X: Any, y: Any, client: Client) -> Any:
    """Fit a search; each worker gets X and y once."""
    with joblib.parallel_backend("dask", client=client, scatter=[X, y]):
        return search.fit(X, y)


def predict_proba(
    model: Any, frame: dd.DataFrame, client: Client
) -> dd.DataFrame:
    """Return a column for each class; the texts are in the column "text"."""

    def of_part(part: pd.DataFrame, model: Any) -> pd.DataFrame:
        values = model.predict_proba(part["text"]) if len(part) else None
        return pd.DataFrame(values, part.index, model.classes_, float)

    model_on_workers = client.scatter(
        model, broadcast=True
    )  # each worker gets it once
    return frame.map_partitions(
        of_part, model_on_workers, meta=dict.fromkeys(model.classes_, float)
    )
