"""The field's searches on bits and on permutations, each as its own documentation shows it.

Each takes a record, which ends the run by raising ``Over``, and a seed.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from benchmarks.searches.loops import deap_loop, pymoo_loop
from benchmarks.searches.problems import Record


def deap_bits(record: Record, seed: int) -> None:
    """DEAP's example on one-max: 300 individuals, two-point crossover, bits flipped with 0.05."""
    from deap import tools

    def register(toolbox: Any) -> None:
        toolbox.register("genes", lambda: [random.randint(0, 1) for _ in range(record.problem.dimension)])
        toolbox.register("mate", tools.cxTwoPoint)
        toolbox.register("mutate", tools.mutFlipBit, indpb=0.05)

    deap_loop(record, seed, register, population=300, mate=0.5, mutate=0.2)


def deap_permutation(record: Record, seed: int) -> None:
    """DEAP's example on the travelling salesman: 300 individuals, PMX, places shuffled with 0.05."""
    from deap import tools

    n = record.problem.dimension

    def register(toolbox: Any) -> None:
        toolbox.register("genes", lambda: random.sample(range(n), n))
        toolbox.register("mate", tools.cxPartialyMatched)
        toolbox.register("mutate", tools.mutShuffleIndexes, indpb=0.05)

    deap_loop(record, seed, register, population=300, mate=0.7, mutate=0.2)


def pymoo_bits(record: Record, seed: int) -> None:
    """pymoo's GA as its page on binary variables has it: 200 individuals, two-point crossover, bits flipped."""
    from pymoo.algorithms.soo.nonconvex.ga import GA
    from pymoo.operators.crossover.pntx import TwoPointCrossover
    from pymoo.operators.mutation.bitflip import BitflipMutation
    from pymoo.operators.sampling.rnd import BinaryRandomSampling

    how = {"sampling": BinaryRandomSampling(), "crossover": TwoPointCrossover(), "mutation": BitflipMutation()}
    pymoo_loop(GA(pop_size=200, **how), record, seed, 0, 1)


def pymoo_permutation(record: Record, seed: int) -> None:
    """pymoo's GA as its page on permutations has it: 20 individuals, order crossover, stretches reversed."""
    from pymoo.algorithms.soo.nonconvex.ga import GA
    from pymoo.operators.crossover.ox import OrderCrossover
    from pymoo.operators.mutation.inversion import InversionMutation
    from pymoo.operators.sampling.rnd import PermutationRandomSampling

    how = {"sampling": PermutationRandomSampling(), "crossover": OrderCrossover(), "mutation": InversionMutation()}
    n = record.problem.dimension
    pymoo_loop(GA(pop_size=20, **how), record, seed, 0, n - 1)


def nevergrad_one_plus_one(record: Record, seed: int) -> None:
    """Nevergrad's DiscreteOnePlusOne: the best, each bit flipped with one over their number."""
    _nevergrad("DiscreteOnePlusOne", record, seed)


def nevergrad_fast_ga(record: Record, seed: int) -> None:
    """Nevergrad's DoubleFastGADiscreteOnePlusOne: rates of mutation from a heavy-tailed distribution."""
    _nevergrad("DoubleFastGADiscreteOnePlusOne", record, seed)


def _nevergrad(name: str, record: Record, seed: int) -> None:
    import nevergrad

    bits = nevergrad.p.TransitionChoice([0, 1], repetitions=record.problem.dimension)
    bits.random_state.seed(seed)
    optimizer = nevergrad.optimizers.registry[name](parametrization=bits, budget=record.budget)
    while True:
        asked = optimizer.ask()
        optimizer.tell(asked, record(np.array(asked.value)))
