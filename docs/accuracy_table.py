"""What README.md says of accuracy, out of `docs/accuracy.csv`.

``python docs/accuracy_table.py`` compares both; with ``--write`` that part of README is replaced: a
sentence on how near the linear model alone is to the default, and a table of the tasks where it is
not. A task counts if both were measured at a commit. `docs/figures/accuracy_seconds.py` draws the
picture above it.
"""

import re
import sys
from pathlib import Path
from statistics import median

from measured import OURS, PARTS, TASKS, accuracy, model_name, read, with_seconds

DOCS = Path(__file__).parent
README = DOCS.parent / "README.md"
PART = re.compile(r"^On \d+ of the \d+ tasks.*?\n\n\|.*?(?=\n\n)", re.MULTILINE | re.DOTALL)
NEAR = 0.6  # points


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
        cells = title, with_seconds(linear), with_seconds(both), with_seconds(best)
        far.append(f"| {' | '.join(cells)} {model_name(best['model'])} |".replace("\xa0", " "))
    return (
        f"On {len(ratios)} of the {len(ratios) + len(far)} tasks whose two models were measured "
        f"at one version, the linear model alone is within {NEAR} points of the\ndefault, mostly "
        f"in less than 1/{int(median(ratios))} of its seconds. So try it first. On the other "
        f"{len(far)} the network adds more (accuracy in\npercent, seconds of the fit):\n\n"
        + "\n".join([*lines, *far])
    )


if __name__ == "__main__":
    found = part(read(DOCS / "accuracy.csv"))
    readme = README.read_text(encoding="utf-8")
    if "--write" in sys.argv[1:]:
        README.write_text(PART.sub(lambda _: found, readme), encoding="utf-8")
    elif PART.search(readme)[0] != found:
        sys.exit("README.md does not show docs/accuracy.csv: run docs/accuracy_table.py --write.")
