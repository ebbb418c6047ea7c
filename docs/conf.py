"""Configuration of the documentation: ``sphinx-build --fail-on-warning docs docs/_build``.

``-D plot_gallery=0`` leaves out running the examples.
"""

import re
import sys
import zlib
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from docutils import nodes
from sphinx_gallery.sorting import ExplicitOrder

import sklearn_lstm.sklearn_internals

DOCS = Path(__file__).parent
GENERATED = DOCS / "generated"
sys.path.insert(0, str(DOCS))  # mathml.py, pictures.py

project = "sklearn_lstm"
author = "The sklearn_lstm developers"
copyright = f"2026, {author}"  # noqa: A001 - Sphinx's name
release = version = sklearn_lstm.__version__

extensions = [
    "mathml",
    "numpydoc",
    "pictures",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build"]
templates_path = ["templates"]
default_role = "literal"  # the backquotes of the docstrings
smartquotes = False  # they would change the quotes of code in tables and docstrings
toc_object_entries_show_parents = "hide"

html_theme = "pydata_sphinx_theme"
html_title = f"sklearn_lstm {release}"
html_static_path = ["static"]
html_favicon = "static/logo.svg"
html_baseurl = sklearn_lstm.sklearn_internals.DOCUMENTATION
html_css_files = ["custom.css"]
html_math_renderer = "mathml"
html_theme_options = {
    "logo": {
        "text": "sklearn_lstm",
        "image_light": "_static/logo.svg",
        "image_dark": "_static/logo.svg",
    },
    "navbar_align": "left",
    "header_links_before_dropdown": 5,
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {  # pages without pages below them have nothing to show there
    name: []
    for name in (
        "index",
        "first_day",
        "right_tool",
        "few_labels",
        "online_learning",
        "api",
        "accuracy",
        "results",
        "capabilities",
        "performance",
        "changelog",
        "auto_examples/*",  # room for their lines of code
    )
}
html_show_sourcelink = False

numpydoc_show_class_members = False  # the methods follow below the class
# A class has the examples of its methods, and "self : Class" is the form of scikit-learn.
numpydoc_validation_checks = {"all", "ES01", "EX01", "RT02", "SA01"}
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say more
viewcode_follow_imported_members = True
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_selector = "div:not(.highlight-text, .highlight-none) > div.highlight pre"  # no output

# Without a network, intersphinx takes this empty inventory, and the links are plain text.
GENERATED.mkdir(exist_ok=True)
_EMPTY_INVENTORY = GENERATED / "empty.inv"
_EMPTY_INVENTORY.write_bytes(
    b"# Sphinx inventory version 2\n# Project: none\n# Version: 0\n"
    b"# The remainder of this file is compressed using zlib.\n" + zlib.compress(b"")
)
intersphinx_timeout = 5
intersphinx_mapping = {
    name: (url, (None, str(_EMPTY_INVENTORY)))
    for name, url in {
        "python": "https://docs.python.org/3/",
        "numpy": "https://numpy.org/doc/stable/",
        "scipy": "https://docs.scipy.org/doc/scipy/",
        "sklearn": "https://scikit-learn.org/stable/",
        "skorch": "https://skorch.readthedocs.io/en/stable/",
        "torch": "https://docs.pytorch.org/docs/stable/",
    }.items()
}

EXAMPLES = DOCS.parent / "examples"  # they run in their folder, so they can import example_data
_listed = re.findall(r"plot_\w+\.py", (EXAMPLES / "index.rst").read_text(encoding="utf-8"))
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "minigallery_sort_order": ExplicitOrder([EXAMPLES / name for name in _listed]),
    "filename_pattern": "plot_",
    "ignore_pattern": r"^(?!plot_)",
    "copyfile_regex": r"index\.rst",  # examples/index.rst has the headings and the order
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("sklearn_lstm",),
    "reference_url": {"sklearn_lstm": None},
    "abort_on_example_error": True,
    "download_all_examples": False,
    "write_computation_times": False,
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 0,
}


def escape_fitted_names(*arguments: Any) -> None:
    """Keep the ``n_features_in_`` of a shape ``(n_features_in_,)`` from being read as a link."""
    lines = arguments[-1]
    lines[:] = [re.sub(r"(?<=\w)_(?=[,)])", r"\\_", line) for line in lines]


# Links to files, which the page of a repository needs, become links between pages.
LINKS = (
    (r"\.\./examples/(\w+\.py)", r":ref:`\1 <sphx_glr_auto_examples_\2>`"),
    (r"engines/(\w+\.py)", r":download:`\1 </engines/\2>`"),
    (r"(\w+)\.md#([\w-]+)", r":ref:`\1 <\2-\3>`"),
    (r"\w+\.rst#([\w-]+)", r":ref:`\1 <\2>`"),
    (r"(\w+)\.(?:rst|md)", r":doc:`\1 <\2>`"),
)
MARKDOWN = {"changelog": DOCS.parent / "CHANGELOG.md"} | {
    name: DOCS / f"{name}.md" for name in ("results", "capabilities")
}


def with_links_between_pages(text: str) -> str:
    """Return reStructuredText with links between pages in place of links to files."""
    for target, role in LINKS:
        text = re.sub(rf"`([^`<]+?)\s+<{target}>`__", role, text)
    return text


def write_markdown_pages(_: Any) -> None:
    """Write pages of Markdown as reStructuredText: headings, lists, tables, code and links."""
    for name, path in MARKDOWN.items():
        text = re.sub(r"<!--.*?-->\n\n", "", path.read_text(encoding="utf-8"))
        text = re.sub(r"^\|[ |-]+\|\n", "", text, flags=re.MULTILINE)
        text = re.sub(r"(?<=\n\n)(?=\|)", ".. list-table::\n   :header-rows: 1\n\n", text)
        text = re.sub(r"^\| (.*) \|$", _row_of_list_table, text, flags=re.MULTILINE)
        text = re.sub(r"`([^`]+)`", r"``\1``", text)
        text = re.sub(r"\[([^]]+)\]\((\S+?)\)", r"`\1 <\2>`__", text)
        text = re.sub(r"^## \[(.+?)\]", r"## \1", text, flags=re.MULTILINE)
        for marks, underline in (("#", "="), ("##", "-"), ("###", "~")):
            text = re.sub(
                rf"^{marks} (.+)$",
                lambda match, line=underline, page=name: _heading(match[1], line, page),
                text,
                flags=re.MULTILINE,
            )
        (GENERATED / f"{name}.txt").write_text(with_links_between_pages(text), encoding="utf-8")


def _row_of_list_table(match: re.Match[str]) -> str:
    first, *others = match[1].split(" | ")
    return "\n".join([f"   * - {first}".rstrip(), *(f"     - {cell}".rstrip() for cell in others)])


def _heading(title: str, line: str, page: str) -> str:
    """Return a heading with a label; that of Markdown's web pages, behind the page's name."""
    label = re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")
    return f".. _{page}-{label}:\n\n{title}\n{line * len(title)}"


def write_archive_of_examples(_: Any) -> None:
    """Write all examples with the modules that they share into one archive."""
    with ZipFile(GENERATED / "examples.zip", "w", ZIP_DEFLATED) as archive:
        for path in sorted(EXAMPLES.glob("*.py")):
            archive.write(path, f"sklearn_lstm_examples/{path.name}")


def offer_archive_of_examples(_: Any, page: str, source: list[str]) -> None:
    """Say below each example where the modules are that it imports."""
    if page.startswith("auto_examples/plot_"):
        source[0] += (
            "\nThe script imports modules that the examples share. "
            ":download:`All examples in one archive </generated/examples.zip>` has them: "
            "unpack it and run the script there.\n"
        )


def link_pages(_: Any, __: str, source: list[str]) -> None:
    """Turn the links of a page."""
    source[0] = with_links_between_pages(source[0])


def hold_numbers_together(_: Any, document: nodes.document) -> None:
    """Break no line between a number and its per cent sign or its error."""
    for text in list(document.findall(nodes.Text)):
        if not isinstance(text.parent, (nodes.literal, nodes.math, nodes.FixedTextElement)):
            held = re.sub(r"(?<=\d) (?=[%±])|(?<=±) (?=\d)", "\N{NO-BREAK SPACE}", text)
            text.parent.replace(text, nodes.Text(held))


def setup(app: Any) -> None:
    """Register what runs before the pages are read."""
    app.connect("autodoc-process-docstring", escape_fitted_names, priority=400)  # before numpydoc
    app.connect("builder-inited", write_markdown_pages)
    app.connect("builder-inited", write_archive_of_examples)
    app.connect("source-read", offer_archive_of_examples)
    app.connect("source-read", link_pages)
    app.connect("doctree-read", hold_numbers_together)
