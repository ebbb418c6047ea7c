"""What HTML consists of."""

from html.parser import HTMLParser


class Markup(HTMLParser):
    """Collect the tags, attributes and text of HTML, and the cells of each row of its tables."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.text, self.rows, self.is_cell = [], [], "", [], False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")
            self.is_cell = True

    def handle_endtag(self, tag):
        self.is_cell &= tag not in {"td", "th"}

    def handle_data(self, data):
        self.text += data
        if self.is_cell:
            self.rows[-1][-1] += data

    def values_of(self, name):
        """Return the values of the attributes of a name."""
        return [value for found, value in self.attributes if found == name]
