"""The programs on the page "In production", which the tests and a benchmark run."""

import re
from pathlib import Path
from textwrap import dedent

PAGE = Path(__file__).with_name("production.rst")
BLOCK = r"^\.\. code-block:: py\n   :caption: {name}\n\n((?:   .*\n|\n)+)"


def program(name: str) -> str:
    """Return the program that the page shows below the name of its file."""
    found = re.search(
        BLOCK.format(name=re.escape(name)), PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    if found is None:
        raise ValueError(f"{PAGE.name} shows no program {name}.")
    return dedent(found[1])
