"""What HTML consists of."""

from html.parser import HTMLParser


class Markup(HTMLParser):
    """Collect the tags, attributes and text of HTML."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data

    def values_of(self, name):
        """Return the values of the attributes of a name."""
        return [value for found, value in self.attributes if found == name]
