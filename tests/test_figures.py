"""The accuracies that README quotes are those that the benchmark wrote into docs/accuracy.csv."""

import csv
import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def test_readme_shows_the_measured_accuracies(monkeypatch):
    monkeypatch.syspath_prepend(DOCS)
    script = import_module("accuracy_table")
    table = script.table(script.read(DOCS / "accuracy.csv"))
    assert table in (ROOT / "README.md").read_text()
    assert table.count(" %") > 80


def test_a_row_is_bold_from_two_standard_errors_on(monkeypatch):
    monkeypatch.syspath_prepend(DOCS)
    script = import_module("accuracy_table")
    best = {"accuracy": "90.00", "tested": "1000"}  # a standard error of 1.3 points
    assert script.is_better({"accuracy": "92.70 ± 0.20", "tested": "1000"}, best)
    assert not script.is_better({"accuracy": "92.40 ± 0.20", "tested": "1000"}, best)


def test_readme_quotes_the_accuracies_with_few_labels():
    with (DOCS / "few_labels.csv").open() as file:
        accuracies = {
            row["model"]: float(row["accuracy"])
            for row in csv.DictReader(file)
            if (row["task"], row["size"]) == ("mr_polarity", "100")
        }
    line = (ROOT / "README.md").read_text().split("**Few labels, many texts?**")[1].split("\n\n")[0]
    with_vectors = "vectors of texts without labels"
    models = ("LSTMSequenceClassifier", with_vectors, "tf-idf of words and letters, SVM")
    figures = [accuracies[model] for model in models]
    assert [float(each) for each in re.findall(r"([\d.]+) %", line)] == pytest.approx(
        figures, abs=0.0501
    )
