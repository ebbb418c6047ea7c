"""Stored parts that do not agree with each other are refused."""

import copy
import os
import pickle
import subprocess
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from model_files import (
    IDS,
    SERIES,
    TEXTS,
    Y,
    file_of,
    joined,
    parsed,
    refusal,
    small,
    with_array,
)
from sklearn.pipeline import make_pipeline

from sklearn_lstm import Predictor, TextSequenceVectorizer, WordVectors
from sklearn_lstm.exceptions import InvalidSequencesError
from sklearn_lstm.io import ModelFileError, describe, load, save

pytestmark = pytest.mark.thread_unsafe(reason="all threads write one file")

# --- Arrays that do not fit to each other


MANY_IDS = np.random.default_rng(0).integers(1, 9, (120, 5))


def stream_model():
    model = small(linear_model=True).fit(MANY_IDS, np.arange(120) % 2)
    return model.partial_fit(MANY_IDS, np.arange(120) % 2), MANY_IDS


def series_model():
    X = np.where(SERIES > 1.5, np.nan, SERIES)
    X[:, -1] = SERIES[:, -1]  # all have one length
    return small(linear_model=True).fit(X, Y), X


# Those that load nevertheless: torch compares their shapes later, or any number of them will do.
COMPARED_LATER = {
    stream_model: {"exp_avg", "exp_avg_sq", "step"},
    series_model: {"thresholds"},
}


