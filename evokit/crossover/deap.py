"""DEAP's crossovers by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from deap import tools

from evokit.contracts.deap_functions import (
    STRATEGY,
    called,
    check_call,
    refuse_bounds,
    refuse_failing,
    refuse_kind,
)
from evokit.crossover.pairs import Crossover, sometimes
from evokit.interfaces import Context
from evokit.options import Probability, rest

VECTORS = frozenset({"bits", "index_vector", "real_vector"})
REAL, ORDERS = frozenset({"real_vector"}), frozenset({"permutation"})
KINDS: Mapping[str, frozenset[str]] = {
    "cxOnePoint": VECTORS,
    "cxTwoPoint": VECTORS,
    "cxUniform": VECTORS,
    "cxBlend": REAL,
    "cxSimulatedBinary": REAL,
    "cxSimulatedBinaryBounded": REAL,
    "cxOrdered": ORDERS,
    "cxPartialyMatched": ORDERS,
    "cxUniformPartialyMatched": ORDERS,
}
REFUSED = {
    "cxMessyOnePoint": "changes the number of genes, which arrays keep; use cxOnePoint",
    "cxTwoPoints": "is the old name of cxTwoPoint",
    "cxESBlend": STRATEGY,
    "cxESTwoPoint": STRATEGY,
    "cxESTwoPoints": STRATEGY,
}


@dataclass(frozen=True)
class DeapCrossover:
    """A crossover of ``deap.tools``, such as ``{name: deap, operator: cxBlend, alpha: 0.5}``.

    ``operator`` is one of ``cxOnePoint``, ``cxTwoPoint`` and ``cxUniform`` (bits, index and real vectors); ``cxBlend``,
    ``cxSimulatedBinary`` and ``cxSimulatedBinaryBounded`` (real vectors); ``cxOrdered``, ``cxPartialyMatched`` and
    ``cxUniformPartialyMatched`` (permutations). All other keys are its own keyword arguments. Its chance comes from
    the run's seed. Children that leave a real vector's bounds are folded back into them.

    For whoever knows an operator from DEAP, or compares with a script of it; evokit's own ones cross whole populations
    at once. ``prob``: chance that a pair is crossed at all.

    Raises:
        ValueError: DEAP has no such crossover, or its arguments are others; in ``build``: it does not fit the genome.
    """

    operator: str
    prob: Probability = 1.0
    arguments: Mapping[str, Any] = rest()
    genes: ClassVar[frozenset[str]] = VECTORS | ORDERS

    def __post_init__(self) -> None:
        check_call(self.operator, self.arguments, list(KINDS), REFUSED)

    def build(self, context: Context) -> Crossover:
        genome, rng = context.genome, context.streams.at("assembly", "crossover").numpy()
        refuse_kind(self.operator, KINDS, genome)
        refuse_bounds(self.operator, self.arguments, genome)
        cross: Crossover = called(getattr(tools, self.operator), self.arguments, genome)
        refuse_failing(self.operator, lambda: cross(genome.random(rng), genome.random(rng), rng))
        return sometimes(cross, self.prob)
