"""The optimizer genome whose groups of parameters may have parts of their own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from evokit_optimizers.options import OptimizerGenome
from evokit_optimizers.plain_genome import LATER, LINKED, STRUCTURE, Rules
from evokit_optimizers.rules.groups import GROUPS, Group
from evokit_optimizers.rules.parts import by_group, moved_base, own_values, with_parts
from evokit_optimizers.rules.rule import TRICKS, Rule

Cell = tuple[Group, ...]
"""Groups that share a part."""

_VALUES = (*LINKED, ("terms",), *((name,) for name in (*TRICKS, "beta3", "averaging")))
_OWN = 0.25  # chance that a cell of a random rule has a part


class GroupedRules(Rules):
    """The genome over rules with parts: each group that the options name may have one, all others share one.

    A part inherits from the base what is not its own, so that a mutation of the base moves the parts along.
    """

    def __init__(self, options: OptimizerGenome) -> None:
        super().__init__(options)
        rest = tuple(group for group in GROUPS if group not in options.groups)
        self._cells: list[Cell] = [*((group,) for group in options.groups), *([rest] if rest else [])]

    def random(self, rng: np.random.Generator) -> Rule:
        """A random rule; some cells differ from it in about half of its values, which are another random rule's.

        With ``numbers_only`` a cell differs at least in the values in which the known optimizer's does.
        """
        base, parts = super().random(rng), {}
        known = dict(self._frozen.parts) if self._frozen else {}
        for cell in self._cells:
            if rng.random() < _OWN or cell[0] in known:
                other = super().random(rng)
                apart = own_values(known[cell[0]], self._frozen).keys() if self._frozen and cell[0] in known else ()
                names = [
                    name
                    for linked in (*_VALUES, *self._later)
                    if rng.random() < 0.5 or set(linked) & set(apart)
                    for name in linked
                ]
                parts[cell] = replace(base, **{name: getattr(other, name) for name in names})
        return self._kept(_joined(base, parts))

    def crossover(self, a: Rule, b: Rule, rng: np.random.Generator) -> tuple[Rule, Rule]:
        """Base with base and part with part, each as rules without parts.

        A part that only one parent has goes to one of the children, where it inherits from that child's base.
        """
        sides = [self._divided(one) for one in (a, b)]
        bases = super().crossover(sides[0][0], sides[1][0], rng)
        children: tuple[dict[Cell, Rule], ...] = ({}, {})
        for cell in self._cells:
            found = [(base, parts[cell]) for base, parts in sides if cell in parts]
            if len(found) == 2:
                children[0][cell], children[1][cell] = super().crossover(found[0][1], found[1][1], rng)
            elif found:
                ((base, part),) = found
                to = int(rng.integers(2))
                children[to][cell] = replace(bases[to], **own_values(part, base))
        return self._kept(_joined(bases[0], children[0])), self._kept(_joined(bases[1], children[1]))

    def mutate(self, genes: Rule, rng: np.random.Generator, strength: float | None = None) -> Rule:
        """Change the base or one part as a rule without parts, sometimes after a part came, went or gave up a value.

        Args:
            genes: Left unchanged.
            rng: Decides all.
            strength: Factor on every rate and on the size of steps; None draws it, see ``Rates``.
        """
        strength = self.options.rates.strength(rng) if strength is None else strength
        base, parts = self._divided(genes)
        target: Cell = ()
        if rng.random() < self.options.rates.part * strength:
            target = self._regrouped(base, parts, rng)
        target = target or _choice([(), *parts], rng)
        if target:
            parts[target] = super().mutate(parts[target], rng, strength)
            return self._kept(_joined(base, parts))
        return self._kept(moved_base(_joined(base, parts), super().mutate(base, rng, strength)))

    def from_json(self, data: Any) -> Rule:
        """Raises ``ValueError``: no sound rule, too many terms, or groups that share a part differ."""
        rule = super().from_json(data)
        rules = by_group(rule)
        for cell in self._cells:
            if any(rules[group] != rules[cell[0]] for group in cell):
                raise ValueError(f"parts: {', '.join(cell)} must be alike")
        return rule

    def encode(self, genes: Rule) -> np.ndarray:
        """``(n_features,)`` float32: those of the rule of each cell, one after the other."""
        rules = by_group(genes)
        return np.concatenate([super(GroupedRules, self).encode(rules[cell[0]]) for cell in self._cells])

    def _divided(self, rule: Rule) -> tuple[Rule, dict[Cell, Rule]]:
        own = dict(rule.parts)
        return replace(rule, parts=()), {cell: own[cell[0]] for cell in self._cells if cell[0] in own}

    def _regrouped(self, base: Rule, parts: dict[Cell, Rule], rng: np.random.Generator) -> Cell:
        """Change ``parts``: one less, one that inherits a value that was its own, or one more, equal to the base.

        Returns:
            The cell of the new one, empty if there is none.
        """
        free = [cell for cell in self._cells if cell not in parts]
        way = _choice([*(["add"] if free else []), *(["remove", "inherit"] if parts else [])], rng)
        cell: Cell = _choice(free if way == "add" else list(parts), rng)
        if way == "add":
            parts[cell] = base
            return cell
        own = own_values(parts.pop(cell), base)
        if way == "inherit" and own:
            given_up = _choice([linked for linked in (*_VALUES, *LATER) if own.keys() & set(linked)], rng)
            parts[cell] = replace(base, **{name: value for name, value in own.items() if name not in given_up})
        return ()

    def _kept(self, rule: Rule) -> Rule:
        """The rule with what ``numbers_only`` keeps in each group."""
        if self._frozen is None:
            return rule
        known = by_group(self._frozen)
        rules = {
            group: replace(one, **{name: getattr(known[group], name) for name in STRUCTURE})
            for group, one in by_group(rule).items()
        }
        free = [group for group in GROUPS if group not in dict(rule.parts)] or GROUPS
        base = rules[free[0]]
        return with_parts(base, {group: one for group, one in rules.items() if one != base})


def _joined(base: Rule, parts: dict[Cell, Rule]) -> Rule:
    return with_parts(base, {group: part for cell, part in parts.items() for group in cell})


def _choice(values: list[Any], rng: np.random.Generator) -> Any:
    return values[int(rng.integers(len(values)))]
