"""Errors that a user can act on, and how errors are worded."""

from __future__ import annotations

MESSAGE = 2000  # characters of an error that are kept


class UserError(Exception):
    """The user's input is wrong: shown as it is, without a traceback, exit code 2."""


class RunFailed(Exception):  # noqa: N818 - the name says what happened
    """The run cannot go on (nothing valid is left, the machine gave out): shown as it is, exit code 1."""


def said(error: BaseException) -> str:
    """An error in the words that are kept."""
    try:
        text = str(error)
    except Exception:  # an error of somebody's own class, whose text raises
        text = "(its text cannot be read)"
    return readable(f"{type(error).__name__}: {text}")


def readable(text: str) -> str:
    """Text that every file can hold, of a sensible length: half a character is written as its number."""
    text = text.encode(errors="backslashreplace").decode()
    left_out = len(text) - MESSAGE
    return text if left_out <= 0 else f"{text[:MESSAGE]} ... ({left_out:,} characters left out)"
