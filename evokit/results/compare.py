"""``evokit compare``: finished runs side by side, and verdicts where their test units are the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evokit.assembly.directory import repeat_folder
from evokit.assembly.identity import differences
from evokit.assembly.jobs import CHAMPION
from evokit.common.text import table, wrapped
from evokit.errors import UserError
from evokit.recipe.schema import Recipe
from evokit.results.cost_text import total_cost
from evokit.results.report import SAYS, span, value
from evokit.runs.launch import open_recipe
from evokit.runs.repeats import final_goal, mean_scores, unit_scores
from evokit.runs.summary import best_value
from evokit.statistics.verdicts import Verdict, corrected, verdict

COSTS = "CPU seconds are of all that led to the champion; where a run has repeats, work and seconds are their means."


@dataclass(frozen=True)
class Compared:
    """A run as one side of a comparison.

    ``units`` is the champion's test value of each unit, ``(n_rows, n_units)`` with a row per training or repeat, or
    ``(n_repeats,)`` where repeats were tested on units of their own; empty without a test. ``unit`` says what they are:
    data and seeds, so that runs of which it is the same can be paired.
    """

    path: Path
    recipe: Recipe
    summary: Mapping[str, Any]
    unit: tuple[Any, ...]
    units: np.ndarray

    @property
    def work(self) -> float:
        """Measured work of the search; of repeats, their mean."""
        searches = self.summary.get("repeats", [self.summary["search"]])
        return float(sum(one["work"] for one in searches)) / len(searches)

    @property
    def cpu_s(self) -> float | None:
        """CPU seconds of all that led to the champion; of repeats, their mean. None before it is finished."""
        final = self.summary["final"]
        return None if final is None else float(total_cost(self.summary, final)["cpu_s"])


def compared(folder: Path) -> Compared:
    """Read a run.

    Raises:
        UserError: This is no run directory, or its search has not ended.
    """
    recipe, directory = open_recipe(folder)
    summary = directory.read_summary()
    if summary is None or summary["best"] is None:
        raise UserError(f"{folder} has no champion yet; evokit run ... --resume --out {folder} goes on with it")
    digest = summary["data"] and summary["data"]["digest"]
    if "repeats" in summary:
        tested = {place: one for place, one in enumerate(summary["repeats"]) if one["test"] is not None}
        folders = [repeat_folder(folder, place) for place in tested]
        digests = {compared(one).unit[0] for one in folders}
        rows = [
            mean_scores(one)[CHAMPION] if len(digests) == 1 else tested[place]["test"]
            for place, one in zip(tested, folders, strict=True)
        ]
        seeds = [one["seed"] for one in tested.values()]
        return Compared(folder, recipe, summary, ("repeats", *sorted(digests), *seeds), np.array(rows))
    scores = unit_scores(directory.path) if summary["test_openings"] else {}
    units = scores.get(CHAMPION, np.empty((0, 0)))
    return Compared(folder, recipe, summary, (digest, units.shape[1]), units)


def verdicts(first: Compared, others: Sequence[Compared]) -> tuple[list[Verdict], list[str]]:
    """Verdicts of the first run against each other one, corrected for their number; and why some have none."""
    found, reasons = [], []
    for one in others:
        if reason := _incomparable(first, one):
            reasons.append(reason)
        else:
            pair = _paired(first.units, one.units)
            found.append(verdict(str(one.path), *pair, final_goal(first.summary), _speaks_of(first, one)))
    return corrected(found), reasons


def _paired(ours: np.ndarray, theirs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A single model stands against each of the other side; else the seeds that both have, of which one has more."""
    n_rows = min(len(ours), len(theirs))
    return (ours, theirs) if n_rows == 1 else (ours[:n_rows], theirs[:n_rows])


def _incomparable(first: Compared, one: Compared) -> str:
    """Why two runs have no verdict; empty if they have one."""
    for each in (first, one):
        if not each.units.size:
            return f"{each.path} has no test values: no verdict"
    both = f"{first.path} and {one.path}"
    if one.summary["objective"] != first.summary["objective"]:
        return f"{both} have other objectives: no verdict"
    if ("repeats" in one.summary) != ("repeats" in first.summary):
        return f"only one of {both} has repeats: no verdict"
    if one.unit != first.unit:
        seeds = " by repeats of the same seeds" if "repeats" in one.summary else ""
        return f"{both} were not tested on the same units{seeds}: no verdict"
    return ""


def comparison(runs: Sequence[Compared]) -> str:
    """The comparison for a terminal: how recipes differ, values and costs side by side, verdicts."""
    head = ("run", "validation", "test", "95 % interval", "search work", "champion's CPU s")
    first, others = runs[0], runs[1:]
    found, reasons = verdicts(first, others)
    told = [f"{one.path} differs from {first.path} in {_changed(first, one)}" for one in others]
    said = [COSTS, *(_sentence(first, one) for one in found), *sorted({f"({one.method})" for one in found}), *reasons]
    rows = table(head, [_row(one) for one in runs])
    return "\n\n".join(["\n".join(map(wrapped, told)), rows, "\n".join(map(wrapped, said))])


def _row(one: Compared) -> tuple[str, ...]:
    final = one.summary["final"]
    validation = final and final["validation"]
    if validation is None:
        validation = best_value(one.summary)
    test, interval = (final["test"], final["interval"]) if final else (None, None)
    return str(one.path), value(validation), value(test), span(interval), f"{one.work:,.0f}", _seconds(one.cpu_s)


def _seconds(cpu_s: float | None) -> str:
    return "" if cpu_s is None else f"{cpu_s:.1f}"


def _changed(first: Compared, one: Compared) -> str:
    return "; ".join(text for _, text in differences(first.recipe, one.recipe)) or "nothing"


def _sentence(first: Compared, one: Verdict) -> str:
    low, high = one.interval
    interval = "" if one.n == 1 else f" [{low:+.4g}, {high:+.4g}]"
    return f"{first.path} {SAYS[one.verdict]} {one.against}: {one.difference:+.4g}{interval}, n = {one.n:,}"


def _speaks_of(first: Compared, one: Compared) -> str:
    if first.unit[0] == "repeats":
        units = "units of the test split and " if first.units.ndim > 1 else ""
        return f"over {units}repeats with the same seeds; speaks of the methods"
    fewer, more = sorted((len(first.units), len(one.units)))
    some = f", the first {fewer} of each" if 1 < fewer < more else ""
    trainings = f" and trainings{some}" if more > 1 else ""
    return f"over units of the test split{trainings}; speaks of these champions, not of the methods"
