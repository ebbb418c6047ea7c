"""What most tests of files store."""

import pytest
from model_files import IDS, TEXTS, Y, small

from sklearn_lstm import TextSequenceVectorizer
from sklearn_lstm.io import save


@pytest.fixture(scope="module")
def intact(tmp_path_factory):
    """The bytes of a small classifier."""
    path = tmp_path_factory.mktemp("intact") / "model.safetensors"
    save(small(bidirectional=False, embedding_dim=2).fit(IDS, Y), path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def vectorizer():
    return TextSequenceVectorizer().fit(TEXTS)
