"""What `repr` and HTML show of an estimator: a link, and what was built in `fit`."""

from collections.abc import Callable
from html import escape
from types import SimpleNamespace

# The documentation is not published yet. The release checklist has to make this address true.
DOCUMENTATION = "https://sklearn-lstm.readthedocs.io/en/latest/"

TABLE = (
    '<details open style="margin: 0.5em 0; font: 0.9em sans-serif; color: inherit">'
    '<summary style="cursor: pointer">What was built</summary>'
    '<table style="margin: 0.3em 0 0 1em; border-collapse: collapse">{rows}</table></details>'
)
ROW = (
    '<tr><th scope="row" style="text-align: left; vertical-align: top; padding: 0.15em 1.5em '
    '0.15em 0; font-weight: normal; opacity: 0.7">{name}</th>'
    '<td style="text-align: left; padding: 0.15em 0">{value}</td></tr>'
)


class DocumentedMixin:
    """Let scikit-learn's HTML representation link to our documentation."""

    _doc_link_module = "sklearn_lstm"
    _doc_link_template = DOCUMENTATION + "generated/api/sklearn_lstm.{estimator_name}.html"


class DescribedMixin(DocumentedMixin):
    """Show what was built below the parameters of a fitted estimator.

    The class has the method `_fitted_parts`, which returns the rows of a table; none before `fit`.
    """

    def _fitted_parts(self) -> dict[str, str]:
        raise NotImplementedError

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        text: str = super().__repr__(N_CHAR_MAX)  # type: ignore[call-arg]
        parts = (f"\n# {name}: {value}" for name, value in self._fitted_parts().items())
        return text + "".join(parts)

    def _html_table(self) -> str:
        parts = self._fitted_parts().items()
        rows = "".join(ROW.format(name=escape(name), value=escape(value)) for name, value in parts)
        return TABLE.format(rows=rows) if rows else ""

    @property
    def _repr_html_(self) -> Callable[[], str]:
        parameters_html: Callable[[], str] = super()._repr_html_  # type: ignore[misc]
        return lambda: parameters_html() + self._html_table()

    def _repr_mimebundle_(self, **options: object) -> dict[str, str]:
        bundle: dict[str, str] = super()._repr_mimebundle_(**options)  # type: ignore[misc]
        if "text/html" in bundle:
            bundle["text/html"] += self._html_table()
        return bundle

    def _sk_visual_block_(self) -> SimpleNamespace:
        """Return the box that scikit-learn draws, in a Pipeline too: the name and the network."""
        return SimpleNamespace(
            kind="single",
            estimators=self,
            names=type(self).__name__,
            name_details=str(self),
            name_caption=self._fitted_parts().get("network"),
            doc_link_label=None,
            dash_wrapped=True,
        )
