"""One section: a mapping with a ``name`` becomes the options of the component of that name."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass, is_dataclass
from typing import Any, TypeVar, get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from evokit.common.names import listed
from evokit.components.registry import Registry, UnknownComponent
from evokit.errors import UserError
from evokit.interfaces import Component, Kind
from evokit.options import rest_of
from evokit.recipe.schema import Section, as_json
from evokit.recipe.wording import explain, known_keys, worded
from evokit.recipe.yaml_source import describe

T = TypeVar("T")


@dataclass(frozen=True)
class Scope:
    """What a section is read against. Nested sections reach it as the validation context."""

    registry: Registry
    fits: str = ""  # name of the fitness, for the components that belong to one
    where: str = ""

    def section(self, kind: Kind, data: Any) -> Section:
        """Check one section.

        Args:
            kind: What the section must name.
            data: JSON values.

        Raises:
            ValidationError: With final messages and paths below the section.
            UserError: The component's options class is at fault.
        """
        if not isinstance(data, dict):
            raise worded([((), f"must be a mapping like {{name: ...}}, got {describe(data)}")])
        if not isinstance(data.get("name"), str):
            found = f"must be a string, got {describe(data['name'])}" if "name" in data else "is missing"
            raise worded([((), f"name {found} (available: {listed(self.registry.names(kind, self.fits))})")])
        try:
            component = self.registry.find(kind, data["name"], self.fits)
        except UnknownComponent as error:
            raise worded([(("name",), str(error))]) from error
        return self.options(component, {key: value for key, value in data.items() if key != "name"})

    def options(self, component: Component, given: dict[str, Any]) -> Section:
        """The section of a known component; ``given`` holds its options alone. Raises as ``section`` does."""
        try:
            options: Any = validate(component.options_class, given, self)
        except (PydanticUserError, NameError, TypeError) as error:
            raise UserError(f"{component.kind} {component.name!r}: its options cannot be read: {error}") from error
        return Section(component.kind, component, options, self.where, given)


def validate(options: type[T], data: dict[str, Any], scope: Scope | None = None) -> T:
    """JSON values as a dataclass: no value is converted, no key is left over, at any depth.

    Raises:
        ValidationError: With final messages.
    """
    view: TypeAdapter[T] = adapter(options)  # type: ignore[arg-type] # a class is hashable, which mypy does not see
    checked = _parse(view, options, data, scope)
    # Once more with every default said aloud: pydantic passes defaults unread, and a resolved recipe will say them.
    return _parse(view, options, as_json(checked), scope)


def _parse(view: TypeAdapter[T], options: type, data: dict[str, Any], scope: Scope | None) -> T:
    try:
        return view.validate_json(json.dumps(_with_rest(options, data)), strict=True, context=scope)
    except ValidationError as error:
        raise worded(explain(error, options, data)) from error


def _with_rest(options: type, data: dict[str, Any]) -> dict[str, Any]:
    """The data with all keys that are no field's in the field that is there for them, if there is one."""
    name = rest_of(options)
    if not name:
        return data
    known = known_keys(options, ())
    own = {key: value for key, value in data.items() if key in known}
    return {**own, name: {key: value for key, value in data.items() if key not in known}}


@functools.lru_cache(maxsize=256)  # a local plugin that is loaded again brings classes of its own
def adapter(options: type[T]) -> TypeAdapter[T]:
    """pydantic's view of a dataclass and those inside it, with unknown keys forbidden.

    Marks the classes themselves: that is how pydantic lets a stdlib dataclass be configured.
    """
    for kind in _dataclasses_in(options, set()):
        own = vars(kind).get("__pydantic_config__", {})
        kind.__pydantic_config__ = {**own, "extra": "forbid"}  # type: ignore[attr-defined]
    return TypeAdapter(options)


def _dataclasses_in(hint: Any, seen: set[Any]) -> Iterator[type]:
    if is_dataclass(hint) and isinstance(hint, type):
        if hint in seen:
            return
        seen.add(hint)
        yield hint
        for member in get_type_hints(hint, include_extras=True).values():
            yield from _dataclasses_in(member, seen)
    for argument in get_args(hint):
        yield from _dataclasses_in(argument, seen)
