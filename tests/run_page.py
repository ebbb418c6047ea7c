"""Run the Python blocks of one page from top to bottom, as a reader pastes them.

``python run_page.py PAGE`` runs them in one namespace, which is empty at first. What a page shows
of the output is compared: that of ``>>>`` examples, a comment behind ``print``, and a block of text
below a block of Python, which shows all that it prints.
"""

import contextlib
import io
import re
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path

from sybil import Document, Example
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers import markdown, rest

SHOWN = re.compile(r"^print\(.*\)  # (.*)$", re.MULTILINE)
# Packages that a page tells its reader to install, but that the tests do not: found only if the
# real ones are not there.
STAND_INS = Path(__file__).parent / "stand_ins"


class BlockEvaluator(PythonEvaluator):
    """Run a block, and compare what it prints with the comments behind its ``print``."""

    printed = ""  # by the last block

    def __call__(self, example: Example) -> str | None:
        """Return what differs, or None."""
        if "set_callbacks" in example.parsed and not find_spec("sklearn.callback"):
            return None  # the page says: from scikit-learn 1.9 on
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            super().__call__(example)
        self.printed = printed.getvalue()
        shown = SHOWN.findall(example.parsed)
        return self.difference(shown) if shown else None

    def compare(self, example: Example) -> str | None:
        """Return how a block of text differs from what the last block printed, or None."""
        return self.difference(example.parsed.splitlines())

    def difference(self, shown: list[str]) -> str | None:
        """Return how lines that the page shows differ from those that were printed, or None."""
        if [line.rstrip() for line in self.printed.splitlines()] == shown:
            return None
        return f"The page shows {shown}, but this was printed:\n{self.printed}"


def run(path: str) -> None:
    """Run the page, a file of Markdown or reStructuredText."""
    blocks = BlockEvaluator()
    syntax = markdown if path.endswith(".md") else rest
    parsers = [
        syntax.CodeBlockParser("python", blocks),
        syntax.CodeBlockParser("text", blocks.compare),
    ]
    if syntax is rest:
        parsers.append(rest.DocTestParser())
    document = Document.parse(path, *parsers)
    document.namespace["__name__"] = "__main__"
    for example in document:
        example.evaluate()


if __name__ == "__main__":
    sys.path[0] = ""  # as in an interactive session: a page may write a module and import it
    sys.path.append(str(STAND_INS))
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", "The set_[a-z]+ func", PendingDeprecationWarning)  # of shap
    run(sys.argv[1])
