"""Which options are paths, told by their types, and made absolute before anything reads them."""

from __future__ import annotations

import json
import os
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

from evokit.components.nested import Nested
from evokit.interfaces import Component, Kind
from evokit.options import HubName
from evokit.recipe.schema import as_json, key_of_field
from evokit.recipe.yaml_source import KeyPath


@dataclass(frozen=True)
class Anchor:
    """Makes the paths among a section's options absolute, at any depth and in nested sections; the rest stays.

    A text is a path if its option's type says so: ``Path`` or another ``os.PathLike``, alone, beside null or text, or
    inside tuples, mappings and dataclasses. Beside other types, such as literals, it is one if none of them takes it.

    Args:
        component: The one that a nested section names, by kind and data; None if there is none.
        resolve: Makes a path absolute that stands at a place of the recipe.
    """

    component: Callable[[Kind, Any], Component | None]
    resolve: Callable[[KeyPath, str], str]

    def section(self, kind: Kind, data: Any, path: KeyPath) -> Any:
        """The data of a section with absolute paths; what names no component stays as it is."""
        component = self.component(kind, data)
        return self.options(component.options_class, data, path) if component else data

    def options(self, options: type, data: Any, path: KeyPath) -> Any:
        """Likewise of a dataclass; a default that is a relative path is added, so that it is absolute too."""
        if not (isinstance(data, dict) and is_dataclass(options)):
            return data
        hints = get_type_hints(options, include_extras=True)
        anchored = dict(data)
        for field in fields(options):
            key = key_of_field(field.name)
            if not field.init:
                continue
            given = data[key] if key in data else _default(field)
            value = self._value(hints[field.name], given, (*path, key))
            if key in data or value != given:
                anchored[key] = value
        return anchored

    def _value(self, hint: Any, data: Any, path: KeyPath) -> Any:
        origin, arguments = get_origin(hint), get_args(hint)
        if hasattr(hint, "__value__"):  # an alias by the statement `type`
            return self._value(hint.__value__, data, path)
        if origin is Annotated:
            nested = next((mark for mark in hint.__metadata__ if isinstance(mark, Nested)), None)
            return self.section(nested.kind, data, path) if nested else self._value(arguments[0], data, path)
        if origin in (Union, types.UnionType):
            return self._either(list(_members(hint)), data, path)
        if _is_path(hint):
            return self.resolve(path, data) if isinstance(data, str) else data
        if is_dataclass(hint) and isinstance(hint, type):
            return self.options(hint, data, path)
        if isinstance(data, list) and arguments:
            hints = (
                arguments if len(arguments) == len(data) and Ellipsis not in arguments else arguments[:1] * len(data)
            )
            return [self._value(one, item, (*path, i)) for i, (one, item) in enumerate(zip(hints, data, strict=True))]
        if isinstance(data, dict) and len(arguments) == 2:
            return {key: self._value(arguments[1], item, (*path, key)) for key, item in data.items()}
        return data

    def _either(self, members: Sequence[Any], data: Any, path: KeyPath) -> Any:
        if not isinstance(data, str):
            for member in members:
                data = self._value(member, data, path)
            return data
        others = [member for member in members if not (_is_path(member) or member in (str, HubName))]
        if not any(map(_is_path, members)) or any(_takes(member, data) for member in others):
            return data
        absolute = self.resolve(path, data)
        named = HubName in members and _takes(HubName, data)
        return data if named and not os.path.isdir(absolute) else absolute


def _members(hint: Any) -> Iterator[Any]:
    """Of a union, and of the unions in it."""
    bare = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    if get_origin(bare) in (Union, types.UnionType):
        for member in get_args(bare):
            yield from _members(member)
    else:
        yield hint


def _is_path(hint: Any) -> bool:
    hint = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    kind = get_origin(hint) or hint
    return isinstance(kind, type) and issubclass(kind, os.PathLike)


def _takes(hint: Any, text: str) -> bool:
    try:
        TypeAdapter(hint).validate_json(json.dumps(text), strict=True)
    except ValidationError:
        return False
    return True


def _default(field: Field[Any]) -> Any:
    if field.default is not MISSING:
        return as_json(field.default)
    return None if field.default_factory is MISSING else as_json(field.default_factory())
