"""Tables of words reach all parts of a model, also for words that no training text holds."""

from functools import partial
from unicodedata import normalize

import numpy as np
import pytest
import small_models
from gensim.models import FastText, KeyedVectors
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import make_pipeline

from sklearn_lstm import TextSequenceVectorizer, WordVectors
from sklearn_lstm.fitting import read_as_at_fit
from sklearn_lstm.inspection import explain
from sklearn_lstm.vectors import from_gensim

GOOD = ["good", "fine", "nice", "great", "lovely", "superb"]
BAD = ["bad", "awful", "poor", "dire", "nasty", "horrid"]
NEW = {"good": "glad", "bad": "sour", "unknown": "qwxz"}  # the last one is in no table
RNG = np.random.default_rng(0)
TABLE = {
    **{word: np.r_[1.0, 0.3 * RNG.normal(size=3)] for word in [*GOOD, NEW["good"]]},
    **{word: np.r_[-1.0, 0.3 * RNG.normal(size=3)] for word in [*BAD, NEW["bad"]]},
}
TEXTS = [
    f"a {word} day {'now ' * (word in GOOD[::2] + BAD[::2])}{RNG.integers(20)}"
    for _ in range(10)
    for word in [*GOOD, *BAD]
]
Y = np.array([1] * 6 + [0] * 6).repeat(10).reshape(12, 10).T.ravel()
NEW_TEXTS = ["a glad day", "sour", "qwxz qwxz good", "", "night sour glad", "a day"]
UNLABELLED = [f"{a} {b} {c}" for some in ([*GOOD, "glad"], [*BAD, "sour"])
              for a in some for b in some for c in some]  # fmt: skip


def keyed():
    vectors = KeyedVectors(4)
    vectors.add_vectors(list(TABLE), list(TABLE.values()))
    return vectors


def learned():
    return WordVectors(embedding_dim=5).fit(UNLABELLED)


TABLES = {
    "mapping": lambda: TABLE,
    "KeyedVectors": lambda: from_gensim(keyed()),
    "WordVectors": learned,
}

small = partial(small_models.small, linear_model=True, lr=0.02)


def pipeline(embeddings, **parameters):
    return make_pipeline(TextSequenceVectorizer(), small(embeddings=embeddings, **parameters))


@pytest.fixture(scope="module", params=TABLES)
def fitted(request):
    return pipeline(TABLES[request.param](), max_epochs=4).fit(TEXTS, Y)


# --- Words that no training text holds


@pytest.mark.parametrize("of_texts", ["NFC", "NFD"])
@pytest.mark.parametrize("of_table", ["NFC", "NFD"])
def test_words_find_their_vectors_in_each_form_of_unicode(of_table, of_texts):
    texts = [normalize(of_texts, text) for text in ("café noir", "eau", "café", "vin")]
    new, known = normalize(of_texts, "thé"), normalize(of_table, "café")
    model = pipeline({known: [1, 2], normalize(of_table, "thé"): [3, 4]}, max_epochs=1)
    vectors = model.fit(texts, [1, 0, 1, 0])[-1]._fitted.model.network.vectors
    assert vectors.ids.tolist() == [model[0].vocabulary_["café"]]
    assert vectors.table.lookup([new, "eau", 7])[0].tolist() == [True, False, False]
    model[-1].set_params(lr=1e-9)
    model[-1].partial_fit(model[0].partial_fit([new]).transform([new]), [1])
    assert_allclose(model[-1].module_.embedding.weight.numpy(force=True)[-1], [3, 4], atol=1e-4)
    learned = WordVectors(TextSequenceVectorizer(), embedding_dim=2).fit(texts * 3)
    assert learned.lookup([known, "x"])[0].tolist() == [True, False]


@pytest.mark.parametrize("kind", TABLES)
def test_the_network_tells_new_words_apart_if_the_table_does(kind):
    model = pipeline(TABLES[kind](), linear_model=False, max_epochs=6).fit(TEXTS, Y)
    good, bad, unknown, other = model.decision_function([*NEW.values(), "yyyy"])
    assert good > bad + 0.1
    assert_allclose(unknown, other, atol=1e-6)


