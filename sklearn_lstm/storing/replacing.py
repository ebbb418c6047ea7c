"""A file that is replaced only by a complete one."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedRandom
from pathlib import Path
from uuid import uuid4


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BufferedRandom]:
    """Yield a file to write and read, which replaces that of this name once it is on the disk."""
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{uuid4().hex}.tmp")  # short, whatever the name of the file
    old = target.stat() if target.exists() else None
    try:
        # Nobody may read the new content who may not read the old one, not even meanwhile.
        temporary.touch(0o666 if old is None else 0o600, exist_ok=False)
        with temporary.open("w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if old is not None:
            _set_rights(temporary, old)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    if os.name == "posix":
        _sync_folder(target.parent)  # so that the new name is on the disk too


def _set_rights(path: Path, old: os.stat_result) -> None:
    """Give a file the mode of another one, and its owner and group where the system lets us."""
    if os.name == "posix":
        for owner in (-1, old.st_uid):
            with suppress(PermissionError):
                os.chown(path, owner, old.st_gid)
    path.chmod(stat.S_IMODE(old.st_mode))


def _sync_folder(path: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
