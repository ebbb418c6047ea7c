"""Fuzz model files: ``pip install . && python benchmarks/robustness/fuzz_files.py``.

A mutant is a small model file of which something is changed: bytes; the header; the tree (an entry
is dropped, repeated, moved or changed); the shape, type or values of arrays. Its checksums fit,
unless bytes were changed. Every second one is read by `sklearn_lstm.Predictor`, the others by
`sklearn_lstm.io.load`. It must raise a `ModelFileError`, or become a model that predicts: finite
probabilities that add up to one, or one of our errors. It must not crash, take five seconds of the
processor, take more memory than SECURITY.md says, or start another process.

Mutants run in processes of 500, which are started anew when one dies. What breaks a rule is printed
once for each line of the package where it comes from, and the first file of each kind is kept in
the folder ``--keep``. The same ``--seed`` makes the same mutants.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm import Predictor, TextSequenceVectorizer, WordVectors, exceptions
from sklearn_lstm.io import ModelFileError, load, save
from sklearn_lstm.storage.file import MARK
from sklearn_lstm.storage.forms import DTYPES, checksum_of

TESTS = Path(__file__).parents[2] / "tests"
PER_PROCESS = 500
SECONDS = 5.0  # of the processor, to load a mutant, and to predict with it
SILENCE = 300.0  # seconds until a process that says nothing is ended
FIRST_BYTES, TIMES_SIZE = 32 << 20, 32  # of memory, as SECURITY.md says
SLACK = 16 << 20  # of modules that are imported when they are needed
CLEAR = "The feature names should match", "Expected one column of texts"  # not errors of our own
OURS = tuple(getattr(exceptions, name) for name in exceptions.__all__ if "Error" in name)
JUNK: list[Any] = [None, True, 0, -1, 1, 2, 7, 2**31, 2**40, 2**70, 1.5, -1e30, "", "x", "lstm"]
JUNK += ["words", "measurements", "float32", [], {}, [[]], [1], [0, 0], {"tuple": []}]
JUNK += [{"dict": [[], []]}, {"dict": [["a"], [1]]}, {"float": "nan"}, {"array": ["x", "y"]}]
JUNK += [{"same": 0}, {"same": 40}, {"tuple": [], "number": 0}, {"object": "classes_"}]
VALUES = [0, -1, 1, 2, 1000, 2**31 - 1, -(2**31), 2**62, 0.5, 1e30, -1e300, np.nan, np.inf, -np.inf]
EVENTS = ("subprocess.Popen", "os.fork", "os.exec", "os.posix_spawn", "os.system", "socket.connect")

Tree = Any
CONTENT = "content"  # the name of the tree among the arrays


# --- Model files


def write_models(folder: Path) -> None:
    """Write the models of the golden files and others, and what each of them reads."""
    sys.path[:0] = [str(TESTS), str(TESTS / "io")]
    import pandas as pd  # noqa: PLC0415 - the processes of mutants do without
    from make_golden import MODELS, TEXTS, classifier  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415

    inputs: dict[str, Any] = {}
    y = np.arange(len(TEXTS)) % 2
    frame = pd.DataFrame({"text": TEXTS, "size": np.arange(len(TEXTS)) % 5.0, "price": y * 2.0})
    frame["shop"] = pd.Categorical(np.where(y, "a", "b"))
    several = pd.DataFrame({"first": y, "second": 1 - y, "third": np.arange(len(y)) % 3 == 0})
    series = [np.random.default_rng(row).normal(size=(5, 2)) for row in range(len(y))]
    models = {name: (make(), X) for name, (make, X) in MODELS.items()} | {
        "numbers": (make_pipeline(TextSequenceVectorizer(), classifier()).fit(frame, y), frame[:6]),
        "several": (classifier(threshold="f1").fit(series, several), series[:4]),
        "plain": (classifier(linear_model=False).fit([[3, 4], [5]] * 9, [0, 1] * 9), [[3], [9, 4]]),
        "frames": (
            classifier(linear_model=False, cell="rnn", bidirectional=True).fit(
                [np.tile(row, (900, 1)) for row in series[:12]], y[:12]
            ),
            series[:3],
        ),
        "vectorizer": (TextSequenceVectorizer(output="dense", min_df=2).fit(TEXTS), TEXTS[:6]),
        "wordvectors": (WordVectors(embedding_dim=3).fit([*TEXTS, "fun so good"]), ["so", "new"]),
    }
    for name, (model, X) in models.items():
        save(model, folder / name)
        inputs[name] = X
    (folder / "inputs.pickle").write_bytes(pickle.dumps(inputs))


# --- Mutants


def split(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the header and the arrays of a file."""
    end = 8 + int.from_bytes(data[:8], "little")
    return json.loads(data[8:end]), data[end:]