def test_the_linear_model_reads_the_mean_of_the_vectors(fitted):
    vectors = fitted[-1].linear_model_.terms[-1]
    sequences = read_as_at_fit(fitted[-1], fitted[0].transform([*NEW.values()]))
    good, bad, unknown = vectors.features.means(sequences) @ vectors.coef[:, 1]
    assert good > bad
    assert unknown == 0


def test_one_row_at_a_time_is_as_the_batch(fitted):
    texts = [*NEW_TEXTS, *TEXTS[:10]]
    batch = fitted.decision_function(texts)
    alone = np.concatenate([fitted.decision_function([text]) for text in texts])
    assert_allclose(batch, alone, rtol=0, atol=1e-6)


def test_explanations_sum_to_the_score(fitted):
    X = [*NEW_TEXTS, *TEXTS[:4]]
    explanations = explain(fitted, X, 1)
    scores = fitted.decision_function(X)
    assert_allclose([each.score for each in explanations], scores, atol=2e-3, rtol=1e-3)
    glad = explanations[0]
    assert glad.linear[1] != 0
    assert glad.network[1] != 0


def test_fast_text_composes_vectors_of_all_words():
    fast_text = FastText(vector_size=4, min_count=1, workers=1, seed=0, min_n=2, bucket=500)
    texts = [text.split() for text in UNLABELLED[:100]]
    fast_text.build_vocab(texts)
    fast_text.train(texts, total_examples=100, epochs=1)
    for embeddings in (fast_text, fast_text.wv):
        table = from_gensim(embeddings)
        assert not table.lookup([3, None])[0].any()
        model = pipeline(table, linear_model=False, max_epochs=6).fit(TEXTS, Y)
        one, other = model.decision_function(["goodly", "badly"])
        assert abs(one - other) > 1e-4


# --- Ways to train


def test_several_labels_are_learned_from_vectors():
    y = np.c_[Y, 1 - Y, Y]
    model = pipeline(TABLE, max_epochs=3).fit(TEXTS, y)
    good, bad, _ = model.predict_proba([*NEW.values()])
    assert (good > bad).tolist() == [True, False, True]
    scores = model.decision_function(NEW_TEXTS)[:, 2]
    explained = [each.score for each in explain(model, NEW_TEXTS, 2)]
    assert_allclose(explained, scores, atol=2e-3, rtol=1e-3)


# --- What is told


def test_the_table_is_told():
    model = pipeline(learned()).fit(TEXTS, Y)[-1]
    assert "pretrained vectors: 5 columns of WordVectors (14 words, 0.0 MB), for " in repr(model)
    assert "pretrained" not in repr(pipeline(None).fit(TEXTS, Y)[-1])


WRONG = {
    "NaN": (np.full(4, np.nan), "NaN or infinite values in the vector of 'glad'"),
    "another length": (np.ones(3), r"the same for all; found .*\(3,\): 'glad'"),
    "a string": ("0.1 0.2", r"maps a token to what is no vector: .*'0\.1 0\.2'"),
}


