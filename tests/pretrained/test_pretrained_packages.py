"""Static models and fastText: tables of other packages (the extra `pretrained`, and fastText)."""

import copy
import logging
import pickle
import re
import subprocess
import sys
from pathlib import Path

import fasttext
import joblib
import numpy as np
import pytest
import small_models
from model2vec import StaticModel
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import Whitespace

from sklearn_lstm import TextSequenceVectorizer
from sklearn_lstm.exceptions import ModelFileError
from sklearn_lstm.io import describe, load, save
from sklearn_lstm.pretrained import token_tables
from sklearn_lstm.vectors import from_gensim, side_by_side, static_model

pytestmark = pytest.mark.usefixtures("no_network")
TEXTS = ["a good day", "so bad", "good night", "bad , boring day"] * 5
LABELS = [1, 0, 1, 0] * 5
NEW = ["wonderful", "horrible", "so dull", "unheard-of"]
PIECES = ["[UNK]", "good", "bad", "day", "night", "##ly", "##s", "won", "##der", "##ful", "dull"]


def model2vec(seed=0):
    tokenizer = Tokenizer(
        WordPiece({piece: row for row, piece in enumerate(PIECES)}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = Whitespace()
    vectors = np.random.default_rng(seed).normal(size=(len(PIECES), 6)).astype(np.float32)
    return StaticModel(vectors, tokenizer)


@pytest.fixture(scope="module")
def wordllama():
    """The object that a user has; importing the package sets the root logger."""
    handlers, level = logging.root.handlers[:], logging.root.level
    from wordllama.inference import WordLlamaInference  # noqa: PLC0415

    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    pieces = static_model("wordllama").model
    return WordLlamaInference(pieces.embedding, copy.deepcopy(pieces.tokenizer))


@pytest.fixture
def folder(tmp_path):
    model2vec().save_pretrained(tmp_path / "static")
    return tmp_path / "static"


def fit(embeddings, **parameters):
    classifier = small_models.small(embeddings=embeddings, max_epochs=1, **parameters)
    return make_pipeline(TextSequenceVectorizer(), classifier).fit(TEXTS, LABELS)


# --- The vectors


def test_wordllama_gives_a_word_what_the_package_itself_gives(wordllama):
    words = ["good", "unbelievably", "Straße", "好", "...", "qwxz"]
    expected = wordllama.embed(words)
    for table in (static_model("wordllama"), static_model(wordllama)):
        is_known, vectors = table.lookup(words)
        assert is_known.all()
        np.testing.assert_allclose(vectors, expected, rtol=1e-6, atol=1e-7)


def test_model2vec_gives_a_word_the_mean_of_its_pieces(folder):
    model = model2vec()
    for table in (static_model(model), static_model(folder)):
        is_known, vectors = table.lookup(["goodly", "qwxz", "wonderful", "", 3, None, "\n"])
        assert is_known.tolist() == [True, False, True, False, False, False, False]
        expected = [model.embedding[[1, 5]].mean(0), model.embedding[7:10].mean(0)]
        np.testing.assert_allclose(vectors, expected, rtol=1e-6)


@pytest.mark.parametrize("tokens", [[], ["", 3], ["half \ud800 pair"]])
def test_odd_tokens_are_no_error(tokens):
    is_known, vectors = static_model("wordllama").lookup(tokens)
    assert len(is_known) == len(tokens)
    assert vectors.shape == (is_known.sum(), 256)


def test_no_package_is_imported_for_a_name():
    code = (
        "import logging, sys\n"
        "from sklearn_lstm.pretrained.embeddings import read_embeddings\n"
        "found = read_embeddings('wordllama', {'good': 2, 'bad': 3})\n"
        "assert found.widths == (256,)\n"
        "assert 'wordllama' not in sys.modules\n"
        "assert (logging.root.level, logging.root.handlers) == (logging.WARNING, [])\n"
    )
    command = [sys.executable, "-W", "error", "-c", code]
    finished = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    assert finished.stdout + finished.stderr == ""


def test_fast_text_gives_all_words_a_vector(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(TEXTS * 5))
    table = fasttext.train_unsupervised(
        str(path), dim=5, minCount=1, bucket=100, thread=1, epoch=1, verbose=0
    )
    table = side_by_side(from_gensim(table), "wordllama")
    model = fit(table)
    assert model[-1].embedding_coverage_ == 1
    one, other = model.decision_function(["goodish", "nightly"])
    assert abs(one - other) > 1e-4
    assert clone(model)[-1].embeddings is table
    assert not table.tables[0].lookup([3])[0].any()


@pytest.mark.parametrize("kind", ["name", "folder", "model2vec", "object", "several"])
def test_unseen_words_are_told_apart(kind, folder, wordllama):
    tables = {
        "name": "wordllama",
        "folder": static_model(folder),
        "model2vec": static_model(model2vec()),
        "object": static_model(wordllama),
        "several": side_by_side(static_model(folder), "wordllama", {"good": [1.0]}),
    }
    model = fit(tables[kind])
    one, other = model.decision_function(["dull", "wonderful"])
    assert abs(one - other) > 1e-4
    alone = [model.decision_function([text])[0] for text in NEW]
    np.testing.assert_allclose(model.decision_function(NEW), alone, rtol=0, atol=1e-6)
    assert "pretrained vectors" in repr(model[-1])


# --- What is refused


def test_a_missing_or_empty_folder_is_one_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder .*minishlab"):
        static_model(Path("minishlab/potion-base-2M"))
    with pytest.raises(FileNotFoundError, match="model2vec can't open the folder"):
        static_model(tmp_path)


@pytest.mark.parametrize("missing", ["wordllama", "model2vec"])
def test_a_missing_package_is_named_with_the_command(missing, monkeypatch, folder):
    monkeypatch.setattr(token_tables, "find_spec", lambda _: None)
    monkeypatch.setitem(sys.modules, "model2vec", None)
    token_tables._in_package.cache_clear()
    model = "wordllama" if missing == "wordllama" else folder
    with pytest.raises(ImportError, match=f"{missing}, not installed: pip install {missing}"):
        static_model(model)


# --- Stored models


@pytest.mark.parametrize("kind", ["name", "folder", "several"])
def test_a_stored_model_names_the_static_model_only(kind, folder, tmp_path):
    tables = {
        "name": "wordllama",
        "folder": static_model(folder),
        "several": side_by_side(static_model(folder), "wordllama", {"good": [1.0], "dull": [2.0]}),
    }
    model, path = fit(tables[kind]), tmp_path / "model.safetensors"
    expected = model.predict_proba(NEW)
    save(model, path)
    joblib.dump(model, tmp_path / "model.joblib")
    for file in (path, tmp_path / "model.joblib"):
        assert file.stat().st_size < 1_000_000
    both = side_by_side(static_model(model2vec(seed=1)), static_model(folder))
    passed = load(path, embeddings=None if kind == "name" else both)
    for restored in (passed, joblib.load(tmp_path / "model.joblib"), copy.deepcopy(model)):
        np.testing.assert_array_equal(restored.predict_proba(NEW), expected)
        assert repr(restored[-1]) == repr(model[-1])
    described = describe(path)["steps"]["lstmsequenceclassifier"]["parameters"]
    shown = {"folder": folder, "several": (folder, "wordllama", "float32 array of shape (2, 1)")}
    assert described["embeddings"] == shown.get(kind, "wordllama")


def test_a_model_goes_on_and_is_copied_without_its_folder(folder):
    model = fit(static_model(folder))
    folder.rename(folder.parent / "elsewhere")
    copied = copy.deepcopy(model)
    np.testing.assert_array_equal(copied.predict_proba(NEW), model.predict_proba(NEW))
    ids = copied[0].partial_fit(["wonderful day"]).transform(["wonderful day"])
    copied[-1].set_params(lr=1e-9).partial_fit(ids, [1])
    vectors = copied[-1]._fitted.model.network.vectors
    learned = copied[-1].module_.embedding.weight.numpy(force=True)
    np.testing.assert_allclose(
        learned[-1], vectors.scale * vectors.table.lookup(["wonderful"])[1][0], atol=1e-5
    )


def test_a_stored_model_is_not_loaded_without_its_static_model(folder, tmp_path):
    model, path = fit(static_model(folder)), tmp_path / "model.safetensors"
    save(model, path)
    pickled = pickle.dumps(model)
    model2vec(seed=1).save_pretrained(folder)
    message = (
        re.escape(f"was fitted with embeddings={str(folder)!r}, ") + ".*The vectors of .*differ"
    )
    for restore in (
        lambda: load(path, embeddings=static_model(folder)),
        lambda: pickle.loads(pickled),
    ):
        with pytest.raises(ModelFileError, match=message):
            restore()
    folder.rename(tmp_path / "elsewhere")
    for restore in (
        lambda: load(path, embeddings=static_model(folder)),
        lambda: pickle.loads(pickled),
    ):
        with pytest.raises(FileNotFoundError, match="There is no folder"):
            restore()
    with pytest.raises(TypeError, match=r"found \{\}"):
        load(path, embeddings={})
    assert describe(path)["steps"]["lstmsequenceclassifier"]["parameters"]["embeddings"] == folder


def test_a_folder_that_a_file_names_is_not_opened(folder, tmp_path, monkeypatch):
    model, path = fit(static_model(folder)), tmp_path / "model.safetensors"
    save(model, path)
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "model2vec", None)
        patched.setattr(token_tables, "open_folder", None)
        with pytest.raises(ModelFileError, match=rf"embeddings='{folder}', which is not in it"):
            load(path)
        describe(path)
        load(path, embeddings=static_model(model2vec()))
    moved = folder.rename(tmp_path / "moved")
    restored = load(path, embeddings=static_model(moved))
    np.testing.assert_array_equal(restored.predict_proba(NEW), model.predict_proba(NEW))
    np.testing.assert_array_equal(
        copy.deepcopy(restored).predict_proba(NEW), model.predict_proba(NEW)
    )


@pytest.mark.parametrize("kind", ["wordllama", "model2vec"])
def test_an_object_is_pickled_once_and_named_by_a_file(kind, wordllama, tmp_path):
    given = wordllama if kind == "wordllama" else model2vec()
    table, path = static_model(given), tmp_path / "model.safetensors"
    model = fit(table)
    restored = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(restored.predict_proba(NEW), model.predict_proba(NEW))
    assert restored[-1]._fitted.model.network.vectors.table is restored[-1].embeddings
    save(model, path)
    with pytest.raises(ModelFileError, match=f"embeddings={type(given).__name__!r}, which is not"):
        load(path)
    restored = load(path, embeddings=table)
    np.testing.assert_array_equal(restored.predict_proba(NEW), model.predict_proba(NEW))
    assert restored[-1].embeddings is table


def test_another_width_or_other_vectors_are_another_model(tmp_path):
    path = tmp_path / "model.safetensors"
    save(fit(static_model(model2vec())), path)
    given = model2vec()
    half = StaticModel(given.embedding.astype(np.float16), given.tokenizer)
    load(path, embeddings=static_model(half))  # the same but for rounding
    for vectors in (given.embedding[:, :3], given.embedding[:, ::-1], 1.1 * given.embedding):
        other = static_model(StaticModel(np.ascontiguousarray(vectors), given.tokenizer))
        with pytest.raises(ModelFileError, match="The vectors of StaticModel differ"):
            load(path, embeddings=other)
