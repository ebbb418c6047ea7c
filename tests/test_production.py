"""The programs on the page "In production" run as they stand there, on the loopback address."""

import importlib.util
import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from sklearn_lstm import LSTMSequenceClassifier, Predictor, TextSequenceVectorizer
from sklearn_lstm.io import save

DOCS = Path(__file__).parents[1] / "docs"
SPAM, HAM = "Call now to claim your prize", "See you at six"
SECONDS = 60  # until the service answers, at most
WORKERS = """
from multiprocessing import get_context

from sklearn_lstm import Predictor

model = Predictor.load("spam.safetensors")


def labels(texts):
    return model.predict(texts).tolist()


if __name__ == "__main__":
    parts = [["Call now to claim your prize"], ["See you at six"]]
    with get_context("fork").Pool(2) as workers:
        print(workers.map(labels, parts))
"""


@pytest.fixture(scope="module")
def program():
    """A function: the name of a program -> the program that the page shows."""
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(DOCS)
        return import_module("recipes").program


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a stored model."""
    folder = tmp_path_factory.mktemp("production")
    model = make_pipeline(TextSequenceVectorizer(), LSTMSequenceClassifier(max_epochs=0))
    save(model.fit([SPAM, HAM] * 4, ["spam", "ham"] * 4), folder / "spam.safetensors")
    return folder


@pytest.fixture(scope="module")
def ask(folder, program):
    """A function that sends JSON to the service of the page: (status, answer)."""
    (folder / "app.py").write_text(program("app.py"), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def ask(content):
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        address = f"http://127.0.0.1:{port}/probabilities"
        try:
            with urllib.request.urlopen(address, data, timeout=SECONDS) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    command = [sys.executable, "-m", "uvicorn", "app:app", "--port", str(port)]
    with subprocess.Popen([*command, "--log-level", "warning"], cwd=folder) as service:  # noqa: S603
        try:
            for _ in range(10 * SECONDS):
                try:
                    ask([])
                    break
                except urllib.error.URLError:
                    assert service.poll() is None
                    time.sleep(0.1)
            yield ask
        finally:
            service.terminate()


def test_the_service_answers_what_the_model_predicts(ask, folder):
    model = Predictor.load(folder / "spam.safetensors")
    texts = [SPAM, "\N{CJK UNIFIED IDEOGRAPH-4E2D}", "", "six or seven"]
    status, rows = ask(texts)
    assert status == 200
    assert np.allclose([[row["ham"], row["spam"]] for row in rows], model.predict_proba(texts))
    assert [row["known"] for row in rows] == [1, 0, 0, pytest.approx(1 / 3)]
    assert ask([]) == (200, [])


@pytest.mark.parametrize("content", [b"", b"{", {"texts": []}, [1], "text", b"\xff", b"[" * 90_000])
def test_the_service_refuses_what_is_no_list_of_texts(content, ask):
    assert ask(content) == (400, {"error": "expected a JSON list of texts"})


def test_the_service_reads_no_more_of_a_request_than_it_says(ask):
    assert ask([SPAM * 3000])[0] == 200
    assert ask([SPAM * 4000]) == (413, {"error": "more than 100,000 bytes"})
    assert ask([SPAM])[0] == 200


def test_the_service_answers_many_clients_each_with_its_own_texts(ask):
    alone = {text: ask([text])[1] for text in (SPAM, HAM)}
    asked = [[SPAM], [HAM], [HAM, SPAM], []] * 20
    with ThreadPoolExecutor(16) as clients:
        answers = list(clients.map(ask, asked))
    for texts, (status, rows) in zip(asked, answers, strict=True):
        assert status == 200
        for text, row in zip(texts, rows, strict=True):
            assert row == {name: pytest.approx(p, abs=1e-6) for name, p in alone[text][0].items()}


def imported(path):
    """Return the module of a file."""
    specification = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_short_service_labels_texts(folder, program, monkeypatch):
    (folder / "short_app.py").write_text(program("short_app.py"), encoding="utf-8")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [*sys.path, str(DOCS.parent / "tests" / "stand_ins")])
    labels = imported(folder / "short_app.py").labels
    assert labels([SPAM, HAM]) == ["spam", "ham"]
    assert labels([]) == []


@pytest.mark.device("fork")
def test_forked_workers_predict(folder):
    (folder / "workers.py").write_text(WORKERS, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", "workers.py"],
        cwd=folder,
        capture_output=True,
        check=False,
        timeout=SECONDS,
    )
    assert (done.stdout, done.stderr) == (b"[['spam'], ['ham']]\n", b"")
