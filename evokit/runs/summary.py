"""``summary.json``: what a run claims, computed from its ledger and its contest; other tools read it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from evokit.assembly.identity import versions
from evokit.assembly.jobs import CHAMPION
from evokit.common.keys import digest
from evokit.data.overlap import overlap_told
from evokit.energy import Cost
from evokit.genomes.individuals import constraints_of, feasible_value
from evokit.interfaces import work_unit
from evokit.runs.contest import Entry
from evokit.runs.costs import PREPARE, Payer, below, spent, told_cost, total
from evokit.runs.diversity import told as told_archive
from evokit.runs.openings import test_openings, units_of
from evokit.runs.stopping import was_spent
from evokit.searches.archive import only_feasible
from evokit.statistics.averages import mean
from evokit.statistics.break_even import Point, break_even
from evokit.statistics.intervals import Interval, mean_interval
from evokit.statistics.pareto import gaps, hypervolumes
from evokit.statistics.verdicts import Verdict

if TYPE_CHECKING:
    from evokit.runs.confirming import Confirmed
    from evokit.runs.run import Run

FAILURES = 3  # kinds of them that are told


def summarise(run: Run, status: str) -> dict[str, Any]:
    """The summary of a run as it stands, JSON values only.

    Args:
        run: At any moment.
        status: ``running``, ``done``, ``baselines``, ``interrupted`` or ``failed``.
    """
    costs = run.ledger.costs()
    in_all = sum(costs.values(), Cost.none())
    contest = run.contest
    rival = contest.rival()
    champion, fronts = contest.champion, _fronts(run)
    if champion is None and run.champion is not None:  # stopped after its search, before its turn in the contest
        champion = Entry(CHAMPION, CHAMPION, builds_on=None)
    return {
        "status": status,
        "recipe": run.recipe.path.name,
        "recipe_digest": run.recipe.digest,
        "seed": run.recipe.seed,
        "data": _data(run),
        "objective": {"name": run.objective, "goal": run.goal},
        "objectives": dict(run.parts.fitness.objectives),
        "work_unit": work_unit(run.parts.fitness),
        "best": _best(run),
        "front": _front(run),
        "hypervolume": None if fronts is None else hypervolumes(fronts, run.weights),
        "gaps": None if fronts is None else gaps(fronts, run.weights),
        "archive": _archive(run),
        "best_measured": _best_measured(run),
        "would_have_reported": _would_have_reported(run),
        "evaluations": run.ledger.counts("search") | {"by_budget": run.ledger.by_budget("search")},
        "constraints": _feasibility(run),
        "failures": [
            {"outcome": outcome, "message": message, "n": n}
            for outcome, message, n in run.ledger.failures("search")[:FAILURES]
        ],
        "unconfirmed": run.recipe.confirm is None and hasattr(run.parts.fitness, "fresh"),
        "generations": run.parts.search.generation,
        "stopped": run.search_stopped,
        **({"stopped_by": by} if run.search_stopped and (by := run.telling.stopped_by) else {}),
        **({"callbacks_failed": failed} if (failed := run.telling.failed) else {}),
        **({"chosen": chosen} if (chosen := getattr(run.parts.search, "chosen", "")) else {}),
        "saved": _saved(run, _sum(costs, "search")),
        "prepare": asdict(_sum(costs, "prepare")) | {"parts": _prepared(costs)},
        "search": asdict(_sum(costs, "search")) | {"work": run.ledger.work("search")},
        "surrogate": next((one for one in _screens(run) if one["screen"] == "surrogate"), None),
        "screens": _screens(run),
        "baselines": [
            _entry(run, entry) | {"break_even": _break_even(run, entry, costs)} for entry in contest.baselines
        ],
        "final": None if champion is None else _entry(run, champion),
        "verdicts": [told(one) for one in contest.verdicts],
        "rival": None if rival is None else rival.name,
        "energy": {
            "joules": in_all.energy_j,
            "estimated_j": in_all.estimated_j,
            "estimated_share": in_all.estimated_j / in_all.energy_j if in_all.energy_j else 0.0,
            "method": run.meter.method,
            "formula": run.meter.formula,
            "notes": run.meter.notes,
            "phases": {phase: cost.energy_j for phase, cost in costs.items()},
        },
        "test_openings": test_openings(run.ledger),
        "register": contest.register,
        "vault": None,
        "wall_s": in_all.own_s,
        "cpu_s": in_all.cpu_s,
        "versions": versions(),
    }


def _data(run: Run) -> dict[str, Any] | None:
    data = run.parts.data
    if data is None:
        return None
    return {
        "name": data.name,
        "source": data.origin,
        "digest": data.digest,
        "test_digest": digest(units_of(data.test, data)),
        "splits": dict(data.sizes),
        "overlap": overlap_told(data),
    }


def _best(run: Run) -> dict[str, Any] | None:
    best = run.champion or next(iter(run.parts.search.hall_of_fame()), None)  # interrupted before it was named
    if best is None:
        return None
    genome = run.parts.genome
    return {
        "key": best.key,
        "genes": genome.to_json(best.genes),
        "values": list(best.fitness.values),
        "constraints": dict(zip(constraints_of(run.parts.fitness), best.fitness.constraints, strict=True)) or None,
        "violation": best.fitness.violation,
        "source": _source(run, best.key),
        "generation": run.ledger.born("search", best.key),
        **_confirmed(run.confirmed),
        "refits": [json.loads(genes) for genes in run.refits],
        "show": _shown(genome, best.genes),
    }


def _shown(genome: Any, genes: Any) -> str | None:
    """Genes for people; None where the genome shows none."""
    shown: str | None = genome.show(genes) if hasattr(genome, "show") else None
    return shown


def _feasibility(run: Run) -> dict[str, int] | None:
    """Of those whose values the search took, known ones too, how many are feasible; None without constraints."""
    if not constraints_of(run.parts.fitness):
        return None
    told = [record for record in run.parts.search.logbook if "feasible" in record]
    return {name: sum(record[name] for record in told) for name in ("feasible", "measured")}


def _source(run: Run, key: str) -> str:
    """The hall of fame holds what was measured (C1), and with it who has the fingerprint of one that was."""
    reused = run.ledger.counts("search")["reused"] and not run.ledger.measured(key)
    return "reused" if reused else "measured"


def _front(run: Run) -> list[dict[str, Any]]:
    """Each feasible point of the front, by values: key and genes of the first found there, and how many share it."""
    search, genome = run.parts.search, run.parts.genome
    shared: Mapping[str, int] = getattr(search, "shared", dict)()
    points: dict[tuple[float, ...], dict[str, Any]] = {}
    for one in only_feasible(search.front()):
        if (values := one.fitness.values) not in points:
            told = {"key": one.key, "genes": genome.to_json(one.genes), "show": _shown(genome, one.genes)}
            points[values] = {**told, "values": list(values), "shared_by": 0}
        points[values]["shared_by"] += shared.get(one.key, 1)
    return [points[values] for values in sorted(points)]


def _fronts(run: Run) -> dict[str, list[tuple[float, ...]]] | None:
    """Values of the feasible on the fronts of the search and of the control searches; None where there is none."""
    front = run.parts.search.front()
    if not front:
        return None
    every = {"search": front} | {entry.name: entry.front for entry in run.contest.baselines if entry.front}
    return {name: [one.fitness.values for one in only_feasible(front)] for name, front in every.items()}


def _archive(run: Run) -> dict[str, Any] | None:
    """The archive of elites beside those that control searches would have filled."""
    elites = getattr(run.parts.search, "elites", None)
    if elites is None:
        return None
    controls = {entry.name: entry.elites for entry in run.contest.baselines if entry.elites is not None}
    return told_archive({"search": elites, **controls}, run.objective)


def _best_measured(run: Run) -> float | None:
    """The best value that the search measured. After ``confirm`` the champion may be another."""
    hall = run.parts.search.hall_of_fame()
    return feasible_value(hall[0]) if hall else None


def _would_have_reported(run: Run) -> float | None:
    """The best value if predictions counted as losses, as in the code of the CLSO paper.

    Under constraints that is left out: nobody claims that what was predicted is feasible.
    """
    if constraints_of(run.parts.fitness) or not run.ledger.counts("search")["predicted"]:
        return _best_measured(run)
    values = [row.evaluation.values[0] for row in run.ledger.present_rows("search") if _counts_at_full(run, row)]
    if not values:
        return None
    return min(values) if run.goal == "min" else max(values)


def _counts_at_full(run: Run, row: Any) -> bool:
    return bool(row.evaluation.ok and row.budget == run.parts.fitness.budgets[-1])


def _saved(run: Run, spent: Cost) -> dict[str, Any] | None:
    """What an early stop saved: the generations that were not run, at the mean cost of those that were."""
    search = run.parts.search
    horizon = getattr(search, "horizon", None)
    if not run.search_stopped or horizon is None or not 0 < search.generation < horizon:
        return None
    if was_spent(run.search_stopped):
        return None
    generations = horizon - search.generation
    share = generations / search.generation
    return {
        "generations": generations,
        "work": round(run.ledger.work("search") * share),
        "cpu_s": spent.cpu_s * share,
        "energy_j": spent.energy_j * share,
        "method": "estimate: the generations that were not run, at the mean cost of those that were",
    }


def _screens(run: Run) -> list[dict[str, Any]]:
    # A search may screen by itself, as one that races does.
    screens = getattr(run.parts.search, "screens", run.parts.context.screens)
    return [screen.summary() for screen in screens]


def _confirmed(one: Confirmed | None) -> dict[str, Any]:
    """A champion's value on fresh data, of how many it is the best there, and the job that measured it."""
    if one is None or one.value is None:
        return {"confirmed": None, "confirmed_of": None, "confirmed_on": None, "confirmed_violation": None}
    return {
        "confirmed": one.value,
        "confirmed_of": one.best_of,
        "confirmed_on": one.job,
        "confirmed_violation": one.violation,
    }


