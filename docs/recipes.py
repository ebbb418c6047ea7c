"""The programs on the pages, which the tests and a benchmark run."""

import re
from pathlib import Path
from textwrap import dedent

BLOCK = r"^``{name}``:\n\n\.\. code-block:: py\n\n((?:   .*\n|\n)+)"


def program(name: str, page: str = "production.rst") -> str:
    """Return the program that a page shows below the name of its file."""
    text = Path(__file__).with_name(page).read_text(encoding="utf-8")
    found = re.search(BLOCK.format(name=re.escape(name)), text, re.MULTILINE)
    if found is None:
        raise ValueError(f"{page} shows no program {name}.")
    return dedent(found[1])
