"""What `repr` shows of an estimator, what was built in `fit`; and what HTML shows, a link."""

from types import SimpleNamespace

# The documentation is not published yet. The release checklist has to make this address true.
DOCUMENTATION = "https://sklearn-lstm.readthedocs.io/en/latest/"


class DocumentedMixin:
    """Let scikit-learn's HTML representation link to our documentation."""

    _doc_link_module = "sklearn_lstm"
    _doc_link_template = DOCUMENTATION + "generated/api/sklearn_lstm.{estimator_name}.html"


class DescribedMixin(DocumentedMixin):
    """Show what was built below the parameters of a fitted estimator.

    The class has the method `_fitted_parts`, which returns names and values; none before `fit`.
    """

    def _fitted_parts(self) -> dict[str, str]:
        raise NotImplementedError

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        text: str = super().__repr__(N_CHAR_MAX)  # type: ignore[call-arg]
        parts = (f"\n# {name}: {value}" for name, value in self._fitted_parts().items())
        return text + "".join(parts)

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
