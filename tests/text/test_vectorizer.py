"""The contract of TextSequenceVectorizer beyond what it shares with CountVectorizer."""

import copy
from functools import partial

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import config_context
from sklearn.utils._param_validation import InvalidParameterError

from sklearn_lstm.exceptions import InputTypeWarning
from sklearn_lstm.vectorizer import TextSequenceVectorizer

TEXTS = ["the cat sat on the mat", "the dog sat", "a dog and the cat"]
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=40)
ODD_TEXT = st.text(
    st.sampled_from(
        list(" \n\t\r\x1c\x85\xa0\u2003\u3000ab_4'\u2019.!Éßİ\u0301Σς\U0001f600\ud800½")
    ),
    max_size=30,
)
LATIN_TEXT = st.text(st.characters(max_codepoint=255), max_size=40)  # read another way if alone
TEXT_LISTS = st.lists(ANY_TEXT | ODD_TEXT, min_size=1, max_size=8)
TEXT_LISTS |= st.lists(LATIN_TEXT, min_size=1, max_size=8)


def rows(X):
    return [row[row != 0].tolist() for row in (X.toarray() if sp.issparse(X) else X)]


def tokens(vectorizer, texts):
    return [row.tolist() for row in vectorizer.inverse_transform(vectorizer.transform(texts))]


# --- ids


def test_ids_start_at_two_by_falling_frequency_and_ties_are_alphabetical():
    # Long words are numbered as they come.
    vectorizer = TextSequenceVectorizer().fit(
        ["b b b", "cinnamon aardvarks", "aardvarks cinnamon d"]
    )
    assert vectorizer.vocabulary_ == {"b": 2, "aardvarks": 3, "cinnamon": 4, "d": 5}


def test_unknown_tokens_are_named_in_order():
    vectorizer = TextSequenceVectorizer(max_length=3).fit(["b b b a a c"])
    X = vectorizer.transform(["new b old", "", "one two three four", "a"])
    assert rows(X) == [[1, 2, 1], [1], [1, 1, 1], [3]]
    assert X.unknown_tokens.tolist() == ["new", "old", "", "two", "three", "four"]
    for part in (X[[2, 0]], X[np.array([False, False, True, False])], X[2]):
        assert part.unknown_tokens.tolist()[:3] == ["two", "three", "four"]
        assert part.vocabulary is X.vocabulary
        assert part.input_type == X.input_type


def test_other_numbers_have_no_vocabulary():
    X = TextSequenceVectorizer().fit_transform(["a b"])
    for other in (2 * X, -X, X.power(2), X.astype(bool), X > 1):
        assert not hasattr(other, "vocabulary")


def test_ids_that_may_not_be_written_to_name_their_tokens_in_order():
    X = TextSequenceVectorizer().fit(["a b"]).transform(["new a", "b old other"])[:, ::-1]
    entries = X.data, X.indices
    before = [each.copy() for each in entries]
    for each in entries:
        each.flags.writeable = False  # as in a memory map
    assert X.unknown_tokens.tolist() == ["new", "other", "old"]
    np.testing.assert_array_equal(before, [X.data, X.indices])


def test_ids_changed_in_place_name_no_wrong_tokens():
    X = TextSequenceVectorizer().fit(["a b"]).transform(["a b", "new a", "b old", "other new"])
    X.data[[1, 2, 6]] = 1, 0, 2
    assert X.unknown_tokens.tolist() == ["", "old", "new"]
    assert X[2:].unknown_tokens.tolist() == ["old", "new"]
    X.eliminate_zeros()
    assert X.unknown_tokens.tolist() == ["", "old", "new"]


def test_what_follows_rows_can_not_follow_an_assignment():
    X = TextSequenceVectorizer().fit_transform(["new a", "b old"])
    for key, value in ((0, X[1]), ((0, 1), 1), (slice(None), X)):
        with pytest.raises(TypeError, match=r"X\[\[1, 1, 2\]\]"):
            X[key] = value
    plain = sp.csr_matrix(X)
    plain[0] = plain[1]
    other = 2 * X
    other[0, 0] = 7  # it knows of no texts
    assert plain.toarray()[0].tolist() == X.toarray()[1].tolist()


def test_given_vocabulary_gets_its_indices_plus_two():
    assert TextSequenceVectorizer(vocabulary=["x", "a"]).fit(["a"]).vocabulary_ == {"x": 2, "a": 3}
    vectorizer = TextSequenceVectorizer(vocabulary={"x": 1, "a": 0}).fit(["a a"])
    assert vectorizer.vocabulary_ == {"a": 2, "x": 3}
    assert tokens(vectorizer, ["x a"]) == [["x", "a"]]


