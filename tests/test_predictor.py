"""`Predictor`: the predictions of the stored model, without torch and scikit-learn."""

import re
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import scipy
from sklearn.pipeline import Pipeline, make_pipeline
from small_encoder import SmallEncoder

from sklearn_lstm import LSTMSequenceClassifier, Predictor, TextSequenceVectorizer, WordVectors
from sklearn_lstm.exceptions import InputTypeWarning
from sklearn_lstm.io import ModelFileError, save
from sklearn_lstm.vectors import static_model

RNG = np.random.default_rng(0)
WORDS = ["so", "very", "good", "fun", "bad", "boring", "plot", "naïve", "film", "was", "not", "42"]
TEXTS = [" ".join(RNG.choice(WORDS, RNG.integers(0, 12))) for _ in range(120)]
NEW = [*TEXTS[:40], "never seenn before, goood!", "", "Ünknown Wörds of a plotline", "fun " * 50]
LABELS = np.array(["spam" if "good" in text else "ham" for text in TEXTS])
LENGTHS = RNG.integers(1, 20, 60)
IDS = [RNG.integers(1, 30, n) for n in LENGTHS]
SERIES = [RNG.normal(size=(n, 2)) for n in LENGTHS]
WAVES = RNG.normal(size=(60, 15))
Y = np.arange(60) % 2
NANS = [np.where(RNG.random(series.shape) < 0.3, np.nan, series) for series in SERIES]
EMBEDDING = np.random.default_rng(1).normal(size=(50, 6)).astype(np.float32)


def timed(series):
    """Return rows of a time and two values."""
    return np.column_stack([np.arange(len(series)) * 86_400.0, series])


def frame(series):
    return pd.DataFrame(series, columns=["left", "right"])


def small(**parameters):
    defaults = {"hidden_size": 6, "max_epochs": 1, "random_state": 0, "precision": "float32"}
    return LSTMSequenceClassifier(**(defaults | parameters))


def texts(vectorizer=None, X=TEXTS, y=LABELS, new=NEW, **parameters):
    """Return a fitted Pipeline, and what it predicts."""
    vectorizer = TextSequenceVectorizer(min_df=2) if vectorizer is None else vectorizer
    return make_pipeline(vectorizer, "passthrough", small(**parameters)).fit(X, y), new


def static():
    """Return vectors that a file only names: words of one length have the same."""

    def embed(words):
        return EMBEDDING[[len(word) for word in words]]

    return SimpleNamespace(tokenizer=None, embedding=EMBEDDING, embed=embed)


def priced(texts_):
    """Return a frame of texts, a number with holes and a category."""
    prices = np.where(np.arange(len(texts_)) % 7, np.arange(len(texts_)) % 5, np.nan)
    page = pd.Categorical(np.array(["front", "back"])[np.arange(len(texts_)) % 2])
    return pd.DataFrame({"text": texts_, "price": prices, "page": page})


def coded(**parameters):
    vectorizer = TextSequenceVectorizer(**parameters)
    X = vectorizer.fit_transform(TEXTS)
    return small().fit(X, LABELS), vectorizer.transform(NEW)


def series(X=SERIES, y=Y, **parameters):
    return small(**parameters).fit(X, y), X[:20]


def learned():
    return WordVectors(embedding_dim=4).fit([f"{text} evening morning" for text in TEXTS])


SETS = np.column_stack([Y, RNG.random(60) < 0.2, RNG.random(60) < 0.7])
LISTS = [text.split() for text in TEXTS]
KINDS = {  # beside those of the golden files, which it reads too
    "words": texts,
    "words in order": lambda: texts(linear_model=False, max_epochs=3),
    "words of bytes": lambda: texts(new=[text.encode() for text in NEW]),
    "words by a pattern": lambda: texts(
        TextSequenceVectorizer(token_pattern=r"\w+", stop_words="english", strip_accents="ascii")
    ),
    "analyzer=list": lambda: texts(TextSequenceVectorizer(analyzer=list), LISTS, new=LISTS[:9]),
    "dense output": lambda: texts(TextSequenceVectorizer(output="dense", padding="pre")),
    "one-hot output": lambda: texts(TextSequenceVectorizer(output="onehot", min_df=5)),
    "CSR": coded,
    "dense ids": lambda: coded(output="dense"),
    "ragged ids": lambda: series(IDS),
    "one-hot": lambda: series(IDS, embedding_dim=None),
    "ids and an array of vectors": lambda: series(IDS, embeddings=EMBEDDING[:30]),
    "network alone": lambda: series(linear_model=False),
    "series": lambda: series(WAVES),
    "channels": series,
    "as they are": lambda: series(normalize=False, embedding_dim=None),
    "long series in frames": lambda: series(RNG.normal(size=(24, 800, 1)), Y[:24]),
    "holes": lambda: series(NANS),
    "times": lambda: series([*map(timed, SERIES)], time_channel=0),
    "frames with names": lambda: series([*map(frame, SERIES)]),
    "several labels": lambda: series(y=SETS),
    "thresholds": lambda: series(y=SETS, threshold="f1"),
    "a threshold": lambda: texts(threshold=0.3),
    "40 classes": lambda: texts(X=TEXTS[:80], y=np.arange(80) % 40),
    "numbers as classes": lambda: series(y=Y * 1.0),
    "GRU": lambda: series(cell="gru", pooling=("attention", "last"), linear_model=False),
    "WordVectors": lambda: texts(embeddings=learned(), linear_model=False),
    "a dict of vectors": lambda: texts(embeddings=dict(zip(WORDS, EMBEDDING, strict=False))),
    "a static model": lambda: texts(embeddings=static_model(static())),
    "an encoder": lambda: texts(encoder=SmallEncoder()),
    "numbers beside texts": lambda: texts(X=priced(TEXTS), new=priced(NEW)),
}
GIVEN = {  # to `load`
    "a static model": {"embeddings": static_model(static())},
    "an encoder": {"encoder": SmallEncoder()},
}


