"""`explain_classes`: what adds to each class over many sequences; the sums are those of `explain`."""

import numpy as np

from sklearn_lstm.inspection import explain, explain_classes
from sklearn_lstm.inspection.inputs import find_classifier

EXACT = {"rtol": 0, "atol": 1e-9}


def first(X, n=12):
    return X[:n] if hasattr(X, "__getitem__") else list(X)[:n]


def test_the_sums_are_those_of_explain(fitted):
    model, X = fitted
    X = first(X)
    frame = explain_classes(model, X).to_frame()
    labels = find_classifier(model)[1].classes_
    for label in labels:
        of_class, explanations = frame[frame["class"] == label], explain(model, X, label)
        score = np.mean([one.score for one in explanations])
        np.testing.assert_allclose(of_class["mean"].sum(), score, **EXACT)
        for part, name in (("linear model", "linear"), ("network", "network")):
            rows = of_class[of_class["part"] == part].set_index("name")["mean"]
            whole = np.mean([getattr(one, name).sum() for one in explanations])
            np.testing.assert_allclose(rows.sum(), whole, **EXACT)
            if explanations[0].data.ndim == 1 and len(rows):
                expected = dict.fromkeys(rows.index, 0.0)
                for one in explanations:
                    for token, value in zip(one.data, getattr(one, name), strict=True):
                        expected[token] += value / len(explanations)
                np.testing.assert_allclose(rows, [expected[key] for key in rows.index], **EXACT)
