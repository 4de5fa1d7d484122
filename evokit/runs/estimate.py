"""``evokit check``: what a recipe will take, by timing a few measurements of it."""

from __future__ import annotations

import logging
import math
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from evokit.assembly.parts import Parts
from evokit.common.cores import set_threads
from evokit.data.overlap import overlap_told
from evokit.genomes.individuals import make_individual, weights_of
from evokit.interfaces import Contender, Evaluation, Variant
from evokit.measuring.evaluate import evaluate_batch
from evokit.recipe import Recipe, RecipeError
from evokit.runs.launch import assemble_all
from evokit.runs.rehearsal import rehearse_all
from evokit.runs.tuning import tuning_race
from evokit.searches.archive import HALL
from evokit.searches.evolving import LOOKED_AT
from evokit.searches.generational import Generational
from evokit.searches.nsga2 import NSGA2

log = logging.getLogger("evokit")
TIMED = 3  # individuals
ROW_BYTES = 600  # of the ledger, an evaluation with its lineage

Number = TypeVar("Number", int, float)


@dataclass(frozen=True)
class Estimate:
    """What a phase will take; None where nothing tells before it runs."""

    phase: str
    measurements: int | None
    work: int | None
    seconds: float | None
    disk_bytes: int | None


@dataclass(frozen=True)
class Rate:
    """What a unit of a budget takes.

    Args:
        seconds: NaN where nothing can be timed.
        work: That is counted: more than one where phenotypes count work of their own, such as fits.
    """

    seconds: float
    work: float = 1.0


def estimate(recipe: Recipe) -> tuple[list[Estimate], list[Evaluation], str]:
    """What each phase will take if nothing ends it early; a surrogate that steps aside makes the search longer.

    Returns:
        One entry per phase; the evaluations that were timed, whose failures are worth a look before a long run; and
        what the test split has in common with the others, if anything.

    Raises:
        RecipeError: A part refused its options, or parts do not fit.
    """
    parts = assemble_all(recipe)
    log.info("Rehearsing")
    if failed := rehearse_all(parts):
        raise RecipeError([f"{recipe.fitness.where}: fitness.{recipe.fitness.name}: {failed}"])
    set_threads(recipe.execution.threads)
    log.info("Timing: a few individuals")
    evaluations, rate = _time_a_few(parts)
    search = _search(recipe, parts, rate)
    phases = [search]
    if recipe.confirm is not None:
        again = recipe.confirm.top > 1 and parts.fresh_again() is not None  # the chosen one
        n = recipe.confirm.top + again
        phases.append(_measurements("confirm", n, parts.fitness.budgets[-1], rate))
    final = parts.final()
    fits = None if final is None else _contender("champion's model", final, parts)
    for name, section in parts.named_baselines():
        part = parts.build(section)
        if hasattr(part, "fit"):
            phases.append(_contender(f"baseline {name}", part, parts))
        else:
            phases.append(_control(f"baseline {name}", part, search, rate, fits))
    told = "" if parts.data is None else overlap_told(parts.data)
    return phases if fits is None else [*phases, fits], evaluations, told


def _time_a_few(parts: Parts) -> tuple[list[Evaluation], Rate]:
    """Evaluations of a few random individuals, and what they took; they share work as in a run."""
    if getattr(parts.fitness, "by_hand", False):
        return [], Rate(math.nan)
    rng = parts.context.streams.at("check").numpy()
    budgets, n = parts.fitness.budgets, min(TIMED, parts.recipe.execution.batch)
    genes = [parts.genome.random(rng) for _ in range(1 + n)]
    evaluate_batch(parts.fitness, parts.genome.express, genes[:1], budgets[0])  # the first one pays for all beginnings
    started = time.perf_counter()
    evaluations = evaluate_batch(parts.fitness, parts.genome.express, genes[1:], budgets[-1])
    seconds = (time.perf_counter() - started) / (n * budgets[-1])
    counted = [one.work / budgets[-1] for one in evaluations if one.ok]
    return evaluations, Rate(seconds, sum(counted) / len(counted) if counted else 1.0)


