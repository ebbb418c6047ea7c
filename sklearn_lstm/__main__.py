"""``python -m sklearn_lstm`` is the command ``sklearn-lstm``."""

import sys

from sklearn_lstm.command_line.main import main

if __name__ == "__main__":
    sys.exit(main())
