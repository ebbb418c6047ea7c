"""Static models and fastText: tables of packages that only these tests install."""

import copy
import logging
import pickle
import re
import sys
from pathlib import Path

import fasttext
import numpy as np
import pytest
import small_models
from model2vec import StaticModel
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import Whitespace

from sklearn_lstm import TextSequenceVectorizer
from sklearn_lstm.exceptions import ModelFileError
from sklearn_lstm.io import describe, load, save
from sklearn_lstm.pretrained import token_tables
from sklearn_lstm.vectors import from_gensim, static_model

pytestmark = pytest.mark.usefixtures("no_network")
TEXTS = ["a good day", "so bad", "good night", "bad , boring day"] * 5
LABELS = [1, 0, 1, 0] * 5
NEW = ["wonderful", "horrible", "so dull", "unheard-of"]
PIECES = ["[UNK]", "good", "bad", "day", "night", "##ly", "##s", "won", "##der", "##ful", "dull"]


def model2vec(seed=0):
    pieces = {piece: row for row, piece in enumerate(PIECES)}
    tokenizer = Tokenizer(WordPiece(pieces, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    vectors = np.random.default_rng(seed).normal(size=(len(PIECES), 6)).astype(np.float32)
    return StaticModel(vectors, tokenizer)


@pytest.fixture(scope="module")
def wordllama():
    """The object that a user has, as the page says; importing the package sets the root logger."""
    handlers, level = logging.root.handlers[:], logging.root.level
    import wordllama  # noqa: PLC0415

    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    folder = Path(wordllama.__file__).parent
    return wordllama.WordLlama.load(cache_dir=folder, disable_download=True)


@pytest.fixture
def folder(tmp_path):
    model2vec().save_pretrained(tmp_path / "static")
    return tmp_path / "static"


@pytest.fixture(params=["folder", "model2vec", "wordllama"])
def given(request, folder, wordllama):
    """What `static_model` takes."""
    return {"folder": folder, "model2vec": model2vec(), "wordllama": wordllama}[request.param]


def fit(embeddings, **parameters):
    classifier = small_models.small(embeddings=embeddings, max_epochs=1, **parameters)
    return make_pipeline(TextSequenceVectorizer(), classifier).fit(TEXTS, LABELS)


# --- The vectors


def test_wordllama_gives_a_word_what_the_package_itself_gives(wordllama):
    words = ["good", "unbelievably", "Straße", "好", "...", "qwxz"]
    is_known, vectors = static_model(wordllama).lookup(words)
    assert is_known.all()
    assert_allclose(vectors, wordllama.embed(words), rtol=1e-6, atol=1e-7)


def test_model2vec_gives_a_word_the_mean_of_its_pieces(folder):
    model = model2vec()
    for table in (static_model(model), static_model(folder)):
        is_known, vectors = table.lookup(["goodly", "qwxz", "wonderful", "", 3, None, "\n"])
        assert is_known.tolist() == [True, False, True, False, False, False, False]
        expected = [model.embedding[[1, 5]].mean(0), model.embedding[7:10].mean(0)]
        assert_allclose(vectors, expected, rtol=1e-6)


@pytest.mark.parametrize("tokens", [[], ["", 3], ["half \ud800 pair"]])
def test_odd_tokens_are_no_error(tokens, given):
    is_known, vectors = static_model(given).lookup(tokens)
    assert len(is_known) == len(tokens)
    assert len(vectors) == is_known.sum()


def test_fast_text_gives_all_words_a_vector(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(TEXTS * 5))
    options = {"minCount": 1, "thread": 1, "epoch": 1, "verbose": 0}
    table = from_gensim(fasttext.train_unsupervised(str(path), dim=5, **options))
    model = fit(table)
    one, other = model.decision_function(["goodish", "nightly"])
    assert one != other
    assert clone(model)[-1].embeddings is table
    assert not table.lookup([3])[0].any()


def test_unseen_words_are_told_apart(given):
    model = fit(static_model(given))
    one, other = model.decision_function(["dull", "wonderful"])
    assert abs(one - other) > 1e-4
    alone = [model.decision_function([text])[0] for text in NEW]
    assert_allclose(model.decision_function(NEW), alone, rtol=0, atol=1e-6)
    assert "pretrained vectors" in repr(model[-1])


# --- What is refused


def test_a_missing_or_empty_folder_is_one_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder .*minishlab"):
        static_model(Path("minishlab/potion-base-2M"))
    with pytest.raises(FileNotFoundError, match="model2vec can't open the folder"):
        static_model(tmp_path)


def test_a_missing_package_is_named_with_the_command(monkeypatch, folder):
    monkeypatch.setitem(sys.modules, "model2vec", None)
    with pytest.raises(ImportError, match="model2vec, not installed: pip install model2vec"):
        static_model(folder)


# --- Stored models


def test_a_file_names_a_static_model_and_is_loaded_with_it(given, tmp_path):
    table, path = static_model(given), tmp_path / "model.safetensors"
    model = fit(table)
    save(model, path)
    assert path.stat().st_size < 1_000_000
    shown = str(given) if isinstance(given, Path) else type(given).__name__
    assert describe(path)["steps"]["lstmsequenceclassifier"]["parameters"]["embeddings"] == shown
    with pytest.raises(ModelFileError, match=f"embeddings='{shown}', which is not in it"):
        load(path)
    restored = load(path, embeddings=table)
    assert restored[-1].embeddings is table
    for same in (restored, pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert_array_equal(same.predict_proba(NEW), model.predict_proba(NEW))
        assert repr(same[-1]) == repr(model[-1])
        assert same[-1]._fitted.model.network.vectors.table is same[-1].embeddings


def test_a_stored_model_is_not_loaded_without_its_static_model(folder, tmp_path):
    model, path = fit(static_model(folder)), tmp_path / "model.safetensors"
    save(model, path)
    pickled = pickle.dumps(model)
    ways = [
        lambda: load(path, embeddings=static_model(folder)),
        lambda: pickle.loads(pickled),
    ]
    model2vec(seed=1).save_pretrained(folder)
    message = re.escape(f"was fitted with embeddings={str(folder)!r}, ")
    for restore in ways:
        with pytest.raises(ModelFileError, match=f"{message}.*The vectors of .*differ"):
            restore()
    folder.rename(tmp_path / "elsewhere")
    for restore in ways:
        with pytest.raises(FileNotFoundError, match="There is no folder"):
            restore()
    with pytest.raises(TypeError, match=r"found \{\}"):
        load(path, embeddings={})


def test_a_folder_that_a_file_names_is_not_opened(folder, tmp_path, monkeypatch):
    model, path = fit(static_model(folder)), tmp_path / "model.safetensors"
    save(model, path)
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "model2vec", None)
        patched.setattr(token_tables, "open_folder", None)
        with pytest.raises(ModelFileError, match=rf"embeddings='{folder}', which is not in it"):
            load(path)
        assert describe(path)
        load(path, embeddings=static_model(model2vec()))
    moved = folder.rename(tmp_path / "moved")
    restored = load(path, embeddings=static_model(moved))
    for same in (restored, copy.deepcopy(restored)):
        assert_array_equal(same.predict_proba(NEW), model.predict_proba(NEW))
