"""The table of the tour in README.md.

``python docs/tour_table.py`` compares it with ``sklearn_lstm_tour/table.md``, which the last run of
``examples/tour.py`` in this folder wrote; with ``--write`` it is replaced.
"""

import re
import sys
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"
TABLE = re.compile(r"^\| task \| tested on \|.*?^This run took .*?$", re.MULTILINE | re.DOTALL)
MOST_SAMPLES = 2  # by which an accuracy may differ


def accuracies(table: str) -> dict[str, tuple[int, list[float]]]:
    """Return the test samples of each task, and the percentages of both models."""
    rows = re.findall(r"^\| (.+?) +\| +([\d,]+) \|(.*)", table, re.MULTILINE)
    return {
        task: (int(tests.replace(",", "")), [float(x) for x in re.findall(r"([\d.]+)%", values)])
        for task, tests, values in rows
    }


def differences(table: str, run: str) -> list[str]:
    """Return what differs by more than some test samples, or in the tasks."""
    told, found = accuracies(table), accuracies(run)
    if told.keys() != found.keys():
        return [f"the tasks: {list(told)} and {list(found)}"]
    lines = []
    for task, (n_samples, percentages) in found.items():
        most = 100 * MOST_SAMPLES / n_samples + 0.1  # both are rounded
        pairs = list(zip(told[task][1], percentages, strict=True))
        if told[task][0] != n_samples or any(abs(a - b) > most for a, b in pairs):
            lines.append(f"{task} {told[task]} and {found[task]}")
    return lines


if __name__ == "__main__":
    run = Path("sklearn_lstm_tour", "table.md").read_text(encoding="utf-8").strip()
    readme = README.read_text(encoding="utf-8")
    if "--write" in sys.argv[1:]:
        README.write_text(TABLE.sub(lambda _: run, readme), encoding="utf-8")
    elif lines := differences(TABLE.search(readme)[0], run):
        sys.exit("\n".join(["README.md and the tour differ:", *lines]))
