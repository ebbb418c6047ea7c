"""F1 of several labels by their thresholds: ``python benchmarks/thresholds.py``.

Molecules (Tox21, 12 labels) are read as characters. Each of the seeds 0, 1 and 2 draws a fifth of
the training part to test on; ``--test`` tests on the test part instead. One model has the
thresholds 0.5 and "f1"; the same with a tenth of its samples as X_val has one threshold for all
labels, found alike. The peer is a linear SVM for each label, on tf-idf of one to five characters.
About ten minutes on one core.
"""

from __future__ import annotations

import argparse

import numpy as np
from benchmark_data import read_rows
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MultiLabelBinarizer
from sklearn.svm import LinearSVC

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
from sklearn_lstm.targets.thresholds import expected_f1_thresholds


def main() -> None:
    """Print micro and macro F1 of each way, for each seed and as means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--test", action="store_true")
    options = parser.parse_args()
    rows = read_rows("molecules_tox21")
    texts = np.array([row["text"] for row in rows], object)
    labels = MultiLabelBinarizer().fit_transform([row["label"].split() for row in rows])
    is_test = np.array([row["split"] == "test" for row in rows])
    scores: dict[str, list[list[float]]] = {}
    for seed in range(3):
        train, test = np.flatnonzero(~is_test), np.flatnonzero(is_test)
        if not options.test:
            train, test = train_test_split(train, test_size=0.2, random_state=seed)
        svm = make_pipeline(
            TfidfVectorizer(
                analyzer="char", lowercase=False, ngram_range=(1, 5), sublinear_tf=True, min_df=2
            ),
            OneVsRestClassifier(LinearSVC()),
        )
        said = {"SVM": svm.fit(texts[train], labels[train]).predict(texts[test])}
        read = TextSequenceVectorizer(analyzer="char", lowercase=False)
        X_train, X_test = read.fit_transform(texts[train]), read.transform(texts[test])
        model = LSTMSequenceClassifier(threshold="f1", random_state=seed)
        model.fit(X_train, labels[train])
        said["0.5"] = model.predict_proba(X_test) > 0.5
        said["f1"] = model.predict(X_test)
        learned, held_out = train_test_split(range(len(train)), test_size=0.1, random_state=seed)
        y_val = labels[train][held_out]
        model.fit(X_train[learned], labels[train][learned], X_val=X_train[held_out], y_val=y_val)
        found = model.predict_proba(X_train[held_out])
        one = expected_f1_thresholds(found.reshape(-1, 1))
        said["X_val, f1"] = model.predict(X_test)
        said["X_val, one for all"] = model.predict_proba(X_test) > one
        for way, predicted in said.items():
            averages = ("micro", "macro")
            f1 = [f1_score(labels[test], predicted, average=a, zero_division=0) for a in averages]
            scores.setdefault(way, []).append([*f1, 1 - predicted.any(axis=1).mean()])
            print(seed, way, *np.round(scores[way][-1], 3), sep="\t", flush=True)
        print(seed, model.thresholds_.round(2), one, flush=True)
    for way, values in scores.items():
        print("mean", way, *np.mean(values, axis=0).round(3), *np.std(values, 0).round(3), sep="\t")


if __name__ == "__main__":
    main()
