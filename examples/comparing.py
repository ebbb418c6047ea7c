"""Fit models on the same training part and compare them on the same test part."""

import time
from typing import Any

from sklearn.metrics import accuracy_score, f1_score


def compare(models: dict[str, Any], X_train: Any, y_train: Any, X_test: Any, y_test: Any) -> None:
    """Fit each model, and print its accuracy, its macro F1 and the seconds that the fit took."""
    measure(models, X_train, y_train, X_test, y_test)


def measure(
    models: dict[str, Any], X_train: Any, y_train: Any, X_test: Any, y_test: Any
) -> dict[str, tuple[float, float]]:
    """Do the same as `compare`, and return accuracy and seconds of each model."""
    results = {}
    print(f"{len(y_train):,} sequences to train on, {len(y_test):,} to test on")
    print(f"{'':<34} accuracy  macro F1   fit")
    for name, model in models.items():
        start = time.perf_counter()
        model.fit(X_train, y_train)
        seconds = time.perf_counter() - start
        predicted = model.predict(X_test)
        accuracy = accuracy_score(y_test, predicted)
        macro_f1 = f1_score(y_test, predicted, average="macro")
        print(f"{name:<34} {accuracy:8.1%}  {macro_f1:8.1%}  {seconds:2.0f} s")
        results[name] = accuracy, seconds
    return results
