"""A fitted model that is stored and loaded is the same to the last bit."""

import copy
import pickle
import pickletools
from functools import cache

import joblib
import numpy as np
import pytest
import scipy.sparse as sp
import skops.io
import torch
from joblib import Parallel, delayed
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline, make_pipeline

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
from sklearn_lstm.exceptions import ModelFileError
from sklearn_lstm.io import load, save

SHORT = {"hidden_size": 6, "max_epochs": 2, "random_state": 0}
TEXTS = ["so good", "good fun, so good!", "so bad", "bad, boring", "fun!", "boring and bad", ""] * 3
LABELS = ["pos", "pos", "neg", "neg", "pos", "neg", "neg"] * 3
IDS = sp.csr_matrix(np.array([[3, 4, 0, 0], [4, 5, 3, 4], [3, 6, 0, 0], [6, 7, 0, 0]] * 4))
SERIES = [
    np.random.default_rng(seed).normal(size=(length, 3)).astype(np.float32)
    for seed, length in enumerate([5, 2, 9, 1, 4, 6, 3, 8] * 2)
]


def token_model():
    return LSTMSequenceClassifier(**SHORT).fit(IDS, [1, 1, 0, 0] * 4), IDS


def one_hot_model():
    model = LSTMSequenceClassifier(embedding_dim=None, num_layers=2, cell="gru", **SHORT)
    return model.fit(IDS, ["b", "b", "a", "a"] * 4), IDS


def numeric_model():
    model = LSTMSequenceClassifier(pooling=("attention", "mean"), cell="rnn", **SHORT)
    return model.fit(SERIES, np.arange(16) % 3), SERIES


def multilabel_model():
    y = np.arange(16)[:, np.newaxis] >> np.arange(3) & 1
    return LSTMSequenceClassifier(early_stopping=True, **SHORT).fit(SERIES, y), SERIES


def pretrained_model():
    vectors = np.random.default_rng(0).normal(size=(8, 5)).astype(np.float32)
    model = LSTMSequenceClassifier(embeddings=vectors, **SHORT)
    return model.fit(IDS, [1, 1, 0, 0] * 4), IDS


def continued_model():
    model = LSTMSequenceClassifier(**SHORT)
    model.partial_fit(IDS[:6], [1, 1, 0, 0, 1, 1], classes=[0, 1, 2])
    return model.partial_fit(IDS[6:], [0, 0, 1, 1, 2, 2, 1, 1, 0, 0]), IDS


def pipeline_model():
    model = make_pipeline(TextSequenceVectorizer(), LSTMSequenceClassifier(**SHORT))
    return model.fit(TEXTS, LABELS), TEXTS


def char_pipeline_model():
    vectorizer = TextSequenceVectorizer(analyzer="char", min_df=2, max_length=10)
    model = make_pipeline(vectorizer, LSTMSequenceClassifier(bidirectional=False, **SHORT))
    return model.fit(TEXTS, LABELS), TEXTS


MODELS = {
    "tokens": token_model,
    "one-hot": one_hot_model,
    "numeric": numeric_model,
    "multilabel": multilabel_model,
    "pretrained": pretrained_model,
    "partial_fit": continued_model,
    "pipeline": pipeline_model,
    "char pipeline": char_pipeline_model,
}


@cache
def fitted_once(make):
    """Return a model, which no test changes, and what it reads."""
    return make()


@pytest.fixture(params=MODELS.values(), ids=MODELS)
def fitted(request):
    return fitted_once(request.param)


def through_pickle(model, _, protocol=pickle.DEFAULT_PROTOCOL):
    return pickle.loads(pickle.dumps(model, protocol))


def through_old_pickle(model, folder):
    return through_pickle(model, folder, protocol=2)


def through_joblib(model, folder, mmap_mode=None, **options):
    joblib.dump(model, folder / "model.joblib", **options)
    return joblib.load(folder / "model.joblib", mmap_mode=mmap_mode)


def through_compressed_joblib(model, folder):
    return through_joblib(model, folder, compress=3)


