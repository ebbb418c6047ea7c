"""`partial_fit` makes a new model in each call: the old one stays as it was."""

import copy
import pickle
import sys
from importlib import import_module
from pathlib import Path
from threading import Thread

import numpy as np
import pandas as pd
import pytest
import torch
from memory_taken import peak_bytes
from numpy.testing import assert_array_equal
from sklearn.pipeline import make_pipeline
from skorch.callbacks import Callback, EpochScoring
from small_models import small

import sklearn_lstm
from sklearn_lstm import Predictor, TextSequenceVectorizer, WordVectors
from sklearn_lstm.io import load, save
from sklearn_lstm.streaming import fit_batches


def growing(**parameters):
    """Return a small network, beside which `partial_fit` learns n-grams."""
    return small(linear_model=True, **parameters)


def stream(rng):
    """Yield samples, some of whose ids are new, and some of whose steps have no id."""
    for number in range(12):
        n_ids = 20 + 15 * number
        yield [rng.integers(1, n_ids, rng.integers(0, 9)) for _ in range(3)], [0, 1, number % 2]


class Scaled(torch.nn.CrossEntropyLoss):
    """A loss with weights of its own, which the optimiser trains too."""

    def __init__(self, **options):
        super().__init__(**options)
        self.scale = torch.nn.Parameter(torch.ones(2))

    def forward(self, logits, targets):
        return super().forward(self.scale * logits, targets)


def test_the_weights_of_a_criterion_are_none_of_the_network():
    model = small(criterion=Scaled)
    for X, y in stream(np.random.default_rng(0)):
        model.partial_fit(X, y, classes=[0, 1])
    assert np.isfinite(model.predict_proba([[2, 150]])).all()


def test_another_optimizer_forgets_what_the_last_one_has_gathered():
    model = growing(optimizer="adamw").partial_fit([[2, 3], [4, 5]], [0, 1], classes=[0, 1])
    model.set_params(optimizer="adam").partial_fit([[2]], [0])
    state = model.net_.optimizer_.state[model.module_.embedding.weight]
    codes = model._fitted.model.network.encoding(np.array([2, 3, 4, 5]))
    assert state["exp_avg"][codes].any(axis=1).tolist() == [True, False, False, False]


class Seeds(Callback):
    """Keep the seed of each training."""

    seen: list[int] = []  # noqa: RUF012 - shared by all copies on purpose

    def on_train_begin(self, net, **_):
        self.seen.append(net.module_.generator.initial_seed())


@pytest.mark.slow
def test_no_two_of_many_calls_draw_alike_though_their_rows_are_dropped():
    model = small(hidden_size=1, callbacks=[Seeds()])
    Seeds.seen.clear()
    for call in range(1_002):
        model.partial_fit([[2], [3]], [0, 1], classes=[0, 1])
        if call == 998:
            rows = model.history_
    assert len(set(Seeds.seen)) == model.n_epochs_ == 1_002
    assert len(rows) == 999
    assert model.history_[:-3] == rows[2:]
    assert len(model.history_) == 1_000
    again = pickle.loads(pickle.dumps(model)).partial_fit([[2], [3]], [0, 1])
    assert again.n_epochs_ == 1_003
    assert_array_equal(
        again.predict_proba([[2]]), model.partial_fit([[2], [3]], [0, 1]).predict_proba([[2]])
    )


# --- What others hold stays as it is


def learned():
    """Return a network that has learned some ids."""
    model = growing().partial_fit([[2, 3], [4, 5]], [0, 1], classes=[0, 1])
    return model.partial_fit([[2, 6]], [0])


@pytest.mark.parametrize("ids", [[2, 5], [2, 9]])
def test_a_module_does_not_learn_from_later_samples(ids):
    model = learned()
    module, optimizer = model.module_, model.net_.optimizer_
    before = copy.deepcopy((module.state_dict(), optimizer.state_dict()["state"]))
    model.partial_fit([ids], [1])
    for name, weight in module.state_dict().items():
        assert torch.equal(weight, before[0][name]), name
    for place, state in optimizer.state_dict()["state"].items():
        assert all(torch.equal(state[name], before[1][place][name]) for name in state), place