@pytest.mark.parametrize(("wrong", "message"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_vector_of_a_word_of_no_training_text_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        pipeline({**TABLE, "glad": wrong}).fit(TEXTS, Y)


def test_a_wrong_vector_of_gensim_is_refused_when_its_word_is_read():
    vectors = keyed()
    vectors.vectors[vectors.key_to_index["glad"], 2] = np.nan
    model = pipeline(from_gensim(vectors), max_epochs=1).fit(TEXTS, Y)
    with pytest.raises(ValueError, match="NaN or infinite values in the vector of 'glad'"):
        model.predict(["glad"])


# --- Tables are shared, and stay as they were


def refit(vectors):
    vectors.fit(["sour glad day"] * 9)


def overwrite(table):
    for vector in table.values() if isinstance(table, dict) else table:
        vector[:] = 7


def add_word(table):
    table["qwxz"] = np.ones(4)


@pytest.mark.parametrize(
    ("make", "change"),
    [
        (learned, refit),
        (lambda: {word: vector.copy() for word, vector in TABLE.items()}, overwrite),
        (lambda: dict(TABLE), add_word),
        (lambda: RNG.normal(size=(37, 4)).astype(np.float32), overwrite),
    ],
    ids=["WordVectors", "values of a mapping", "words of a mapping", "array"],
)
def test_what_happens_to_a_table_does_not_change_a_classifier(make, change):
    table = make()
    model = pipeline(table, max_epochs=4).fit(TEXTS, Y)
    before = model.decision_function(NEW_TEXTS)
    change(table)
    assert_array_equal(model.decision_function(NEW_TEXTS), before)


@pytest.mark.parametrize("max_epochs", [0, 20])
@pytest.mark.parametrize("new", ["fitted again", "another", "None"])
def test_another_table_at_partial_fit_changes_no_word_that_is_known(new, max_epochs):
    """Centre, coefficients and weights belong to the vectors of `fit`."""
    vectors = learned()
    model = pipeline(vectors, lr=0.02, max_epochs=max_epochs).fit(TEXTS, Y)
    seen = [*TEXTS, "glad", "sour", "a glad day"]
    before = model.decision_function(seen)
    linear = model[-1].linear_model_
    if new == "fitted again":
        vectors.fit([f"{a} {b}" for a in [*GOOD, "glad"] for b in [*BAD, "sour"]])
    else:
        other = WordVectors(embedding_dim=5).fit([text[::-1] for text in UNLABELLED] + TEXTS)
        model[-1].set_params(embeddings=None if new == "None" else other)
    model[-1].set_params(lr=1e-9)
    model[-1].partial_fit(model[0].transform(["a good day"]), [1])
    assert model[-1].linear_model_ is linear
    after = model.decision_function(seen)
    if max_epochs:  # else the network is no part of the model before
        assert_allclose(after, before, atol=0.2)
    assert np.mean((after > 0) == (before > 0)) == 1


@pytest.mark.parametrize("linear_model", [False, True])
def test_words_that_the_vectorizer_has_learned_alone_keep_their_vectors(linear_model):
    """The first step of a stream gives new words ids, which the classifier does not know yet."""
    texts = ["glad", "sour", "a glad day", "glad sour sour night"]
    model = pipeline(TABLE, linear_model=linear_model, max_epochs=6).fit(TEXTS, Y)
    before = model.decision_function(texts)
    explained = explain(model, texts, 1)
    model[0].partial_fit(texts)
    assert_allclose(model.decision_function(texts), before, atol=1e-6)
    for each, expected in zip(explain(model, texts, 1), explained, strict=True):
        assert_allclose(each.values, expected.values, atol=1e-5)
    # Once the classifier has learned some of them, the others are looked up still.
    model[-1].set_params(lr=1e-9).partial_fit(model[0].transform(["sour"]), [0])
    assert_allclose(model.decision_function(["glad"]), before[:1], atol=0.3)


@pytest.mark.parametrize("max_epochs", [0, 2])
@pytest.mark.parametrize("new", [TABLE, learned])
def test_a_first_table_at_partial_fit_serves_new_ids(new, max_epochs):
    table = new() if callable(new) else new
    width = 5 if callable(new) else 4
    model = pipeline(None, embedding_dim=width, max_epochs=max_epochs).fit(TEXTS, Y)
    model[-1].set_params(embeddings=table, embedding_dim="auto", lr=1e-9)
    for text in ("a good day", "day qwxz", "glad"):  # no new word, one without a vector, and one
        model[-1].partial_fit(model[0].partial_fit([text]).transform([text]), [1])
    vectors = model[-1].module_.embedding.weight.numpy(force=True)
    expected = table.lookup(["glad"])[1] * np.sqrt(5) if callable(new) else TABLE["glad"]
    assert_allclose(vectors[-1], np.ravel(expected), atol=1e-4)
