"""The table of the tour in README.md.

``python docs/tour_table.py`` compares it with ``sklearn_lstm_tour/table.md``, which the last run of
``examples/tour.py`` in this folder wrote; with ``--write`` it is replaced.

With the same arithmetic of the processor a run finds the same figures. Others round otherwise, and
learn other weights: then accuracies may differ by two standard errors.
"""

import re
import sys
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"
TABLE = re.compile(r"^\| task \| tested on \|.*?^This run took .*?$", re.MULTILINE | re.DOTALL)
MOST_SAMPLES = 2  # by which an accuracy may differ with the same arithmetic


def accuracies(table: str) -> dict[str, tuple[int, list[float]]]:
    """Return the test samples of each task, and the percentages of both models."""
    rows = re.findall(r"^\| (.+?) +\| +([\d,]+) \|(.*)", table, re.MULTILINE)
    return {
        task: (int(tests.replace(",", "")), [float(x) for x in re.findall(r"([\d.]+)%", values)])
        for task, tests, values in rows
    }


def arithmetic(table: str) -> str:
    """Return what the line below a table says of the processor."""
    return table.partition(" s, with ")[2]


def differences(table: str, run: str) -> list[str]:
    """Return what differs by more than some test samples, or in the tasks."""
    told, found = accuracies(table), accuracies(run)
    is_same = arithmetic(table) == arithmetic(run)
    if told.keys() != found.keys():
        return [f"the tasks: {list(told)} and {list(found)}"]
    lines = []
    for task, (n_samples, percentages) in found.items():
        rounding = 100 * MOST_SAMPLES / n_samples + 0.1  # both are printed with one digit
        pairs = list(zip(told[task][1], percentages, strict=True))
        errors = [2 * (2 * a * (100 - a) / n_samples) ** 0.5 for a, _ in pairs]
        most = [rounding if is_same else max(rounding, error) for error in errors]
        is_far = [abs(a - b) > limit for (a, b), limit in zip(pairs, most, strict=True)]
        if told[task][0] != n_samples or any(is_far):
            lines.append(f"{task} {told[task]} and {found[task]}")
    return lines


if __name__ == "__main__":
    run = Path("sklearn_lstm_tour", "table.md").read_text(encoding="utf-8").strip()
    readme = README.read_text(encoding="utf-8")
    if "--write" in sys.argv[1:]:
        README.write_text(TABLE.sub(lambda _: run, readme), encoding="utf-8")
    elif lines := differences(TABLE.search(readme)[0], run):
        sys.exit("\n".join(["README.md and the tour differ:", *lines]))
