"""Digests of code: what a function or class does, told by its source or by what it was compiled to."""

from __future__ import annotations

import dis
import functools
import pickle
import random
import sys
from collections.abc import Iterator, Mapping
from dataclasses import Field
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from evokit.common.keys import array_key, digest, digest_bytes

INSTALLED = ("site-packages", "dist-packages")  # folders of what others wrote, whose versions a run writes down
UNTOLD = {"__dict__", "__weakref__", "__doc__", "__module__", "__firstlineno__", "__static_attributes__"}


GLOBAL_PYTHON = random.random.__self__  # type: ignore[attr-defined] # what ``random.randint`` and all others belong to
GLOBAL_NUMPY = np.random.mtrand._rand


class Untellable(ValueError):  # noqa: N818 - the name says what it is
    """Something that code uses cannot be told from another of its kind."""


def importable(thing: Any) -> str:
    """``module:name`` of a function or class that another process can import; empty for all else."""
    module, name = getattr(thing, "__module__", None), getattr(thing, "__qualname__", None)
    if not (isinstance(module, str) and isinstance(name, str)) or module == "__main__" or module not in sys.modules:
        return ""
    found: Any = sys.modules[module]
    for part in name.split("."):
        found = getattr(found, part, None)
    return f"{module}:{name}" if found is thing and getattr(sys.modules[module], "__file__", None) else ""


def code_digest(thing: Any) -> str:
    """What decides what a function or class does.

    Of one that can be imported the source of its module; of one from a notebook, a script or another function what it
    was compiled to, with all that it uses of its surroundings: functions, classes and values, and the source of modules
    that are not installed. So comments and what else stands in a script change nothing.

    Raises:
        Untellable: It uses a value of which nobody can tell whether it is the same another time.

    >>> f, g, h = (lambda x: x + 1), (lambda x: x + 1), (lambda x: x + 2)
    >>> code_digest(f) == code_digest(g), code_digest(f) == code_digest(h)
    (True, False)
    """
    if importable(thing) and (source := _source(sys.modules[thing.__module__])):
        return digest([source, thing.__qualname__])
    return digest(_told(thing, {}, top=True))


def _source(module: ModuleType) -> str:
    """Digest of a module's file; empty if it has none."""
    file = getattr(module, "__file__", None)
    return digest_bytes(Path(file).read_bytes()) if isinstance(file, str) and Path(file).is_file() else ""


def _named(module: str) -> list[str]:
    """A module by its name; with its source if it is the user's own."""
    found = sys.modules.get(module)
    file = str(getattr(found, "__file__", None) or "")
    installed = not file or file.startswith(sys.base_prefix) or any(name in Path(file).parts for name in INSTALLED)
    return [module, "" if found is None or installed or module.partition(".")[0] == "evokit" else _source(found)]


def _told(value: Any, seen: dict[int, tuple[int, Any]], top: bool = False) -> Any:
    """A value as JSON that is the same in another process."""
    if value is None or value is Ellipsis or isinstance(value, bool | int | float | complex | str | bytes):
        return [type(value).__name__, repr(value)]
    if value is GLOBAL_PYTHON or value is GLOBAL_NUMPY:
        return ["global generator", type(value).__name__]  # whose state is no part of what code does
    if id(value) in seen:
        return ["again", seen[id(value)][0]]
    seen[id(value)] = len(seen), value  # which lives on, so that no other takes its number
    if isinstance(value, ModuleType):
        return ["module", *_named(value.__name__)]
    if isinstance(value, FunctionType | type) and not top and _elsewhere(value):
        return ["of", *_named(value.__module__), value.__qualname__]
    return [type(value).__qualname__, *_parts(value, seen)]


def _parts(value: Any, seen: dict[int, tuple[int, Any]]) -> Iterator[Any]:
    def told(one: Any) -> Any:
        return _told(one, seen)

    match value:
        case tuple() | list():
            yield from map(told, value)
        case set() | frozenset():
            yield from sorted(digest(_told(one, {})) for one in value)
        case Mapping():
            yield from ([told(key), told(one)] for key, one in value.items())
        case np.ndarray() if value.dtype != object:
            yield array_key(value)
        case np.generic():
            yield repr(value)
        case FunctionType():
            uses = {name: value.__globals__[name] for name in _globals(value.__code__) if name in value.__globals__}
            cells = [cell.cell_contents for cell in value.__closure__ or ()]
            yield from map(told, (value.__code__, value.__defaults__, value.__kwdefaults__, cells, uses))
        case CodeType():
            yield value.co_code.hex()
            yield from map(told, (value.co_consts, value.co_names, value.co_varnames, value.co_freevars))
        case MethodType():
            yield from map(told, (value.__func__, value.__self__))
        case functools.partial():
            yield from map(told, (value.func, value.args, value.keywords))
        case staticmethod() | classmethod():
            yield told(value.__func__)
        case property():
            yield from map(told, (value.fget, value.fset))
        case Field():
            yield from map(told, (value.name, value.default, value.default_factory))
        case type():
            own = {name: one for name, one in sorted(vars(value).items()) if name not in UNTOLD}
            yield from map(told, ([base for base in value.__bases__ if base is not object], own))
        case _:
            yield from _parts_of_object(value, seen)


def _parts_of_object(value: Any, seen: dict[int, tuple[int, Any]]) -> Iterator[Any]:
    if callable(value) and hasattr(value, "__qualname__"):  # of C
        yield from (getattr(value, "__module__", None) or "", value.__qualname__)
    elif not _elsewhere(type(value)) or _only_a_dict(value):
        yield from (_told(one, seen) for one in (type(value), getattr(value, "__dict__", {})))
        if not hasattr(value, "__dict__"):
            raise Untellable(f"{type(value).__name__} {value!r:.40}")
    else:
        try:
            yield digest_bytes(pickle.dumps(value, protocol=5))
        except Exception as error:
            raise Untellable(f"{type(value).__name__} {value!r:.40}: {error}") from error


def _elsewhere(thing: Any) -> bool:
    """Whether another process has it as well: it can be imported, or is Python's own, such as ``range``."""
    return bool(importable(thing)) or (thing.__module__ in sys.builtin_module_names and hasattr(thing, "mro"))


def _only_a_dict(value: Any) -> bool:
    """Whether its attributes are all there is to it."""
    kind = type(value)
    reducing = ("__reduce__", "__reduce_ex__")
    return hasattr(value, "__dict__") and all(getattr(kind, name) is getattr(object, name) for name in reducing)


def _globals(code: CodeType) -> Iterator[str]:
    """Names of its surroundings that code reads, those of functions inside it too."""
    found = {one.argval for one in dis.get_instructions(code) if one.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    for const in code.co_consts:
        if isinstance(const, CodeType):
            found.update(_globals(const))
    yield from sorted(found)
