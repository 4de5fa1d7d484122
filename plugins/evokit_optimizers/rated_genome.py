"""The optimizer genome of which learning rates alone vary."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from evokit_optimizers.grouped_genome import GroupedRules
from evokit_optimizers.rules.parts import with_parts
from evokit_optimizers.rules.rule import Rule


class RatedRules(GroupedRules):
    """The genome over finished rules whose learning rates are tuned, those of all groups by one factor."""

    def crossover(self, a: Rule, b: Rule, rng: np.random.Generator) -> tuple[Rule, Rule]:
        """The parents."""
        return a, b

    def mutate(self, genes: Rule, rng: np.random.Generator, strength: float | None = None) -> Rule:
        """Multiply all learning rates by what a step of the options' size makes of a rate in the middle of its bounds.

        Args:
            genes: Left unchanged.
            rng: Decides the factor.
            strength: Factor on the size of the step; None draws it, see ``Rates``.
        """
        rates, bounds = self.options.rates, self.options.bounds
        strength = rates.strength(rng) if strength is None else strength
        middle = bounds.value("lr", 0.5)
        factor = bounds.moved("lr", middle, rates.sigma * strength, rng) / middle
        parts = {group: replace(part, lr=part.lr * factor) for group, part in genes.parts}
        return with_parts(replace(genes, lr=genes.lr * factor), parts)
