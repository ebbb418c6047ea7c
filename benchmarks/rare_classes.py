"""What class weights and a threshold do for rare classes: ``python benchmarks/rare_classes.py``.

Three stratified folds of the training rows of three sets: molecules that are active in one assay of
Tox21 (7 %), rare types of tunes (slip jig 4 %, waltz 2 %), and six attacks among traces of system
calls (2 to 4 % each). Precision, recall and F1 are means over the rare classes. The linear model
alone takes two minutes; ``--network`` fits the default model.
"""

import argparse

import numpy as np
from benchmark_data import read_rows
from sklearn.metrics import accuracy_score, f1_score, log_loss, precision_recall_fscore_support
from sklearn.model_selection import StratifiedKFold

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer

ASSAY, RARE_TUNES = "SR-ARE", ("slip jig", "waltz")
SETS = ("molecules_tox21", "music_tune_type", "system_calls")


def rare_classes(name: str, labels: list[str]) -> tuple[list[str], list[str]]:
    """Return the label of each row, and which labels are rare."""
    if name == "molecules_tox21":
        return ["yes" if ASSAY in label.split() else "no" for label in labels], ["yes"]
    rare = set(RARE_TUNES if name == "music_tune_type" else labels) - {"normal"}
    return labels, sorted(rare)


def main() -> None:
    """Print the means over the folds for each way."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sets", nargs="*", default=SETS, help="default: all three")
    parser.add_argument("--network", action="store_true")
    options = parser.parse_args()
    epochs = "auto" if options.network else 0
    print("set", "way", "accuracy", "precision", "recall", "F1", "macro F1", "log loss", sep="\t")
    for name in options.sets:
        rows = {row["text"]: row for row in read_rows(name) if row.get("split") != "test"}
        labels, rare = rare_classes(name, [row["label"] for row in rows.values()])
        y, is_events = np.array(labels), name == "system_calls"
        X = [text.split() if is_events else text for text in rows]
        scores: dict[str, list[list[float]]] = {}
        for train, test in StratifiedKFold(3, shuffle=True, random_state=0).split(y, y):
            read = TextSequenceVectorizer(analyzer=list if is_events else "char", lowercase=False)
            ids, new = read.fit_transform([X[k] for k in train]), [X[k] for k in test]
            for way in (None, "balanced"):
                threshold = "f1" if len(set(labels)) == 2 else 0.5
                model = LSTMSequenceClassifier(
                    class_weight=way, threshold=threshold, max_epochs=epochs, random_state=0
                )
                model.fit(ids, y[train])
                found = read.transform(new)
                probabilities = model.predict_proba(found)
                said = {f"{way}": model.classes_[probabilities.argmax(axis=1)]}
                if threshold == "f1":
                    said[f"{way}, f1"] = model.predict(found)
                loss = log_loss(y[test], probabilities, labels=model.classes_)
                for key, labels_said in said.items():
                    of_rare = precision_recall_fscore_support(
                        y[test], labels_said, labels=rare, average="macro", zero_division=0
                    )[:3]
                    macro = f1_score(y[test], labels_said, average="macro", zero_division=0)
                    accuracy = accuracy_score(y[test], labels_said)
                    scores.setdefault(key, []).append([accuracy, *of_rare, macro, loss])
        for key, values in scores.items():
            print(name, key, *np.mean(values, axis=0).round(3), sep="\t", flush=True)


if __name__ == "__main__":
    main()