def through_memory_map(model, folder):
    return through_joblib(model, folder, mmap_mode="r")


def through_skops(model, folder):
    skops.io.dump(model, folder / "model.skops")
    trusted = skops.io.get_untrusted_types(file=folder / "model.skops")
    return skops.io.load(folder / "model.skops", trusted=trusted)


def through_file(model, folder):
    save(model, folder / "model.safetensors")
    return load(folder / "model.safetensors")


ROUND_TRIPS = {
    "file": through_file,
    "pickle": through_pickle,
    "pickle protocol 2": through_old_pickle,
    "joblib": through_joblib,
    "joblib compressed": through_compressed_joblib,
    "joblib memory-mapped": through_memory_map,
    "skops": through_skops,
    "deepcopy": lambda model, _: copy.deepcopy(model),
    "copy": lambda model, _: copy.copy(model),
}
round_trips = pytest.mark.parametrize("round_trip", ROUND_TRIPS.values(), ids=ROUND_TRIPS)


# --- The same model


# The others are like one of these; what they keep is seen in the tests below.
@pytest.mark.parametrize("name", ["file", "pickle", "joblib memory-mapped", "skops", "deepcopy"])
def test_probabilities_survive_a_round_trip(fitted, name, tmp_path):
    round_trip = ROUND_TRIPS[name]
    model, X = fitted
    (tmp_path / "second").mkdir()
    once = round_trip(model, tmp_path)
    for restored in (once, round_trip(once, tmp_path / "second")):
        assert restored is not model
        for method in ("predict_proba", "predict_log_proba", "decision_function", "predict"):
            expected = getattr(model, method)(X)
            found = getattr(restored, method)(X)
            assert found.dtype == expected.dtype
            assert_array_equal(found, expected, err_msg=method)


@round_trips
def test_everything_fitted_survives_a_round_trip(round_trip, tmp_path):
    model, _ = fitted_once(continued_model)
    restored = round_trip(model, tmp_path)
    assert restored.get_params() == model.get_params()
    assert_array_equal(restored.classes_, model.classes_)
    assert restored.n_features_in_ == model.n_features_in_
    assert restored.input_type_ == model.input_type_
    assert restored.history_ == model.history_
    assert restored.n_epochs_ == model.n_epochs_
    assert vars(restored).keys() == vars(model).keys()
    assert not restored.module_.training


@pytest.mark.usefixtures("_new_workers")
def test_loky_workers_get_and_return_the_same_model():
    all_fitted = [fitted_once(make) for make in MODELS.values()]
    there = Parallel(n_jobs=2)(delayed(_predict_there)(model, X) for model, X in all_fitted)
    for (model, X), (probabilities, back) in zip(all_fitted, there, strict=True):
        assert_array_equal(probabilities, model.predict_proba(X))
        assert_array_equal(back.predict_proba(X), model.predict_proba(X))


def _predict_there(model, X):
    torch.set_num_threads(1)
    return model.predict_proba(X), model


def test_clone_learns_the_same_again(fitted):
    model, X = fitted
    copied = clone(model)
    with pytest.raises(NotFittedError):
        copied.predict(X)
    y = model.predict(X)
    if y.ndim == 1:  # perhaps all of one class
        y = np.resize(model.classes_, len(y))
    again = copy.deepcopy(model).fit(X, y)
    assert_array_equal(copied.fit(X, y).predict_proba(X), again.predict_proba(X))


@pytest.mark.parametrize(  # a file holds a fitted model, see test_files.py
    "round_trip", [each for name, each in ROUND_TRIPS.items() if name != "file"]
)
def test_an_unfitted_model_survives_a_round_trip(round_trip, tmp_path):
    restored = round_trip(LSTMSequenceClassifier(hidden_size=7), tmp_path)
    assert restored.get_params() == LSTMSequenceClassifier(hidden_size=7).get_params()
    with pytest.raises(NotFittedError):
        restored.predict(IDS)


# --- Training goes on


