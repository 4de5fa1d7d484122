"""Rules as JSON values."""

from __future__ import annotations

from typing import Any

from evokit_optimizers.rules.groups import GROUPS
from evokit_optimizers.rules.parts import own_values, with_parts
from evokit_optimizers.rules.rule import ADDED, DEFAULTS, Rule, Terms
from evokit_optimizers.rules.terms import TERMS, Vocabulary


def rule_to_json(rule: Rule) -> dict[str, Any]:
    """JSON values, without the vocabulary; of parts what is their own, and no key ``parts`` if there are none."""
    values = {name: getattr(rule, name) for name in DEFAULTS}
    written = {name: value for name, value in values.items() if name not in ADDED or value != DEFAULTS[name]}
    found = {"terms": _terms_to_json(rule.terms), **written}
    if rule.parts:
        found["parts"] = {group: _own_to_json(own_values(part, rule)) for group, part in rule.parts}
    return found


def rule_from_json(data: Any, vocabulary: Vocabulary = TERMS) -> Rule:
    """Rebuild a rule.

    Raises:
        ValueError: Something is missing, unknown, of another type or out of range.
    """
    if not isinstance(data, dict):
        raise ValueError(f"a rule must be a mapping, got {type(data).__name__}")
    data = {name: DEFAULTS[name] for name in ADDED} | data
    parts = data.pop("parts", {})
    base = _part_from_json(data, vocabulary)
    if not isinstance(parts, dict) or not all(isinstance(own, dict) for own in parts.values()):
        raise ValueError(f"parts: must be a mapping of groups to mappings, got {parts!r}")
    if unknown := [str(group) for group in parts if group not in GROUPS]:
        raise ValueError(f"parts: no group is called {unknown[0]!r}; there are {', '.join(GROUPS)}")
    rules = {}
    for group, own in parts.items():
        try:
            rules[group] = _part_from_json({**data, **own}, vocabulary)
        except ValueError as error:
            raise ValueError(f"parts: {group}: {error}") from error
    return with_parts(base, rules)


def _part_from_json(data: dict[str, Any], vocabulary: Vocabulary) -> Rule:
    expected = {"terms", *DEFAULTS}
    for word, names in (("unknown", data.keys() - expected), ("missing", expected - data.keys())):
        if names:
            raise ValueError(f"{word} in a rule: {', '.join(sorted(map(str, names)))}")
    terms = data["terms"]
    if not isinstance(terms, list) or not all(_is_weighted_name(term) for term in terms):
        raise ValueError(f"terms: must be a list of [name, weight], got {terms!r}")
    for name, default in DEFAULTS.items():
        wanted: tuple[type, ...] = (int, float) if isinstance(default, float) else (type(default),)
        if type(data[name]) not in wanted:
            raise ValueError(f"{name}: must be a {wanted[-1].__name__}, got {data[name]!r}")
    values: dict[str, Any] = {
        name: float(data[name]) if isinstance(DEFAULTS[name], float) else data[name] for name in DEFAULTS
    }
    return Rule(tuple((name, float(weight)) for name, weight in terms), **values, vocabulary=vocabulary)


def _own_to_json(own: dict[str, Any]) -> dict[str, Any]:
    return {name: _terms_to_json(value) if name == "terms" else value for name, value in own.items()}


def _terms_to_json(terms: Terms) -> list[list[Any]]:
    return [[name, weight] for name, weight in terms]


def _is_weighted_name(term: Any) -> bool:
    return isinstance(term, list) and len(term) == 2 and isinstance(term[0], str) and type(term[1]) in (int, float)
