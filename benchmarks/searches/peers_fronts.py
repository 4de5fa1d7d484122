"""Searches with several objectives of pymoo and Optuna, with their documented defaults and populations of one size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from benchmarks.searches.fronts import POPULATION, TradedRecord
from benchmarks.searches.loops import pymoo_loop


def pymoo_nsga2(record: TradedRecord, seed: int) -> None:
    """Binary tournaments by domination and crowding, SBX with eta 15, polynomial mutation with eta 20."""
    from pymoo.algorithms.moo.nsga2 import NSGA2

    _pymoo(NSGA2(pop_size=POPULATION), record, seed)


def pymoo_nsga3(record: TradedRecord, seed: int) -> None:
    """SBX with eta 30; as many evenly spread reference directions as there is room for."""
    from pymoo.algorithms.moo.nsga3 import NSGA3
    from pymoo.util.ref_dirs import get_reference_directions

    n = record.traded.n_objectives
    directions = get_reference_directions("das-dennis", n, n_partitions={2: POPULATION - 1, 3: 12}[n])
    _pymoo(NSGA3(directions, pop_size=POPULATION), record, seed)


def pymoo_sms_emoa(record: TradedRecord, seed: int) -> None:
    """Binary tournaments by domination, as many offspring as parents."""
    from pymoo.algorithms.moo.sms import SMSEMOA

    _pymoo(SMSEMOA(pop_size=POPULATION), record, seed)


def optuna_nsga2(record: Any, seed: int) -> None:
    """``NSGAIISampler``: uniform crossover, genes drawn anew with one over their number."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    traded = record.traded
    sampler = optuna.samplers.NSGAIISampler(population_size=POPULATION, seed=seed)
    study = optuna.create_study(directions=["minimize"] * traded.n_objectives, sampler=sampler)

    def objective(trial: Any) -> tuple[float, ...]:
        point = np.array([trial.suggest_float(f"x{i}", 0, 1) for i in range(traded.dimension)])
        return tuple(record.many(point[None])[0].tolist())

    study.optimize(objective, n_trials=record.budget)


def _pymoo(algorithm: Any, record: TradedRecord, seed: int) -> None:
    def told(algorithm: Any) -> None:
        record.kept(algorithm.pop.get("F"))

    pymoo_loop(algorithm, record, seed, 0.0, 1.0, told)


PYMOO: Mapping[str, Callable[[Any, int], None]] = {
    one.__name__: one for one in (pymoo_nsga2, pymoo_nsga3, pymoo_sms_emoa)
}
