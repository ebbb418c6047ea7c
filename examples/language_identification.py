"""Tell some 90 languages apart by single short messages, read letter by letter.

The texts are the messages that Django's translators wrote, out of the catalogs that the PyPI
package ``django`` ships. The split is by message: no message of the test part was seen in
training, in any language.

Run ``python examples/language_identification.py``; it takes a few minutes on two cores and saves
``language_confusions.png``.
"""

import re
import struct
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import django
import matplotlib as mpl
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import ConfusionMatrixDisplay, accuracy_score, confusion_matrix, f1_score
from sklearn.model_selection import GroupShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer

MIN_LETTERS = 10
MIN_MESSAGES = 50
PLACEHOLDERS = re.compile(
    r"%\(\w+\)[a-z]"  # %(name)s
    r"|%[-\d.]*[a-z]"  # %s, %.2f
    r"|\{[^{}]*\}"  # {name}
    r"|</?[a-z][^<>]*>"  # <a href="...">
    r"|&\w+;"  # &nbsp;
)

# Written for this example, of another kind than the messages in the catalogs.
SENTENCES = {
    "da": "Hvor ligger den nærmeste banegård?",
    "de": "Heute Abend gehen wir mit Freunden ins Kino.",
    "en": "My grandmother baked bread every Saturday.",
    "es": "Mañana iremos a la playa con los niños.",
    "eu": "Gaur goizean euria egin du mendian.",
    "fi": "Kissa nukkuu ikkunalaudalla koko päivän.",
    "fr": "Il fait froid, n'oublie pas ton manteau.",
    "el": "Το τρένο για την Αθήνα φεύγει στις οκτώ.",
    "hu": "A szomszéd kutyája egész éjjel ugatott.",
    "it": "La zuppa della nonna era la più buona.",
    "ja": "明日の朝は早く起きなければなりません。",
    "nl": "De fiets staat nog steeds in de schuur.",
    "pl": "Wczoraj kupiłem świeże truskawki na targu.",
    "sw": "Watoto wanacheza mpira nje ya nyumba.",
    "tr": "Çay içmek için arkadaşlarımı bekliyorum.",
    "uk": "Взимку в горах лежить глибокий сніг.",
    "vi": "Hôm nay trời mưa rất to ở Hà Nội.",
}


def read_catalog(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (message id, translation) of a compiled gettext catalog, one form of each plural."""
    catalog = path.read_bytes()

    def strings(table: int) -> Iterator[str]:
        for i in range(n_messages):
            length, offset = struct.unpack_from("<2I", catalog, table + 8 * i)
            yield catalog[offset : offset + length].decode()

    n_messages, originals, translations = struct.unpack_from("<3I", catalog, 8)
    for message_id, translation in zip(strings(originals), strings(translations), strict=True):
        if message_id:  # the empty id holds the catalog's header
            # "context\4singular\0plural", and one translation for each plural form
            yield message_id.split("\4")[-1].split("\0")[0], translation.split("\0")[-1]


def load_messages() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read Django's translated messages.

    Placeholders and markup are taken out; messages left untranslated or with fewer than
    ``MIN_LETTERS`` letters are left out, and so are languages with fewer than ``MIN_MESSAGES``
    messages. Regional variants count as their language (Argentinian Spanish, ``es_AR``, as
    ``es``), scripts do not (``zh_Hans`` and ``zh_Hant``). English is the message ids themselves.

    Returns
    -------
    texts, languages, message_ids : arrays of str, each of shape (n_messages,)
        Each text appears once in a language.
    """
    messages: dict[tuple[str, str], str] = {}

    def add(text: str, language: str, message_id: str) -> None:
        text = " ".join(PLACEHOLDERS.sub(" ", text).split())
        if sum(map(str.isalpha, text)) >= MIN_LETTERS:
            messages.setdefault((text, language), message_id)

    for path in sorted(Path(django.__file__).parent.glob("**/LC_MESSAGES/*.mo")):
        language = re.sub("_[A-Z]{2}$", "", path.parts[-3])
        for message_id, translation in read_catalog(path):
            add(message_id, "en", message_id)
            if translation != message_id:
                add(translation, language, message_id)

    counts = Counter(language for _, language in messages)
    rows = [
        (text, language, message_id)
        for (text, language), message_id in messages.items()
        if counts[language] >= MIN_MESSAGES
    ]
    texts, languages, message_ids = (
        np.array(column, dtype=object) for column in zip(*rows, strict=True)
    )
    return texts, languages, message_ids


def split_by_message(texts: np.ndarray, message_ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split 80 to 20, with no message id and no text on both sides."""
    splitter = GroupShuffleSplit(n_splits=1, test_size=0.2, random_state=0)
    train, test = next(splitter.split(texts, groups=message_ids))
    return train, test[~np.isin(texts[test].astype(str), texts[train].astype(str))]


def plot_confusions(y_true: np.ndarray, y_pred: np.ndarray, n_languages: int = 15) -> None:
    """Save the part of the confusion matrix where the languages are that are mixed up most."""
    names = np.unique(y_true)
    shares = confusion_matrix(y_true, y_pred, labels=names, normalize="true")
    mixed_up = np.triu(shares + shares.T, k=1)
    chosen: list[int] = []
    for place in np.argsort(-mixed_up, axis=None):
        chosen += [i for i in divmod(int(place), len(names)) if i not in chosen]
        if len(chosen) >= n_languages:
            break

    display = ConfusionMatrixDisplay(
        100 * shares[np.ix_(chosen, chosen)], display_labels=names[chosen]
    )
    display.plot(values_format=".0f", cmap="Blues", xticks_rotation=45)
    display.ax_.set_title("Where languages are mixed up (% of a row's messages)")
    display.figure_.set_size_inches(8, 7)
    display.figure_.tight_layout()
    display.figure_.savefig("language_confusions.png", dpi=90)


def main() -> None:
    """Train, test, and look at the mistakes."""
    mpl.use("agg")
    texts, languages, message_ids = load_messages()
    train, test = split_by_message(texts, message_ids)
    print(
        f"{len(texts):,} messages in {len(set(languages))} languages: "
        f"{len(train):,} to train on, {len(test):,} to test on"
    )

    classifier = LSTMSequenceClassifier(random_state=0, verbose=int(sys.stdout.isatty()))
    model = make_pipeline(TextSequenceVectorizer(analyzer="char"), classifier)
    bag = make_pipeline(
        TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True), LinearSVC()
    )
    for name, candidate in [("tf-idf of 1-3 letters, linear SVM", bag), ("LSTM", model)]:
        start = time.perf_counter()
        candidate.fit(texts[train], languages[train])
        seconds = time.perf_counter() - start
        predicted = candidate.predict(texts[test])
        print(
            f"{name}: accuracy {accuracy_score(languages[test], predicted):.1%}, "
            f"macro F1 {f1_score(languages[test], predicted, average='macro'):.1%}, "
            f"fitted in {seconds:.0f} s"
        )

    probabilities = model.predict_proba(list(SENTENCES.values()))
    for (language, sentence), row in zip(SENTENCES.items(), probabilities, strict=True):
        first, second = np.argsort(row)[:-3:-1]
        print(
            f"{language}: {model.classes_[first]} {row[first]:.2f}, "
            f"{model.classes_[second]} {row[second]:.2f}  {sentence}"
        )

    plot_confusions(languages[test], predicted)
    print("saved language_confusions.png")


if __name__ == "__main__":
    main()
