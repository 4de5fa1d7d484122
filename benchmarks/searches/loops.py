"""How peers are called that have loops of their own, whatever they search."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.searches.problems import Record


def pymoo_loop(
    algorithm: Any,
    record: Record,
    seed: int,
    low: float,
    high: float,
    told: Callable[[Any], None] = lambda algorithm: None,
) -> None:
    """``minimize`` of pymoo on whole populations; ``told`` gets the algorithm after each."""
    from pymoo.core.problem import Problem
    from pymoo.optimize import minimize

    n_objectives, n_constraints = record.problem.n_objectives, record.problem.n_constraints

    class Function(Problem):  # type: ignore[misc]
        def _evaluate(self, x: np.ndarray, out: dict[str, Any], *args: Any, **options: Any) -> None:
            found = record.many(x).reshape(len(x), -1)
            out["F"] = found[:, :n_objectives]
            if n_constraints:
                out["G"] = found[:, n_objectives:]

    function = Function(n_var=record.problem.dimension, n_obj=n_objectives, n_ieq_constr=n_constraints, xl=low, xu=high)
    minimize(function, algorithm, ("n_eval", record.budget), seed=seed, callback=told)


def deap_loop(
    record: Record, seed: int, register: Callable[[Any], None], *, population: int, mate: float, mutate: float
) -> None:
    """DEAP's ``eaSimple`` with tournaments of three.

    Args:
        record: Ends the run.
        seed: Of the generators that DEAP draws from, which are global.
        register: Gives a toolbox ``genes``, ``mate`` and ``mutate``.
        population: Individuals.
        mate: Chance that a pair is crossed.
        mutate: Chance that an individual is mutated.
    """
    from deap import algorithms, base, tools

    random.seed(seed)  # DEAP draws from Python's own generator
    np.random.seed(seed)  # noqa: NPY002 - and some of its operators from NumPy's

    toolbox = base.Toolbox()
    register(toolbox)
    toolbox.register("select", tools.selTournament, tournsize=3)
    toolbox.register("evaluate", lambda one: (record(np.array(one)),))
    first = deap_individuals(list, toolbox.genes, population)
    algorithms.eaSimple(first, toolbox, mate, mutate, ngen=record.budget, verbose=False)


def deap_individuals(kind: type, genes: Callable[[], Any], n: int) -> list[Any]:
    """``n`` individuals of DEAP's to be minimised, of a ``kind`` of list."""
    from deap import base

    class Lowest(base.Fitness):  # type: ignore[misc]
        weights = (-1.0,)

    class Genes(kind):  # type: ignore[misc]  # a class that is known when it runs
        fitness: Lowest

    individuals = [Genes(genes()) for _ in range(n)]
    for one in individuals:
        one.fitness = Lowest()
    return individuals