def test_tokens_of_the_texts_may_follow_a_given_vocabulary():
    extended = partial(TextSequenceVectorizer, vocabulary=["x", "a"], fixed_vocabulary=False)
    texts = ["c b a", "b c c"]
    assert [*extended().fit(texts).vocabulary_] == ["x", "a", "c", "b"]
    assert [*extended(min_df=3).fit(texts).vocabulary_] == ["x", "a"]
    assert [*extended(max_features=3).fit(texts).vocabulary_] == ["x", "a", "c"]
    vectorizer = extended().partial_fit(texts[:1]).partial_fit(["c d"])
    assert [*vectorizer.vocabulary_] == ["x", "a", "b", "c", "d"]
    assert tokens(vectorizer, ["x a new"]) == [["x", "a", "<unk>"]]


# --- containers


def test_sparse_output_is_canonical_int32_csr_from_column_zero():
    X = TextSequenceVectorizer().fit_transform([*TEXTS, ""])
    assert isinstance(X, sp.csr_matrix)
    assert X.dtype == X.indices.dtype == X.indptr.dtype == np.int32
    assert X.shape == (4, 6)
    X.check_format(full_check=True)
    rebuilt = sp.csr_matrix(X.toarray())
    np.testing.assert_array_equal(rebuilt.indices, X.indices)
    np.testing.assert_array_equal(rebuilt.data, X.data)


def test_dense_output_is_padded_at_the_chosen_side():
    for padding, expected in (("post", [3, 2, 0, 0]), ("pre", [0, 0, 3, 2])):
        vectorizer = TextSequenceVectorizer(output="dense", padding=padding).fit(["a a b c"])
        X = vectorizer.transform(["b a"])
        assert X.dtype == np.int32
        assert X.tolist() == [expected]


def test_onehot_output_has_a_channel_per_id_and_nan_steps_after_the_text():
    vectorizer = TextSequenceVectorizer(output="onehot", padding="pre").fit(["a a b"])
    X = vectorizer.transform(["b zzz", "a a b"])
    assert X.dtype == np.float32
    nan = np.nan
    np.testing.assert_array_equal(
        X, [[[0, 0, 1], [1, 0, 0], [nan] * 3], [[0, 1, 0], [0, 1, 0], [0, 0, 1]]]
    )


@pytest.mark.parametrize("output", ["sparse", "dense", "onehot"])
def test_no_texts_give_no_rows(output):
    X = TextSequenceVectorizer(output=output).fit(TEXTS).transform([])
    assert X.shape[:2] == (0, 6)


@settings(deadline=None, max_examples=60)
@given(TEXT_LISTS, st.sampled_from(["word", "char"]))
def test_sparse_dense_and_onehot_hold_the_same_sequences(texts, analyzer):
    sparse = TextSequenceVectorizer(analyzer=analyzer).fit(["a b.", *texts])
    expected = tokens(sparse, texts)
    for parameters in ({"output": "dense"}, {"output": "dense", "padding": "pre"}):
        vectorizer = TextSequenceVectorizer(analyzer=analyzer, **parameters).fit(["a b.", *texts])
        assert rows(vectorizer.transform(texts)) == rows(sparse.transform(texts))
        assert tokens(vectorizer, texts) == expected
    onehot = TextSequenceVectorizer(analyzer=analyzer, output="onehot").fit(["a b.", *texts])
    assert tokens(onehot, texts) == expected


# --- length


@pytest.mark.parametrize(
    ("truncation", "max_length", "expected"),
    [
        ("pre", 3, ["c", "d", "e"]),
        ("post", 3, ["a", "b", "c"]),
        ("middle", 3, ["a", "b", "e"]),
        ("middle", 4, ["a", "b", "d", "e"]),
        ("middle", 1, ["a"]),
        ("pre", 9, ["a", "b", "c", "d", "e"]),
    ],
)
def test_truncation_removes_the_named_part(truncation, max_length, expected):
    vectorizer = TextSequenceVectorizer(truncation=truncation, max_length=max_length)
    vectorizer.fit(["a b c d e", "b", ""])
    assert tokens(vectorizer, ["b", "a b c d e", "", "b"]) == [["b"], expected, ["<unk>"], ["b"]]
    assert vectorizer.max_length_ == max_length


def test_sparse_output_keeps_the_whole_of_texts_that_are_longer_than_training():
    vectorizer = TextSequenceVectorizer().fit(["a b c", "b"])
    X = vectorizer.transform(["b", "a b c b a"])
    assert X.shape == (2, 5)
    assert rows(X) == rows(vectorizer.fit_transform(["b", "a b c b a"])) == [[2], [3, 2, 4, 2, 3]]
    assert vectorizer.fit(["a b c", "b"]).transform(["b"]).shape == (1, vectorizer.max_length_)
    assert len(vectorizer.get_feature_names_out()) == vectorizer.max_length_ == 3


