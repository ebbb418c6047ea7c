"""The command, as a user of a shell sees it: what it reads and prints, errors and exit codes."""

import gzip
import io
import json
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from memory_taken import peak_bytes
from sklearn.metrics import classification_report, log_loss
from sklearn.pipeline import make_pipeline

from sklearn_lstm import LSTMSequenceClassifier, Predictor, TextSequenceVectorizer
from sklearn_lstm.__main__ import main
from sklearn_lstm.inspection import explain
from sklearn_lstm.io import load, save

PAGE = Path(__file__).parents[2] / "docs" / "command_line.rst"
TEXTS = [
    "You have won a prize! Call now to claim it",
    'She said: "are you coming home,\nfor dinner?"',
    "Free entry: text WIN to 80086; now | today\tor never",
    "NA",
    "null",
    "01",
    "Urgent! Your free prize is waiting, call today \N{GRINNING FACE}",
    "",
]
TABLE = pd.DataFrame({"text": TEXTS, "label": ["spam", "ham"] * 4})
COUNTS = {"spam": 4, "ham": 4}
MANY = np.repeat([0, 4, 3, 7, 1, 5, 2, 6], 300)  # rows, read in several parts
FIT = "--seed", "0", "--set", "max_epochs=0"
MARK = "\N{ZERO WIDTH NO-BREAK SPACE}".encode()  # at the beginning of a file, of its byte order


def python_model(X, y):
    classifier = LSTMSequenceClassifier(random_state=0, max_epochs=0)
    return make_pipeline(TextSequenceVectorizer(), classifier).fit(X, y)


def as_csv(frame=TABLE, **options):
    return frame.to_csv(index=False, **options).encode()


def as_json_lines(frame=TABLE):
    return "".join(f"{json.dumps(row)}\n" for row in frame.to_dict("records")).encode()


def as_parquet(frame=TABLE):
    frame.convert_dtypes().to_parquet(file := io.BytesIO(), row_group_size=3)
    return file.getvalue()


