"""Fit models on the same training part and compare them on the same test part."""

import time
from typing import Any

from sklearn.metrics import accuracy_score, f1_score


def compare(
    models: dict[str, Any], X_train: Any, y_train: Any, X_test: Any, y_test: Any
) -> dict[str, tuple[float, float]]:
    """Fit each model, and print its accuracy, its macro F1 and the seconds that the fit took.

    Return accuracy and seconds of each.
    """
    results = {}
    print(f"{len(y_train):,} sequences to train on, {len(y_test):,} to test on")
    for name, model in models.items():
        start = time.perf_counter()
        model.fit(X_train, y_train)
        seconds = time.perf_counter() - start
        predicted = model.predict(X_test)
        accuracy = accuracy_score(y_test, predicted)
        macro_f1 = f1_score(y_test, predicted, average="macro")
        print(
            f"{name:<36} accuracy {accuracy:5.1%}, macro F1 {macro_f1:5.1%}, "
            f"fitted in {seconds:.0f} s"
        )
        results[name] = accuracy, seconds
    return results
