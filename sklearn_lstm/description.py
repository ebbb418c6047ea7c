"""The link to our documentation in the HTML of an estimator."""

# The documentation is not published yet. The release checklist has to make this address true.
DOCUMENTATION = "https://sklearn-lstm.readthedocs.io/en/latest/"


class DocumentedMixin:
    """Let scikit-learn's HTML representation link to our documentation."""

    _doc_link_module = "sklearn_lstm"
    _doc_link_template = DOCUMENTATION + "generated/api/sklearn_lstm.{estimator_name}.html"
