"""Rules whose groups of parameters have parts of their own, and what these inherit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from evokit_optimizers.rules.groups import GROUPS, Group
from evokit_optimizers.rules.rule import Rule
from evokit_optimizers.rules.terms import Vocabulary

_INHERITED = tuple(item.name for item in fields(Rule) if item.name not in ("parts", "vocabulary"))


def own_values(part: Rule, base: Rule) -> dict[str, Any]:
    """What a part has of its own: the fields in which it differs from the base. The others it inherits."""
    return {name: getattr(part, name) for name in _INHERITED if getattr(part, name) != getattr(base, name)}


def by_group(rule: Rule) -> dict[Group, Rule]:
    """The rule of each group, without parts: its own one, or the base.

    >>> by_group(Rule((("GRAD", 1.0),), parts=(("last", Rule((("GRAD", 1.0),), lr=0.1)),)))["last"].lr
    0.1
    """
    own, base = dict(rule.parts), replace(rule, parts=())
    return {group: own.get(group, base) for group in GROUPS}


def refuse_untold(rule: Rule, groups: Sequence[Group], n: int) -> None:
    """Raises ``ValueError``: a rule with parts is not told the group of each of ``n`` parameters."""
    if rule.parts and len(groups) != n:
        raise ValueError(f"groups: a rule with parts needs that of all {n} parameters, got {len(groups)}")


def with_parts(base: Rule, parts: Mapping[Group, Rule]) -> Rule:
    """The base with parts, in the order of groups."""
    return replace(base, parts=tuple((group, parts[group]) for group in GROUPS if group in parts))


def moved_base(rule: Rule, base: Rule) -> Rule:
    """The rule with another base: its parts keep what is their own and inherit the rest from the new one."""
    return with_parts(base, {group: replace(base, **own_values(part, rule)) for group, part in rule.parts})


def in_vocabulary(rule: Rule, vocabulary: Vocabulary) -> Rule:
    """The rule with other meanings of its names, in its parts too."""
    parts = tuple((group, replace(part, vocabulary=vocabulary)) for group, part in rule.parts)
    return replace(rule, parts=parts, vocabulary=vocabulary)