@pytest.fixture
def run(capsys, monkeypatch):
    """A function: arguments and standard input -> (exit code, standard output, standard error)."""
    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)

    def run_command(*arguments, stdin=b""):
        file = io.BufferedReader(io.BytesIO(stdin))
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(file))
        status = 0
        try:
            main([*map(str, arguments)])
        except SystemExit as end:
            status = end.code  # or a message
        printed, errors = capsys.readouterr()
        return (1, printed, status) if isinstance(status, str) else (status, printed, errors)

    return run_command


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The file of a model of spam.csv, which lies beside it."""
    folder = tmp_path_factory.mktemp("spam")
    (folder / "spam.csv").write_bytes(as_csv())
    save(python_model(TEXTS, TABLE["label"]), folder / "spam.safetensors")
    return folder / "spam.safetensors"


# --- What is read, and what is printed


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("new.csv", b"\n" + as_csv(sep=";", lineterminator="\r\n")),
        ("new.csv", as_csv(sep="|")),
        ("new.csv", MARK + as_csv(columns=["text"])),
        ("new.csv", as_csv(columns=["text"]).replace(b'\n""\n', b"\n\n")),  # a blank line
        ("new.tsv", as_csv(sep="\t")),
        ("new.CSV.GZ", gzip.compress(as_csv(), mtime=0)),
        ("-", as_csv()),
        ("new.jsonl", MARK + as_json_lines()),
        ("new.ndjson.gz", gzip.compress(b"\n" + as_json_lines().replace(b"\n", b"\n\n"), mtime=0)),
        ("new.json", as_json_lines()[:-1]),
        ("-", gzip.compress(as_json_lines(TABLE.replace({"": None})), mtime=0)),
        ("new.parquet", as_parquet()),
        ("new", as_parquet(TABLE.replace({"": None}))),
    ],
)
def test_texts_are_strings_as_they_stand_in_every_format(name, content, run, model, tmp_path):
    path = name if name == "-" else tmp_path / name
    (tmp_path / name).write_bytes(content)
    status, printed, errors = run("predict", model, path, "--proba", stdin=content)
    found, predictor = pd.read_csv(io.StringIO(printed)), Predictor.load(model)
    assert (status, errors, [*found]) == (0, "", ["label", "ham", "spam"])
    assert (found["label"] == predictor.predict(TEXTS)).all()
    assert np.allclose(found[["ham", "spam"]], predictor.predict_proba(TEXTS), atol=1e-6)
    printed = run("predict", model, path, stdin=content)[1]
    assert printed.split() == ["label", *found["label"]]


@pytest.mark.parametrize(
    ("name", "write", "labels", "expected"),
    [
        ("x.csv", as_csv, ["NA", "01"], ["01", "NA"]),
        ("x.jsonl", as_json_lines, ["2020-01-01", "null"], ["2020-01-01", "null"]),
        ("x.jsonl", as_json_lines, [True, 1], ["1", "True"]),
        ("x.parquet", as_parquet, [10, 2], ["10", "2"]),
    ],
)
def test_labels_and_groups_are_strings_as_they_stand(  # noqa: PLR0917
    name, write, labels, expected, run, tmp_path, monkeypatch
):
    received = {}

    def fit(self, X, y, groups=None):
        received.update(self.get_params(), y=y, analyzer=X.analyzer, groups=groups)
        raise ValueError("no fit")

    monkeypatch.setattr(LSTMSequenceClassifier, "fit", fit)
    column = pd.Series(labels * 4, dtype=object)
    (tmp_path / name).write_bytes(write(TABLE.assign(label=column, who=column)))
    options = [
        "--groups",
        "who",
        "--seed",
        3,
        "--set",
        "analyzer=char",
        "--set",
        "pooling=('mean', 'last')",
    ]
    options += ["--set", "cell=gru", "--encoder", tmp_path, "--output", tmp_path / "model"]
    found = run("fit", tmp_path / name, *options)
    assert found == (1, "", f"sklearn-lstm fit {tmp_path / name}: no fit")
    assert sorted({*received["y"]}) == sorted({*received["groups"]}) == expected
    assert (received["analyzer"], received["random_state"]) == ("char", 3)
    assert (received["pooling"], received["cell"]) == (("mean", "last"), "gru")
    assert received["encoder"] == tmp_path
    assert [*tmp_path.iterdir()] == [tmp_path / name]  # a fit that fails leaves no file


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_columns_beside_the_texts_have_their_types_in_every_part(suffix, run, tmp_path):
    beside = {
        "price": [1.5, None, 3, 4] * 2,
        "code": ["01", "AB", None, "1"] * 2,  # in parts of a table, it looks like numbers
        "new": [True, None, False, True] * 2,
    }
    frame = TABLE.assign(**{name: pd.Series(v, dtype=object) for name, v in beside.items()})
    data, path = tmp_path / f"data.{suffix}", tmp_path / "model"
    write = {"csv": as_csv, "jsonl": as_json_lines, "parquet": as_parquet}[suffix]
    data.write_bytes(write(frame.astype({"code": "category"}) if suffix == "parquet" else frame))
    several = [word for name in beside for word in ("--beside", name)]
    found, one_empty = run("fit", data, *several, "--output", path, *FIT), "1 texts without a word"
    assert found == (
        0,
        "",
        f"8 rows, 2 classes, the largest {COUNTS}, categories ['code'], {one_empty}: {path}\n",
    )
    X = frame[["text", *beside]].astype({"price": float, "new": float, "code": "category"})
    expected = python_model(X, frame["label"]).predict_proba(X)
    assert (load(path).predict_proba(X) == expected).all()
    data.write_bytes(write(frame.loc[MANY]))
    status, printed, errors = run("predict", path, data, "--proba")
    assert (status, errors) == (0, "")
    found = pd.read_csv(io.StringIO(printed))[["ham", "spam"]]
    assert np.allclose(found, expected[MANY], atol=1e-6)


def test_evaluate_prints_the_report_and_the_log_loss_of_scikit_learn(run, tmp_path):
    labels, path, data = [2, 10] * 4, tmp_path / "model", tmp_path / "test.csv"
    save(fitted := python_model(TEXTS, labels), path)
    wrong = np.roll(labels, 1)  # whose order is another one as strings
    data.write_bytes(as_csv(TABLE.assign(kind=wrong)))
    report = classification_report(wrong.astype(str), fitted.predict(TEXTS).astype(str))
    expected = f"{report}\nlog loss {log_loss(wrong, fitted.predict_proba(TEXTS)):.4f}\n"
    assert run("evaluate", path, data, "--label", "kind") == (0, expected, "")


def test_a_model_reads_the_column_of_texts_that_fit_has_read(run, tmp_path):
    data, path = tmp_path / "data.csv", tmp_path / "model"
    data.write_bytes(as_csv(TABLE.rename(columns={"text": "body"}).assign(text="what else")))
    assert run("fit", data, "--text", "body", "--output", path, *FIT)[0] == 0
    expected = load(path).predict(TEXTS).tolist()
    assert run("predict", path, data)[1].split() == ["label", *expected]
    assert run("predict", path, data, "--text", "text")[1].split() != ["label", *expected]


def test_explain_prints_the_explanation_of_each_text(run, model):
    expected = "".join(f"{one}\n" for one in explain(load(model), TEXTS))
    assert run("explain", model, model.with_name("spam.csv")) == (0, expected, "")


def test_predict_takes_constant_memory_and_needs_neither_torch_nor_scikit_learn(
    run, model, tmp_path
):
    taken, data = [], tmp_path / "data.csv"
    for n_copies in (1, 1, 6):  # the first one imports
        data.write_bytes(as_csv(pd.concat([TABLE] * 300 * n_copies)))
        taken.append(peak_bytes(lambda: run("predict", model, data)))
    assert taken[2] < 1.2 * taken[1]
    code = """if True:
        import sys
        sys.modules |= dict.fromkeys(["torch", "sklearn", "safetensors"])  # not installed
        from sklearn_lstm.__main__ import main
        main()
    """
    command = [sys.executable, "-c", code, "predict", model, data]
    done = subprocess.run(command, check=True, capture_output=True)  # noqa: S603
    assert (done.stdout.count(b"\n"), done.stderr) == (1 + 6 * 300 * len(TABLE), b"")


# --- Errors and exit codes


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("x.csv", b"text\na\nb,c\n", "from line 3 on has 2 fields, the header 1. Put texts in quo"),
        ("x.csv", b'text\na\n"never\nclosed', "The row from line 3 on has a quote that does not"),
        ("x.csv", b'text,n\n"a,1\nb,2\n"c" d,3\n', "The row from line 2 on has a quote that does"),
        (
            "x.csv",
            b"text\nna\xefve\n",
            ": invalid continuation byte. Store the table as CSV in UTF-8",
        ),
        ("x.csv", b"message\na\n", "['text'], but ['message']: see --help"),
        ("x.csv", b"text,text\na,b\n", "The table has several columns ['text']"),
        ("x.csv.gz", gzip.compress(b"text\na\n", mtime=0)[:-9], "Compressed file ended before"),
        ("x.jsonl", b'{"text": "a"}\n{"text"}\n', "Expecting ':' delimiter: line 2"),
        (
            "x.jsonl",
            b'{"text": "free \\ud83d"}\n' * 1003 + b'{"text": 1}',
            "from row 1,000 on: X[3] is",
        ),
        ("x.json", b'[\n{"text": "a"}]', "no JSON lines, such as frame.to_json(path, orient="),
        ("x.json", b'{"text":{"0":"a","1":"b"}}', "no JSON lines, such as frame.to_json(path, or"),
    ],
)
def test_a_table_that_can_not_be_read_is_one_line(name, content, expected, run, model, tmp_path):  # noqa: PLR0917
    (tmp_path / name).write_bytes(content)
    status, _, errors = run("predict", model, tmp_path / name)
    assert (status, errors.count("\n"), expected in errors) == (1, 0, True), errors
    assert errors.startswith(f"sklearn-lstm predict {tmp_path / name}")


@pytest.mark.parametrize(
    ("options", "status", "expected"),
    [
        (["none.csv", "--output", "no/model"], 1, "no'"),  # before the table is read
        (["none.csv", "--output", "model"], 1, "No such file or directory: 'none.csv'"),
        (["spam.csv", "--output", "model", "--set", "lr"], 2, "--set: 'lr' is not NAME=VALUE"),
        (["spam.csv", "--output", "model", "--beside", "price"], 1, "that recur: 'n.a.'. Write"),
        (
            ["spam.csv", "--output", "model", "--set", "rate=1"],
            1,
            "--set has ['rate'], but pa",
        ),
        (["spam.csv", "--output", "model", "--set", "=1"], 2, "--set: '=1' is not NAME=VALUE"),
        (["empty.csv", "--output", "model"], 1, "The table has no rows"),
        (["spam.csv", "--output", "model", "--text", "label"], 1, "name a column twice"),
        (["spam.csv", "--output", "spam.csv"], 1, "It holds no model, so it is not replaced"),
        (
            ["spam.csv", "--output", "model.pkl"],
            1,
            "A model file is no pickle: name it .safetensors",
        ),
        (
            ["unlabelled.csv", "--output", "model"],
            1,
            "1 rows have no label, the first is row 2 of the data: leave",
        ),
    ],
)
def test_a_fit_that_fails_leaves_no_file(options, status, expected, run, tmp_path, monkeypatch):  # noqa: PLR0917
    monkeypatch.chdir(tmp_path)
    Path("spam.csv").write_bytes(as_csv(TABLE.assign(price=[*range(7), "n.a."])))
    Path("empty.csv").write_bytes(as_csv(TABLE[:0]))
    Path("unlabelled.csv").write_bytes(b"text,label\na,b\nc,\nd,e\n")
    found, printed, errors = run("fit", *options)
    assert (found, printed, Path("model").exists()) == (status, "", False)
    assert expected in errors


def test_a_model_or_labels_of_another_kind_are_told(run, model, tmp_path):
    data, path = model.with_name("spam.csv"), tmp_path / "model"
    save(python_model(TEXTS, np.transpose([[1, 0] * 4, [1, 1, 0, 0] * 2])), path)
    assert "reads no texts, or has several labels" in run("predict", path, data)[2]
    series = [[1.0, 2.0], [2.0, 1.0]] * 4
    save(LSTMSequenceClassifier(max_epochs=0).fit(series, [0, 1] * 4), path)
    assert "reads no texts, or has several labels" in run("explain", path, data)[2]
    assert "the data stand in the place of the model" in run("evaluate", data, model)[2]
    path.write_bytes(as_csv(TABLE.assign(label="egg")))
    _, _, errors = run("evaluate", model, path)
    assert errors.endswith("['ham', 'spam'], but not 1 of the table, ['egg']: leave such rows out")


def test_packages_that_are_missing_are_named(run, model, tmp_path, monkeypatch):
    (tmp_path / "x.parquet").write_bytes(as_parquet())
    for module, package in (("pyarrow.parquet", "pyarrow"), ("pandas", "pandas")):
        monkeypatch.setitem(sys.modules, module, None)
        status, _, errors = run("predict", model, tmp_path / "x.parquet")
        assert (status, errors.endswith(f": pip install {package}")) == (1, True)


def test_a_pipe_that_is_closed_ends_it_without_a_word(model, tmp_path):
    (tmp_path / "data.csv").write_bytes(as_csv(TABLE.loc[[*MANY] * 20]))
    command = [sys.executable, "-m", "sklearn_lstm", "predict", model, tmp_path / "data.csv"]
    pipes = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(command, **pipes) as process:  # noqa: S603
        assert process.stdout.readline() == b"label\n"
        process.stdout.close()  # `| head -1`
        assert (process.stderr.read(), process.wait()) == (b"", 130)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="device: the system has no such shell")
def test_the_commands_of_the_page_run(tmp_path):
    block = PAGE.read_text(encoding="utf-8").split("code-block:: bash\n")[1].split("\n- ")[0]
    table = pd.concat([TABLE] * 5).assign(price=1.5, shop=["a", "b"] * 20)
    for name in ("spam.csv", "test.csv", "new.csv"):
        (tmp_path / name).write_bytes(as_csv(table))
    renamed = table.rename(columns={"text": "review", "label": "stars"})
    (tmp_path / "shop.csv").write_bytes(as_csv(renamed))
    (tmp_path / "new.csv.gz").write_bytes(gzip.compress(as_csv()))
    shell = f'set -eu; sklearn-lstm() {{ "{sys.executable}" -m sklearn_lstm "$@"; }}\n{block}'
    subprocess.run(["bash", "-c", shell], cwd=tmp_path, check=True)  # noqa: S603, S607
    assert (tmp_path / "shop.safetensors").exists()
    assert (tmp_path / "labels.csv").read_bytes().count(b"\n") == 1 + len(table)
