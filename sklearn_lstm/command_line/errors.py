"""What the commands can't use."""


class CommandError(Exception):
    """Data or a model that can't be used: where, what was found, and what to do."""

    status = 1  # of the process


class UsageError(CommandError):
    """Options that can't be used."""

    status = 2
