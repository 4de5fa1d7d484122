"""Options that Python has made, as a section of a recipe."""

from __future__ import annotations

from typing import Any

from evokit.interfaces import Kind
from evokit.plugins import load_plugins
from evokit.recipe.schema import as_json


def offered(kind: Kind, options: Any) -> dict[str, Any]:
    """The section of a component whose options these are; empty if nobody offers it."""
    for one in load_plugins().components(kind):
        place = one.options if isinstance(one.options, str) else f"{one.options.__module__}:{one.options.__qualname__}"
        if place == f"{type(options).__module__}:{type(options).__qualname__}":
            return {"name": one.name, **as_json(options)}
    return {}
