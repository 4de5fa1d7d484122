"""The field's searches of formulas, each as its own documentation shows it.

Each takes a record, which ends the run by raising ``Over``, and a seed.
"""

from __future__ import annotations

import operator
import random
from functools import partial
from typing import Any

import numpy as np

from benchmarks.searches.formulas import CONSTANTS, FUNCTIONS, rows_of
from benchmarks.searches.loops import deap_individuals
from benchmarks.searches.problems import Record
from evokit.genomes.primitives import NUMBERS


def deap_trees(record: Record, seed: int) -> None:
    """DEAP's example on symbolic regression: 300 individuals, one-point crossover, height up to 17."""
    from deap import algorithms, base, gp, tools

    random.seed(seed)
    rows = rows_of(*record.problem.of)
    primitives = gp.PrimitiveSet("MAIN", rows.x.shape[1])
    for name in FUNCTIONS:
        primitives.addPrimitive(*NUMBERS[name], name=name)
    primitives.addEphemeralConstant(f"rand{seed}", partial(random.uniform, *CONSTANTS))

    def evaluate(individual: Any) -> tuple[float]:
        with np.errstate(all="ignore"):
            said = gp.compile(individual, primitives)(*rows.x.T)
        return (record(np.broadcast_to(said, rows.y.shape)),)

    toolbox = base.Toolbox()
    toolbox.register("expr", gp.genHalfAndHalf, pset=primitives, min_=1, max_=2)
    toolbox.register("evaluate", evaluate)
    toolbox.register("select", tools.selTournament, tournsize=3)
    toolbox.register("mate", gp.cxOnePoint)
    toolbox.register("expr_mut", gp.genFull, min_=0, max_=2)
    toolbox.register("mutate", gp.mutUniform, expr=toolbox.expr_mut, pset=primitives)
    for name in ("mate", "mutate"):
        toolbox.decorate(name, gp.staticLimit(key=operator.attrgetter("height"), max_value=17))
    first = deap_individuals(gp.PrimitiveTree, toolbox.expr, 300)
    algorithms.eaSimple(first, toolbox, 0.5, 0.1, ngen=record.budget, verbose=False)


def gplearn_regressor(record: Record, seed: int) -> None:
    """gplearn's ``SymbolicRegressor`` with its defaults: 1000 programs, tournaments of 20."""
    from gplearn.fitness import make_fitness
    from gplearn.functions import make_function
    from gplearn.genetic import SymbolicRegressor

    rows = rows_of(*record.problem.of)

    def error(y: np.ndarray, said: np.ndarray, weights: np.ndarray) -> float:
        if y is not rows.y and not np.array_equal(y, rows.y):
            return 1.0  # it tries a metric before it uses it
        return min(record(said), 1e300)

    def exp(x: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            finite: np.ndarray = np.nan_to_num(np.exp(x))  # no function of its may overflow
        return finite

    functions = [name if name != "exp" else make_function(function=exp, name="exp", arity=1) for name in FUNCTIONS]
    regressor = SymbolicRegressor(
        generations=record.budget,
        function_set=functions,
        const_range=CONSTANTS,
        metric=make_fitness(function=error, greater_is_better=False),
        random_state=seed,
    )
    regressor.fit(rows.x, rows.y)
