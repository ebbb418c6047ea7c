"""The folder of a fit that may be killed: its name, its lock, and its end."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

import joblib
import numpy as np
import torch
from threadpoolctl import threadpool_info

from sklearn_lstm.data.sequences import Samples, chunks_of_rows
from sklearn_lstm.io.envelope import heading
from sklearn_lstm.io.stored_form import Packer, to_text
from sklearn_lstm.training.checkpoint import check_can_be_pickled
from sklearn_lstm.training.configuration import Configuration

LOCK = "lock"


@contextmanager
def checkpoint_of_fit(
    samples: Samples,
    validation: Samples | None,
    configuration: Configuration,
    *,
    folder: str | os.PathLike[str] | None,
    rng: np.random.Generator,
    is_seeded: bool,
) -> Iterator[tuple[Path | None, np.random.Generator]]:
    """Lock the folder of a fit while the fit runs, and delete it after success.

    It is the folder that the same fit has left when it was killed, or a new one. Its name is a hash
    of all that the result depends on, followed by a random number. If the user gives no seed, this
    number is the seed, so that a fit goes on with the seed it began with.

    Parameters
    ----------
    samples : Samples
    validation : Samples or None
    configuration : Configuration
    folder : path or None
        Of all fits. None: that of this fit is None too, and nothing is hashed.
    rng : numpy Generator
    is_seeded : bool
        Whether the user gives the seed.

    Yields
    ------
    folder : Path or None
    rng : numpy Generator
        The generator to fit with.

    Raises
    ------
    ValueError
        For a callback that can't be pickled.
    """
    if folder is None:
        yield None, rng
        return
    unnamed = [entry[1] if isinstance(entry, tuple) else entry for entry in configuration.callbacks]
    user_callbacks = {f"callbacks[{place}]": callback for place, callback in enumerate(unnamed)}
    check_can_be_pickled(user_callbacks, user_callbacks)
    libraries = {f"{library['user_api']} {library['num_threads']}" for library in threadpool_info()}
    facts = {
        "versions": heading()["versions"] | {name: version(name) for name in ("skorch", "torch")},
        "threads": [torch.get_num_threads(), *sorted(libraries)],  # by which results are rounded
        "configuration": repr(configuration),
        "callbacks": joblib.hash(
            [(repr(type(callback)), callback.__getstate__()) for callback in unnamed]
        ),
        "seed": rng.bit_generator.seed_seq.entropy if is_seeded else None,  # type: ignore[attr-defined]
        "data": [_content(samples), _content(validation)],
        "previous": configuration.previous,
    }
    name = blake2b(to_text(Packer()(facts, "")).encode(), digest_size=16).hexdigest()
    with _held(Path(folder).absolute(), name) as path:
        drawn = int(path.name.partition("-")[2], 16)
        yield path, rng if is_seeded else np.random.default_rng(drawn)


def _content(samples: Samples | None) -> Any:
    """Return what distinguishes these samples from others: arrays, and a hash of all steps."""
    if samples is None:
        return None
    sequences, targets = samples.sequences, samples.targets
    spelling, vectors = sequences.spelling, sequences.vectors
    steps = blake2b()
    for rows in chunks_of_rows(sequences.lengths * (sequences.n_channels or 1)):
        steps.update(sequences.read_spellings(rows).tobytes())
    if spelling is not None:
        steps.update(repr((dict(spelling.vocabulary), spelling.unknown_words)).encode())
    return {
        "steps": steps.hexdigest(),
        "channels": [sequences.n_channels, sequences.time_channel, sequences.has_missing],
        "lengths": sequences.lengths,
        "targets": [targets.values, targets.weights, targets.groups, targets.n_outputs],
        "vectors": vectors and [vectors.ids, vectors.vectors, vectors.scales],
        "encoder": sequences.encoder and sequences.encoder.fixed_vectors,
    }


@contextmanager
def _held(folder: Path, name: str) -> Iterator[Path]:
    """Lock a folder of this name that no running fit has locked, or a new one.

    It is deleted after success. After an error it is deleted only if it holds no state.
    """
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        locks = map(_lock, sorted(folder.glob(f"{name}-{'[0-9a-f]' * 32}")))
        if (lock := next(filter(None, locks), None)) is not None:
            break
        (folder / f"{name}-{uuid4().hex}").mkdir()
    path = Path(lock.name).parent
    with lock:
        for file in path.glob(".*.tmp"):  # the process was killed while it wrote
            file.unlink()
        try:
            yield path
        except BaseException:
            if not any(path.glob("network[01]-*")):
                _delete(path)
            raise
        for file in path.glob("network[01]-*"):
            file.unlink()
        _delete(path)
    if sys.platform == "win32":  # which deletes no file that is open
        _delete(path)


def _delete(path: Path) -> None:
    """Delete a folder that holds nothing but the lock.

    The lock was the last file in it, so that no other fit takes over a folder that is half deleted.
    """
    with suppress(OSError):  # a folder that stays behind is no reason for a fit to fail
        (path / LOCK).unlink()
        path.rmdir()


def _lock(path: Path) -> BinaryIO | None:
    """Lock a folder until the returned file is closed; the system closes it when a process ends.

    None: another fit has locked the folder, or has deleted it.
    """
    with suppress(FileNotFoundError, BlockingIOError, PermissionError), ExitStack() as stack:
        file = stack.enter_context((path / LOCK).open("ab"))
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(file.fileno()), (path / LOCK).stat()):
            stack.pop_all()
            return file
    return None
