"""The one form of all rules that make the same updates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from evokit_optimizers.rules.groups import GROUPS
from evokit_optimizers.rules.parts import by_group, with_parts
from evokit_optimizers.rules.rule import COUNTS, DEFAULTS, NUMBERS, Rule, Terms
from evokit_optimizers.rules.terms import Vocabulary

AHEAD = {"NESTEROV": ("MOMENTUM", "GRAD"), "NADAM_TERM": ("ADAM_TERM", "RMS_NORM")}
"""Terms of Nesterov's momentum, and the same of the momentum and of the gradient."""


def canonical(rule: Rule) -> Rule:
    """The one form of all rules that make the same updates.

    Terms that equal others are folded into them, duplicates merged and what cancels dropped; the largest weight is
    +1 or -1, the learning rate carries the rest; terms stand in the order of the vocabulary; what cannot matter is at
    its default. Updates change by rounding at most.

    So is the rule of each group. The base is then the one that most groups share, the first of them if several do;
    what cannot matter in a part is inherited.
    """
    if not rule.parts:
        return _canonical_part(rule)
    rules = {group: _canonical_part(one) for group, one in by_group(rule).items()}
    shared = [sum(other == rules[group] for other in rules.values()) for group in GROUPS]
    base = rules[GROUPS[shared.index(max(shared))]]
    return with_parts(base, {group: _inheriting(one, base) for group, one in rules.items() if one != base})


def _inheriting(part: Rule, base: Rule) -> Rule:
    return replace(base, **{name: getattr(part, name) for name in part.used | {"terms"}})


def _canonical_part(rule: Rule) -> Rule:
    terms = _merged(_unmixed(_folded(rule), rule), rule.vocabulary)
    scale = max((abs(weight) for _, weight in terms), default=1.0)
    weight_decay = rule.weight_decay
    if rule.decoupled and scale != 1:
        weight_decay /= scale  # the parameters shrink by lr * weight_decay, which stays the same
    found = replace(
        rule,
        terms=tuple((name, weight / scale) for name, weight in terms),
        lr=rule.lr if rule.trust_ratio and terms else rule.lr * scale,  # whose steps have the tensors' lengths
        weight_decay=weight_decay,
        lookahead=0 if rule.lookahead_step == 1 else rule.lookahead,
    )
    if not terms and not (rule.decoupled and rule.weight_decay):
        return Rule((), vocabulary=rule.vocabulary)
    used = found.used
    values: dict[str, Any] = {
        name: getattr(found, name) if name in used else default for name, default in DEFAULTS.items()
    }
    # 1 and -0.0 have other JSON than 1.0 and 0.0.
    numbers = {name: int(values[name]) if name in COUNTS else float(values[name]) + 0.0 for name in NUMBERS}
    return replace(found, **{**values, **numbers})


def _folded(rule: Rule) -> Terms:
    if rule.beta1 != 0:
        return rule.terms
    return tuple((rule.vocabulary[name].without_momentum or name, weight) for name, weight in rule.terms)


def _unmixed(terms: Terms, rule: Rule) -> Terms:
    """Terms that look ahead are sums of two others: written so where one of them is there anyway."""
    names = {name for name, _ in terms}
    shares = rule.beta1, 1 - rule.beta1
    sums = {name: tuple(zip(parts, shares, strict=True)) for name, parts in AHEAD.items() if names.intersection(parts)}
    return tuple((part, weight * share) for name, weight in terms for part, share in sums.get(name, ((name, 1.0),)))


def _merged(terms: Iterable[tuple[str, float]], vocabulary: Vocabulary) -> Terms:
    sums = dict.fromkeys(vocabulary, 0.0)
    for name, weight in terms:
        sums[name] += weight
    return tuple((name, weight) for name, weight in sums.items() if weight != 0)