def gone_on(model, X):
    """Return the probabilities of a model after each of two further calls of `partial_fit`."""
    has_ids = model.input_type_ != "measurements"
    more, y = sp.csr_matrix(IDS.toarray() * 2) if has_ids else X, model.predict(X)  # new ids
    return [model.partial_fit(more, y).predict_proba(more) for _ in range(2)]


@cache
def gone_on_without_a_round_trip(make):
    return gone_on(*make())


@round_trips
def test_partial_fit_goes_on_as_without_the_round_trip(round_trip, tmp_path):
    for make in (continued_model, numeric_model, token_model):
        model, X = fitted_once(make)
        found = gone_on(round_trip(model, tmp_path), X)
        assert_array_equal(found, gone_on_without_a_round_trip(make))


@round_trips
def test_training_a_copy_leaves_the_original_alone(round_trip, tmp_path):
    model, X = fitted_once(continued_model)
    before = model.predict_proba(X)
    restored = round_trip(model, tmp_path)
    restored.partial_fit(X, model.predict(X))
    assert_array_equal(model.predict_proba(X), before)
    assert not np.array_equal(restored.predict_proba(X), before)


def test_training_a_memory_mapped_model_leaves_the_file_alone(tmp_path):
    model, X = fitted_once(continued_model)
    restored = through_memory_map(model, tmp_path)
    before = (tmp_path / "model.joblib").read_bytes()
    restored.partial_fit(X, model.predict(X))
    assert (tmp_path / "model.joblib").read_bytes() == before


def test_loading_leaves_torch_as_it_was():
    stored = pickle.dumps(fitted_once(token_model)[0])
    before = torch.get_rng_state(), torch.get_num_threads(), torch.get_default_dtype()
    pickle.loads(stored)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (torch.get_num_threads(), torch.get_default_dtype()) == before[1:]


# --- What a file holds


def test_a_pickle_holds_no_tensor_and_no_skorch_net(fitted):
    model, _ = fitted
    named = {
        argument.split()[0]
        for _, argument, _ in pickletools.genops(pickle.dumps(model))
        if isinstance(argument, str) and argument.strip()
    }
    assert "numpy" in " ".join(named)  # modules are found
    assert not {name for name in named if name.split(".")[0] in ("torch", "skorch", "_codecs")}


def test_skops_needs_trust_in_our_estimators_alone(fitted):
    model, _ = fitted
    steps = model if isinstance(model, Pipeline) else [model]
    untrusted = skops.io.get_untrusted_types(data=skops.io.dumps(model))
    assert untrusted == sorted(f"{type(step).__module__}.{type(step).__name__}" for step in steps)


LOADS = {  # for pickle, see tests/storing/test_envelope.py
    "joblib": (joblib.dump, joblib.load),
    "joblib memory-mapped": (joblib.dump, lambda path: joblib.load(path, mmap_mode="r")),
}


@pytest.mark.parametrize(("dump", "load"), LOADS.values(), ids=LOADS)
def test_one_flipped_byte_is_refused(dump, load, tmp_path):
    model, X = fitted_once(continued_model)
    path = tmp_path / "model"
    with path.open("wb") as file:
        dump(model, file)
    assert_array_equal(load(path).predict_proba(X), model.predict_proba(X))
    intact = path.read_bytes()
    # Short arrays are found at other places of the file, too.
    arrays = {n: a.tobytes() for n, a in model.__getstate__()["arrays"].items() if a.nbytes > 16}
    assert sum("weights" in name and "weight_hh" in name for name in arrays) == 2
    for name, stored in arrays.items():
        start = intact.index(stored)
        for position in (start, start + len(stored) // 2, start + len(stored) - 1):
            damaged = bytearray(intact)
            damaged[position] ^= 1
            path = tmp_path / f"{name}{position}"  # never write to a file that may be mapped
            path.write_bytes(damaged)
            with pytest.raises(ModelFileError, match="stored LSTMSequenceClassifier is damaged"):
                load(path)
