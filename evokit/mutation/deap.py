"""DEAP's mutations by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from deap import tools

from evokit.contracts.deap_functions import (
    STRATEGY,
    called,
    check_call,
    refuse_bounds,
    refuse_failing,
    refuse_kind,
)
from evokit.interfaces import Context
from evokit.mutation.moving import KINDS as ANY
from evokit.mutation.moving import refuse_immovable
from evokit.options import Probability, rest

REAL = frozenset({"real_vector"})
KINDS: Mapping[str, frozenset[str]] = {
    "mutFlipBit": frozenset({"bits"}),
    "mutUniformInt": frozenset({"index_vector"}),
    "mutGaussian": REAL,
    "mutPolynomialBounded": REAL,
    "mutInversion": ANY,
    "mutShuffleIndexes": ANY,
}
MOVING = ("mutInversion", "mutShuffleIndexes")
REFUSED = {"mutESLogNormal": f"{STRATEGY}; use self_adaptive"}


@dataclass(frozen=True)
class DeapMutation:
    """A mutation of ``deap.tools``, such as ``{name: deap, operator: mutGaussian, mu: 0, sigma: 0.1, indpb: 0.2}``.

    ``operator`` is one of ``mutFlipBit`` (bits), ``mutUniformInt`` (index vectors), ``mutGaussian`` and
    ``mutPolynomialBounded`` (real vectors), ``mutInversion`` and ``mutShuffleIndexes`` (permutations, and vectors whose
    genes all have the same range). All other keys are its own keyword arguments. Its chance comes from the run's seed.
    What leaves a real vector's bounds is folded back into them.

    For whoever knows an operator from DEAP, or compares with a script of it; some of evokit's own ones mutate whole
    populations at once. ``prob``: chance that an individual is mutated at all.

    Raises:
        ValueError: DEAP has no such mutation, or its arguments are others; in ``build``: it does not fit the genome.
    """

    operator: str
    prob: Probability = 1.0
    arguments: Mapping[str, Any] = rest()
    genes: ClassVar[frozenset[str]] = ANY

    def __post_init__(self) -> None:
        check_call(self.operator, self.arguments, list(KINDS), REFUSED)

    def build(self, context: Context) -> Callable[[Any, np.random.Generator], Any]:
        genome, rng = context.genome, context.streams.at("assembly", "mutation").numpy()
        refuse_kind(self.operator, KINDS, genome)
        refuse_bounds(self.operator, self.arguments, genome)
        if self.operator in MOVING:
            refuse_immovable(genome)
        call = called(getattr(tools, self.operator), self.arguments, genome)
        refuse_failing(self.operator, lambda: call(genome.random(rng), rng))

        def mutate(genes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
            return call(genes, rng)[0] if rng.random() < self.prob else genes

        return mutate
