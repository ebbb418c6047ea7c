"""The table of accuracy in README.md, out of `docs/accuracy.csv`.

``python docs/accuracy_table.py`` compares both; with ``--write`` the table is replaced. The columns
of this package are from one commit, or the line below names others. What was not measured at any is
a dash.
"""

import re
import sys
from pathlib import Path

from measured import OURS, PARTS, TASKS, accuracy, model_name, read

DOCS = Path(__file__).parent
README = DOCS.parent / "README.md"
TABLE = re.compile(
    r"^\| task \| LSTMSequenceClassifier \|.*?^The columns of this package .*?$",
    re.MULTILINE | re.DOTALL,
)


def variance(row: dict[str, str]) -> float:
    """Return the variance of an accuracy, which the number of tested samples sets."""
    return accuracy(row) * (100 - accuracy(row)) / int(row["tested"])


def cell(row: dict[str, str]) -> str:
    """Return the accuracy as the table shows it."""
    return f"{accuracy(row):.1f} %" if row else "-"


def is_better(row: dict[str, str], best: dict[str, str]) -> bool:
    """Return whether a row is better by more than two standard errors of the difference."""
    error = (variance(row) + variance(best)) ** 0.5
    return accuracy(row) - accuracy(best) > 2 * error


def table(measured: list[dict[str, str]]) -> str:
    """Return the table, and the line below it."""
    lines = [f"| task | {OURS} | {' | '.join(PARTS)} | best other model |", "|---|---|---|---|---|"]
    by_commit: dict[str, list[str]] = {}
    for task, title in TASKS.items():
        here = {row["model"]: row for row in measured if row["task"] == task}
        ours = [here.get(name, {}) for name in (OURS, *PARTS)]
        ours = [row if row.get("commit") else {} for row in ours]
        for commit in {row["commit"] for row in ours if row}:
            by_commit.setdefault(commit, []).append(title)
        best = max((row for name, row in here.items() if name not in {OURS, *PARTS}), key=accuracy)
        cells = [cell(row) for row in ours]
        if ours[0] and is_better(ours[0], best):
            cells[0] = f"**{cells[0]}**"
        cells.append(f"{accuracy(best):.1f} % {model_name(best['model'])}")
        lines.append(f"| {' | '.join([title, *cells])} |")
    first, *further = sorted(by_commit, key=lambda commit: -len(by_commit[commit]))
    note = f"The columns of this package were measured at the commit {first}"
    others = "; ".join(f"{' and '.join(by_commit[commit])}: {commit}" for commit in further)
    return "\n".join([*lines, "", f"{note} ({others})." if others else f"{note}."])


if __name__ == "__main__":
    found = table(read(DOCS / "accuracy.csv"))
    readme = README.read_text(encoding="utf-8")
    if "--write" in sys.argv[1:]:
        README.write_text(TABLE.sub(lambda _: found, readme), encoding="utf-8")
    elif TABLE.search(readme)[0] != found:
        sys.exit("README.md does not show docs/accuracy.csv: run docs/accuracy_table.py --write.")
