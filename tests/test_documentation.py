"""What the documents say: the README's code runs, and the versions agree."""

import re
import tomllib
from pathlib import Path

import pytest

import sklearn_lstm

ROOT = Path(__file__).parent.parent


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


def test_readme_names_only_files_that_exist(readme):
    names = re.findall(r"\]\((?!http|#)([^)]+)\)", readme) + re.findall(r"examples/\w+\.py", readme)
    assert names
    assert [name for name in names if not (ROOT / name).exists()] == []


def test_versions_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    version = project["version"]
    assert sklearn_lstm.__version__ == version
    assert re.search(r"^## \[(\d.*?)\]", changelog, re.MULTILINE)[1] == version
    assert re.search(r"^version: (.*)$", citation, re.MULTILINE)[1] == version
