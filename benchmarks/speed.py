"""Speed beside other libraries, and the targets of speed: ``python benchmarks/speed.py``.

Both sides of a row run in turn in one process, and their medians are compared.
``--before COMMIT`` compares with an earlier version instead, for example with the last release: an
epoch of 5,000 messages and their prediction, in turn, in a process for each version.

The data are in the folder that the environment variable SKLEARN_LSTM_DATA names. The peers need
``pip install --group benchmarks .``. All rows together take about a quarter of an hour.
"""

from __future__ import annotations

import argparse
import csv
import inspect
import json
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from benchmark_data import read_texts
from peers import EMBEDDING_DIM, HIDDEN_SIZE, KerasLSTM, padded, skorch_lstm
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import make_pipeline

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer

# Multiplications and additions for a token: four gates, input and state, both directions.
FLOP_PER_TOKEN = 2 * 4 * HIDDEN_SIZE * (EMBEDDING_DIM + HIDDEN_SIZE) * 2
BACKWARD_AND_FORWARD = 3  # the gradient needs twice the operations of the value

table = [["work: against", "ours", "theirs", "ratio", "target"]]


def seconds(*sides: Callable[[], Any], repeats: int) -> list[float]:
    """Run the sides in turn, after one run to warm up; return the median time of each."""
    for side in sides:
        side()
    taken: list[list[float]] = [[] for _ in sides]
    for _ in range(repeats):
        for side, times in zip(sides, taken, strict=True):
            start = time.perf_counter()
            side()
            times.append(time.perf_counter() - start)
    return [median(times) for times in taken]


def row(  # noqa: PLR0917
    work: str, ours: str, theirs: str, ratio: float, target: float, sign: str = ">="
) -> None:
    """Print a row, and add it to the table."""
    met = ratio >= target if sign == ">=" else ratio <= target
    goal = f"{sign} {target:.2f}"
    print(
        f"{work:<58} {ours:>13} {theirs:>13} {ratio:8.2f}  {goal:>8}  {'' if met else 'missed'}",
        flush=True,
    )
    in_words = f"at {'least' if sign == '>=' else 'most'} {target:g}"
    table.append([work, ours, theirs, f"{ratio:.2f}", in_words])


def gemm_peak(dtype: torch.dtype) -> float:
    """Return the highest speed of a matrix product on this machine, in GFLOP/s.

    A convolution of width 1 is a matrix product too. Another library computes it, which is faster
    on some processors.
    """
    best = 0.0
    for size in (512, 1024, 2048):
        a, b = (torch.randn(size, size, dtype=torch.float32).to(dtype) for _ in range(2))
        pixels = a.reshape(1, size, size, 1).to(memory_format=torch.channels_last)
        kernels = b[:, :, None, None]
        for _ in range(10):
            for product in (lambda: a @ b, lambda: torch.conv2d(pixels, kernels)):
                start = time.perf_counter()
                product()
                best = max(best, 2 * size**3 / (time.perf_counter() - start))
    return best / 1e9


def corpora() -> dict[str, tuple[list[str], np.ndarray, int | None]]:
    """Return texts, targets and the largest length, of short and of long texts."""
    sms, sms_labels = read_texts("sms_spam")
    reviews, review_labels = read_texts("imdb")
    chosen = np.random.default_rng(0).permutation(len(reviews))[:2000]
    return {
        "sms": (sms, np.unique(sms_labels, return_inverse=True)[1], None),
        "reviews": (
            [reviews[index] for index in chosen],
            np.unique([review_labels[index] for index in chosen], return_inverse=True)[1],
            400,
        ),
    }


def classifier(max_epochs: int = 1) -> LSTMSequenceClassifier:
    """Return a classifier with the architecture of the peers."""
    return LSTMSequenceClassifier(
        embedding_dim=EMBEDDING_DIM,
        hidden_size=HIDDEN_SIZE,
        pooling="last",
        linear_model=False,
        batch_size=64,
        max_epochs=max_epochs,
        random_state=0,
    )