def _entry(run: Run, entry: Entry, of: str = "") -> dict[str, Any]:
    """An entry, or the variant ``of`` another one, whose search and tuning it shares."""
    seeds = [model.seed for model in entry.models]
    parts = spent(run.ledger, Payer(of or entry.name, entry.builds_on, entry.setting, seeds, entry.n_settings))
    return {
        "name": entry.name,
        "settings": dict(entry.models[0].setting) if entry.models else None,
        "settings_tried": entry.n_settings,
        "at_edge": list(entry.at_edge),
        "validation": entry.validation,
        "violation": entry.violation,
        "front": sorted({one.fitness.values for one in only_feasible(entry.front)}),
        "trained": not entry.searches,
        "metrics": dict(entry.models[0].evaluation.metrics) if entry.models else {},
        "seeds": seeds,
        "goal": run.goal if entry.contender is None else entry.contender.goal,
        **scored(entry),
        "artifacts": [model.evaluation.artifact for model in entry.models],
        "inspection": dict(entry.inspection),
        **_confirmed(entry.confirmed),
        "show": entry.shown,
        "skipped": entry.skipped,
        "variants": [_entry(run, variant, entry.name) for variant in entry.variants.values()],
        **told_cost(total(parts.values())),
        "parts": {name: told_cost(part) for name, part in parts.items()},
    }