def joined(header: dict[str, Any], arrays: bytes) -> bytes:
    """Return a file of a header and arrays."""
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + arrays


def places_of(tree: Tree, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of each node of a tree."""
    if place:
        yield place
    items = tree.items() if isinstance(tree, dict) else ()
    for key, child in enumerate(tree) if isinstance(tree, list) else items:
        yield from places_of(child, (*place, key))


def at(tree: Tree, place: tuple[Any, ...]) -> Tree:
    """Return the node at a place."""
    for key in place:
        tree = tree[key]
    return tree


def change_tree(tree: Tree, rng: np.random.Generator) -> None:
    """Change one node, in place."""
    places = list(places_of(tree))
    place, other = (places[rng.integers(len(places))] for _ in range(2))
    around, key = at(tree, place[:-1]), place[-1]
    value, copied = around[key], json.loads(json.dumps(at(tree, other)))
    how = rng.integers(8)
    if how == 0:
        around[key] = JUNK[rng.integers(len(JUNK))]
    elif how == 1:
        del around[key]
    elif how == 2:
        around[key] = copied
    elif how == 3 and isinstance(around, list):
        around.insert(key, json.loads(json.dumps(value)))
    elif how == 4 and len(other) > len(place[:-1]):  # neighbours
        names = list(around) if isinstance(around, dict) else range(len(around))
        second = names[rng.integers(len(names))]
        around[key], around[second] = around[second], value
    elif how == 5 and isinstance(around, dict):
        around[str(JUNK[rng.integers(len(JUNK))])] = around.pop(key)
    elif isinstance(value, bool | str) or value is None:
        same = [at(tree, one) for one in places if isinstance(at(tree, one), type(value))]
        around[key] = not value if isinstance(value, bool) else same[rng.integers(len(same))]
    elif isinstance(value, int | float):
        factors = [-1, 0, 0.5, 2, 1, 1, 1000, 10**9]
        around[key] = value * factors[rng.integers(8)] + int(rng.integers(-2, 3))


def replaced(header: dict[str, Any], arrays: bytes, name: str, new: NDArray[Any]) -> bytes:
    """Return the arrays with another one of this name; the header is changed in place."""
    start, end = header[name]["data_offsets"]
    shift = new.nbytes - (end - start)
    for entry in header.values():
        offsets = entry.get("data_offsets")
        if offsets and offsets[0] >= end and entry is not header[name]:
            entry["data_offsets"] = [offset + shift for offset in offsets]
    header[name] = {
        "dtype": {kind: name for name, kind in DTYPES.items()}[new.dtype.str],
        "shape": list(new.shape),
        "data_offsets": [start, start + new.nbytes],
    }
    return arrays[:start] + new.tobytes() + arrays[end:]


def change_array(
    header: dict[str, Any], arrays: bytes, tree: Tree, rng: np.random.Generator
) -> tuple[bytes, Tree]:
    """Return the arrays, and the tree, with one array changed, whose checksum fits."""
    names = [name for name in header if name not in ("__metadata__", CONTENT)]
    name = names[rng.integers(len(names))]
    start, end = header[name]["data_offsets"]
    array = np.frombuffer(arrays[start:end], DTYPES[header[name]["dtype"]])
    array = array.reshape(header[name]["shape"])
    new, how = array.copy(), rng.integers(4)
    with np.errstate(all="ignore"):
        if how == 0 and new.ndim:
            new = np.delete(
                new, slice(rng.integers(len(new) + 1), None), int(rng.integers(new.ndim))
            )
        elif how == 1:
            shapes = [(-1,), (1, -1), (*array.shape, 1), (*array.shape[::-1],), (2, -1)]
            shape = shapes[rng.integers(5)]
            new = new.reshape(shape) if new.size and new.size % 2 == 0 else new.ravel()
        elif how == 2:
            new = new.astype(list(DTYPES.values())[rng.integers(len(DTYPES))])
        elif new.size:
            many = rng.integers(new.size, size=rng.choice([1, 3, new.size]))
            values = np.array([VALUES[rng.integers(len(VALUES))]] * len(many))
            new.reshape(-1)[many] = values.astype(new.dtype)
    old_sum, new_sum = (json.dumps([name, checksum_of(one)])[:-1] for one in (array, new))
    text = json.dumps(tree).replace(old_sum, new_sum)
    return replaced(header, arrays, name, new), json.loads(text)


def change_bytes(data: bytes, rng: np.random.Generator) -> bytes:
    """Return a file of which some bytes are changed, or that is cut short, or longer."""
    new, how = bytearray(data), rng.integers(4)
    at_ = int(rng.integers(8 if rng.random() < 0.1 else len(data)))
    if how == 0:
        return data[:at_]
    if how == 1:
        new[at_:at_] = rng.bytes(int(rng.integers(1, 9)))
    elif how == 2:
        del new[at_ : at_ + int(rng.integers(1, 9))]
    else:
        new[at_] ^= int(rng.integers(1, 256))
    return bytes(new)


def mutant(data: bytes, rng: np.random.Generator) -> bytes:
    """Return a file that differs from this one."""
    if (kind := rng.random()) < 0.1:
        return change_bytes(data, rng)
    header, arrays = split(data)
    start, end = header[CONTENT]["data_offsets"]
    tree = json.loads(arrays[start:end])
    if kind < 0.2:
        change_tree(header, rng)
        return joined(header, arrays)
    for _ in range(int(rng.integers(1, 4))):
        if rng.random() < 0.35:
            arrays, tree = change_array(header, arrays, tree, rng)
        else:
            change_tree(tree, rng)
    text = np.frombuffer(json.dumps(tree).encode(), np.uint8)
    header["__metadata__"] = {MARK: f"{CONTENT} {checksum_of(text)}"}
    return joined(header, replaced(header, arrays, CONTENT, text))


# --- What becomes of them


class HangError(BaseException):
    """A mutant takes too long."""


def end(*_: object) -> None:
    """Stop what takes too long."""
    raise HangError


@contextmanager
def watched(broken: list[str], most_bytes: float = np.inf) -> Iterator[None]:
    """Note what takes too long, or too much memory."""
    before = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    except HangError as error:
        broken.append(f"hang {where(error)}")
    except MemoryError as error:
        broken.append(f"MemoryError {where(error)}")
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    if (taken := memory("VmHWM") - before) > most_bytes:
        broken.append(f"memory of {taken >> 20} MiB")


def memory(name: str) -> int:
    """Return how many bytes of memory this process takes, or took at most."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(name))


def where(error: BaseException) -> str:
    """Return the last line of the package that an error comes from."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "sklearn_lstm" in frame.filename] or frames
    return f"{Path(ours[-1].filename).name}:{ours[-1].name}:{ours[-1].lineno}"


def read_by(name: str, number: int) -> tuple[str, Callable[..., Any]]:
    """Return what reads a mutant."""
    is_model = name not in ("vectorizer", "wordvectors")
    return ("Predictor", Predictor.load) if is_model and number % 2 else ("load", load)


def check_output(model: Any, X: Any) -> str | None:
    """Return what is wrong with what a model says of X."""
    if isinstance(model, WordVectors):
        found = model.lookup(X)[1]
        return None if np.isfinite(found).all() else "vectors that are not finite"
    if not hasattr(model, "predict_proba"):  # a vectorizer, or a Pipeline that was cut down to one
        model.transform(X)
        return None
    probabilities: NDArray[np.float64] = model.predict_proba(X)
    predicted = model.predict(X)
    if not (np.isfinite(probabilities).all() and (probabilities >= 0).all()):
        return "probabilities that are not finite"
    if predicted.ndim == 1 and not np.allclose(probabilities.sum(axis=1), 1):
        return "probabilities that do not add up to one"
    return "another number of rows" if len(predicted) != len(X) else None


def try_mutant(name: str, data: bytes, X: Any, number: int, path: Path) -> tuple[str, list[str]]:
    """Return what became of a mutant, and the rules that it broke."""
    broken: list[str] = []
    reader, read = read_by(name, number)
    path.write_bytes(data)
    model = outcome = None
    with watched(broken, FIRST_BYTES + TIMES_SIZE * len(data) + SLACK):
        try:
            model = read(path, encoder=ENCODER)
        except ModelFileError:
            outcome = "refused"
        except Exception as error:  # noqa: BLE001 - it is what is looked for
            broken.append(f"{reader}: {type(error).__name__} {where(error)} {error!s:.90}")
    if model is not None:
        with watched(broken):
            try:
                wrong, outcome = check_output(model, X), "predicts"
                broken += [] if wrong is None else [wrong]
            except Exception as error:  # noqa: BLE001 - it is what is looked for
                if isinstance(error, OURS) or str(error).startswith(CLEAR):
                    outcome = "our error"
                else:
                    broken.append(f"predict: {type(error).__name__} {where(error)} {error!s:.90}")
    return outcome or "broken", broken


def run_mutants(folder: Path, seed: int, first: int, last: int) -> None:
    """Try mutants in this process, and print a line of JSON for each: before it, and after."""
    global ENCODER  # noqa: PLW0603 - one for each process
    sys.path[:0] = [str(TESTS), str(TESTS / "io")]
    from small_encoder import SmallEncoder  # noqa: PLC0415

    ENCODER = SmallEncoder()
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    signal.signal(signal.SIGPROF, end)
    inputs = pickle.loads((folder / "inputs.pickle").read_bytes())  # noqa: S301 - our own
    files = {name: (folder / name).read_bytes() for name in sorted(inputs)}
    path, started = folder / f"mutant{os.getpid()}", list[str]()

    def note(event: str, _: object) -> None:
        if event in EVENTS:
            started.append(event)

    for name, data in files.items():  # so that all modules are imported
        for number in range(2):
            outcome, broken = try_mutant(name, data, inputs[name], number, path)
            if outcome != "predicts" or [rule for rule in broken if "memory" not in rule]:
                raise RuntimeError(f"{name} itself: {outcome} {broken}")
    sys.addaudithook(note)
    for number in range(first, last):
        rng = np.random.default_rng([seed, number])
        name = list(files)[rng.integers(len(files))]
        data = mutant(files[name], rng)
        print(json.dumps({"number": number, "name": name}), flush=True)
        outcome, broken = try_mutant(name, data, inputs[name], number, path)
        broken += started
        started.clear()
        print(json.dumps({"number": number, "outcome": outcome, "broken": broken}), flush=True)
    path.unlink()


def run_part(arguments: list[str], found: Counter[str], first: int, last: int) -> Iterator[Any]:
    """Run mutants in processes; yield number, name and broken rules of each that broke some."""
    while first < last:
        command = [sys.executable, __file__, *arguments, "--first", str(first), "--last", str(last)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            started: dict[str, Any] = {}
            for line in process.stdout or ():
                told = json.loads(line)
                if "outcome" in told:
                    found[told["outcome"]] += 1
                    if told["broken"]:
                        yield told["number"], started["name"], told["broken"]
                else:
                    started = told
                first = told["number"] + ("outcome" in told)
        if process.returncode and not started:
            raise RuntimeError("a process ended before the first mutant")
        if process.returncode:
            found["crash"] += 1
            yield first, started["name"], [f"the process ended with {process.returncode}"]
            first += 1


def main() -> None:
    """Run mutants, in processes of 500."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=20_000, help="how many mutants")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder of the files that broke a rule")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--first", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--last", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.first is not None:
        run_mutants(options.folder, options.seed, options.first, options.last)
        return
    start, found, kinds = perf_counter(), Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_models(folder)
        arguments = ["--folder", temporary, "--seed", str(options.seed)]
        for first in range(0, options.n, PER_PROCESS):
            last = min(first + PER_PROCESS, options.n)
            for number, name, broken in run_part(arguments, found, first, last):
                kind = " | ".join(broken)
                kinds[kind] += 1
                if kinds[kind] == 1:
                    print(f"{number} ({name}): {kind}", flush=True)
                    if options.keep:
                        options.keep.mkdir(exist_ok=True, parents=True)
                        rng = np.random.default_rng([options.seed, number])
                        rng.integers(1)  # which file it is
                        (options.keep / f"{name}-{number}").write_bytes(
                            remade(folder, options.seed, number)
                        )
            print(f"{last:,} mutants, {perf_counter() - start:.0f} s: {dict(found)}", flush=True)


def remade(folder: Path, seed: int, number: int) -> bytes:
    """Return the mutant of this number."""
    inputs = pickle.loads((folder / "inputs.pickle").read_bytes())  # noqa: S301 - our own
    rng = np.random.default_rng([seed, number])
    name = sorted(inputs)[rng.integers(len(inputs))]
    return mutant((folder / name).read_bytes(), rng)


if __name__ == "__main__":
    main()
