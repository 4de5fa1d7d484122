"""Repeats of a whole run, combined into one summary that speaks of the method."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evokit.assembly.directory import RunDirectory
from evokit.energy import Cost
from evokit.interfaces import Goal
from evokit.measuring.ledger_files import ledger_of
from evokit.runs.costs import NOTHING, told_cost
from evokit.runs.register import UNSEAL
from evokit.runs.search_verdicts import judged, of_archives, of_fronts, of_values
from evokit.runs.summary import best_value, plain, told
from evokit.statistics.averages import mean
from evokit.statistics.intervals import mean_interval
from evokit.statistics.verdicts import Verdict, corrected, verdict

Scores = Mapping[str, np.ndarray]
"""Contender to one value per test unit, the mean over its seeds."""
ENDED = ("done", "baselines")  # of repeats that did all that they were asked


def combine(summaries: Sequence[Mapping[str, Any]], planned: int, scores: Sequence[Scores] = ()) -> dict[str, Any]:
    """One summary of repeats of a whole run.

    Args:
        summaries: One per repeat, at least one.
        planned: Repeats that the recipe asks for; fewer have the status ``running``.
        scores: Of each repeat. Where all were tested on the same units, intervals are over repeats and units, both
            random; else over repeats.

    Returns:
        The summary of the repeat whose champion is best on validation, with sums, means and verdicts over repeats in
        the places of its own; ``repeats``: seed, status, validation, test, hypervolumes and QD scores of each; and
        ``search_verdicts``: where nothing is tested, what the search found against what controls found.
    """
    sign = 1 if summaries[0]["objective"]["goal"] == "min" else -1
    leader = min(summaries, key=lambda one: _place(one["best"], sign))
    final, baselines, rival = leader["final"], leader["baselines"], leader["rival"]
    if final is not None:
        final = _with_costs(final, [one["final"] for one in summaries if one["final"] is not None])
    same = {entry["name"]: [_named(one["baselines"], entry["name"]) for one in summaries] for entry in baselines}
    baselines = [_with_costs(entry, same[entry["name"]]) for entry in baselines]
    verdicts: list[Verdict] = []
    finals = [one["final"] for one in summaries]
    if all(one is not None and one["test"] is None for one in finals):
        own = final["validation"] is not None  # else its models have none, and the search's values count
        final = _validated(final, [one["final"]["validation"] if own else best_value(one) for one in summaries])
        baselines = [_validated(entry, [one.get("validation") for one in same[entry["name"]]]) for entry in baselines]
    elif all(one is not None and one["test"] is not None for one in finals):
        goal = final_goal(leader)
        shared = scores if len({_tested_on(one) for one in summaries}) == 1 else ()
        final = _combined(final, finals, shared)
        baselines = [_combined(entry, same[entry["name"]], shared) for entry in baselines]
        rival = _rival(baselines, goal)
        verdicts = _judged(final, baselines, goal, shared)
        for ours in final["variants"]:
            kind = ours["name"].removeprefix(final["name"])
            rivals = [one for entry in baselines for one in entry["variants"] if one["name"] == entry["name"] + kind]
            verdicts += _judged(ours, rivals, goal, shared)
    in_all = _in_all(summaries)
    ended = summaries if all(one["status"] in ENDED for one in summaries) else ()  # what is at work has found no front
    dominated, volumes = of_fronts(ended)
    held, qd_scores = of_archives(ended)
    return {
        **leader,
        **dominated,
        **({"archive": leader["archive"] | held} if held else {}),
        "search_verdicts": [
            *judged("value", of_values(ended), leader["objective"]["goal"]),
            *judged("hypervolume", volumes),
            *judged("qd_score", qd_scores),
        ],
        "status": leader["status"] if len(summaries) == planned and leader["status"] in ENDED else "running",
        "final": final,
        "baselines": baselines,
        "rival": rival,
        "verdicts": [told(one) for one in verdicts],
        "test_openings": [opening for one in summaries for opening in one["test_openings"]],
        "register": last_register(summaries),
        "vault": None,
        **in_all,
        "energy": leader["energy"] | in_all["energy"],
        "repeats_planned": planned,
        "repeats": [
            {
                "seed": one["seed"],
                "status": one["status"],
                "validation": best_value(one),
                "test": None if one["final"] is None else one["final"]["test"],
                "work": one["search"]["work"],
                "verdicts": one["verdicts"],
                "hypervolume": {name: values[at] for name, values in volumes.items()} or None,
                "qd_score": {name: values[at] for name, values in qd_scores.items()} or None,
            }
            for at, one in enumerate(summaries)
        ],
    }


def _tested_on(summary: Mapping[str, Any]) -> str:
    """Digest of the test units, which may be the same where training units are drawn anew."""
    data = summary["data"]
    tested: str = data.get("test_digest", data["digest"])  # runs before 2026-11-30 lack it
    return tested


def _place(best: Mapping[str, Any] | None, sign: int) -> tuple[float, float]:
    """Lower is better: first by the violation of constraints, then by value."""
    return (math.inf, math.inf) if best is None else (best.get("violation", 0.0), sign * best["values"][0])


def combined_vault(summaries: Sequence[Mapping[str, Any]], folders: Sequence[Path]) -> dict[str, Any] | None:
    """The vaults of all repeats, each in a folder of its own, combined as the tests are; None while one is closed."""
    vaults = [one.get("vault") for one in summaries]  # runs before 2026-11-28 lack it
    if None in vaults:
        return None
    scores = [mean_scores(folder, UNSEAL) for folder in folders]
    nothing = {"hypervolume": None, "archive": None}  # are not of the vault
    combined = combine([{**one, **one["vault"], **nothing} for one in summaries], len(summaries), scores)
    kept = ("final", "baselines", "rival", "verdicts", "register")
    return {"opened_at": summaries[-1]["vault"]["opened_at"], **{key: combined[key] for key in kept}}


def last_register(summaries: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """What the register said to the last of the runs that it knows, which counts those before."""
    found = [one["register"] for one in summaries if one.get("register")]
    return max(found, key=lambda one: one["openings"] or 0, default=None)


def _in_all(summaries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Sums over repeats. A preparation whose cost is the same to the last digit was made once and kept."""
    seen: set[tuple[Any, ...]] = set()
    kept = Cost.none()
    for one in summaries:
        for name, cost in one.get("prepare", {}).get("parts", {}).items():
            identity = (name, *cost.values())
            kept += Cost(**cost) if identity in seen else Cost.none()
            seen.add(identity)
    energies = [one["energy"] for one in summaries]
    joules = sum(one["joules"] for one in energies) - kept.energy_j
    estimated_j = sum(one.get("estimated_j", one["joules"]) for one in energies) - kept.estimated_j
    shares = {"estimated_j": estimated_j, "estimated_share": estimated_j / joules if joules else 0.0}
    return {
        "wall_s": sum(one["wall_s"] for one in summaries) - kept.wall_s,
        "cpu_s": sum(one["cpu_s"] for one in summaries) - kept.cpu_s,
        "energy": {"joules": joules, **shares},
    }


