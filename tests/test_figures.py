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
    return import_module("write_figures")


def test_readme_and_pages_show_the_measured_figures_and_the_numbers_of_the_code(script):
    assert script.part(script.read(DOCS / "accuracy.csv")).count(" s)") > 4
    pages = script.pages()
    assert {path.name for path in pages} > {"README.md", "results.md", "formulas.rst"}
    assert {path: path.read_text(encoding="utf-8") for path in pages} == pages


def test_a_number_of_the_code_replaces_what_a_page_says(script):
    told = {"at most {} of {} lines": ["1,000", "2 million"]}
    text = "Reads at\nmost 7 of 1.5 million lines, once.\n"
    assert script.with_figures(text, told, "page") == text.replace("7", "1,000").replace("1.5", "2")
    with pytest.raises(ValueError, match="page has 0 times"):
        script.with_figures("at most ten of 8 lines", told, "page")


def test_a_table_of_a_page_is_aligned(script):
    rows = [["n", "seconds"], ["1,000", "2"]]
    assert script.plain_table(rows).splitlines() == [
        "=====  =======",
        "n      seconds",
        "=====  =======",
        "1,000  2",
        "=====  =======",
    ]


def test_readme_shows_nothing_of_this_package_that_was_measured_at_no_commit(script):
    rows = script.read(DOCS / "accuracy.csv")
    n_tasks = int(re.search(r"of the (\d+) tasks", script.part(rows))[1])
    for row in rows:
        if (row["task"], row["model"]) == ("dna_splice", script.OURS):
            row["commit"] = ""
    part = script.part(rows)
    assert "splice" not in part
    assert f"of the {n_tasks - 1} tasks" in part


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


def test_tables_of_intensive_care_and_of_seconds_grow_with_what_was_measured(measured, tmp_path):
    row = {"task": "icu_stays", "model": measured.OURS, "AUC": "0.870", "AUPRC": "0.540"}
    measured.write_stays([{"task": "icu_stays", "model": "of old"}, row], tmp_path)
    shown = measured.read(tmp_path / "intensive_care.csv")
    assert [row["AUC"] for row in shown] == ["0.872", "0.870", "0.865"]
    names = ("task", "percent", "limited by", "limit", "fit", "in epochs", "epochs", "a", "l", "c")
    fits = (
        ("trec", "", "", "", "9.05", "8", "7", "90", ".3", ""),
        ("trec", "10", "max_seconds", "0.905", "1.1", ".2", "1", "89", ".4", ""),
    )
    measured.write_limits([dict(zip(names, fit, strict=True)) for fit in fits], tmp_path)
    assert measured.read_rows(tmp_path / "max_seconds.csv")[1:] == [
        ["TREC questions", "", "none", "9.05", "7", "90", ".3"],
        ["", "10 %", "`max_seconds=0.905`", "1.1", "1", "89", ".4"],
    ]
