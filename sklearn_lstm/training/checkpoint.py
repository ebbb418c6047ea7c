"""A fit that may be killed: the state of the training after each epoch, and its folder."""

import os
import pickle
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from hashlib import blake2b, file_digest
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

import joblib
import numpy as np
import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, EarlyStopping
from threadpoolctl import threadpool_info

from sklearn_lstm.exceptions import warn_user
from sklearn_lstm.storing.array_file import replacing
from sklearn_lstm.storing.envelope import versions
from sklearn_lstm.targets.samples import Samples
from sklearn_lstm.training.configuration import Configuration

LOCK = "lock"

# --- The folder: its name, its lock, and its end


@contextmanager
def checkpoint_of_fit(
    folder: str | os.PathLike[str] | None,
    samples: Samples,
    validation: Samples | None,
    configuration: Configuration,
    rng: np.random.Generator | None,
) -> Iterator[tuple[Path | None, np.random.Generator]]:
    """Lock the folder of a fit while the fit runs, and delete it after success.

    It is the folder that the same fit has left when it was killed, or a new one. Its name is a hash
    of all that the result depends on, followed by a random number. If the user gives no seed, this
    number is the seed, so that a fit goes on with the seed it began with.

    Parameters
    ----------
    folder : path or None
        Of all fits. None: that of this fit is None too, and nothing is hashed.
    samples, validation, configuration
        As in `fit_model`.
    rng : numpy Generator or None
        None: the user gives no seed.

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
        yield None, rng or np.random.default_rng()
        return
    given = configuration.training.callbacks
    unnamed = [entry[1] if isinstance(entry, tuple) else entry for entry in given]
    user_callbacks = {f"callbacks[{place}]": callback for place, callback in enumerate(unnamed)}
    check_can_be_pickled(user_callbacks, user_callbacks)
    libraries = {f"{library['user_api']} {library['num_threads']}" for library in threadpool_info()}
    vectors = configuration.vectors
    facts = {
        "versions": versions() | {name: version(name) for name in ("skorch", "torch")},
        "threads": [torch.get_num_threads(), *sorted(libraries)],  # by which results are rounded
        "configuration": repr(configuration),
        "callbacks": [(repr(type(callback)), callback.__getstate__()) for callback in unnamed],
        "seed": rng and rng.bit_generator.seed_seq.entropy,  # type: ignore[attr-defined]
        "data": [_content(samples), _content(validation)],
        "vectors": vectors and [vectors.ids, vectors.vectors, vectors.scale],
        "encoder": configuration.encoder and configuration.encoder.fixed_vectors,
    }
    with _held(Path(folder).absolute(), joblib.hash(facts)) as path:
        drawn = int(path.name.partition("-")[2], 16)
        yield path, rng or np.random.default_rng(drawn)


def _content(samples: Samples | None) -> Any:
    """Return what distinguishes these samples from others: arrays, and a hash of all steps."""
    if samples is None:
        return None
    sequences, targets = samples.sequences, samples.targets
    spelling = sequences.spelling
    steps = blake2b()
    for rows in sequences.chunks_of_rows():
        steps.update(sequences.read_spellings(rows).tobytes())
    return {
        "words": spelling and repr((dict(spelling.vocabulary), spelling.unknown_words)),
        "steps": steps.hexdigest(),
        "channels": [sequences.n_channels, sequences.time_channel, sequences.has_missing],
        "lengths": sequences.lengths,
        "numbers": sequences.numbers.columns,
        "targets": [targets.values, targets.weights, targets.groups, targets.n_outputs],
    }


@contextmanager
def _held(folder: Path, name: str) -> Iterator[Path]:
    """Lock a folder of this name that no running fit has locked, or a new one.

    After success, and after an error if it holds no state, it is deleted.
    """
    folder.mkdir(parents=True, exist_ok=True)
    known = f"{name}-{'[0-9a-f]' * 32}"
    while (lock := next(filter(None, map(_lock, sorted(folder.glob(known)))), None)) is None:
        (folder / f"{name}-{uuid4().hex}").mkdir()
    path = Path(lock.name).parent
    with lock:
        for file in path.glob(".*.tmp"):  # the process was killed while it wrote
            file.unlink()
        try:
            yield path
            for file in _states(path).values():
                file.unlink()
        finally:
            if not _states(path):
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


# --- The states


@dataclass(eq=False)
class Checkpoint(Callback):  # type: ignore[misc]
    """Write the state of a training after each epoch; begin with the last state that can be read.

    This callback comes after all others, so that it writes the state that they leave. Two states
    are kept: if the last one is damaged, the one before it is read.

    Parameters
    ----------
    rng : numpy Generator
        The generator that draws the order of the samples.
    folder : Path or None
        The folder of the fit.
    """

    rng: np.random.Generator
    folder: Path | None = None  # of a copy, and after the training

    def __getstate__(self) -> dict[str, Any]:
        """Leave out everything, so that a copy of the net writes no state."""
        return {}

    def on_train_begin(self, net: NeuralNet, **_: Any) -> None:
        """Go on from the last state that can be read; without any, write that before training."""
        for path in _states(self.folder).values():
            try:
                state = _read(path, _own(net))
            except Exception as error:  # noqa: BLE001 - whatever a damaged file may lead to
                warn_user(
                    f"The checkpoint {path} can't be read ({error}). The fit goes on from the one "
                    "before, or from its start."
                )
            else:
                self._set_state(net, state)
                return
        self.on_epoch_end(net)

    def on_epoch_end(self, net: NeuralNet, **_: Any) -> None:
        """Write the state, and delete all but the one before."""
        if self.folder is None:
            return
        epoch = len(net.history)
        with replacing(self.folder / f"network-{epoch}") as file:
            self._pickle(net, file)
            file.seek(0)
            file.write(file_digest(file, blake2b).digest())  # it has read to the end
        for number, path in _states(self.folder).items():
            if number not in (epoch - 1, epoch):
                path.unlink()

    def on_train_end(self, *_: Any, **__: Any) -> None:
        """Write no more states: the fit deletes the folder, but the net may be trained again."""
        self.folder = None

    def _pickle(self, net: NeuralNet, file: BinaryIO) -> None:
        """Write all that changes while a network is trained."""
        modules, own = (net.module_, net.criterion_), _own(net)
        state = {
            "modules": [
                (module.state_dict(), [weight.requires_grad for weight in module.parameters()])
                for module in modules
            ],
            "optimizer": net.optimizer_.state_dict(),
            "generators": (net.module_.generator.get_state(), self.rng.bit_generator.state),
            "history": net.history,
            "callbacks": {name: _state_of(callback) for name, callback in net.callbacks_},
        }
        try:
            _Pickler(file, own).dump(state)
        except Exception:
            named = {f"The callback {name!r}": callback for name, callback in net.callbacks_}
            check_can_be_pickled(named, own)
            raise  # it is no callback

    def _set_state(self, net: NeuralNet, state: Mapping[str, Any]) -> None:
        """Give this state to a training that has just begun."""
        modules = net.module_, net.criterion_
        for module, (weights, flags) in zip(modules, state["modules"], strict=True):
            module.load_state_dict(weights)
            for weight, is_trained in zip(module.parameters(), flags, strict=True):
                weight.requires_grad_(is_trained)
        net.optimizer_.load_state_dict(state["optimizer"])
        generator, self.rng.bit_generator.state = state["generators"]
        net.module_.generator.set_state(generator)
        net.history = state["history"]
        for name, callback in net.callbacks_:
            values = state["callbacks"][name]
            if hasattr(callback, "__setstate__"):
                callback.__setstate__(values)
            else:
                vars(callback).update(values or {})


def _states(folder: Path | None) -> dict[int, Path]:
    """Return the file of each epoch, the last one first, and no copy that another has made."""
    files = [] if folder is None else folder.glob("network-*")
    by_epoch = {int(file.name[8:]): file for file in files if file.name[8:].isdecimal()}
    return dict(sorted(by_epoch.items(), reverse=True))


def _state_of(callback: Callback) -> Any:
    """Return what a callback has to remember."""
    state = callback.__getstate__()
    if isinstance(callback, EarlyStopping):  # which leaves out the best weights
        state = {**state, "best_model_weights_": callback.best_model_weights_}
    return state


def check_can_be_pickled(callbacks: Mapping[str, Callback], own: Mapping[str, Any]) -> None:
    """Raise an error that names the first callback that can't be pickled."""
    for name, callback in callbacks.items():
        try:
            _Pickler(BytesIO(), own).dump(callback.__getstate__())
        except Exception as error:
            raise ValueError(
                f"{name} is {callback!r}, which can't be pickled ({error}), but with checkpoint "
                "the state of all callbacks is written after each epoch. Let its __getstate__ "
                "leave out what can't be pickled, such as an open file or a lambda, or leave "
                "checkpoint=None."
            ) from error