def _validated(entry: Mapping[str, Any], values: Sequence[float | None]) -> dict[str, Any]:
    """``entry`` with the mean of all repeats' values; its own where one has none."""
    found = [one for one in values if one is not None]
    return {**entry, "validation": float(mean(found)) if len(found) == len(values) else entry["validation"]}


def _with_costs(entry: Mapping[str, Any], same: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """``entry`` with the mean of what was spent in its place by the repeats that tell, of memory the largest."""
    same = [one for one in same if "parts" in one]  # others are not so far, or from before costs had parts
    if not same:
        return dict(entry)
    names = dict.fromkeys(name for one in same for name in one["parts"])
    return {
        **entry,
        **_mean_cost(same),
        "parts": {name: _mean_cost([one["parts"].get(name, told_cost(NOTHING)) for one in same]) for name in names},
        "variants": [
            _with_costs(one, [_named(other["variants"], one["name"]) for other in same]) for one in entry["variants"]
        ],
    }


def _mean_cost(costs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    # Runs before 2026-11-30 lack beside_s: nothing was measured beside another.
    means = {name: sum(one.get(name, 0.0) for one in costs) / len(costs) for name in told_cost(NOTHING)}
    return means | {"peak_memory_bytes": max(one["peak_memory_bytes"] for one in costs)}


def final_goal(summary: Mapping[str, Any]) -> Goal:
    """Whether lower or higher test values are better, which need not be so of the search's objective."""
    goal: Goal = summary["final"].get("goal", summary["objective"]["goal"])  # runs before 2026-11-26 lack it
    return goal


def unit_scores(folder: Path, reason: str = "final") -> dict[str, np.ndarray]:
    """What the last opening for that reason in a run directory gave; empty if there was none.

    Returns:
        Contender to ``(n_models, n_units)``.
    """
    with ledger_of(RunDirectory(folder).ledger) as ledger:
        openings = [number for number, one, _ in ledger.openings() if one == reason]
        scores = ledger.scores(openings[-1]) if openings else {}
    names = dict.fromkeys(name for name, _ in scores)
    return {name: np.array([units for (one, _), units in scores.items() if one == name]) for name in names}


def mean_scores(folder: Path, reason: str = "final") -> Scores:
    """The same, the mean over models."""
    return {name: mean(units, axis=0) for name, units in unit_scores(folder, reason).items()}


def _combined(entry: Mapping[str, Any], same: Sequence[Mapping[str, Any]], scores: Sequence[Scores]) -> dict[str, Any]:
    """``entry`` with means over what each repeat has in its place; untested where one of them has no test value."""
    tests = [one["test"] for one in same]
    variants = [
        _combined(variant, [_named(one["variants"], variant["name"]) for one in same], scores)
        for variant in entry["variants"]
    ]
    if any(value is None for value in tests):
        skipped = next((one["skipped"] for one in same if one["skipped"]), entry["skipped"])
        nothing: dict[str, Any] = {"test": None, "test_by_seed": [], "interval": None, "n_units": 0}
        return {**entry, **nothing, "skipped": skipped, "variants": variants}
    units = _table(entry, tests, scores)
    test, interval = mean_interval(units)
    return {
        **entry,
        "validation": float(mean([one["validation"] for one in same])),
        "test": test,
        "test_by_seed": tests,
        "interval": plain(interval),
        "n_units": units.shape[-1],
        "variants": variants,
    }


def _named(entries: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    """The entry of that name; an untested one for a variant whose fits failed, which has none."""
    return next((one for one in entries if one["name"] == name), {"test": None, "skipped": "", "variants": []})


def _rival(baselines: Sequence[Mapping[str, Any]], goal: Goal) -> str | None:
    """The baseline that is best on validation in the mean of the repeats, as a single run's is in its own."""
    tested = [one for one in baselines if one["test"] is not None]
    sign = 1 if goal == "min" else -1
    return min(tested, key=lambda one: sign * one["validation"])["name"] if tested else None


def _judged(
    ours: Mapping[str, Any], rivals: Sequence[Mapping[str, Any]], goal: Goal, scores: Sequence[Scores]
) -> list[Verdict]:
    tested = [one for one in rivals if one["test"] is not None and ours["test"] is not None]
    return corrected([_verdict(ours, one, goal, scores) for one in tested])


def _verdict(ours: Mapping[str, Any], theirs: Mapping[str, Any], goal: Goal, scores: Sequence[Scores]) -> Verdict:
    mine, their = (_table(side, side["test_by_seed"], scores) for side in (ours, theirs))
    units = "units and " if scores else ""
    says = f"over {units}{len(ours['test_by_seed'])} repeats of the whole run; speaks of the method"
    return verdict(theirs["name"], mine, their, goal, says)


def _table(entry: Mapping[str, Any], tests: Sequence[float], scores: Sequence[Scores]) -> np.ndarray:
    """``(n_repeats, n_units)`` scores of an entry where all were tested on the same units; else a value a repeat."""
    return np.stack([one[entry["name"]] for one in scores]) if scores else np.asarray(tests)