@pytest.mark.parametrize("make", COMPARED_LATER, ids=lambda make: make.__name__)
def test_an_array_that_does_not_fit_to_the_others_is_refused(make, path):
    model, X = make()
    save(model, path)
    data = path.read_bytes()
    loaded, by_predictor = set(), set()
    for name, array in parsed(data)[1].items():
        for forged in (array[: len(array) // 2] if array.ndim else array[None], array[..., None]):
            path.write_bytes(with_array(data, name, np.array(forged)))
            for read, names in ((load, loaded), (Predictor.load, by_predictor)):
                with suppress(ModelFileError):
                    loaded_model = read(path)
                    names.add(name.rpartition(".")[2])
                    with suppress(Exception):
                        loaded_model.predict(X)
    assert loaded == by_predictor == COMPARED_LATER[make]


def numbers_model():
    rows = np.arange(25.0)[::-1]
    frame = pd.DataFrame({"text": TEXTS * 5, "size": rows, "shop": pd.Categorical([*"abcab"] * 5)})
    model = make_pipeline(TextSequenceVectorizer(), small(linear_model=True, max_epochs=0))
    return model.fit(frame, rows % 2), frame


def timed_model():
    X = [[[2.0 * step, step % 3 or np.nan] for step in range(4 + row % 3)] for row in range(24)]
    return small(linear_model=True, time_channel=0).fit(X, Y), X


def table_model():
    table = {word: np.ones(3, np.float32) for word in ("so", "good", "bad")}
    return make_pipeline(TextSequenceVectorizer(), small(embeddings=table)).fit(TEXTS, Y[:5]), TEXTS


def word_vectors():
    return WordVectors(embedding_dim=2).fit(TEXTS * 2), TEXTS


@cache
def stored(make):
    """Return the bytes of a model."""
    with TemporaryDirectory() as folder:
        save(make()[0], Path(folder) / "model")
        return (Path(folder) / "model").read_bytes()


def objects_of(tree, form):
    """Yield the fields of all objects of a form in a tree."""
    if isinstance(tree, dict):
        if form in tree:
            yield tree[form]
        tree = list(tree.values())
    for child in tree if isinstance(tree, list) else ():
        yield from objects_of(child, form)


def field(form, name, value):
    """Return what gives a field of the last object of a form another value."""

    def change(content):
        fields = list(objects_of(content, form))[-1]
        fields[name] = value(fields[name]) if callable(value) else value

    return change


def of_vectorizer(name, value):
    def change(content):
        values = content["steps"][0][1]["attributes"]
        values[name] = value(values[name]) if callable(value) else value
        if value is None:
            del values[name]

    return change


def with_another_name(columns):
    (_, *names), kept = columns["dict"]
    return {"dict": [["another", *names], kept]}


def with_another_id(vocabulary):
    words, (_, *ids) = vocabulary["dict"]
    return {"dict": [words, [*ids, 10**6]]}


# What a model says of its X and its labels, and what a part says that does not agree.
DISAGREEMENTS = {
    "a column of numbers": (numbers_model, field("NumberFeatures", "numbers", with_another_name)),
    "a column of categories": (
        numbers_model,
        field("NumberFeatures", "categories", with_another_name),
    ),
    "a feature of a number": (
        numbers_model,
        field("NumberFeatures", "numbers", {"dict": [["size"], [{"tuple": ["square"]}]]}),
    ),
    "the time of one encoding": (timed_model, field("ChannelScaling", "time_channel", 1)),
    "a network without weights": (
        numbers_model,
        field("SequenceModel", "weights", lambda tree: {"tuple": [1.0, *tree["tuple"][1:]]}),
    ),
    "no member that predicts": (timed_model, field("SequenceModel", "weights", {"tuple": [0, 0]})),
    "an unknown kind": (timed_model, field("InputFormat", "input_type", "pooling")),
    "an attribute less": (numbers_model, of_vectorizer("max_length_", None)),
    "an id of no word": (numbers_model, of_vectorizer("vocabulary_", with_another_id)),
    "a pattern": (numbers_model, of_vectorizer("token_pattern", "(")),
}
ARRAYS = {
    "a channel": (timed_model, "members.0.encoding.gappy", np.array([7])),
    "other inputs": (
        timed_model,
        "members.1.terms.0.features.convolutions.channels",
        np.ones((1, 84, 1), bool),
    ),
    "a convolution of no channel": (
        timed_model,
        "members.1.terms.0.features.convolutions.channels",
        np.zeros((1, 84, 8), bool),
    ),
    "an id below 1": (stream_model, "encoding.ids", np.full(8, -(2**40))),
    "a table of another width": (table_model, "embeddings.vectors", np.ones((3, 2), np.float32)),
    "NaN": (word_vectors, "vectors_", np.full((5, 2), np.nan, np.float32)),
}


@pytest.mark.parametrize(("make", "change"), DISAGREEMENTS.values(), ids=DISAGREEMENTS)
def test_parts_that_disagree_are_refused(make, change, path):
    content, arrays = parsed(stored(make))
    change(content)
    refusal(path, file_of(content, arrays))


@pytest.mark.parametrize(("make", "name", "array"), ARRAYS.values(), ids=ARRAYS)
def test_arrays_of_other_values_are_refused(make, name, array, path):
    refusal(path, with_array(stored(make), name, array))


def test_logits_that_are_not_finite_are_an_error(path):
    data = with_array(stored(timed_model), "members.1.terms.0.intercept", np.full(2, 1e308))
    content, arrays = parsed(data)
    field("SequenceModel", "weights", {"tuple": [1.0, 100.0]})(content)
    path.write_bytes(file_of(content, arrays))
    for read in (load, Predictor.load):
        with pytest.raises(InvalidSequencesError, match=r"logits of row 0 are not finite"):
            read(path).predict_proba([[[0.0, 1.0], [2.0, np.nan]]])


@pytest.mark.parametrize("optimizer", ["adamw", "adam"])
def test_an_optimizer_does_not_follow_a_state_of_another_shape(optimizer, path):
    model = small(optimizer=optimizer).partial_fit(IDS, Y, classes=[0, 1])
    save(model, path)
    data = path.read_bytes()
    for name in [name for name in parsed(data)[1] if "exp_avg" in name]:
        path.write_bytes(with_array(data, name, np.zeros(1, np.float32)))
        with pytest.raises(ValueError, match=r"shape \[1\].* is damaged"):
            load(path).partial_fit(IDS, Y)


def test_weights_of_another_type_are_refused(path, intact):
    # oneDNN would read a bias of float16 as one of float32.
    assert "weights do not fit" in refusal(
        path, with_array(intact, "output.bias", np.zeros(2, np.float16))
    )


def test_the_longest_ngram_has_a_limit(path):
    model, _ = stream_model()
    save(model, path)
    content, arrays = parsed(path.read_bytes())
    (fields,) = objects_of(content, "OnlineNgramFeatures")
    fields["longest"] = 10**12
    assert "longest does not fit: 1000000000000" in refusal(path, file_of(content, arrays))


def test_what_load_would_refuse_is_not_saved(path, vectorizer):
    deep, deeper = [], []
    for depth in range(400):
        deep, deeper = ([deep] if depth < 150 else deep), {"a": deeper}
    for note in (np.zeros((10**5, 0)), deeper):
        model = copy.copy(vectorizer)
        model.note = note
        with pytest.raises(TypeError, match="store note"):
            save(model, path)
    for note in ([[]] * 1000, deep):
        model.note = note
        save(model, path)
        assert repr(load(path).note) == repr(note)


class Hostile:
    """Runs code when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ("hostile",)


def test_a_pickle_is_refused_and_not_run(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for protocol in range(6):
        refusal(path, pickle.dumps(Hostile(), protocol))
    array = np.array([Hostile()], object)
    refusal(path, joined({"__metadata__": {"sklearn_lstm": "{} 0"}}, array.tobytes()))
    np.save(path.with_suffix(".npy"), array)
    refusal(path, path.with_suffix(".npy").read_bytes())
    assert not (tmp_path / "hostile").exists()


def test_a_file_that_is_missing_is_no_damage(path):
    for function_of_path in (load, describe):
        with pytest.raises(FileNotFoundError):
            function_of_path(path)


def test_loading_imports_nothing_that_the_file_names(path, vectorizer):
    save(vectorizer, path)
    code = (
        "import sys; from sklearn_lstm.io import load; before = set(sys.modules)\n"
        f"load({str(path)!r}); found = {{name.partition('.')[0] for name in sys.modules}}\n"
        "assert not found & {'torch', 'skops', 'skorch'}, found"
    )
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 - our own code
