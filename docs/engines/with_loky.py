"""Search in several processes of this machine."""

from typing import Any

import joblib


def fit(search: Any, X: Any, y: Any, n_workers: int = 2) -> Any:
    """Fit a search in `n_workers` processes, each with one thread."""
    with joblib.parallel_backend("loky", n_workers, inner_max_num_threads=1):
        return search.fit(X, y)
