"""The linear model sees the letters of words, where it is known how they are spelled."""

import numpy as np
import pytest
from as_read import read_sequences
from scipy.sparse import csr_matrix, diags, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from sklearn_lstm import LSTMSequenceClassifier, Predictor, TextSequenceVectorizer
from sklearn_lstm.exceptions import InputTypeWarning
from sklearn_lstm.io import save
from sklearn_lstm.members.features.ngrams import LetterFeatures, Lexicon

STEMS = {"pos": ["happi", "joy", "delight"], "neg": ["sadd", "gloom", "miser"]}
ENDINGS = ["", "er", "est", "ness", "ful", "fully", "ing", "ed", "y", "able"]


def letters_of(model):
    """Return the features of letters that a classifier reads, or None."""
    found = (one for one in model.linear_model_.features if isinstance(one, LetterFeatures))
    return next(found, None)


def linear_model():
    return LSTMSequenceClassifier(max_epochs=0, random_state=0)


@pytest.fixture(scope="module")
def texts():
    """Texts whose class shows in the stem of one word; the last fifty have endings of their own."""
    rng = np.random.default_rng(0)
    found = []
    for index in range(200):
        label = ("pos", "neg")[index % 2]
        ending = rng.choice(ENDINGS[:6] if index < 150 else ENDINGS[6:])
        words = [rng.choice(STEMS[label]) + ending, *rng.choice(["one", "two", "three"], 3)]
        found.append((" ".join(rng.permutation(words)), label))
    return found


@pytest.fixture(scope="module")
def fitted(texts):
    model = make_pipeline(TextSequenceVectorizer(), linear_model())
    return model.fit(*zip(*texts[:150], strict=True))


def test_unknown_words_are_known_by_their_letters(fitted, texts, tmp_path):
    new, labels = zip(*texts[150:], strict=True)
    assert fitted.score(new, labels) == 1
    X = fitted[0].transform(new)
    only_ids = csr_matrix((X.data, X.indices, X.indptr), X.shape)
    save(fitted[1], tmp_path / "model")
    for model in fitted[1], Predictor.load(tmp_path / "model"):
        with pytest.warns(InputTypeWarning, match="unknown words.*CSR matrix of the TextSeq"):
            assert np.mean(model.predict(only_ids) == labels) < 0.7


def test_letters_of_known_words_need_no_vocabulary_in_predict(fitted, texts):
    X = fitted[0].transform([text for text, _ in texts[:150]])
    only_ids = csr_matrix((X.data, X.indices, X.indptr), X.shape)
    np.testing.assert_array_equal(
        fitted[1].decision_function(only_ids), fitted[1].decision_function(X)
    )


@pytest.mark.parametrize(
    "vectorizer",
    [
        TextSequenceVectorizer(analyzer="char"),
        TextSequenceVectorizer(analyzer=lambda text: [(word,) for word in text.split()]),
    ],
    ids=["characters", "tokens that are no strings"],
)
def test_tokens_that_are_no_words_have_no_letters(texts, vectorizer):
    model = make_pipeline(vectorizer, linear_model()).fit(*zip(*texts, strict=True))
    assert letters_of(model[-1]) is None


@pytest.mark.parametrize("vocabulary", [None, 5, ["happiness"]])
def test_what_is_no_vocabulary_is_left_alone(texts, vocabulary):
    documents, labels = zip(*texts, strict=True)
    X = TextSequenceVectorizer().fit_transform(documents)
    expected = linear_model().fit(csr_matrix((X.data, X.indices, X.indptr), X.shape), labels)
    X = csr_matrix((X.data, X.indices, X.indptr), X.shape)
    X.vocabulary = vocabulary
    found = linear_model().fit(X, labels)
    np.testing.assert_array_equal(found.decision_function(X), expected.decision_function(X))


def test_letters_count_by_the_root_of_the_share_of_words():
    X = TextSequenceVectorizer().fit_transform(["two words", "one among 三个字", "三个字", ""])
    sequences = read_sequences(X)
    letters = LetterFeatures(Lexicon.of(sequences))
    found = letters.bags(sequences, np.arange(4))
    largest = [part.max(initial=0) for part in np.split(found.data, found.indptr[1:-1])]
    np.testing.assert_allclose(largest, np.sqrt([1, 0.4, 0, 0]), rtol=1e-6)


@pytest.mark.usefixtures("_no_collisions")
def test_it_is_what_scikit_learn_makes_of_words_and_letters(texts):
    documents, labels = zip(*texts, strict=True)
    known, new, y = documents[:150], documents[150:], np.array(labels[:150]) == "pos"
    parts = [
        TfidfVectorizer(ngram_range=(1, 2), binary=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), binary=True, min_df=2),
    ]
    features = hstack([part.fit_transform(known) for part in parts], format="csr")
    inside, outside = (1 + (features > 0).T @ part.astype(float) for part in (y, ~y))
    ratio = np.log(inside / inside.sum() / (outside / outside.sum()))
    variance = 1 / inside + 1 / outside
    shrunk = 2 / (2 + variance)
    scale = diags(np.sqrt((shrunk * ratio) ** 2 + shrunk * variance))
    svm = LinearSVC(random_state=3).fit(features @ scale, y)
    expected = svm.decision_function(hstack([part.transform(new) for part in parts]) @ scale)

    vectorizer = TextSequenceVectorizer()
    model = linear_model().fit(vectorizer.fit_transform(known), y).linear_model_
    found = model.logits(read_sequences(vectorizer.transform(new)))
    np.testing.assert_allclose(found[:, 1] - found[:, 0], expected, atol=1e-3)


def test_what_has_no_letters_is_no_empty_text(texts):
    documents, labels = zip(*texts[:150], strict=True)
    model = make_pipeline(TextSequenceVectorizer(), linear_model())
    model.fit([*documents, *[""] * 30], [*labels, *["none"] * 30])
    lexicon = letters_of(model[-1]).lexicon
    for X in (model[0].transform([""]), csr_matrix([[999, 998]])):
        sequences = read_sequences(X)
        spellings = sequences.read_spellings(np.arange(1))
        assert not len(lexicon.ngrams_of_steps(spellings, sequences.spelling)[0])
