"""What options classes declare of themselves: kinds of genes and phenotypes, sections that a search reads."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from evokit.common.names import did_you_mean
from evokit.interfaces import Component, Kind

OPERATORS: tuple[Kind, ...] = ("selection", "crossover", "mutation")
READABLE = (*OPERATORS, "screens", "init")  # sections of a recipe that not every search reads
GENE_WORKERS: tuple[Kind, ...] = (*OPERATORS, "surrogate", "screen", "search", "baseline")

_ONE = {"genome": ("genes", "phenotype")}  # attributes that are one word
_MANY: Mapping[str, tuple[str, ...]] = {
    "fitness": ("takes",),
    **dict.fromkeys(GENE_WORKERS, ("genes",)),
    "search": ("genes", "reads"),
}


def declared(component: Component, attribute: str) -> Any:
    """What the options class says; None if it says nothing, or only of an instance."""
    value = getattr(component.options_class, attribute, None)
    return None if inspect.isdatadescriptor(value) else value


def declared_names(component: Component, attribute: str) -> frozenset[str] | None:
    """The names in an attribute such as ``genes``: one, or several; None if the class does not say.

    >>> from evokit.mutation.bit_flip import BitFlip
    >>> declared_names(Component("mutation", "bit_flip", BitFlip), "genes")
    frozenset({'bits'})
    """
    value = declared(component, attribute)
    if value is None:
        return None
    return frozenset([value] if value else ()) if isinstance(value, str) else frozenset(value)


def refuse_wrong_options(component: Component) -> None:
    """Raises ``TypeError`` for options that are no frozen dataclass, or that take or declare what they must not."""
    options, label = component.options_class, f"{component.kind} {component.name!r}"
    if not (isinstance(options, type) and is_dataclass(options)):
        raise TypeError(f"{label}: options must be a frozen dataclass, got {options!r:.80}")
    if not options.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        raise TypeError(f"{label}: options {options.__name__} must be frozen: @dataclass(frozen=True)")
    reserved = {"name", "seeds"} if component.kind == "final" else {"name"}
    for taken in sorted(reserved & {field.name for field in fields(options)}):
        raise TypeError(f"{label}: options {options.__name__} must not have a field {taken!r}, the recipe uses it")
    if wrong := misdeclared(component):
        raise TypeError(f"{label}: {wrong}")


def misdeclared(component: Component) -> str:
    """What is wrong with what a component's class declares; empty if nothing is."""
    name = component.options_class.__name__
    for attribute in _ONE.get(component.kind, ()):
        value = declared(component, attribute)
        if not (value is None or isinstance(value, str)):
            return f"{name}.{attribute} must be one name, such as 'bits', got {value!r:.80}"
    for attribute in _MANY.get(component.kind, ()):
        value = declared(component, attribute)
        if not (value is None or isinstance(value, str) or _all_text(value)):
            return f"{name}.{attribute} must be names, such as frozenset({{'bits'}}), got {value!r:.80}"
    if component.kind == "search":
        for section in sorted((declared_names(component, "reads") or frozenset()) - set(READABLE)):
            known = f" (known: {', '.join(READABLE)})"
            return f"{name}.reads: there is no section {section!r}{did_you_mean(section, READABLE)}{known}"
    return ""


def _all_text(value: Any) -> bool:
    return isinstance(value, Collection) and not isinstance(value, bytes) and all(isinstance(one, str) for one in value)