def against_skorch(texts: dict[str, Any], peak: float, repeats: int) -> None:
    """Compare fit and predict_proba with a plain skorch net, padded and packed."""
    targets = {"sms": (12, 5, 5), "reviews": (4, 12, 3)}
    for name, (documents, y, max_length) in texts.items():
        X = TextSequenceVectorizer(max_length=max_length).fit_transform(documents)
        X_padded, n_tokens = padded(X), X.nnz
        ours = classifier()
        nets = [skorch_lstm(X, 2, packed=packed, max_epochs=1) for packed in (False, True)]
        taken = seconds(
            lambda: ours.fit(X, y),
            *(lambda net=net: net.fit(X_padded, y) for net in nets),
            repeats=repeats,
        )
        speeds = [n_tokens / t for t in taken]
        for way, speed, target in zip(
            ("padded", "packed"), speeds[1:], targets[name], strict=False
        ):
            row(f"fit, {name}, tokens/s: skorch {way}", f"{speeds[0]:,.0f}", f"{speed:,.0f}",
                speeds[0] / speed, target)  # fmt: skip
        epoch = median(
            n_tokens / epoch["seconds"]
            for _ in range(3)
            for epoch in classifier(3).fit(X, y).history_
        )
        gflops = epoch * FLOP_PER_TOKEN * BACKWARD_AND_FORWARD / 1e9
        row(f"training, {name}, GFLOP/s: peak of float32", f"{gflops:.0f}", f"{peak:.0f}",
            gflops / peak, 0.85)  # fmt: skip
        taken = seconds(
            lambda: ours.predict_proba(X),
            *(lambda net=net: net.predict_proba(X_padded) for net in nets),
            repeats=repeats + 2,
        )
        speeds = [n_tokens / t for t in taken]
        row(f"predict_proba, {name}, tokens/s: skorch, the better", f"{speeds[0]:,.0f}",
            f"{max(speeds[1:]):,.0f}", speeds[0] / max(speeds[1:]), targets[name][2])  # fmt: skip
        exact = classifier().set_params(precision="float32").fit(X, y)
        (taken,) = seconds(lambda: exact.predict_proba(X), repeats=repeats + 2)
        gflops = n_tokens / taken * FLOP_PER_TOKEN / 1e9
        row(f"predicting in float32, {name}, GFLOP/s: peak of float32", f"{gflops:.0f}",
            f"{peak:.0f}", gflops / peak, 0.80)  # fmt: skip


def against_keras(texts: dict[str, Any], repeats: int) -> None:
    """Compare with TextVectorization, Embedding and a bidirectional LSTM."""
    for name, (documents, y, max_length) in texts.items():
        pipeline = make_pipeline(TextSequenceVectorizer(max_length=max_length), classifier())
        keras = KerasLSTM(max_length=max_length, max_epochs=1)
        for work, ours, theirs in (
            ("fit", lambda: pipeline.fit(documents, y), lambda: keras.fit(documents, y)),
            (
                "predict_proba",
                lambda: pipeline.predict_proba(documents),
                lambda: keras.predict_proba(documents),
            ),
        ):
            one, other = seconds(ours, theirs, repeats=repeats)
            row(f"{work} from texts, {name}, seconds: Keras", f"{one:.2f}", f"{other:.2f}",
                other / one, 3)  # fmt: skip


def against_vectorizers() -> None:
    """Compare transform with CountVectorizer, and words with Hugging Face's tokenizers."""
    for name in ("sms_spam", "imdb"):
        texts = read_texts(name)[0][:10_000]
        for analyzer, target in (("word", 2), ("char", 20)):
            ours = TextSequenceVectorizer(analyzer=analyzer).fit(texts)
            theirs = CountVectorizer(analyzer=analyzer).fit(texts)
            one, other = seconds(
                lambda: ours.transform(texts), lambda: theirs.transform(texts), repeats=7
            )
            row(f"transform, {analyzer}, {name}, seconds: CountVectorizer", f"{one:.3f}",
                f"{other:.3f}", other / one, target)  # fmt: skip
        from tokenizers import Tokenizer, models, normalizers, pre_tokenizers  # noqa: PLC0415

        words = TextSequenceVectorizer().fit(texts)
        ids = {"<unk>": 1, **words.vocabulary_}
        tokenizer = Tokenizer(models.WordLevel(ids, unk_token="<unk>"))
        tokenizer.normalizer = normalizers.Lowercase()
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
        one, other = seconds(
            lambda: words.transform(texts), lambda: tokenizer.encode_batch(texts), repeats=7
        )
        row(f"transform, word, {name}, seconds: tokenizers, all cores", f"{one:.3f}",
            f"{other:.3f}", other / one, 1)  # fmt: skip


def one_short_text() -> None:
    """Compare predict_proba of one text with a call of the network alone."""
    texts, labels = read_texts("sms_spam")
    X = TextSequenceVectorizer().fit_transform(texts)
    model = classifier().fit(X, labels)
    one = X[np.flatnonzero(np.diff(X.indptr) == 12)[0]]
    codes = torch.from_numpy(model._fitted.model.network.encoding(one.data))[None]  # noqa: SLF001
    lengths = torch.tensor([12])

    def call() -> None:
        with torch.inference_mode():
            model.module_(codes, lengths)

    ours, raw = seconds(lambda: model.predict_proba(one), call, repeats=300)
    row("predict_proba, one text, ms: the network itself", f"{ours * 1e3:.2f}", f"{raw * 1e3:.2f}",
        ours / raw, 1.5, "<=")  # fmt: skip


