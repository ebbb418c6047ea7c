"""The command as a process: what it imports, pipes, Ctrl-C, and machines that lack libraries."""

import io
import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

import sklearn_lstm
from sklearn_lstm.__main__ import main
from sklearn_lstm.records import Lines

# As if these packages were not installed.
WITHOUT = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in {names}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
from sklearn_lstm.__main__ import main
sys.exit(main())
"""


def started(*arguments, **options):
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen([sys.executable, *map(str, arguments)], **pipes | options)  # noqa: S603


def test_help_imports_nothing_but_argparse():
    code = (
        "import sys, argparse; before = set(sys.modules)\n"
        "from sklearn_lstm.__main__ import make_parser; make_parser().format_help()\n"
        "print(*{name.split('.')[0] for name in set(sys.modules) - before})"
    )
    with started("-c", code) as process:
        packages = set(process.communicate()[0].decode().split())
    assert packages - sys.stdlib_module_names == {"sklearn_lstm"}


def test_a_pipe_gets_each_label_at_once_and_may_be_closed(folder):
    environment = {**os.environ, "LC_ALL": "C"}
    model = folder / "spam.safetensors"
    with started("-m", "sklearn_lstm", "predict", model, "-", env=environment) as process:
        for text in ("Claim your free prize", "caf\N{LATIN SMALL LETTER E WITH ACUTE}", ""):
            process.stdin.write(f"{text}\n".encode())
            process.stdin.flush()
            assert process.stdout.readline() in {b"spam\n", b"ham\n"}  # while the input is open
        process.stdout.close()  # `| head -3`
        process.stdin.write(b"one more\n")
        process.stdin.close()
        assert (process.stderr.read(), process.wait()) == (b"", 141)


def test_complete_lines_do_not_wait_for_the_one_behind_them():
    pieces = [b"first\nsec", b"ond\nthird\n\nlast", b"", b"", b""]
    file = SimpleNamespace(read1=lambda _: pieces.pop(0), readline=lambda: pieces.pop(0))
    lines = iter(Lines(file))
    assert (next(lines), len(pieces)) == ("first\n", 4)
    assert [*lines] == ["second\n", "third\n", "\n", "last\n"]


def test_lines_end_alike_on_all_systems(monkeypatch):
    printed = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(printed, "ascii", newline="\r\n"))
    with pytest.raises(SystemExit):
        main(["--version"])
    sys.stdout.flush()
    assert printed.getvalue() == f"{sklearn_lstm.__version__}\n".encode()


def test_a_pipe_that_windows_calls_invalid_is_closed(folder):
    code = """if True:
        import builtins, errno, sys
        from sklearn_lstm.__main__ import main

        def closed(*_, **__):
            raise OSError(errno.EINVAL, "Invalid argument")

        builtins.print = closed
        sys.exit(main())
    """
    model, data = folder / "spam.safetensors", folder / "spam.csv"
    with started("-c", code, "predict", model, data) as process:
        assert process.communicate() == (b"", b"")
    assert process.returncode == 141


def test_the_version_and_a_missing_file_are_told_before_imports(folder, tmp_path):
    code = (
        "import sys; from sklearn_lstm.__main__ import main\n"
        "try: status = main()\n"
        "except SystemExit as end: status = end.code\n"
        "sys.exit(9 if 'numpy' in sys.modules else status)"
    )
    with started("-c", code, "--version") as process:
        assert process.communicate()[0].decode() == f"{sklearn_lstm.__version__}\n"
        assert process.returncode == 0
    missing, model = tmp_path / "none.csv", folder / "spam.safetensors"
    for command in (
        ["predict", model, missing],
        ["evaluate", missing, folder / "spam.csv"],
        ["fit", missing, "--output", tmp_path / "model"],
    ):
        with started("-c", code, *command) as process:
            errors = process.communicate()[1].decode()
        assert process.returncode == 1
        assert errors.startswith(f"sklearn-lstm {command[0]}: {missing}: ")
        assert errors.splitlines() == [errors.rstrip()]


@pytest.mark.skipif(sys.platform == "win32", reason="device: the system has no such shell")
@pytest.mark.parametrize(
    ("closed", "data", "expected"),
    [
        ("2>&-", "spam.csv", (0, 8, "")),
        ("<&-", "spam.csv", (0, 8, "")),
        ("<&-", "-", (1, 0, "sklearn-lstm predict: the standard input is closed\n")),
        (">&-", "spam.csv", (1, 0, "sklearn-lstm predict: the standard output is closed\n")),
        (">/dev/full", "spam.csv", (1, 0, "sklearn-lstm predict: [Errno 28] No space left")),
    ],
)
def test_a_stream_may_be_closed_or_full(closed, data, expected, folder):
    status, n_labels, reason = expected
    shell = ["sh", "-c", f'exec "$@" {closed}', "sh"]
    command = sys.executable, "-m", "sklearn_lstm", "predict", folder / "spam.safetensors"
    found = subprocess.run(  # noqa: S603
        [*shell, *command, data if data == "-" else folder / data],
        check=False,
        capture_output=True,
        encoding="utf-8",
    )
    assert (found.returncode, found.stdout.count("\n")) == (status, n_labels)
    assert found.stderr.startswith(reason)
    assert found.stderr.count("\n") == bool(reason)


@pytest.mark.skipif(sys.platform == "win32", reason="device: the system has no SIGINT for others")
@pytest.mark.thread_unsafe(reason="the main thread alone may handle signals")
def test_ctrl_c_ends_it_without_a_word(folder, request):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job may ignore it
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    model = folder / "spam.safetensors"
    with started("-m", "sklearn_lstm", "predict", model, "-") as process:
        process.stdin.write(b"hello\n")
        process.stdin.flush()
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert (process.wait(60), process.stderr.read()) == (130, b"")


def test_fit_names_the_packages_that_it_lacks(folder, tmp_path, run, monkeypatch):
    code, data = WITHOUT.format(names={"torch"}), folder / "spam.csv"
    with started("-c", code, "fit", data, "--output", tmp_path / "model") as process:
        printed, errors = process.communicate()
    assert (process.returncode, printed, errors.count(b"\n")) == (1, b"", 1), errors.decode()
    assert b"pip install" in errors
    assert b"torch" in errors
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    options = "--text", "message", "--output", tmp_path / "model"
    status, printed, errors = run("fit", data, *options)
    assert (status, printed, errors.count("\n")) == (1, "", 1), errors
    assert errors.endswith("pip install safetensors\n")


def test_what_predicts_needs_no_scikit_learn_and_evaluate_names_it(folder):
    code = WITHOUT.format(names={"sklearn", "torch"})
    options = folder / "spam.safetensors", folder / "spam.csv"
    with started("-c", code, "predict", *options) as process:
        printed, errors = process.communicate()
    assert (process.returncode, printed.count(b"\n"), errors) == (0, 8, b"")
    with started("-c", code, "evaluate", *options) as process:
        printed, errors = process.communicate()
    assert (process.returncode, printed, errors.count(b"\n")) == (1, b"", 1)
    assert b"pip install scikit-learn" in errors
