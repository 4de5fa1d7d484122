"""The field's searches on real numbers in [-5, 5], each as its own documentation shows it, with its own defaults.

Each takes a record, which ends the run by raising ``Over``, and a seed. Those that take a point to begin with get the
middle of the box, as evokit's searches and NGOpt begin there, and for their restarts points drawn from it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.searches.loops import deap_loop, pymoo_loop
from benchmarks.searches.problems import Record

LOW, HIGH = -5.0, 5.0
WIDTH = HIGH - LOW


def pycma_bipop(record: Record, seed: int) -> None:
    """``cma.fmin2`` with restarts in turn large and small."""
    import cma

    cma.fmin2(record, _starts(record, seed), WIDTH / 5, _cma_options(record, seed), bipop=True, restarts=9)


def pycma_lq(record: Record, seed: int) -> None:
    """lq-CMA-ES: a quadratic model of the function spares evaluations (``cma.fmin_lq_surr2``)."""
    import cma

    cma.fmin_lq_surr2(record, _starts(record, seed), WIDTH / 5, _cma_options(record, seed), restarts=9)


def cmaes_ipop(record: Record, seed: int) -> None:
    """The library ``cmaes`` with restarts of twice the population, as its README shows."""
    import cmaes

    starts, n = _starts(record, seed), record.problem.dimension
    rng = np.random.default_rng((seed, n))
    population = None
    while True:
        strategy = cmaes.CMA(
            mean=starts(),
            sigma=WIDTH / 5,
            bounds=np.array([[LOW, HIGH]] * n),
            seed=int(rng.integers(2**31)),
            population_size=population,
        )
        while not strategy.should_stop():
            points = np.array([strategy.ask() for _ in range(strategy.population_size)])
            strategy.tell(list(zip(points, record.many(points).tolist(), strict=True)))
        population = 2 * strategy.population_size


def scipy_slsqp(record: Record, seed: int) -> None:
    """SciPy's SLSQP with gradients by differences, from a new point whenever it has ended."""
    from scipy.optimize import minimize

    starts = _starts(record, seed)
    while True:
        minimize(record, starts(), method="SLSQP", bounds=[(LOW, HIGH)] * record.problem.dimension)


def nevergrad_ngopt(record: Record, seed: int) -> None:
    """Nevergrad's NGOpt, which chooses a search for the dimension and the budget it is told."""
    import nevergrad

    space = nevergrad.p.Array(shape=(record.problem.dimension,)).set_bounds(LOW, HIGH)
    space.random_state.seed(seed)
    optimizer = nevergrad.optimizers.NGOpt(parametrization=space, budget=record.budget)
    while True:
        asked = optimizer.ask()
        optimizer.tell(asked, record(asked.value))


def pymoo_ga(record: Record, seed: int) -> None:
    """pymoo's GA: 100 individuals, binary tournaments, SBX, polynomial mutation."""
    from pymoo.algorithms.soo.nonconvex.ga import GA

    pymoo_loop(GA(), record, seed, LOW, HIGH)


def pymoo_de(record: Record, seed: int) -> None:
    """pymoo's DE: 100 individuals, DE/best/1/bin."""
    from pymoo.algorithms.soo.nonconvex.de import DE

    pymoo_loop(DE(), record, seed, LOW, HIGH)


def optuna_tpe(record: Record, seed: int) -> None:
    """Optuna's default sampler, the tree-structured Parzen estimator."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))

    def objective(trial: Any) -> float:
        return record(np.array([trial.suggest_float(f"x{i}", LOW, HIGH) for i in range(record.problem.dimension)]))

    study.optimize(objective, n_trials=record.budget)


def deap_simple(record: Record, seed: int) -> None:
    """DEAP's ``eaSimple`` as its overview has it: 50 individuals, 0.5 and 0.2; with SBX and polynomial mutation."""
    from deap import tools

    n = record.problem.dimension
    box = {"low": LOW, "up": HIGH, "eta": 20.0}

    def register(toolbox: Any) -> None:
        toolbox.register("genes", lambda: [random.uniform(LOW, HIGH) for _ in range(n)])
        toolbox.register("mate", tools.cxSimulatedBinaryBounded, **box)
        toolbox.register("mutate", tools.mutPolynomialBounded, indpb=1 / n, **box)

    deap_loop(record, seed, register, population=50, mate=0.5, mutate=0.2)


def _starts(record: Record, seed: int) -> Any:
    """Gives a point to begin with each time it is called."""
    rng, n = np.random.default_rng(seed), record.problem.dimension

    def points() -> Iterator[np.ndarray]:
        yield np.zeros(n)
        while True:
            yield rng.uniform(LOW, HIGH, n)

    return points().__next__


def _cma_options(record: Record, seed: int) -> dict[str, Any]:
    return {"bounds": [LOW, HIGH], "seed": seed + 1, "verbose": -9, "maxfevals": record.budget}
