"""The examples of the gallery have the form that sphinx-gallery reads."""

import ast
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
GALLERY = sorted(path.name for path in EXAMPLES.glob("plot_*.py"))


@pytest.mark.parametrize("name", GALLERY)
def test_an_example_has_a_title_blocks_of_text_and_a_picture(name):
    content = (EXAMPLES / name).read_text("utf-8")
    title, underline = ast.get_docstring(ast.parse(content)).splitlines()[:2]
    assert underline == "=" * len(title)
    assert content.count("\n# %%\n") >= 3
    assert "import matplotlib.pyplot as plt" in content


@pytest.mark.parametrize("name", GALLERY)
def test_an_example_is_listed_in_the_gallery(name):
    listed = (EXAMPLES / "index.rst").read_text("utf-8").split()
    assert name.removesuffix(".py") in listed
