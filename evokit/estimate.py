"""``evokit check``: what a recipe will take, by timing a few measurements of it."""

from __future__ import annotations

import math
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from evokit.assembly import Parts, assemble, set_threads
from evokit.evaluate import evaluate_batch
from evokit.interfaces import Evaluation
from evokit.recipe import Recipe
from evokit.searches.generational import Generational

TIMED = 3  # individuals
ROW_BYTES = 600  # of the ledger, an evaluation with its lineage


@dataclass(frozen=True)
class Estimate:
    """What a phase will take at most; None where nothing tells before it runs."""

    phase: str
    measurements: int | None
    work: int | None
    seconds: float | None
    disk_bytes: int | None


def estimate(recipe: Recipe) -> tuple[list[Estimate], list[Evaluation]]:
    """Upper bounds per phase, since patience and races may end things earlier.

    Returns:
        One entry per phase, and the evaluations that were timed, whose failures are worth a look before a long run.
    """
    parts = assemble(recipe)
    set_threads(recipe.execution.threads)
    evaluations, seconds_per_work = _time_a_few(parts)
    search = _search(recipe, parts, seconds_per_work)
    phases = [search]
    if recipe.confirm is not None:
        phases.append(_measurements("confirm", recipe.confirm.top, parts.fitness.budgets[-1], seconds_per_work))
    for name, section in parts.named_baselines():
        part = parts.build(section)
        if hasattr(part, "fit"):
            phases.append(_contender(f"baseline {name}", part, recipe.final.seeds))
        else:
            phases.append(Estimate(f"baseline {name}", None, search.work, search.seconds, search.disk_bytes))
    return phases, evaluations


def _time_a_few(parts: Parts) -> tuple[list[Evaluation], float]:
    """Evaluations of random individuals one after the other, and the least seconds per unit of work among them."""
    rng = parts.context.streams.at("check").numpy()
    full = parts.fitness.budgets[-1]
    evaluations, times = [], []
    for _ in range(TIMED):
        started = time.perf_counter()
        evaluations += evaluate_batch(parts.fitness, parts.genome.express, [parts.genome.random(rng)], full)
        times.append(time.perf_counter() - started)
    return evaluations, min(times) / full


def _search(recipe: Recipe, parts: Parts, seconds_per_work: float) -> Estimate:
    options, full = recipe.search.options, parts.fitness.budgets[-1]
    if not isinstance(options, Generational):
        return Estimate("search", None, recipe.stop.work, None, None)
    measured, work = 0.0, 0.0
    for generation in range(options.generations):
        asked: float = options.population - (options.n_elites if generation else 0)
        for screen in parts.context.screens:
            asked, screening = screen.expected(asked, generation)
            work += screening
        measured += asked
        work += asked * full
    if recipe.stop.work is not None and work > recipe.stop.work:
        measured, work = measured * recipe.stop.work / work, recipe.stop.work
    return _measurements("search", math.ceil(measured), full, seconds_per_work, work)


def _measurements(phase: str, n: int, full: int, seconds_per_work: float, work: float | None = None) -> Estimate:
    work = n * full if work is None else work
    return Estimate(phase, n, round(work), work * seconds_per_work, n * ROW_BYTES)


def _contender(phase: str, contender: object, n_seeds: int) -> Estimate:
    """A contender may offer ``rehearse(scratch) -> (seconds, bytes)`` of one full fit, by timing a few steps."""
    n_settings = len(contender.settings(None))  # type: ignore[attr-defined]
    full = contender.budgets[-1]  # type: ignore[attr-defined]
    fits = n_settings + n_seeds - 1
    rehearse = getattr(contender, "rehearse", None)
    if rehearse is None:
        return Estimate(phase, fits, fits * full, None, None)
    with tempfile.TemporaryDirectory() as scratch:
        seconds, size = rehearse(Path(scratch))
    return Estimate(phase, fits, fits * full, fits * seconds, fits * size)