def scored(entry: Entry) -> dict[str, Any]:
    """Its values on the split that was opened."""
    test, interval = (None, None) if entry.scores is None else _mean(entry.scores)
    return {
        "test": test,
        "test_by_seed": entry.seed_scores,
        "interval": interval,
        "n_units": 0 if entry.scores is None else entry.scores.shape[1],
    }


def _break_even(run: Run, rival: Entry, costs: Mapping[str, Cost]) -> dict[str, Any] | None:
    """What repays the search where the rival is tuned instead.

    None for controls, which search as well, and where models are no trainings, whose work would not compare.
    """
    champion = run.contest.champion
    if champion is None or champion.scores is None or rival.searches or rival.scores is None:
        return None
    assert champion.contender is not None
    trainings = getattr(champion.contender, "trainings", 0)
    if not trainings:
        return None
    spent = sum(run.ledger.work(phase) for name in ("search", "confirm") for phase in _phases(costs, name))
    tuning = run.ledger.work(rival.phase) - sum(model.evaluation.work for one in rival.all for model in one.models)
    curve = [_point(one) for one in rival.all if one.scores is not None]
    return break_even(_point(champion), curve, champion.contender.goal, spent - tuning, trainings)


def _point(entry: Entry) -> Point:
    assert entry.contender is not None
    # A model that was there already cost nothing now, but would elsewhere.
    work = [model.evaluation.work or entry.contender.budgets[-1] for model in entry.models]
    return float(np.mean(work)), float(mean(entry.seed_scores))


def _phases(costs: Mapping[str, Cost], prefix: str) -> list[str]:
    return [phase for phase in costs if below(phase, prefix)]


def _sum(costs: Mapping[str, Cost], prefix: str) -> Cost:
    return sum((costs[phase] for phase in _phases(costs, prefix)), Cost.none())


def _prepared(costs: Mapping[str, Cost]) -> dict[str, dict[str, Any]]:
    phases = _phases(costs, PREPARE.rstrip("/"))
    return {phase.removeprefix(PREPARE): asdict(costs[phase]) for phase in phases}


def _mean(scores: np.ndarray) -> tuple[float, list[float] | None]:
    mean, interval = mean_interval(scores)
    return mean, plain(interval)


def best_value(summary: Mapping[str, Any]) -> float | None:
    """The champion's value; None if there is no champion, or one that violates constraints."""
    best = summary["best"]
    return None if best is None or best.get("violation") else float(best["values"][0])


def plain(interval: Interval) -> list[float] | None:
    """JSON has no NaN: an interval that one unit cannot give is null."""
    return None if math.isnan(interval[0]) else list(interval)


def told(one: Verdict) -> dict[str, Any]:
    return {
        "against": one.against,
        "difference": one.difference,
        "interval": plain(one.interval),
        "n": one.n,
        "method": one.method,
        "verdict": one.verdict,
        "p_holm": None if math.isnan(one.p_holm) else one.p_holm,
    }