def _search(recipe: Recipe, parts: Parts, rate: Rate) -> Estimate:
    options, full = recipe.search.options, parts.fitness.budgets[-1]
    most = None if recipe.stop.work is None else recipe.stop.work / rate.work  # in units of budgets
    expected = getattr(parts.search, "expected", None)
    if expected is not None:
        measured, work = expected()
    elif isinstance(options, Generational | NSGA2):
        told = np.array(
            [_generation(options, parts, generation) for generation in range(min(options.generations, LOOKED_AT))]
        )
        later = float(options.generations - len(told)) * told[len(told) // 2 :].mean(axis=0)
        measured, work = (told.sum(axis=0) + later).tolist()
    elif most is not None:  # until which a search without an end goes on
        measured, work = most / full, most
    else:
        return Estimate("search", None, None, None, None)
    if most is not None and work > most:
        measured, work = measured * most / work, most
    return _measurements("search", math.ceil(measured), full, rate, work)


def _generation(options: Generational | NSGA2, parts: Parts, generation: int) -> tuple[float, float]:
    """Measurements and work of a generation."""
    full = parts.fitness.budgets[-1]
    n_elites = options.n_elites if isinstance(options, Generational) else 0  # NSGA-II's old population takes no places
    asked: float = options.population - (n_elites if generation else 0)
    changes = [every for every in (options.refit_every, getattr(options, "reevaluate", None)) if every]
    known = min([generation, *(generation % every for every in changes)])  # of the present context
    work = 0.0
    for screen in parts.context.screens:
        asked, screening = screen.expected(asked, known)
        work += screening
    if generation and any(generation % every == 0 for every in changes):
        asked += options.population + HALL  # most of the population is in the hall of fame
    return float(asked), float(work + asked * full)


def _measurements(phase: str, n: int, full: int, rate: Rate, work: float | None = None) -> Estimate:
    """``work`` is in units of budgets."""
    work = n * full if work is None else work
    seconds = None if math.isnan(rate.seconds) else work * rate.seconds
    return Estimate(phase, n, round(work * rate.work), seconds, n * ROW_BYTES)


def _control(phase: str, part: Any, search: Estimate, rate: Rate, fits: Estimate | None) -> Estimate:
    """A control gets the search's work, or ends earlier if it says so; what it finds is fitted like the champion."""
    control = replace(search, phase=phase, measurements=None)
    expected = getattr(part, "expected", None)
    if expected is not None and search.work is not None:
        measurements, work = expected()
        control = _measurements(phase, measurements, 0, rate, min(work, search.work / rate.work))
    if fits is None:
        return control
    return Estimate(
        phase,
        _sum(control.measurements, fits.measurements),
        _sum(control.work, fits.work),
        _sum(control.seconds, fits.seconds),
        _sum(control.disk_bytes, fits.disk_bytes),
    )


def _sum(a: Number | None, b: Number | None) -> Number | None:
    return None if a is None or b is None else a + b


def _contender(phase: str, contender: Contender, parts: Parts) -> Estimate:
    """A contender may offer ``rehearse(scratch) -> (seconds, bytes)`` of one full fit, by timing a few steps."""
    log.info("Timing: %s", phase)
    genes = parts.genome.random(parts.context.streams.at("check", "contender").numpy())
    some = make_individual(parts.genome, genes, weights_of(parts.fitness.objectives))
    n_seeds = 1 if contender.deterministic else parts.recipe.final.seeds
    n_settings, full = len(contender.settings(some)), contender.budgets[-1]
    race = tuning_race(contender)
    tuned, raced = (n_settings if n_settings > 1 else 0), 0.0
    if tuned and race is not None:
        left, raced = race.expected(tuned, 0)
        tuned = math.ceil(left)
    fits = tuned + n_seeds
    variants: Mapping[str, Variant] = getattr(contender, "variants", dict)()
    work = round(raced) + fits * full + n_seeds * sum(one.work for one in variants.values())
    rehearse = getattr(contender, "rehearse", None)
    if rehearse is None:
        return Estimate(phase, fits, work, None, None)
    with tempfile.TemporaryDirectory() as scratch:
        seconds, size = rehearse(Path(scratch))
    fits += n_seeds * len(variants)
    return Estimate(phase, fits, work, work / full * seconds, fits * size)
