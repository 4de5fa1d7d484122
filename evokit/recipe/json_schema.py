"""The published JSON Schema of a recipe, for editors and other tools."""

from __future__ import annotations

from typing import Any, get_args

from evokit.components.nested import NESTED
from evokit.components.registry import Offer, Registry
from evokit.interfaces import Component, Kind
from evokit.options import rest_of
from evokit.recipe.check import REQUIRED
from evokit.recipe.options import adapter
from evokit.recipe.schema import LISTS, SECTIONS, Core, Ending

JsonSchema = dict[str, Any]


def json_schema(registry: Registry) -> JsonSchema:
    """JSON Schema (draft 2020-12) of a complete recipe: one that extends no other.

    Sections are described one by one; which of them go together only ``load_recipe`` knows.

    Args:
        registry: What a recipe may name.
    """
    definitions: JsonSchema = {}
    core = _options(Core, "core", definitions)
    for kind in get_args(Kind):
        if kind != "final":
            offers = [offer for offer in registry.offers if offer.component.kind == kind]
            definitions[kind] = {"oneOf": _by_name(offers, definitions)}
    lists: JsonSchema = {key: {"type": "array", "items": _ref(kind)} for key, kind in LISTS.items()}
    for key in ("export", "callbacks"):  # whose entries may be a name alone
        named = (one for one in registry.offers if one.component.kind == LISTS[key])
        names = sorted({name for one in named for name in _names(one)})
        lists[key]["items"] = {"anyOf": [{"enum": names}, _ref(LISTS[key])]}
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "evokit recipe",
        "type": "object",
        "properties": {
            **core["properties"],
            "plugins": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
            "extends": {"type": "string"},
            **{kind: _ref(kind) for kind in SECTIONS},
            **lists,
            "final": _final(registry, definitions),
        },
        "required": list(REQUIRED),
        "additionalProperties": False,
        "$defs": definitions,
    }
    return _with_references(schema)  # type: ignore[no-any-return]


def _by_name(offers: list[Offer], definitions: JsonSchema) -> list[JsonSchema]:
    """One alternative per name; under one name, one per fitness that the component belongs to."""
    found: dict[str, list[JsonSchema]] = {}
    for offer in offers:
        component = offer.component
        options = _options(component.options_class, _label(component), definitions)
        section = {
            **options,
            "properties": {"name": {"enum": _names(offer)}, **options.get("properties", {})},
            "required": ["name", *options.get("required", [])],
        }
        found.setdefault(component.name, []).append(section)
    return [sections[0] if len(sections) == 1 else {"anyOf": sections} for sections in found.values()]


def _names(offer: Offer) -> list[str]:
    """What a recipe may call a component."""
    return list(dict.fromkeys([offer.component.name, offer.full_name]))


def _final(registry: Registry, definitions: JsonSchema) -> JsonSchema:
    """The core's part alone, or with the options of a final."""
    core = _options(Ending, "final", definitions)
    finals = [offer.component for offer in registry.offers if offer.component.kind == "final"]
    merged = [core]
    for component in finals:
        options = _options(component.options_class, _label(component), definitions)
        merged.append({**options, "properties": {**core["properties"], **options.get("properties", {})}})
    return {"anyOf": merged}


def _label(component: Component) -> str:
    return ".".join(part for part in (component.kind, component.fits, component.name) if part)


def _options(options: type, label: str, definitions: JsonSchema) -> JsonSchema:
    """The schema of a dataclass; those inside it go to ``definitions`` under names of this one."""
    schema = adapter(options).json_schema(ref_template=f"#/$defs/{label}.{{model}}")
    if rest := rest_of(options):
        del schema["properties"][rest]
        schema["additionalProperties"] = True
    definitions.update({f"{label}.{name}": inner for name, inner in schema.pop("$defs", {}).items()})
    return schema


def _ref(name: str) -> JsonSchema:
    return {"$ref": f"#/$defs/{name}"}


def _with_references(schema: Any) -> Any:
    """The schema with the marks that ``Nested`` leaves turned into references."""
    if isinstance(schema, list):
        return [_with_references(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kind = schema.get(NESTED)
    rest = {key: _with_references(value) for key, value in schema.items() if key != NESTED}
    return {**_ref(kind), **rest} if isinstance(kind, str) else rest