def test_a_callback_predicts_with_the_model_before_the_call():
    model, seen = learned(), []

    def score(*_):
        seen.append(model.predict_proba([[2, 3], [4, 5]]))
        return 0

    before = model.predict_proba([[2, 3], [4, 5]])
    model.set_params(callbacks=[EpochScoring(score, name="seen", on_train=True)])
    model.partial_fit([[2, 3], [4, 9]], [1, 0])
    assert_array_equal(seen[0], before)
    assert (model.predict_proba([[2, 3], [4, 5]]) != before).any()


def test_another_thread_predicts_with_a_model_that_has_learned_a_whole_call_or_nothing():
    model, seen, is_over = learned(), [], []

    def predict():
        while not is_over:
            seen.append(model.predict_proba([[2, 3], [4, 5]]))

    expected = [model.predict_proba([[2, 3], [4, 5]])]
    thread = Thread(target=predict)
    thread.start()
    try:
        for id_ in range(7, 27):
            model.partial_fit([[2, 3], [4, id_]], [1, 0])
            expected.append(model.predict_proba([[2, 3], [4, 5]]))
    finally:
        is_over.append(True)
        thread.join()
    assert len(seen) > 20
    assert all(any(np.array_equal(proba, one) for one in expected) for proba in seen)


# --- All or nothing


class Interruptions:
    """Press Ctrl-C before one line of the package, or of one module, after the other."""

    def __init__(self, module):
        self.path = str(Path(sklearn_lstm.__file__).parent / module)
        self.n_lines, self.is_whole = 0, not module

    def lines(self):
        """Return the numbers of all lines; of the package some, and all of the last ones."""
        last = range(max(1, self.n_lines - 60), self.n_lines + 1)
        return [*range(1, last[0], 17), *last] if self.is_whole else range(1, self.n_lines + 1)

    def interrupt(self, call, line):
        """Call, and return whether it was interrupted before the line of this number."""
        self.n_lines = 0

        def trace(frame, event, _):
            if not frame.f_code.co_filename.startswith(self.path):
                return None
            if event == "line":
                self.n_lines += 1
                if self.n_lines == line:
                    sys.settrace(None)
                    raise KeyboardInterrupt
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            call()
        except KeyboardInterrupt:
            return True
        finally:
            sys.settrace(before)
        return False


SERIES = np.random.default_rng(0).normal(size=(6, 3))
NAMED = pd.DataFrame({"first": [2, 3], "second": [3, 2]})


def fitted_classifier():
    return small(max_epochs=1).fit(NAMED, ["a", "b"])


def as_lists(state):
    """Return the state of an optimiser, whose copies hold arrays in place of tensors, as lists."""
    if isinstance(state, dict):
        return {name: as_lists(value) for name, value in state.items()}
    return state if isinstance(state, str) else np.asarray(state).tolist()


def contents(model):
    """Return what is fitted, as text: all but times."""
    values = []
    for step in getattr(model, "named_steps", {"model": model}).values():
        attributes = vars(step) | {"_counts": None}
        if attributes.get("_fitted") is not None:
            fitted = attributes.pop("_fitted")
            weights = fitted.model.network.module.state_dict()
            attributes["optimizer"] = as_lists(fitted.model.network.optimizer_state)
            attributes["labels"] = fitted.labels, fitted.input_format, fitted.n_samples
            attributes["weights"] = {name: table.tolist() for name, table in weights.items()}
        values.append(attributes)
    return repr(values)