def flat_in_samples() -> None:
    """Compare the speed and the memory of few and of many texts."""
    texts, labels = read_texts("sms_spam")
    vectorizer = TextSequenceVectorizer().fit(texts)
    speeds, peaks = [], []
    for n_samples in (1_000, 10_000, 100_000):
        repeated = (texts * (1 + n_samples // len(texts)))[:n_samples]
        X = vectorizer.transform(repeated)
        y = (labels * (1 + n_samples // len(labels)))[:n_samples]
        epochs = classifier(max(1, 10_000 // n_samples)).fit(X, y).history_
        speeds.append(median(epoch["tokens_per_second"] for epoch in epochs))
        tracemalloc.start()
        classifier().partial_fit(X, y, classes=["ham", "spam"])
        peaks.append(tracemalloc.get_traced_memory()[1] / 2**20)
        tracemalloc.stop()
    row("tokens/s: 100,000 texts against 1,000", f"{speeds[2]:,.0f}", f"{speeds[0]:,.0f}",
        speeds[2] / speeds[0], 0.9)  # fmt: skip
    size = X.data.nbytes + X.indices.nbytes
    print(
        f"memory of an epoch beside X, NumPy's: {peaks[0]:.1f}, {peaks[1]:.1f}, {peaks[2]:.1f} MiB "
        f"for 1,000, 10,000 and 100,000 texts (X: {size / 2**20:.1f} MiB)"
    )


VERSION = """
import json, sys, time
import numpy as np
from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer

texts, y = json.load(open(sys.argv[1]))
X = TextSequenceVectorizer().fit_transform(texts)
model = LSTMSequenceClassifier(max_epochs=1, random_state=0)
alone = {"linear_branch", "linear_model"} & set(model.get_params())
model.set_params(**dict.fromkeys(alone, False)).fit(X, y)
for _ in sys.stdin:
    starts = [time.perf_counter()]
    for work in (lambda: model.fit(X, y), lambda: model.predict_proba(X)):
        work()
        starts.append(time.perf_counter())
    print(*np.diff(starts), flush=True)
"""  # the parameter has had two names


def against_version(commit: str, repeats: int) -> None:
    """Compare the network with that of another commit of this repository."""
    texts, labels = read_texts("sms_spam")
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "messages.json")
        data.write_text(json.dumps([texts[:5_000], labels[:5_000]]))
        archive = subprocess.run(
            ["git", "archive", commit, "sklearn_lstm"], check=True, stdout=subprocess.PIPE
        ).stdout
        subprocess.run(["tar", "-x", "-C", folder], check=True, input=archive)
        here = Path(inspect.getfile(LSTMSequenceClassifier)).parents[1]
        sides = [
            subprocess.Popen(
                [sys.executable, "-c", VERSION, data],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                bufsize=1,
                cwd=side,
            )
            for side in (here, folder)
        ]
        taken = np.zeros((repeats, len(sides), 2))
        for times in taken:
            for side, seconds_of_side in zip(sides, times, strict=True):
                print(file=side.stdin)
                seconds_of_side[:] = side.stdout.readline().split()
        for side in sides:
            side.communicate()
    for work, (ours, theirs) in zip(
        ("an epoch", "predict_proba"), np.median(taken, 0).T, strict=True
    ):
        row(f"{work}, sms, seconds: {commit}", f"{ours:.2f}", f"{theirs:.2f}", ours / theirs, 1.02,
            "<=")  # fmt: skip


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3, help="runs of each side of a row")
    parser.add_argument("--without-keras", action="store_true")
    parser.add_argument("--before", metavar="COMMIT", help="compare with this version alone")
    parser.add_argument("--table", type=Path, help="a CSV file to write the rows to")
    options = parser.parse_args()
    if options.before:
        against_version(options.before, options.repeats)
        return
    peak = gemm_peak(torch.float32)
    print(
        f"torch {torch.__version__}, {torch.get_num_threads()} threads; matrix products: "
        f"{peak:.0f} GFLOP/s in float32, {gemm_peak(torch.bfloat16):.0f} in bfloat16"
    )
    print(f"{'work: against':<58} {'ours':>13} {'theirs':>13} {'ratio':>8}  {'target':>8}")
    texts = corpora()
    against_skorch(texts, peak, options.repeats)
    against_vectorizers()
    one_short_text()
    flat_in_samples()
    if not options.without_keras:  # last, since TensorFlow starts threads of its own
        against_keras(texts, options.repeats)
    if options.table:
        with options.table.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows(table)


if __name__ == "__main__":
    main()
