"""The help of all commands: ``python docs/command_line_help.py`` writes it to command_line.txt."""

import os
import subprocess
import sys
from pathlib import Path

from sklearn_lstm.__main__ import COMMANDS

SHOWN = Path(__file__).with_name("command_line.txt")
COLUMNS = "78"  # of a terminal: more do not fit into the box on the page


def help_of_all_commands() -> str:
    """Return what a user sees who asks each command for its help."""
    environment = {**os.environ, "COLUMNS": COLUMNS, "NO_COLOR": "1"}
    shown = []
    for command in ["", *COMMANDS]:
        arguments = [*command.split(), "--help"]
        printed = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "sklearn_lstm", *arguments],
            env=environment,
            check=True,
            capture_output=True,
            encoding="utf-8",
        )
        shown.append(f"$ sklearn-lstm {' '.join(arguments)}\n{printed.stdout}")
    return "\n".join(shown)


if __name__ == "__main__":
    SHOWN.write_text(help_of_all_commands(), encoding="utf-8")
