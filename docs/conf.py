"""Configuration of the documentation: ``sphinx-build -W docs docs/_build``."""

import re
from typing import Any

import sklearn_lstm

project = "sklearn_lstm"
author = "The sklearn_lstm developers"
copyright = f"2026, {author}"  # noqa: A001 - Sphinx's name
release = version = sklearn_lstm.__version__

extensions = ["sphinx.ext.autodoc", "numpydoc"]
numpydoc_show_class_members = False  # the methods follow below the class
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say more

html_theme = "furo"
html_title = f"sklearn_lstm {release}"
exclude_patterns = ["_build"]


def escape_fitted_names(*arguments: Any) -> None:
    """Keep the ``n_features_in_`` of a shape ``(n_features_in_,)`` from being read as a link."""
    lines = arguments[-1]
    lines[:] = [re.sub(r"(?<=\w)_(?=[,)])", r"\\_", line) for line in lines]


def setup(app: Any) -> None:
    """Register the hook, to be called before numpydoc's."""
    app.connect("autodoc-process-docstring", escape_fitted_names, priority=400)