@pytest.mark.filterwarnings("ignore:Each row of X is read as")
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # a temporary one
@pytest.mark.parametrize(
    ("module", "prepared", "learn"),
    [
        ("", learned, lambda model: model.partial_fit([[2, 3, 8], [4, 9]], [1, 0])),
        (
            "",
            lambda: TextSequenceVectorizer(min_df=2).partial_fit(["a b a", "b c d"]),
            lambda vectorizer: vectorizer.partial_fit(["c c a e f"]),
        ),
        ("classifier.py", fitted_classifier, lambda model: model.fit(SERIES, [1, 2, 3] * 2)),
        ("classifier.py", fitted_classifier, lambda model: model.partial_fit(NAMED, ["b", "a"])),
        ("classifier.py", small, lambda model: model.partial_fit(NAMED, [3, 1], [1, 2, 3])),
        (
            "streaming.py",
            lambda: make_pipeline(TextSequenceVectorizer(), small()).fit(["a b", "b c"], [1, 2]),
            lambda model: fit_batches(model, [(["d e", "f"], [4, 3]), (["g d"], [5])]),
        ),
        (
            "vectorizer.py",
            lambda: TextSequenceVectorizer().fit(["a b"]),
            lambda vectorizer: vectorizer.fit(["c d e", "f"]),
        ),
        (
            "word_vectors.py",
            lambda: WordVectors(TextSequenceVectorizer()).fit(["a b", "c d"]),
            lambda vectors: vectors.fit(["e f g", "g h"]),
        ),
    ],
)
def test_ctrl_c_leaves_the_old_model_or_the_new_one(module, prepared, learn):
    old, interruptions = prepared(), Interruptions(module)
    before, model = contents(old), copy.deepcopy(old)
    interruptions.interrupt(lambda: learn(model), None)
    after, n_unchanged = contents(model), 0
    for line in interruptions.lines():
        model = copy.deepcopy(old)
        assert interruptions.interrupt(lambda: learn(model), line)  # noqa: B023
        is_unchanged = contents(model) == before
        assert is_unchanged or contents(model) == after
        n_unchanged += is_unchanged
    assert 0 < n_unchanged < interruptions.n_lines


# --- The vectorizer


def test_one_text_makes_nothing_as_large_as_the_vocabulary():
    n_words = 200_000  # a constant megabyte is for the words of any call
    vectorizer = TextSequenceVectorizer().partial_fit([" ".join(f"w{n}" for n in range(n_words))])
    assert peak_bytes(lambda: vectorizer.transform(["w1 w7 newest"])) < 8 * n_words


def test_the_long_stream_of_the_page_goes_on_where_it_was_killed(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "docs")
    program = import_module("recipes").program("long_stream.py", "online_learning.rst")
    exec(program, page := {})  # noqa: S102 - as a reader does
    batches = [([f"good w{number}", f"bad w{number}"], [1, 0]) for number in range(7)]

    def killed():
        yield from batches[:5]
        raise KeyboardInterrupt

    def learn(batches, name):
        return page["learn"](batches, [0, 1], tmp_path / name, every=2)

    with pytest.raises(KeyboardInterrupt):
        learn(killed(), "killed")
    assert load(tmp_path / "killed")[-1].n_batches == 4
    models = learn(batches, "killed"), learn(batches, "whole")
    assert [model[-1].n_epochs_ for model in models] == [7, 7]
    texts = [text for texts, _ in batches for text in texts]
    again, whole = (model.predict_proba([*texts, "new"]) for model in models)
    assert_array_equal(again, whole)


def test_ids_of_a_vectorizer_that_was_fitted_again_are_refused(tmp_path):
    texts, y = ["good day", "bad day", "good fun", "bad fun"] * 5, [1, 0, 1, 0] * 5
    model = make_pipeline(TextSequenceVectorizer(), small()).fit(texts, y)
    before, expected = model[0].transform(texts), model.predict_proba(texts)
    model[0].partial_fit(["a new word"])  # tokens keep their ids
    for proba in (model.predict_proba(texts), model[1].predict_proba(before)):
        assert_array_equal(proba, expected)
    stored = pickle.loads(pickle.dumps(model[1]))
    for others in (["fun fun bad bad day good"], ["zebra"]):
        model[0].fit(others)
        for use in (
            model.predict,
            lambda X: model[1].partial_fit(model[0].transform(X), y),
            lambda X: stored.predict(model[0].transform(X)),
            lambda _: (save(model, tmp_path / "model"), Predictor.load(tmp_path / "model")),
        ):
            with pytest.raises(ValueError, match=r"other tokens than at fit: use the vectorizer"):
                use(texts)
    model.fit(texts, y).predict(texts)
