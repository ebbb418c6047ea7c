"""Mutation testing: ``python benchmarks/robustness/mutation.py`` (cosmic-ray and coverage).

Cosmic-ray's operators change one place of a module; the tests of its room must notice. A place is
drawn first, then one of the changes there, since some operators have ten changes for one place.
Annotations are left out. Each mutant is run in a fork of a process that has imported torch and
scikit-learn, with those tests that reach the changed lines; each line of the output is one mutant.
Mutants that the output has already are not run again. About ten seconds for each, on one core.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import coverage
import matplotlib.pyplot as plt  # noqa: F401 - here, so that no fork has to import it
import pandas as pd  # noqa: F401
import pytest
import skops.io  # noqa: F401
import skorch  # noqa: F401
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

ROOT = Path(__file__).parents[2]
MEMBERS = ["tests/members/test_alone.py", "tests/members/test_beside_the_network.py"]
ROOMS = {  # modules: the tests that must notice a change of them
    "data": ["tests/data", "tests/fuzzing/test_reading_fuzzed.py"],
    "targets": ["tests/targets", "tests/test_thresholds.py"],
    "members/blending.py": [
        "tests/members/test_blending.py",
        "tests/members/test_held_out_parts.py",
    ],
    "storage": ["tests/storage", "tests/io"],
    "io.py": ["tests/io"],
    "members": [
        *MEMBERS,
        *(f"tests/members/test_{name}.py" for name in ("duration", "held_out_parts")),
    ],
    "members/features": ["tests/members/features", *MEMBERS],
    "members/network": ["tests/members/network", *MEMBERS],
    "members/solvers": ["tests/members/solvers", "tests/members/features", *MEMBERS],
}
Place = tuple[str, str, int]  # module, operator, occurrence


def main() -> None:
    """Run the mutants of a sample that have no result yet, and print how many were killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path, help="a file of JSON lines")
    parser.add_argument("--rooms", nargs="*", default=list(ROOMS))
    parser.add_argument("--sample", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # then forks are ended too
    sample = draw(options.rooms, options.sample, options.seed)
    options.output.touch()
    results = [json.loads(line) for line in options.output.read_text().splitlines()]
    done = {(r["module"], r["operator"], r["occurrence"]) for r in results}
    sample = [place for place in sample if place not in done]
    with tempfile.TemporaryDirectory() as folder, options.output.open("a") as output:
        copy = Path(folder)
        for name in ("sklearn_lstm", "tests", "pyproject.toml"):
            (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, copy / name)
        sys.path[:0] = [str(copy), str(copy / "tests")]
        os.environ["PYTHONPATH"] = str(copy)
        os.chdir(copy)
        reached: dict[str, Any] = {}
        for place in sample:
            room = room_of(place[0])
            if room not in reached:
                reached[room] = forked(lambda room=room: what_tests_reach(room), 3600)
            results.append(killed_or_not(place, reached[room]))
            output.write(json.dumps(results[-1]) + "\n")
            output.flush()
    killed = sum(result["result"] != "survived" for result in results)
    print(f"{len(results)} mutants, {killed} killed ({killed / len(results):.1%})")


def room_of(module: str) -> str:
    """Return the longest name of a room that the module's path begins with."""
    return max((room for room in ROOMS if f"{module}/".startswith(f"{room}/")), key=len)


# --- Mutants


def draw(rooms: list[str], size: int, seed: int) -> list[Place]:
    """Return a random sample of mutants of the rooms' modules, room by room."""
    changes: dict[tuple[str, str, tuple[int, int]], list[Place]] = {}
    for path in sorted((ROOT / "sklearn_lstm").rglob("*.py")):
        module = path.relative_to(ROOT / "sklearn_lstm").as_posix()
        if any(f"{module}/".startswith(f"{room}/") for room in ROOMS) and room_of(module) in rooms:
            for name, occurrence, start in changes_of(path.read_text()):
                family = name.partition("_")[0]
                changes.setdefault((module, family, start), []).append((module, name, occurrence))
    generator = random.Random(seed)  # noqa: S311 - a sample is no secret
    chosen = generator.sample(sorted(changes), min(size, len(changes)))
    sample = [generator.choice(changes[place]) for place in chosen]
    return sorted(sample, key=lambda place: rooms.index(room_of(place[0])))


def changes_of(source: str) -> Iterator[tuple[str, int, tuple[int, int]]]:
    """Yield operator, occurrence and position of all changes outside annotations."""
    annotations = [
        (annotation.lineno, annotation.col_offset, annotation.end_lineno, annotation.end_col_offset)
        for node in ast.walk(ast.parse(source))
        for annotation in (getattr(node, "annotation", None), getattr(node, "returns", None))
        if annotation is not None
    ]
    nodes = list(ast_nodes(get_ast(source)))
    for name in operator_names():
        if get_operator(name).arguments():
            continue
        operator = get_operator(name)()
        places = (place for node in nodes for place in operator.mutation_positions(node))
        for occurrence, (start, _) in enumerate(places):
            if not any(a[:2] <= start <= a[2:] for a in annotations):
                yield name, occurrence, start


def killed_or_not(place: Place, reached: dict[str, Any]) -> dict[str, Any]:
    """Return what the tests that reach a mutant made of it."""
    module, name, occurrence = place
    path = Path("sklearn_lstm") / module
    source = path.read_text()
    mutant = mutate_code(source, get_operator(name)(), occurrence)
    pairs = list(zip(source.splitlines(), mutant.splitlines(), strict=False))
    line = next(i for i, (old, new) in enumerate(pairs, 1) if old != new)
    tests = reached["tests"].get(f"{module}:{line}") or list(reached["seconds"])
    seconds = sum(reached["seconds"][test] for test in tests)
    began, written = time.perf_counter(), path.stat()
    path.write_text(mutant)
    os.utime(path, (0, 0))  # else its old byte code might be taken for that of the mutant
    try:
        result = forked(lambda: first_failure(tests, reached["seconds"]), 20 + 3 * seconds)
    finally:
        path.write_text(source)
        os.utime(path, (written.st_atime, written.st_mtime))
    found = {"module": module, "operator": name, "occurrence": occurrence, "line": line}
    found |= {"old": pairs[line - 1][0].strip(), "new": pairs[line - 1][1].strip()}
    found |= {"result": result or "survived", "tests": len(tests)}
    return found | {"seconds": round(time.perf_counter() - began, 1)}


# --- Tests, each of these in a process of its own


def what_tests_reach(room: str) -> dict[str, Any]:
    """Return the seconds of a room's tests that pass, and which of them reach each line."""
    tracer = coverage.Coverage(data_file=None, source=["sklearn_lstm"], config_file=False)
    seconds: dict[str, float] = {}
    fixtures: dict[str, set[str]] = {}
    failed: set[str] = set()

    class Recorder:
        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_protocol(self, item: Any) -> Iterator[None]:
            fixtures[item.nodeid] = set(item.fixturenames)
            tracer.switch_context(item.nodeid)
            began = time.process_time()
            result = yield
            seconds[item.nodeid] = time.process_time() - began
            return result

        @pytest.hookimpl(wrapper=True)
        def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Iterator[None]:
            if fixturedef.scope != "function":  # what it runs counts for every test that has it
                tracer.switch_context(f"fixture {fixturedef.argname}")
            result = yield
            tracer.switch_context(request._pyfuncitem.nodeid)  # noqa: SLF001
            return result

        def pytest_runtest_logreport(self, report: Any) -> None:
            if not report.passed:
                failed.add(report.nodeid)

    tracer.start()
    run_tests(ROOMS[room], Recorder())
    tracer.stop()
    data = tracer.get_data()
    tests: dict[str, list[str]] = {}
    passed = [test for test in seconds if test not in failed]
    for file in data.measured_files():
        module = Path(file).relative_to(Path("sklearn_lstm").resolve()).as_posix()
        for line, contexts in data.contexts_by_lineno(file).items():
            names = {context.removeprefix("fixture ") for context in contexts}
            tests[f"{module}:{line}"] = [
                test for test in passed if test in names or fixtures[test] & names
            ]
    return {"seconds": {test: seconds[test] for test in passed}, "tests": tests}


def first_failure(tests: list[str], seconds: dict[str, float]) -> str:
    """Return the first of the tests that fails, or "" where all pass."""
    by_file: dict[str, list[str]] = {}
    for test in tests:
        by_file.setdefault(test.partition("::")[0], []).append(test)
    files = sorted(by_file, key=lambda file: sum(seconds[test] for test in by_file[file]))
    failures: list[str] = []

    class Chooser:
        def pytest_collection_modifyitems(self, items: list[Any]) -> None:
            items[:] = [item for item in items if item.nodeid in chosen]

        def pytest_collectreport(self, report: Any) -> None:
            if report.failed:
                failures.append(f"collecting {report.nodeid}")

        def pytest_runtest_logreport(self, report: Any) -> None:
            if report.failed:
                failures.append(report.nodeid)

    chosen = set(tests)
    status = run_tests(files, Chooser())
    return failures[0] if failures else f"status {status}" if status else ""


def run_tests(files: list[str], plugin: object) -> int:
    """Run tests until one fails, and return pytest's status."""
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not slow"]
    stop = ["-x"] if type(plugin).__name__ == "Chooser" else []
    return int(pytest.main([*options, *stop, *files], plugins=[plugin]))


def forked(function: Callable[[], Any], seconds: float) -> Any:
    """Return what the function returns in a forked process, or "no end" after these seconds.

    The seconds are the processor's; a process that waits without end is ended after 20 minutes.
    """
    answer = Path(tempfile.mkstemp()[1])
    process = os.fork()
    if process == 0:
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))
        sys.dont_write_bytecode = True
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        quiet = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):
            os.dup2(quiet, stream)
        answer.write_text(json.dumps(function()))
        os._exit(0)
    end = time.monotonic() + 1200
    try:
        while os.waitpid(process, os.WNOHANG)[0] == 0:
            if time.monotonic() > end:
                os.killpg(process, signal.SIGKILL)
            time.sleep(0.05)
    except BaseException:
        os.killpg(process, signal.SIGKILL)
        raise
    written = answer.read_text()
    answer.unlink()
    return json.loads(written) if written else "no end"


if __name__ == "__main__":
    main()
