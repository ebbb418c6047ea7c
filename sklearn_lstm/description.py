"""What was built in `fit`, shown by `repr` and the HTML representation."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any


class FittedDescriptionMixin:
    """Show one line about what was built below the parameters of a fitted estimator.

    The class has the method `_describe_fitted`, which returns the line, or None before `fit`.
    """

    def _describe_fitted(self) -> str | None:
        raise NotImplementedError

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        text = super().__repr__(N_CHAR_MAX)  # type: ignore[call-arg]
        line = self._describe_fitted()
        return text if line is None else f"{text}\n# fitted: {line}"

    def _html_line(self) -> str:
        line = self._describe_fitted()
        return "" if line is None else f"<p>Fitted: {escape(line)}</p>"

    @property
    def _repr_html_(self) -> Callable[[], str]:
        of_parameters: Callable[[], str] = super()._repr_html_  # type: ignore[misc]
        return lambda: of_parameters() + self._html_line()

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        bundle: dict[str, str] = super()._repr_mimebundle_(**options)  # type: ignore[misc]
        if "text/html" in bundle:
            bundle["text/html"] += self._html_line()
        return bundle
