"""Loops of pyribs as its documentation shows them (``examples/sphere.py``), with the settings there.

Those that mutate begin with random individuals, as evokit does, and stay within bounds; emitters of strategies begin in
the middle and have no bounds, as there: within some their samples are drawn anew without end near a corner.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from benchmarks.searches.illumination import CELLS, DescribedRecord

EMITTERS, BATCH = 15, 36
LINE = 0.2
MUTANTS = EMITTERS * BATCH  # of one emitter whose individuals know nothing of each other


def ribs_map_elites(record: DescribedRecord, seed: int) -> None:
    """Steps along all axes from elites."""
    from ribs.emitters import GaussianEmitter

    archive = _archive(record, seed)
    _loop(record, archive, [GaussianEmitter(archive, sigma=record.described.sigma, **_mutants(record, seed))])


def ribs_line(record: DescribedRecord, seed: int) -> None:
    """Steps along the line between two elites and along all axes (Iso+LineDD)."""
    from ribs.emitters import IsoLineEmitter

    archive = _archive(record, seed)
    sizes = {"iso_sigma": record.described.sigma, "line_sigma": LINE}
    _loop(record, archive, [IsoLineEmitter(archive, **sizes, **_mutants(record, seed))])


def ribs_cma_me(record: DescribedRecord, seed: int) -> None:
    """Improvement emitters."""
    archive = _archive(record, seed)
    _loop(record, archive, _strategies(record, archive, seed, ranker="2imp"))


def ribs_cma_mae(record: DescribedRecord, seed: int) -> None:
    """CMA-MAE: bars that follow by 0.01, and a second archive for what was found."""
    archive = _archive(record, seed, learning_rate=0.01, threshold_min=0.0)
    emitters = _strategies(
        record, archive, seed, ranker="imp", selection_rule="mu", restart_rule="basic",
    )  # fmt: skip
    _loop(record, archive, emitters, result_archive=_archive(record, seed))


def _mutants(record: DescribedRecord, seed: int) -> dict[str, Any]:
    n = record.problem.dimension
    first = np.random.default_rng(seed).uniform(*record.problem.box, (MUTANTS, n))
    return {"initial_solutions": first, "bounds": [record.problem.box] * n, "batch_size": MUTANTS, "seed": seed}


def _strategies(record: DescribedRecord, archive: Any, seed: int, **options: Any) -> list[Any]:
    from ribs.emitters import EvolutionStrategyEmitter

    start, sigma = np.zeros(record.problem.dimension), record.described.sigma
    seeds = range(seed * EMITTERS, (seed + 1) * EMITTERS)
    return [
        EvolutionStrategyEmitter(archive, x0=start, sigma0=sigma, batch_size=BATCH, seed=one, **options)
        for one in seeds
    ]


def _archive(record: DescribedRecord, seed: int, **options: Any) -> Any:
    from ribs.archives import GridArchive

    reach = record.described.reach
    ranges = [(-reach, reach)] * 2
    return GridArchive(solution_dim=record.problem.dimension, dims=[CELLS] * 2, ranges=ranges, seed=seed, **options)


def _loop(record: DescribedRecord, archive: Any, emitters: list[Any], **options: Any) -> None:
    from ribs.schedulers import Scheduler

    scheduler = Scheduler(archive, emitters, **options)
    while True:
        values, descriptors = record.told(scheduler.ask())
        scheduler.tell(1 - values / record.described.worst, descriptors)


LOOPS: Mapping[str, Callable[[Any, int], None]] = {
    one.__name__: one for one in (ribs_map_elites, ribs_line, ribs_cma_me, ribs_cma_mae)
}