# --- States as bytes


def _own(net: NeuralNet) -> dict[str, Any]:
    """Return, by name, the objects that each training makes anew.

    A callback may refer to them. A state then holds their names instead of the objects.
    """
    own = {"net": net, "optimizer": net.optimizer_}
    for place, module in {"module_": net.module_, "criterion_": net.criterion_}.items():
        own |= {f"{place} {name}": submodule for name, submodule in module.named_modules()}
        own |= {f"weight of {place} {name}": weight for name, weight in module.named_parameters()}
    return own | {f"callback {name}": callback for name, callback in net.callbacks_}


class _Pickler(pickle.Pickler):
    """Pickle the name of each object that has one, instead of the object."""

    def __init__(self, file: BinaryIO, own: Mapping[str, Any]) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self.names = {id(value): name for name, value in own.items()}

    def persistent_id(self, value: Any) -> str | None:
        return self.names.get(id(value))


class _Unpickler(pickle.Unpickler):
    """Put the objects of this training in the places of their names."""

    def __init__(self, file: BytesIO, own: Mapping[str, Any]) -> None:
        super().__init__(file)
        self.own = own

    def persistent_load(self, name: str) -> Any:
        return self.own[name]


def _read(path: Path, own: Mapping[str, Any]) -> Any:
    """Return the state in a file.

    Raises
    ------
    ValueError
        If its hash does not fit.
    """
    data, size = path.read_bytes(), blake2b().digest_size
    if blake2b(memoryview(data)[:-size]).digest() != data[-size:]:
        raise ValueError("it is damaged")
    return _Unpickler(BytesIO(data), own).load()  # it ends before the hash