@pytest.mark.parametrize("output", ["dense", "onehot"])
def test_output_of_one_width_cuts_longer_texts_and_says_how_many(output):
    parameters = {"output": output, "truncation": "middle"}
    vectorizer = TextSequenceVectorizer(**parameters).fit(["a b c", "b"])
    with pytest.warns(InputTypeWarning, match=r"were cut to 3 tokens: 2") as caught:
        X = vectorizer.transform(["b", "a b c b a", "a a a a"])
    assert [warning.filename for warning in caught] == [__file__]
    assert [row.tolist() for row in vectorizer.inverse_transform(X)] == [
        ["b"],
        ["a", "b", "a"],
        ["a", "a", "a"],
    ]
    vectorizer = TextSequenceVectorizer(**parameters, max_length=2).fit(["a b c", "b"])
    assert vectorizer.transform(["a b c b a"]).shape[:2] == (1, 2)  # as was asked, so not told


def test_coverage_counts_what_fit_lost():
    vectorizer = TextSequenceVectorizer(min_df=2, max_length=3).fit([*TEXTS, "", " "])
    assert vectorizer.coverage_ == {
        "n_texts": 5,
        "n_tokens": 14,
        "n_unknown_tokens": 4,  # on, mat, a, and
        "n_truncated_texts": 2,
        "n_empty_texts": 2,
    }


# --- going on


def test_partial_fit_appends_ids_and_keeps_the_old_ones():
    vectorizer = TextSequenceVectorizer().partial_fit(["b a a"])
    first = dict(vectorizer.vocabulary_)
    vectorizer.partial_fit(["z z z y b x"])
    assert vectorizer.vocabulary_ == {"a": 2, "b": 3, "z": 4, "x": 5, "y": 6}
    assert first == {"a": 2, "b": 3}
    assert vectorizer.max_length_ == 6
    assert vectorizer.coverage_["n_texts"] == 1


def test_partial_fit_accumulates_document_frequencies():
    vectorizer = TextSequenceVectorizer(min_df=2)
    vectorizer.partial_fit(["a a b"])
    assert vectorizer.vocabulary_ == {}
    vectorizer.partial_fit(["b c"])
    assert vectorizer.vocabulary_ == {"b": 2}
    vectorizer.partial_fit(["c a"])
    assert vectorizer.vocabulary_ == {"b": 2, "a": 3, "c": 4}


def test_partial_fit_never_exceeds_max_features():
    vectorizer = TextSequenceVectorizer(max_features=3).partial_fit(["a b"])
    vectorizer.partial_fit(["d d c"]).partial_fit(["e e e e"])
    assert vectorizer.vocabulary_ == {"a": 2, "b": 3, "d": 4}


def test_partial_fit_leaves_matrices_made_before_as_they_were():
    vectorizer = TextSequenceVectorizer()
    X = vectorizer.fit_transform(["a b"])
    vectorizer.partial_fit(["c"])
    assert X.vocabulary == {"a": 2, "b": 3}


@pytest.mark.parametrize("method", ["fit", "fit_transform", "partial_fit"])
@pytest.mark.parametrize("bad", [["fine", None], ["fine", b"\xff"], "text"])
def test_failed_fit_leaves_the_fitted_state_untouched(method, bad):
    vectorizer = TextSequenceVectorizer().fit(TEXTS)
    before = copy.deepcopy(vectorizer)
    with pytest.raises((TypeError, ValueError)):
        getattr(vectorizer, method)(bad)
    assert vectorizer.vocabulary_ == before.vocabulary_
    assert vectorizer.max_length_ == before.max_length_
    assert vectorizer.coverage_ == before.coverage_
    assert vectorizer.partial_fit(["z z"]).vocabulary_ == before.partial_fit(["z z"]).vocabulary_


# --- the fast ways


@settings(deadline=None, max_examples=100)
@given(TEXT_LISTS, TEXT_LISTS, st.sampled_from(["word", "char"]), st.booleans())
def test_fast_and_general_way_learn_and_transform_alike(train, test, analyzer, lowercase):
    fast = TextSequenceVectorizer(analyzer=analyzer, lowercase=lowercase).fit(["a", *train])
    general = TextSequenceVectorizer(analyzer=fast.build_analyzer()).fit(["a", *train])
    assert fast.vocabulary_ == general.vocabulary_
    assert fast.coverage_ == general.coverage_
    assert rows(fast.transform(test)) == rows(general.transform(test))