@pytest.mark.filterwarnings("ignore:Each step of X is one-hot")
@pytest.mark.filterwarnings("ignore:Texts longer than")  # dense output is as wide as at fit
@pytest.mark.parametrize("name", KINDS)
def test_predictions_are_those_of_the_classifier(name, path):
    model, X = KINDS[name]()
    save(model, path)
    predictor = Predictor.load(path, **GIVEN.get(name, {}))
    expected = model.predict_proba(X)
    np.testing.assert_allclose(predictor.predict_proba(X), expected, rtol=0, atol=1e-6)
    assert np.ptp(expected, axis=0).min() > 1e-4
    for found, known in (
        (predictor.predict(X), model.predict(X)),
        (predictor.classes_, model.classes_),
        (predictor.thresholds_, (model[-1] if isinstance(model, Pipeline) else model).thresholds_),
    ):
        assert found.dtype == known.dtype
        np.testing.assert_array_equal(found, known)


# --- Installed without its dependencies


@pytest.mark.slow
def test_a_wheel_beside_numpy_and_scipy_alone_predicts(tmp_path, path):
    pip, root = [sys.executable, "-m", "pip", "--quiet"], Path(__file__).parents[1]
    build = "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path, root
    subprocess.run([*pip, *build], check=True)  # noqa: S603
    (wheel,) = tmp_path.glob("*.whl")
    site = tmp_path / "site"
    install = "install", "--no-deps", "--no-index", "--target", site, wheel
    subprocess.run([*pip, *install], check=True)  # noqa: S603
    for package in (np, scipy):
        folder = Path(package.__file__).parent
        for part in folder.parent.glob(f"{folder.name}*"):  # its libraries too
            (site / part.name).symlink_to(part)
    model, X = texts()
    save(model, path)
    lines = f"""
        import sys
        sys.path.append({str(site)!r})
        from sklearn_lstm import Predictor
        assert Predictor.load({str(path)!r}).predict({X!r}).tolist() == {model.predict(X).tolist()}
        from importlib.util import find_spec
        others = "sklearn", "torch", "skorch", "joblib", "safetensors", "narwhals"
        assert not any(map(find_spec, others))  # nothing else is there
    """
    command = [sys.executable, "-I", "-S", "-W", "error", "-c", dedent(lines)]
    subprocess.run(command, check=True)  # noqa: S603


# --- What it refuses


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (lambda: TextSequenceVectorizer().fit(TEXTS), "holds TextSequenceVectorizer, but"),
        (
            lambda: make_pipeline(TextSequenceVectorizer().fit(TEXTS), *KINDS["words"]()[0]),
            "holds TextSequenceVectorizer, TextSequenceVectorizer, LSTM",
        ),
        (learned, "holds WordVectors, but"),
    ],
    ids=["a vectorizer", "two vectorizers", "vectors"],
)
def test_what_it_does_not_read_names_the_function_that_does(make, found, path):
    save(make(), path)
    with pytest.raises(ModelFileError, match=rf"{re.escape(str(path))}.*{found}.*load reads it"):
        Predictor.load(path)


def test_an_estimator_in_place_of_a_file_is_told_what_to_do():
    with pytest.raises(TypeError, match=r"io\.save\(model, path\), then Predictor\.load\(path\)"):
        Predictor(LSTMSequenceClassifier())


def test_an_encoder_that_was_not_given_is_named(path):
    save(KINDS["an encoder"]()[0], path)
    with pytest.raises(ModelFileError, match=r"encoder='SmallEncoder'.*load\(path, encoder="):
        Predictor.load(path)
    with pytest.raises(TypeError, match="static_model"):
        Predictor.load(path, embeddings=EMBEDDING)


def test_other_columns_beside_texts_than_at_fit_are_refused_as_by_the_pipeline(path):
    model, X = KINDS["numbers beside texts"]()
    save(model, path)
    predictor = Predictor.load(path)
    X = X.rename(columns={"text": "body"})
    message = r"lacks \['text'\] and adds \['body'\]\. Pass frame\[\['text', 'price', 'page'\]\]"
    for read in (model.predict, predictor.predict, predictor.predict_proba, predictor.known_share):
        with pytest.raises(ValueError, match=message):
            read(X)


def test_it_tells_how_much_of_each_text_the_model_knows(tmp_path):
    model, new = texts()
    save(model, tmp_path / "texts")
    new = [*new, "good moon"]
    shares = Predictor.load(tmp_path / "texts").known_share(new)
    assert shares.tolist() == model[0].known_share(new).tolist()
    assert {*shares} == {0.0, 0.5, 1.0}
    save(small(max_epochs=0).fit(WAVES, Y), tmp_path / "series")
    with pytest.raises(TypeError, match="of texts, but this model reads sequences"):
        Predictor.load(tmp_path / "series").known_share(new)


def test_many_texts_without_a_known_word_are_told(tmp_path):
    texts, unknown = ["so good", "bad day"] * 15, ["quite unheard-of"] * 25
    model = make_pipeline(TextSequenceVectorizer(), LSTMSequenceClassifier(linear_model="alone"))
    save(model.fit(texts, [1, 0] * 15), tmp_path / "texts")
    for one in (model, Predictor.load(tmp_path / "texts")):
        with pytest.warns(InputTypeWarning, match="The model knows no token of X"):
            one.predict(unknown)
        one.predict(unknown[:3])
        one.predict([*unknown, "good"])
    with pytest.raises(TypeError, match=r"The name of a file is needed.*found BytesIO"):
        save(model, BytesIO())
