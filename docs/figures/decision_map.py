"""Which tool to try first; the figures in it are those of accuracy.csv and few_labels.csv."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from measured import OURS, accuracy, read
from pictures import COLORS, canvas

DOCS = Path(__file__).parents[1]
SVM = "tf-idf of words and letters, SVM"
MEASURED = {(row["task"], row["model"]): row for row in read(DOCS / "accuracy.csv")}
FEW = {(row["task"], row["size"], row["model"]): row for row in read(DOCS / "few_labels.csv")}


def percent(task: str, model: str = OURS) -> str:
    """Return the accuracy of a model."""
    return f"{accuracy(MEASURED[task, model]):.1f} %"


def seconds(task: str, model: str = OURS) -> str:
    """Return the time of its fit."""
    return f"{float(MEASURED[task, model]['fit, s']):.2g} s"


def with_few(model: str) -> str:
    """Return the accuracy of a model with 300 labelled review sentences."""
    return f"{accuracy(FEW['mr_polarity', '300', model]):.1f} %"


QUESTIONS = [
    (
        "Texts, and at most some\nhundred of them have a label?",
        "ours with a sentence encoder",
        (
            f"300 review sentences {with_few('encoder MiniLM')}, without {with_few(OURS)}\n"
            f"or vectors of your other texts: {with_few('vectors of texts without labels')}"
        ),
    ),
    (
        "Texts whose topic decides:\ndo single words tell the class?",
        "TF-IDF, linear SVM",
        (
            f"SMS spam {percent('sms_spam', SVM)} in {seconds('sms_spam', SVM)}, "
            f"ours {percent('sms_spam')} in {seconds('sms_spam')}\n"
            f"reviews in Chinese {percent('chinese_reviews', '1-3 letters, linear SVM')}, "
            f"ours {percent('chinese_reviews')}"
        ),
    ),
    (
        "Series of equal length,\nand a result in a second?",
        "MiniRocket, or our linear model",
        (
            f"GunPoint {percent('GunPoint', 'MiniRocket, ridge')} in "
            f"{seconds('GunPoint', 'MiniRocket, ridge')}, ours {percent('GunPoint')} in "
            f"{seconds('GunPoint')}\n"
            f"Italian power demand {percent('ItalyPowerDemand', 'MiniRocket, ridge')}, "
            f"ours {percent('ItalyPowerDemand')}"
        ),
    ),
]
OUR_EVIDENCE = (
    "the order of the steps decides, or lengths differ\n"
    f"next bracket in code {percent('brackets')}, "
    f"bag of letters {percent('brackets', 'single letters, linear SVM')}\n"
    f"splice junctions {percent('dna_splice')}, "
    f"bag of letters {percent('dna_splice', '1-5 letters, linear SVM')}\n"
    f"appliances {percent('PLAID')}, MiniRocket {percent('PLAID', 'MiniRocket, ridge')}"
)


def draw_map(ax: Axes, *, is_narrow: bool = False) -> None:
    """Draw the questions from top to bottom, and a tool beside each, or below it for a phone."""

    def box(x: float, y: float, size: tuple[float, float], color: str) -> None:
        corner = (x, y - size[1] / 2)
        style = {"boxstyle": "round,pad=0,rounding_size=0.1", "ec": COLORS["ink"], "lw": 1.2}
        ax.add_patch(FancyBboxPatch(corner, *size, fc=COLORS[color], **style))

    def arrow(start: tuple[float, float], end: tuple[float, float], answer: str) -> None:
        style = {"arrowstyle": "-|>", "color": COLORS["ink"], "lw": 1.5, "mutation_scale": 13}
        ax.annotate("", end, start, arrowprops=style | {"shrinkA": 0, "shrinkB": 0})
        shift = (0.0, 0.14) if start[1] == end[1] else (0.22, 0.0)
        middle = [(a + b) / 2 + by for a, b, by in zip(start, end, shift, strict=True)]
        ax.text(*middle, answer, fontsize=10, color=COLORS["note"], ha="center", va="center")

    def tool(x: float, y: float, name: str, evidence: str) -> None:
        lines = evidence.count("\n") + 1
        ax.text(
            x, y + 0.12 * lines, name, fontsize=12, weight="bold", color=COLORS["ink"], va="center"
        )
        ax.text(
            x, y - 0.17, evidence, fontsize=9.5, color=COLORS["ink"], va="center", linespacing=1.4
        )

    if is_narrow:
        for index, (question, name, evidence) in enumerate(QUESTIONS):
            y = -3.1 * index
            box(0.7, y, (3.5, 0.95), "cell")
            ax.text(2.45, y, question, fontsize=11, color=COLORS["ink"], ha="center", va="center")
            arrow((2.45, y - 0.475), (2.45, y - 0.95), "yes")
            box(0, y - 1.5, (4.9, 1.1), "candidate")
            tool(0.2, y - 1.5, name, evidence)
            below = y - 2.9 if index + 1 < len(QUESTIONS) else y - 2.45
            ax.plot([4.2, 5.2, 5.2], [y - 0.2, y - 0.2, below], color=COLORS["ink"], lw=1.5)
            ax.text(4.7, y - 0.45, "no", fontsize=10, color=COLORS["note"], ha="center")
            if index + 1 < len(QUESTIONS):
                arrow((5.2, below), (4.2, below), "")
        arrow((5.2, below + 0.01), (5.2, below - 0.1), "")
        box(0, below - 0.85, (5.4, 1.45), "gate")
        tool(0.2, below - 0.85, OURS, OUR_EVIDENCE)
        return
    for index, (question, name, evidence) in enumerate(QUESTIONS):
        y = -1.5 * index
        box(0, y, (3.5, 0.95), "cell")
        ax.text(1.75, y, question, fontsize=11, color=COLORS["ink"], ha="center", va="center")
        box(4.6, y, (4.9, 1.1), "candidate")
        tool(4.8, y, name, evidence)
        arrow((3.5, y), (4.6, y), "yes")
        arrow((1.75, y - 0.475), (1.75, y - 1.025), "no")
    bottom = -1.5 * len(QUESTIONS) - 0.25
    box(0, bottom, (9.5, 1.45), "gate")
    tool(0.25, bottom, OURS, OUR_EVIDENCE)


def decision_map() -> list[Figure]:
    """Draw the map, wide and narrow."""
    wide, axes = canvas((9.6, 6.5), (-0.05, 9.55), (-5.55, 0.6))
    draw_map(axes)
    narrow, axes = canvas((5.5, 10.9), (-0.05, 5.45), (-10.3, 0.6))
    draw_map(axes, is_narrow=True)
    return [wide, narrow]
