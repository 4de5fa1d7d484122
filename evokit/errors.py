"""Errors that a user can act on."""

from __future__ import annotations


class UserError(Exception):
    """The user's input is wrong: shown as it is, without a traceback, exit code 2."""


class RunFailed(Exception):  # noqa: N818 - the name says what happened
    """The run cannot go on (nothing valid is left, the machine gave out): shown as it is, exit code 1."""
