"""Searches with several objectives of pymoo and Optuna, with their documented defaults and populations of one size.

Each is told constraints in its own way. On bits pymoo's have the operators that its page on binary variables has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from benchmarks.searches.fronts import POPULATION, TradedRecord
from benchmarks.searches.loops import pymoo_loop


def pymoo_nsga2(record: TradedRecord, seed: int) -> None:
    """Binary tournaments by domination and crowding, SBX with eta 15, polynomial mutation with eta 20."""
    from pymoo.algorithms.moo.nsga2 import NSGA2

    _pymoo(NSGA2(pop_size=POPULATION, **_operators(record)), record, seed)


def pymoo_nsga3(record: TradedRecord, seed: int) -> None:
    """SBX with eta 30; as many evenly spread reference directions as there is room for."""
    from pymoo.algorithms.moo.nsga3 import NSGA3
    from pymoo.util.ref_dirs import get_reference_directions

    n = record.traded.n_objectives
    directions = get_reference_directions("das-dennis", n, n_partitions={2: POPULATION - 1, 3: 12}[n])
    _pymoo(NSGA3(directions, pop_size=POPULATION, **_operators(record)), record, seed)


def pymoo_sms_emoa(record: TradedRecord, seed: int) -> None:
    """Binary tournaments by domination, as many offspring as parents."""
    from pymoo.algorithms.moo.sms import SMSEMOA

    _pymoo(SMSEMOA(pop_size=POPULATION, **_operators(record)), record, seed)


def optuna_nsga2(record: Any, seed: int) -> None:
    """``NSGAIISampler``: uniform crossover, genes drawn anew with one over their number."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    traded = record.traded
    told = {"constraints_func": lambda trial: trial.user_attrs["constraints"]} if traded.n_constraints else {}
    sampler = optuna.samplers.NSGAIISampler(population_size=POPULATION, seed=seed, **told)
    study = optuna.create_study(directions=["minimize"] * traded.n_objectives, sampler=sampler)

    def objective(trial: Any) -> tuple[float, ...]:
        suggest = trial.suggest_int if traded.kind == "bits" else trial.suggest_float
        row = record.many(np.array([[suggest(f"x{i}", 0, 1) for i in range(traded.dimension)]]))[0].tolist()
        trial.set_user_attr("constraints", row[traded.n_objectives :])
        return tuple(row[: traded.n_objectives])

    study.optimize(objective)  # until the record ends it


def _operators(record: TradedRecord) -> dict[str, Any]:
    """On bits; on numbers the defaults."""
    from pymoo.operators.crossover.pntx import TwoPointCrossover
    from pymoo.operators.mutation.bitflip import BitflipMutation
    from pymoo.operators.sampling.rnd import BinaryRandomSampling

    if record.problem.kind != "bits":
        return {}
    return {"sampling": BinaryRandomSampling(), "crossover": TwoPointCrossover(), "mutation": BitflipMutation()}


def _pymoo(algorithm: Any, record: TradedRecord, seed: int) -> None:
    def told(algorithm: Any) -> None:
        record.kept(np.hstack(algorithm.pop.get("F", "G")))

    pymoo_loop(algorithm, record, seed, 0.0, 1.0, told)


PYMOO: Mapping[str, Callable[[Any, int], None]] = {
    one.__name__: one for one in (pymoo_nsga2, pymoo_nsga3, pymoo_sms_emoa)
}
