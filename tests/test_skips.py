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
}


def run_modules(folder, modules, **variables):
    """Run each module as a test file beside our conftest; return the exit status and the output."""
    shutil.copy(CONFTEST, folder)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    device(name)\n")
    for name, code in modules.items():
        (folder / f"test_{name}.py").write_text(f"import pytest\n\n{code}\n")
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    command += ["--continue-on-collection-errors"]
    done = subprocess.run(  # noqa: S603
        command,
        env=environment | variables,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_ci_turns_red_at_each_skip_unless_a_device_is_missing(tmp_path):
    status, output = run_modules(tmp_path, FORBIDDEN | ALLOWED, CI="true")
    assert status == 1, output
    assert set(re.findall(r"^(?:FAILED|ERROR) test_(\w+)\.py", output, re.MULTILINE)) == {
        *FORBIDDEN
    }
    assert output.count("only tests of missing devices") >= len(FORBIDDEN)
    assert "2 skipped" in output


def test_elsewhere_tests_may_be_skipped(tmp_path):
    status, output = run_modules(tmp_path, FORBIDDEN)
    assert status == 0, output
    assert "4 skipped" in output
