"""Errors meant for the person who typed the command."""


class UserError(Exception):
    """Something the user can put right: one line, without a traceback.

    The message says what was wrong, what was found, and what to do.
    """

    exit_code = 1


class UsageError(UserError):
    """A flag, or a combination of flags, that cannot work (exit code 2)."""

    exit_code = 2