@pytest.mark.parametrize("analyzer", ["word", "char"])
def test_batches_leave_no_trace(analyzer):
    texts = [*TEXTS, "", "it's  fine !!", *TEXTS]
    n_times = 3 + 3 * (1 << 16) // sum(map(len, texts))  # a batch has 65,536 characters
    few = TextSequenceVectorizer(analyzer=analyzer)
    expected = np.tile(few.fit_transform(texts).toarray(), (n_times, 1))
    many = TextSequenceVectorizer(analyzer=analyzer)
    np.testing.assert_array_equal(many.fit_transform(texts * n_times).toarray(), expected)
    np.testing.assert_array_equal(many.transform(texts * n_times).toarray(), expected)
    assert many.vocabulary_ == few.vocabulary_
    assert many.coverage_ == pytest.approx(
        {
            name: value * n_times if name.startswith("n_") else value
            for name, value in few.coverage_.items()
        }
    )


# --- input


@pytest.mark.parametrize("output", ["sparse", "dense"])
def test_the_known_share_of_each_text_is_one_call_away(output):
    vectorizer = TextSequenceVectorizer(output=output, max_length=4).fit(["so good", "so bad"])
    texts = ["so good", "so gut", "", "   ", "хорошо", "x x so so bad good"]
    assert vectorizer.known_share(texts).tolist() == [1, 0.5, 0, 0, 0, 1]
    assert vectorizer.known_share([]).shape == (0,)
    assert vectorizer.output == output


WRONG = {"analyzer": "char_wb", "max_length": 0, "truncation": "x", "padding": "x", "output": "csr"}


@pytest.mark.parametrize("name", WRONG)
def test_unknown_parameter_values_are_named(name):
    with pytest.raises(InvalidParameterError, match=f"'{name}' parameter of TextSequenceVectori"):
        TextSequenceVectorizer(**{name: WRONG[name]}).fit(TEXTS)


# --- back, and beside other transformers


@pytest.mark.parametrize("bad", [[[2, 99]], [[2, -1]], [2, 3], [[2.0]], sp.csr_matrix([[0.5]])])
def test_inverse_transform_refuses_what_transform_never_returns(bad):
    vectorizer = TextSequenceVectorizer().fit(TEXTS)
    with pytest.raises(ValueError, match=r"Row 0 of X holds the id (99|-1)|what transform returns"):
        vectorizer.inverse_transform(bad if sp.issparse(bad) else np.array(bad))


def test_inverse_transform_reads_the_column_order_of_unsorted_csr():
    vectorizer = TextSequenceVectorizer().fit(["a a b"])
    X = sp.csr_matrix((np.array([3, 2]), np.array([1, 0]), np.array([0, 2])), shape=(1, 2))
    assert [row.tolist() for row in vectorizer.inverse_transform(X)] == [["a", "b"]]


@pytest.mark.parametrize("output", ["sparse", "dense", "onehot"])
def test_output_is_no_frame_as_that_of_countvectorizer(output):
    class Own(TextSequenceVectorizer):
        def transform(self, raw_documents):
            return super().transform(raw_documents)

    for vectorizer in (TextSequenceVectorizer(output=output), Own(output=output)):
        with config_context(transform_output="pandas"):
            X, again = vectorizer.fit_transform(TEXTS), vectorizer.transform(TEXTS)
        assert type(X) is type(again) is type(vectorizer.transform(TEXTS))
        assert not hasattr(vectorizer, "set_output")


@pytest.mark.parametrize("pattern", [None, r"\S+"])
def test_series_written_as_texts_are_told(pattern):
    numbers = np.random.default_rng(0).normal(size=(30, 90))
    with pytest.warns(InputTypeWarning, match=r"decimal numbers.*np\.array\(text\.strip"):
        TextSequenceVectorizer(token_pattern=pattern).fit(
            [" ".join(map(str, row)) for row in numbers]
        )
    for text in "apple {0}", "from 192.168.{0}.1 on 01.02.2026":
        TextSequenceVectorizer(token_pattern=pattern).fit([text.format(*row) for row in numbers])


def test_texts_of_a_single_word_that_occurs_once_are_told():
    names = [f"name{number}" for number in range(30)]
    with pytest.warns(InputTypeWarning, match="Most texts are a single word.*analyzer='char'"):
        TextSequenceVectorizer(token_pattern=r"\w+").fit(names)
    TextSequenceVectorizer(analyzer="char").fit(names)
    TextSequenceVectorizer().fit(["yes", "no"] * 15)


def test_tokens_of_which_most_occur_once_are_told():
    events = [[("open", row + 0.5), ("close", row + 0.75)] for row in range(30)]
    with pytest.warns(
        InputTypeWarning, match=r"Most tokens occur once.*Leave out times and numbers"
    ):
        TextSequenceVectorizer(analyzer=list).fit(events)
    TextSequenceVectorizer(analyzer=list).fit([[name for name, _ in row] for row in events])
