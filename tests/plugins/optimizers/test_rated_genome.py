"""The genome whose learning rates alone vary."""

from dataclasses import replace

import numpy as np
import pytest

from evokit_optimizers.genome import build_genome
from evokit_optimizers.options import OptimizerGenome
from evokit_optimizers.rules.known import KNOWN
from evokit_optimizers.rules.parts import by_group, with_parts
from evokit_optimizers.rules.search_space import Bounds, Rates


@pytest.fixture
def genome():
    options = OptimizerGenome(groups=("hidden",), terms=("ADAM_TERM", "ORTHOGONAL_NESTEROV"), seeds=(), rate_only=True)
    return build_genome(options, None)


def without_rates(rule):
    parts = {group: replace(part, lr=1.0) for group, part in rule.parts}
    return with_parts(replace(rule, lr=1.0), parts)


def test_a_mutation_multiplies_the_rates_of_all_groups_alike_and_changes_nothing_else(genome, rng):
    muon = KNOWN["muon"]
    mutants = [genome.mutate(muon, rng) for _ in range(50)]
    for one in mutants:
        factors = {group: rule.lr / by_group(muon)[group].lr for group, rule in by_group(one).items()}
        assert factors == pytest.approx(dict.fromkeys(factors, factors["hidden"]))
        assert without_rates(one) == without_rates(muon)
    assert len({one.lr for one in mutants}) == 50


def test_factors_are_as_wide_as_the_rates_say_wherever_the_rule_lies(rng):
    bounds = Bounds(lr=(1e-4, 1e0))  # a step of 0.1 is 0.4 decades
    genome = build_genome(OptimizerGenome(rate_only=True, bounds=bounds, rates=Rates(sigma=0.1)), None)
    outside = replace(KNOWN["sgd"], lr=5.0)
    steps = [np.log10(genome.mutate(outside, rng, 1.0).lr / outside.lr) for _ in range(2000)]
    assert np.std(steps) == pytest.approx(0.4, rel=0.1)
    assert abs(np.mean(steps)) < 0.05


def test_crossover_gives_the_parents(genome, rng):
    a, b = KNOWN["muon"], KNOWN["adam"]
    assert genome.crossover(a, b, rng) == (a, b)
