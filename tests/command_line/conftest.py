"""A small model that a command has stored, and a function that runs a command."""

import csv
import io
import sys

import pytest

from sklearn_lstm.__main__ import main

TEXTS = [
    "You have won a prize! Call now to claim it",
    'She said: "are you coming home,\nfor dinner?"',  # takes two lines of a file
    "Free entry: text WIN to 80086 now",
    "Sorry, I missed the bus again",
    "Claim your free voucher today",
    "See you at the station at six",
    "Urgent! Your free prize is waiting, call today",
    "Can we have dinner at six instead?",
]


@pytest.fixture
def run(capsys, monkeypatch):
    """A function: arguments and standard input -> (exit code, standard output, standard error)."""

    def run_command(*arguments, stdin=""):
        data = stdin if isinstance(stdin, bytes) else stdin.encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        try:
            status = main(list(map(str, arguments)))
        except SystemExit as end:  # of argparse
            status = end.code
        return status, *capsys.readouterr()

    return run_command


@pytest.fixture(scope="session")
def records():
    """Messages with their labels."""
    return [
        {"message": text, "label": label}
        for text, label in zip(TEXTS, ["spam", "ham"] * 4, strict=True)
    ]


@pytest.fixture(scope="session")
def folder(tmp_path_factory, records):
    """A folder with spam.csv, and the model that `fit` makes of it."""
    folder = tmp_path_factory.mktemp("spam")
    with (folder / "spam.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, records[0])
        writer.writeheader()
        writer.writerows(records)
    data, model = str(folder / "spam.csv"), str(folder / "spam.safetensors")
    options = ["--text", "message", "--seed", "0", "--set", "max_epochs=1"]
    assert main(["fit", data, "--output", model, *options]) == 0
    return folder
