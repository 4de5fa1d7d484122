"""Who broke a promise, in words: member, plugin, file and line."""

from __future__ import annotations

import functools
import inspect
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, MethodType
from typing import Any

from evokit.contracts.in_place import COPY
from evokit.errors import RunFailed, UserError, said

CORE = Path(__file__).parents[1]
LOCAL = "evokit_local_"  # begins the module names of local plugin files

PASSED = (UserError, RunFailed, KeyboardInterrupt, GeneratorExit)  # errors that are no broken promises


class ContractError(UserError):
    """A component broke a promise of its interface, so its numbers could not be trusted; names who, where, remedy."""


def culprit(thing: Any, member: str = "") -> str:
    """A member of an object, or a function, as messages name it: ``Lists.mutate (plugin lists.py, ./lists.py:17)``.

    Of an object with a function in its place (``__wrapped__``), such as a Python function as a fitness, that one.
    """
    if isinstance(thing, MethodType):
        return culprit(thing.__self__, thing.__name__)
    if member and "__wrapped__" in getattr(thing, "__dict__", {}):
        return culprit(thing.__wrapped__)  # its author wrote a function and no member
    function = _unwrapped(getattr(thing, member, None) if member else thing)
    code = getattr(function, "__code__", None)
    if member:
        name = f"{thing.__name__ if isinstance(thing, type) else type(thing).__name__}.{member}"
    else:
        name = getattr(function, "__qualname__", type(thing).__name__).replace("<locals>.", "")
    where = _place_of(code) if isinstance(code, CodeType) else _place_of_class(thing)
    told = ", ".join(part for part in (_plugin(function if code else thing), where) if part)
    return f"{name} ({told})" if told else name


def raised(error: BaseException, thing: Any = None) -> str:
    """An error in a line, with the last place in the code of ``thing``, or else in code that is not evokit's own."""
    frames = [(Path(frame.filename), frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    places = [one for one in frames if one[0] == _file_of(thing)] or [
        one for one in frames if CORE not in one[0].parents
    ]
    where = f" ({_shown(places[-1][0])}:{places[-1][1]})" if places else ""
    return " ".join(said(error).split()) + where  # in one line


def _file_of(thing: Any) -> Path | None:
    """The file that a function or the class of an object is written in."""
    function = _unwrapped(thing)
    if isinstance(code := getattr(function, "__code__", None), CodeType):
        return Path(code.co_filename)
    try:
        return Path(inspect.getfile(thing if isinstance(thing, type) else type(thing)))
    except (OSError, TypeError):
        return None


def _unwrapped(function: Any) -> Any:
    while True:
        if isinstance(function, functools.partial):
            function = function.func
        elif hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        else:
            return function


def _plugin(thing: Any) -> str:
    module = getattr(thing, "__module__", "") or ""
    if module.startswith(LOCAL):
        return f"plugin {Path(sys.modules[module].__file__ or '').name}" if module in sys.modules else ""
    top = module.partition(".")[0]
    return f"plugin {top}" if top and top not in ("evokit", "builtins", "__main__") else ""


def _place_of(code: CodeType) -> str:
    return f"{_shown(Path(code.co_filename))}:{code.co_firstlineno}"


def _place_of_class(thing: Any) -> str:
    kind = thing if isinstance(thing, type) else type(thing)
    try:
        return f"{_shown(Path(inspect.getfile(kind)))}:{inspect.getsourcelines(kind)[1]}"
    except (OSError, TypeError):
        return ""


def _shown(path: Path) -> str:
    """A file as a person finds it from where the command was typed."""
    near = os.path.relpath(path)
    return str(path) if near.startswith("..") else near


@contextmanager
def blamed(thing: Any, member: str = "") -> Iterator[None]:
    """Let what a part raises become a broken promise that says where.

    Raises:
        ContractError: The block raised anything but a ``UserError`` or Ctrl-C; ``SystemExit`` too, since a plugin must
            not end the process.
    """
    try:
        yield
    except PASSED:
        raise
    except BaseException as error:
        raise blame(error, thing, member) from error


def blame(error: BaseException, thing: Any, member: str = "") -> ContractError:
    """The broken promise that an error is."""
    if wrote_to_readonly(error):
        where = raised(error, thing)
        return ContractError(f"{culprit(thing, member)} changes an array that it was given, in place: {where}; {COPY}")
    return ContractError(f"{culprit(thing, member)} raised {raised(error, thing)}")


def wrote_to_readonly(error: BaseException) -> bool:
    """Whether somebody tried to change an array that is shared, in NumPy's words."""
    return isinstance(error, ValueError) and str(error) in (
        "assignment destination is read-only",
        "output array is read-only",
        "sort array is read-only",
    )
