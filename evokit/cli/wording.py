"""Options and what a component goes with, in the words of a recipe."""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
import shutil
import textwrap
import types
import typing
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import annotated_types

from evokit.common.text import table
from evokit.components.declared import declared
from evokit.components.nested import Nested
from evokit.interfaces import Component
from evokit.options import REST, HubName
from evokit.recipe.schema import as_json, key_of_field

_PLAIN = {int: "integer", float: "number", str: "text", bool: "true or false", type(None): "null", Any: "anything"}
_LIMITS = (
    (annotated_types.Gt, "gt", "more than {}"),
    (annotated_types.Ge, "ge", "at least {}"),
    (annotated_types.Lt, "lt", "less than {}"),
    (annotated_types.Le, "le", "at most {}"),
    (annotated_types.Interval, "gt", "more than {}"),
    (annotated_types.Interval, "ge", "at least {}"),
    (annotated_types.Interval, "lt", "less than {}"),
    (annotated_types.Interval, "le", "at most {}"),
    (annotated_types.MultipleOf, "multiple_of", "a multiple of {}"),
    (annotated_types.MinLen, "min_length", "{} entries or more"),
    (annotated_types.MaxLen, "max_length", "{} entries or fewer"),
)
_NARROWEST = 12  # characters that a column is given at least
_DECLARED = {
    "phenotype": "expresses {}",
    "takes": "takes {}",
    "objectives": "objectives {}",
    "genes": "genes of kind {}",
    "reads": "reads {}",
}


def facts(component: Component) -> Iterator[str]:
    """What the options class declares, by which a recipe's parts are checked against each other."""
    for name, words in _DECLARED.items():
        value = declared(component, name)
        if isinstance(value, Mapping):
            yield words.format(", ".join(f"{key} ({goal})" for key, goal in value.items()))
        elif isinstance(value, str) and value:
            yield words.format(value)
        elif isinstance(value, Collection) and value:
            yield words.format(", ".join(sorted(map(str, value))))


def prose(text: str, width: int | None = None) -> str:
    """Paragraphs and tables of a docstring as wide as the terminal; lists and examples keep their lines."""
    width = shutil.get_terminal_size().columns if width is None else width
    paragraphs = text.replace("``", "`").split("\n\n")
    return "\n\n".join(_set(one, width) for one in paragraphs if not one.startswith("Raises:"))


def _set(paragraph: str, width: int) -> str:
    if paragraph.startswith("| "):
        head, _, *rows = ([cell.strip() for cell in line.strip("| ").split(" | ")] for line in paragraph.splitlines())
        return columns(head, rows, width)
    return paragraph if re.search(r"^( |- |>>>)", paragraph, re.MULTILINE) else textwrap.fill(paragraph, width)


def columns(head: Sequence[str], rows: Sequence[Sequence[str]], width: int | None = None) -> str:
    """A table that keeps to the terminal: the widest columns break their lines.

    >>> print(columns(("a", "b"), [("1", "one two three")], width=14))
    a  b
    -  -------
    1  one two
       three
    """
    width = shutil.get_terminal_size().columns if width is None else width
    widths = [max(len(line[column]) for line in (head, *rows)) for column in range(len(head))]
    while sum(widths) + 2 * (len(head) - 1) > width and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
    lines: list[list[str]] = []
    for row in rows:
        cells = [textwrap.wrap(cell, width) or [""] for cell, width in zip(row, widths, strict=True)]
        lines += [list(parts) for parts in itertools.zip_longest(*cells, fillvalue="")]
    return table(head, lines)


def option_rows(options: type, prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """Name, type and default of every option; those of a mapping follow it as ``mapping.option``."""
    hints = typing.get_type_hints(options, include_extras=True)
    for field in dataclasses.fields(options):
        if not field.init:
            continue
        hint, name = hints[field.name], f"{prefix}{key_of_field(field.name)}"
        if REST in field.metadata:
            yield f"{prefix}any other", spoken(get_args(hint)[1]), ""
            continue
        inner = _dataclass_in(hint)
        default = _default(field)
        yield name, spoken(hint), "" if inner and default.startswith("{") else default
        if inner:
            yield from option_rows(inner.options, f"{name}.{inner.entry}")


def spoken(hint: Any) -> str:
    """
    >>> from annotated_types import Ge, Interval
    >>> spoken(Annotated[int, Ge(1)] | None), spoken(tuple[Literal["a", "b"], ...])
    ('integer, at least 1, or null', 'list of a | b')
    >>> spoken(Annotated[float, Interval(gt=0, le=1)])
    'number, more than 0, at most 1'
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        nested = [_section(one) for one in hint.__metadata__ if isinstance(one, Nested)]
        return nested[0] if nested else ", ".join([spoken(arguments[0]), *_limits(hint.__metadata__)])
    if origin in (Union, types.UnionType):
        members = [spoken(member) for member in arguments]
        return (", or " if any("," in member for member in members) else " or ").join(members)
    if origin is Literal:
        return " | ".join(json.dumps(value).strip('"') for value in arguments)
    if isinstance(origin, type) and issubclass(origin, Sequence | set | frozenset):
        if origin is tuple and Ellipsis not in arguments:
            return "list: " + ", then ".join(map(spoken, arguments))
        entry = spoken(arguments[0])
        return f"list of ({entry})" if "," in entry else f"list of {entry}"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"mapping of names to {spoken(arguments[1])}"
    if isinstance(hint, type) and issubclass(hint, PurePath):
        return "path"
    if hint is HubName:
        return "name on the hub"
    if dataclasses.is_dataclass(hint):
        return "mapping"
    return _PLAIN.get(hint) or str(getattr(hint, "__name__", hint))


def _section(nested: Nested) -> str:
    article = "" if nested.kind.endswith("s") else "a "
    return f"{article}{nested.kind}: {{name: ...}}{' or the name alone' if nested.or_name else ''}"


def _limits(metadata: Sequence[Any]) -> Iterator[str]:
    for one in metadata:
        for kind, name, text in _LIMITS:
            if isinstance(one, kind) and (limit := getattr(one, name)) is not None:
                yield "not empty" if (kind, limit) == (annotated_types.MinLen, 1) else text.format(limit)


class _Inner(NamedTuple):
    options: type
    entry: str  # where it lies in the option: "N." of a list, "NAME." of a mapping


def _dataclass_in(hint: Any, entry: str = "") -> _Inner | None:
    """The dataclass that an option is or holds, alone or beside something else."""
    origin, arguments = get_origin(hint), get_args(hint)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _Inner(hint, entry)
    if isinstance(origin, type) and issubclass(origin, Sequence):
        entry = f"{entry}N."
    elif isinstance(origin, type) and issubclass(origin, Mapping):
        entry = f"{entry}NAME."
    members = arguments[:1] if origin is Annotated else arguments
    return next(filter(None, (_dataclass_in(one, entry) for one in members)), None)


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is not dataclasses.MISSING:
        value = field.default
    elif field.default_factory is not dataclasses.MISSING:
        value = field.default_factory()
    else:
        return "required"
    plain = as_json(value)
    return str(plain) if isinstance(plain, str) else json.dumps(plain)
