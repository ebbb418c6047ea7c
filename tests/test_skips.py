"""In CI a test is skipped only where the device that it needs is missing."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

CONFTEST = Path(__file__).parent / "conftest.py"
FORBIDDEN = {
    "mark": "@pytest.mark.skip(reason='no data')\ndef test(): pass",
    "module": "pytest.skip('no data', allow_module_level=True)",
    "import": "pytest.importorskip('no_such_module', reason='no data')",
    "fixture": "@pytest.fixture\ndef data(): pytest.skip('no data')\ndef test(data): pass",
}
ALLOWED = {
    "reason": "@pytest.mark.skip(reason='device: no GPU')\ndef test(): pass",
    "device": "@pytest.mark.device('cuda')\n@pytest.mark.device('no cuda')\ndef test(): pass",
    "xfail": "@pytest.mark.xfail(reason='known')\ndef test(): assert 0",
    "elsewhere": "def test(monkeypatch): monkeypatch.delenv('CI'); pytest.skip('no data')",
}


def test_ci_turns_red_at_each_skip_unless_a_device_is_missing(tmp_path):
    shutil.copy(CONFTEST, tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    device(name)\n")
    for name, code in (FORBIDDEN | ALLOWED).items():
        (tmp_path / f"test_{name}.py").write_text(f"import pytest\n\n{code}\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    command += ["--continue-on-collection-errors"]
    environment = os.environ | {"CI": "true"}
    done = subprocess.run(  # noqa: S603
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stdout
    red = set(re.findall(r"^(?:FAILED|ERROR) test_(\w+)\.py", done.stdout, re.MULTILINE))
    assert red == {*FORBIDDEN}
    assert done.stdout.count("only tests of missing devices") >= len(FORBIDDEN)
    assert "3 skipped" in done.stdout
