"""The modules of the examples, and files in the place of those that they download."""

import hashlib
import importlib
import io
import zipfile
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def module(request, monkeypatch, tmp_path):
    """The module of the examples that a test file names, with a cache of its own."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.setenv("SKLEARN_LSTM_CACHE", str(tmp_path))
    return importlib.import_module(request.module.MODULE)


@pytest.fixture
def put(module, monkeypatch, tmp_path):
    """A function: name, and bytes or the files of a wheel; it puts them into the cache."""

    def put_into_cache(name, content, module=module):
        content = zipped(content) if isinstance(content, dict) else content
        real = getattr(module, name)
        (tmp_path / real.file).write_bytes(content)
        checksum = hashlib.sha256(content).hexdigest()
        monkeypatch.setattr(module, name, type(real)(real.file, checksum))

    return put_into_cache


def zipped(files):
    """Return the bytes of a zip file."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as wheel:
        for path, data in files.items():
            wheel.writestr(path, data)
    return content.getvalue()
