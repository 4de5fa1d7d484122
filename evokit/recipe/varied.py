"""A recipe with other sections, as controls search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from evokit.components.declared import OPERATORS
from evokit.interfaces import Kind
from evokit.recipe.fit import DEFAULT_SELECTION, OWN, read_by
from evokit.recipe.options import Scope
from evokit.recipe.schema import Recipe, Section, walk


def varied(recipe: Recipe, sections: Mapping[str, Any]) -> Recipe:
    """The recipe with other sections; with another search what that one reads of the others, and defaults.

    Args:
        recipe: Checked.
        sections: Checked too, by name.
    """
    recipe = replace(recipe, **sections)
    if "search" not in sections:
        return recipe
    read = read_by(one.component for one in nested(recipe.search, "search"))
    changes: dict[str, Any] = {kind: _operator(recipe, kind) if kind in read else None for kind in OPERATORS}
    changes |= {name: none for name, none in (("screens", ()), ("init", None)) if name not in read}
    return replace(recipe, **changes)


def nested(value: Any, kind: Kind) -> list[Section]:
    """Sections of a kind in a value, itself included, at any depth."""
    return [one for _, one in walk(value) if isinstance(one, Section) and one.kind == kind]


def _operator(recipe: Recipe, kind: Kind) -> Section:
    section: Section | None = getattr(recipe, kind)
    name = DEFAULT_SELECTION if kind == "selection" else OWN
    return section or Scope(recipe.registry, where=recipe.search.where).section(kind, {"name": name})
