"""What `fit` tells of an X that may be meant otherwise; `input_type` says that it is meant."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from as_read import read_sequences
from scipy import sparse
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_digits, load_wine
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder, normalize

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
from sklearn_lstm.exceptions import InputTypeWarning, NothingLearnedWarning

RNG = np.random.default_rng(0)
TITLES = ["fine", "no no"] * 13 + ["so so"]
FRAME = pd.DataFrame({"title": TITLES, "text": ["so good", "bad", "not good at all"] * 9})
SERIES = RNG.normal(size=(5, 24, 3))
BASES = RNG.integers(0, 4, (99, 60))
LENGTHS = np.arange(40)[:, np.newaxis] % 4 * 3 + 11
PADDED = RNG.normal(size=(40, 20)) * (np.arange(20) < LENGTHS)


def side_by_side(**columns):
    """Return the ids of texts side by side, or of one beside a column of numbers."""
    names = ["text"] if columns else ["title", "text"]
    parts = [(TextSequenceVectorizer(), name) for name in names]
    joined = make_column_transformer(*parts, ("passthrough", [*columns]), sparse_threshold=0.9)
    return joined.fit_transform(FRAME.assign(**columns))


def signal(n_levels=255):
    frequency = RNG.uniform(0.005, 0.03, (10, 1))
    return [*np.round((0.5 + 0.5 * np.sin(frequency * np.arange(400))) * n_levels).astype(int)]


def sensors(noise, n_steps):
    phases = RNG.uniform(0.05, 0.3, (200, 1)) * np.arange(n_steps) + RNG.uniform(0, 6, (200, 1))
    values = np.round(40 + 15 * np.sin(phases) + RNG.normal(0, noise, phases.shape))
    return values.astype(int)


TOLD = {  # X, and what is told
    "codes from 0 in lists": ([[2, 1], [0, 1, 2]], r"X\[1\] has 0 .*\[\[i \+ 1 for i in row\]"),
    "0 inside a table": (np.array([[2, 3, 0, 0], [0, 1, 0, 3]]), r"X\[1\].*before you pad"),
    "digits": (load_digits().data[:200].astype(int), "Pass measurements as floats"),
    "ids padded by -1": (np.array([[1, 2, 3], [2, -1, -1]]), r"X\[1\] holds -1.*X \+ 1"),
    "a missing code in lists": ([[1, 2, 3], [2, -1]], r"X\[1\] holds -1.*\[\[i \+ 2 for i in"),
    "channels first": (SERIES.transpose(0, 2, 1), r"24 channels of 3 step.*X\.transpose\(0, 2, 1"),
    "channels first in lists": ([*SERIES.transpose(0, 2, 1)], r"\[x.T for x in X\]"),
    "one step": (SERIES.reshape(5, 1, -1), "72 channels of 1 step"),
    "a signal": (signal(), "signal.*input_type='measurements'"),
    "a signal behind rows of rest": ([np.full(400, 7)] * 400 + 40 * signal(), "signal"),
    "noisy sensors": (sensors(5, 60), "signal"),
    "one-hot steps": (np.eye(30)[RNG.integers(0, 30, (9, 5))], r"Each step.*X\.any\(axis=-1\)"),
    "one-hot table": (np.eye(4)[RNG.integers(0, 4, (30, 9))].reshape(30, -1), r"table\.tolist\(\)"),
    "one-hot lists": ([*np.eye(4)[RNG.integers(0, 4, (9, 5))]], "Each step of X is one-hot"),
    "padded by 0": (PADDED, "30 of 40 series end in steps of 0.*NaN"),
    "padded in front by 0": (PADDED[:, ::-1], "30 of 40 series begin in steps of 0.*NaN"),
    "codes as floats": (BASES + 1.0, "numbers from 1 to 4, .*np.nan_to_num"),
    "padded codes as floats": (
        np.where(np.arange(20) < LENGTHS, RNG.integers(1, 9, (40, 20)), np.nan),
        "numbers from 1 to 8, ",
    ),
    "ids of shape (n, T, 1)": (BASES[:, :, np.newaxis] + 1, r"nan_to_num\(X\[:, :, 0\]\)"),
    "gaps between such ids": (3 * BASES[:, :, np.newaxis] + 2, r"from 1 to 11, .*X\[:, :, 0\]"),
    "padded ids in a frame": (pd.DataFrame(BASES + 1.0), "numbers from 1 to 4, .*pass ids"),
    "padded by -1": (np.where(PADDED == 0, -1.0, PADDED), "30 of 40 series end in steps of -1,"),
    "hashes": (RNG.choice([1 << 40, -(1 << 50), 1 << 60], (9, 9)), "as hashes do.*analyzer=list"),
    "ids beside a price": (
        np.column_stack([BASES, RNG.normal(size=99)]),
        r"X\[:, 0\] holds whole numbers, .*Leave ColumnTransformer out",
    ),
    "padded channels": (np.stack([PADDED, 2 * PADDED], axis=2), "30 of 40 series end in steps"),
    "counts that seldom recur": (RNG.integers(2000, 12000, (40, 30)), "most occur once, as in a"),
    "tf-idf": (TfidfVectorizer().fit_transform(FRAME["text"]).toarray(), "row of X has length 1"),
    "embeddings in a list": ([*normalize(RNG.normal(size=(9, 8)))], "length 1, as tf-idf and"),
    "embeddings": (normalize(RNG.normal(size=(9, 8))).astype("f4"), "length 1, as tf-idf and"),
    "-999": (
        np.where(SERIES[:, :, :2] > 1, -999, SERIES[:, :, :2]),
        r"Channel 0 .* -999 .*X == -999,",
    ),
    "9999 in lists": (
        [*np.where(SERIES[:, :, 0] < -1, 9999.0, SERIES[:, :, 0])],
        "holds 9999 again",
    ),
    "a frame of numbers": (load_wine(as_frame=True).data, "sequence of 13 steps, .*groupby"),
    "a frame of integers": (pl.DataFrame({"a": [3, 4], "b": [5, 0]}), "sequence of 2 steps, .*'b'"),
}


@pytest.mark.parametrize("name", TOLD)
def test_what_may_be_meant_otherwise_is_told_unless_the_user_says_what_it_is(name):
    X, told = TOLD[name]
    with pytest.warns(InputTypeWarning, match=told) as caught:
        read = read_sequences(X)
    assert len(caught) == 1
    read_sequences(X, "words" if read.n_channels is None else "measurements")  # warnings are errors


@pytest.mark.parametrize("columns", [{}, {"price": 9}], ids=["two texts", "a text and a number"])
def test_ids_side_by_side_are_an_error_unless_the_user_says_what_they_are(columns):
    X = side_by_side(**columns)
    with pytest.raises(TypeError, match=r"0 between .*Leave ColumnTransformer out.* Join texts"):
        read_sequences(X)
    assert read_sequences(X, "words").n_channels is None


SCALE = np.array([2, 4, 6, 7, 9, 11, 13, 14, 16, 18, 19, 21, 23, 25, 26])  # D major
LETTERS = RNG.dirichlet(np.full(30, 0.5))
RANKS = 1 / np.arange(3, 63)
IDS = TextSequenceVectorizer().fit_transform(FRAME["text"])
ORDINARY = {
    "words": RNG.zipf(1.3, (100, 50)).clip(1, 30_000),
    "bases": RNG.integers(1, 5, (100, 50)),
    "notes": [
        60 + SCALE[RNG.choice([-4, -2, -1, 0, 1, 2, 3], 30).cumsum() % 15] for _ in range(99)
    ],
    "letters of many scripts": [
        1 + 300 * script + RNG.choice(30, 40, p=LETTERS) for script in range(12) for _ in range(9)
    ],
    "numbered by frequency": RNG.choice(60, (99, 40), p=RANKS / RANKS.sum()) + 1,
    "overlapping triples of bases": BASES[:, :-2] + 4 * BASES[:, 1:-1] + 16 * BASES[:, 2:] + 1,
    "sorted rows of one id": np.arange(2, 2002)[:, np.newaxis],
    "padded behind": IDS.toarray(),
    "padded in front": IDS.toarray()[:, ::-1],
    "padded lists": IDS.toarray().tolist(),
    "padded arrays": [*IDS.toarray()],
    "padding alone": np.zeros((9, 4), int),
    "CSR": IDS * 1,
    "CSR that was cut": IDS[:, 1:],
    "CSR in front": sparse.csr_array(IDS.toarray()[:, ::-1]),
    "audio": (1000 * RNG.normal(size=(40, 60))).astype(np.int16),
    "pixels": load_digits().data[:200],
    "three levels": RNG.choice([0.0, 2, 3], (40, 60)),
    "power": RNG.normal(1000, 50, (40, 60)) * RNG.integers(0, 2, (40, 60)),
    "clicks": RNG.integers(1, 4000, (600, 20)),
    "walks": RNG.normal(size=(40, 60)).cumsum(axis=1),
    "several hot": RNG.integers(0, 2, (9, 5, 30)),
    "more channels than all but one series have steps": [*SERIES, SERIES[0, :2]],
}


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_sequences_get_no_warning(name):
    read_sequences(ORDINARY[name])  # pytest makes errors of warnings


def test_tokens_of_a_vectorizer_are_no_signal_however_close_they_are():
    events = [[f"event{(first + at) % 68}" for at in range(30)] for first in range(68)]
    read_sequences(TextSequenceVectorizer(analyzer=list).fit_transform(events))


def test_the_frame_of_our_own_vectorizer_is_read_as_it_is_meant():
    vectorizer = TextSequenceVectorizer(output="dense")
    ids = vectorizer.fit_transform(FRAME["text"])
    frame = pd.DataFrame(ids, columns=vectorizer.get_feature_names_out())
    assert read_sequences(frame).lengths[:3].tolist() == [2, 1, 4]


def test_series_with_channels_first_are_told_by_the_error_if_their_lengths_differ():
    X = [RNG.normal(size=(2, n_steps)) for n_steps in (4, 7)]
    with pytest.raises(ValueError, match=r"every series needs.*\[x.T for x in X\]"):
        read_sequences(X)


def test_fit_tells_once_at_the_line_of_the_user_and_predict_does_not():
    X, y = signal(), np.arange(10) % 2
    model = LSTMSequenceClassifier(hidden_size=2, max_epochs=1, random_state=0)
    for one in (model, make_pipeline(model)):
        with pytest.warns(InputTypeWarning) as caught:
            one.fit(X, y)
        assert [warning.filename for warning in caught] == [__file__]
    with pytest.warns(InputTypeWarning, match="signal"):
        model = LSTMSequenceClassifier(hidden_size=2).partial_fit(X, y, classes=[0, 1])
    model.partial_fit(X, y).predict(X)


# --- The outcome


def labelled(n_samples=400):
    """Return sequences of letters, and whether "a" comes before "b"."""
    letters = np.array([RNG.permutation([*"abcdef"]) for _ in range(n_samples)])
    return letters, np.array([list(row).index("a") < list(row).index("b") for row in letters])


def test_codes_of_ordinal_encoder_are_told_by_what_was_learned_of_them():
    letters, y = labelled()
    X = OrdinalEncoder().fit_transform(letters) % 5 * 7 % 11  # that have no order
    model = LSTMSequenceClassifier(random_state=0, linear_model="alone")
    with pytest.warns(
        NothingLearnedWarning, match=r"6 steps of measurements in 1 ch.*\(X \+ 1\).astype\(int"
    ):
        model.fit(X, RNG.permutation(y))
    model.fit(X.astype(int) + 1, y)


@pytest.mark.parametrize("n_labels", [None, 3])
def test_random_labels_are_told_and_others_are_not(n_labels):
    X = [[*map(str, row)] for row in RNG.integers(0, 30, (300, 8))]
    truth = np.array([[str(label) in row for label in range(n_labels or 1)] for row in X])
    X = [" ".join(row) for row in X]
    y = truth.astype(int) if n_labels else truth[:, 0]
    vectorizer = TextSequenceVectorizer(token_pattern=r"\d+")
    model = make_pipeline(vectorizer, LSTMSequenceClassifier(max_epochs=1, random_state=0))
    with pytest.warns(NothingLearnedWarning, match="8 tokens, out of 30 different ones.*order of"):
        model.fit(X, RNG.permutation(y))
    model.fit(X, y)
    model.fit(X[:100], RNG.permutation(y[:100]))  # too few are held out to say so


def test_one_label_that_is_learned_is_enough():
    X, coins = RNG.integers(0, 30, (300, 8)).astype(str), RNG.integers(0, 2, 300)
    y = np.transpose([(X == "7").any(axis=1), coins, coins[::-1], RNG.permutation(coins)])
    model = make_pipeline(TextSequenceVectorizer(analyzer=list), LSTMSequenceClassifier())
    model.set_params(lstmsequenceclassifier__linear_model="alone").fit(X.tolist(), y.astype(int))


def test_labels_that_all_samples_have_or_none_are_told():
    y = pd.DataFrame({"a": [1, 0] * 20, "b": 1, "c": 0})
    with pytest.warns(UserWarning, match=r"learned of what all samples .* or none: \['b', 'c'\]"):
        LSTMSequenceClassifier(linear_model="alone").fit(RNG.normal(size=(40, 9)), y)


def test_a_network_alone_is_judged_by_what_its_logits_can_say():
    X, y = RNG.integers(1, 30, (300, 8)), RNG.integers(0, 2, 300)
    model = LSTMSequenceClassifier(linear_model=False, max_epochs=2, random_state=0)
    with pytest.warns(NothingLearnedWarning):
        model.fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])


def test_an_x_without_any_difference_is_told():
    model = LSTMSequenceClassifier(linear_model="alone", random_state=0)
    with pytest.warns(NothingLearnedWarning):
        model.fit(np.ones((300, 30)), RNG.integers(0, 2, 300))
