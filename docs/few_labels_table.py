"""The table of the page "With few labels", out of few_labels.csv."""

import csv
from pathlib import Path

TASKS = {
    "mr_polarity": "review sentences",
    "trec": "TREC questions",
    "sms_spam": "SMS spam",
    "stackoverflow_titles": "titles of StackOverflow",
    "imdb": "IMDB reviews",
}


def write_table(docs: Path, generated: Path) -> None:
    """Write a row for each task and model: accuracies and their standard errors."""
    cells: dict[tuple[str, str], dict[str, str]] = {}
    with (docs / "few_labels.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            error = f" ± {float(row['standard error']):.1f}" if row["standard error"] else ""
            of_model = cells.setdefault((row["task"], row["model"]), {})
            of_model[row["size"]] = f"{float(row['accuracy']):.1f}{error}"
    order = sorted(cells, key=lambda key: list(TASKS).index(key[0]))
    sizes = {"100": "100", "300": "300", "1000": "1,000", "3000": "3,000", "all": "all"}
    with (generated / "few_labels.csv").open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(["task", "model", *sizes.values()])
        for task, model in order:
            of_model = cells[task, model]
            writer.writerow([TASKS[task], model, *(of_model.get(size, "") for size in sizes)])
