"""What README.md says of accuracy, and all of `docs/results.md`.

``python docs/accuracy_table.py --write`` writes both out of the tables in this folder, as the page
of the repository shows them; without ``--write`` they are compared. README has a sentence on
how near the linear model alone is to the default, and a table of the tasks where it is not. A task
counts if both were measured at a commit. `docs/figures/accuracy_seconds.py` draws the picture above
it. The built pages have the tables of results.md too.
"""

import csv
import re
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from measured import (
    OURS,
    PARTS,
    TASKS,
    accuracy,
    model_name,
    read,
    with_seconds,
    write_tables,
)

DOCS = Path(__file__).parent
README = DOCS.parent / "README.md"
PART = re.compile(r"^On \d+ of the \d+ tasks.*?\n\n\|.*?(?=\n\n)", re.MULTILINE | re.DOTALL)
NEAR = 0.6  # points
RESULTS = {
    "Words": "accuracy_words",
    "Characters": "accuracy_characters",
    "Series": "accuracy_series",
    "Few samples": "learning_curves",
    "Few labels": "which_encoder",
    "Vectors of words": "few_labels",
    "8 and 16 labels of each class": "few_labels_by_class",
    "Missing values": "holes",
}
HEAD = """# All results

Accuracy, macro F1 and calibration error are in percent, times in seconds. Bold is the classifier
with default parameters. [Accuracy](accuracy.rst) names the tasks, the models and the commands, and
says how to read the tables. `python docs/accuracy_table.py --write` writes this page.
"""


def part(measured: list[dict[str, str]]) -> str:
    """Return the sentence and the table."""
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
        f"On {len(ratios)} of the {len(ratios) + len(far)} tasks that were measured at one "
        f"version, the linear model alone is within {NEAR} points of the default,\nmostly in less "
        f"than 1/{int(median(ratios))} of its seconds. So try it first. On the other {len(far)} "
        f"the network adds more (accuracy in percent,\nseconds of the fit):\n\n"
        + "\n".join([*lines, *far])
    )


def results() -> str:
    """Return the page of all results."""
    text = HEAD
    with TemporaryDirectory() as folder:
        write_tables(DOCS, Path(folder))
        for title, name in RESULTS.items():
            with Path(folder, f"{name}.csv").open(encoding="utf-8", newline="") as lines:
                header, *rows = csv.reader(lines)
            table = [header, ["---"] * len(header), *rows]
            text += f"\n## {title}\n\n" + "".join(f"| {' | '.join(row)} |\n" for row in table)
    return text


def pages() -> dict[Path, str]:
    """Return what both files should say."""
    found = part(read(DOCS / "accuracy.csv"))
    readme = PART.sub(lambda _: found, README.read_text(encoding="utf-8"))
    return {README: readme, DOCS / "results.md": results()}


if __name__ == "__main__":
    for path, text in pages().items():
        if "--write" in sys.argv[1:]:
            path.write_text(text, encoding="utf-8")
        elif path.read_text(encoding="utf-8") != text:
            sys.exit(f"{path.name} does not show docs/*.csv: run docs/accuracy_table.py --write.")
