"""``evokit compare``: finished runs side by side, and verdicts where their test units are the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evokit.assembly.directory import RunDirectory, repeat_folder
from evokit.assembly.identity import differences
from evokit.assembly.jobs import CHAMPION
from evokit.common.text import Table, table, wrapped
from evokit.errors import UserError
from evokit.measuring.ledger_files import ledger_of
from evokit.recipe.schema import Recipe
from evokit.results.cost_text import total_cost
from evokit.results.entries import champion
from evokit.results.report import SAYS, span, value
from evokit.runs.launch import open_recipe
from evokit.runs.repeats import final_goal, mean_scores, unit_scores
from evokit.runs.summary import best_value
from evokit.statistics.verdicts import Verdict, corrected, verdict

COSTS = "CPU seconds are of all that led to the champion; where a run has repeats, values, work and seconds are means."


@dataclass(frozen=True)
class Compared:
    """A run as one side of a comparison.

    ``units`` is the champion's test value of each unit, ``(n_rows, n_units)`` with a row per training or repeat, or
    ``(n_repeats,)`` where repeats were tested on units of their own; empty without a test. ``unit`` says what they are:
    data and seeds, so that runs of which it is the same can be paired. ``machine`` is what its seconds are of.
    """

    name: str
    path: Path
    recipe: Recipe
    summary: Mapping[str, Any]
    unit: tuple[Any, ...]
    units: np.ndarray
    machine: str

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
        unit = ("repeats", *sorted(digests), *seeds)
        return Compared(str(folder), folder, recipe, summary, unit, np.array(rows), _machine(repeat_folder(folder, 0)))
    scores = unit_scores(directory.path) if summary["test_openings"] else {}
    units = scores.get(CHAMPION, np.empty((0, 0)))
    return Compared(str(folder), folder, recipe, summary, (digest, units.shape[1]), units, _machine(folder))


def _machine(folder: Path) -> str:
    with ledger_of(RunDirectory(folder).ledger) as ledger:
        identity = ledger.meta("identity") or {}
    return ", ".join(str(identity[name]) for name in ("machine", "device") if name in identity)


def verdicts(first: Compared, others: Sequence[Compared]) -> tuple[list[Verdict], list[str]]:
    """Verdicts of the first run against each other one, corrected for their number; and why some have none."""
    found, reasons = [], []
    for one in others:
        if reason := _incomparable(first, one):
            reasons.append(reason)
        else:
            pair = _paired(first.units, one.units)
            found.append(verdict(one.name, *pair, final_goal(first.summary), _speaks_of(first, one)))
    return corrected(found), list(dict.fromkeys(reasons))


def _paired(ours: np.ndarray, theirs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A single model stands against each of the other side; else the seeds that both have, of which one has more."""
    n_rows = min(len(ours), len(theirs))
    return (ours, theirs) if n_rows == 1 else (ours[:n_rows], theirs[:n_rows])


def _incomparable(first: Compared, one: Compared) -> str:
    """Why two runs have no verdict; empty if they have one."""
    for each in (first, one):
        if not each.units.size:
            return f"{each.name} has no test values: no verdict"
    both = f"{first.name} and {one.name}"
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
    first, others = runs[0], runs[1:]
    found, reasons = verdicts(first, others)
    told = [f"{one.name} differs from {first.name} in {_changed(first, one)}" for one in others]
    said = [COSTS, *machine_lines(runs), *(sentence(first, one) for one in found)]
    said += [*method_lines(found), *reasons]
    rows = table(*values_table(runs))
    return "\n\n".join(["\n".join(map(wrapped, told)), rows, "\n".join(map(wrapped, said))])


def values_table(runs: Sequence[Compared]) -> Table:
    """A row for each run: its champion's values, and what it took."""
    head = ("run", "validation", "test", "95 % interval", "search work", "champion's CPU s")
    return Table(head, list(map(_row, runs)))


def _row(one: Compared) -> tuple[str, ...]:
    final = champion(one.summary)
    validation = best_value(one.summary) if final is None else final["validation"]
    test, interval = (None, None) if final is None else (final["test"], final["interval"])
    return one.name, value(validation), value(test), span(interval), f"{one.work:,.0f}", _seconds(one.cpu_s)


def sentence(first: Compared, one: Verdict) -> str:
    """A verdict of ``verdicts`` in words."""
    low, high = one.interval
    interval = "" if one.n == 1 else f" [{low:+.4g}, {high:+.4g}]"
    return f"{first.name} {SAYS[one.verdict]} {one.against}: {one.difference:+.4g}{interval}, n = {one.n:,}"


def method_lines(found: Sequence[Verdict]) -> list[str]:
    """What the verdicts are over and speak of."""
    return sorted({f"({one.method})" for one in found})


def machine_lines(runs: Sequence[Compared]) -> list[str]:
    """That seconds do not compare, where runs had different machines."""
    machines = dict.fromkeys(one.machine for one in runs)
    if len(machines) == 1:
        return []
    return [f"These ran on different machines, whose seconds and joules do not compare: {'; '.join(machines)}"]


def _seconds(cpu_s: float | None) -> str:
    return "" if cpu_s is None else f"{cpu_s:.1f}"


def _changed(first: Compared, one: Compared) -> str:
    told = dict(differences(first.recipe, one.recipe))
    # Of a section that one of them lacks, such as a baseline, the name says it all.
    lacking = [
        key.removesuffix("name")
        for key, text in told.items()
        if key.endswith(".name") and (text.endswith("-> nothing") or text.startswith(f"{key}: nothing ->"))
    ]
    said = [text for key, text in told.items() if key.endswith(".name") or not key.startswith(tuple(lacking))]
    return "; ".join(said) or "nothing"


def _speaks_of(first: Compared, one: Compared) -> str:
    if first.unit[0] == "repeats":
        units = "units of the test split and " if first.units.ndim > 1 else ""
        return f"over {units}repeats with the same seeds; speaks of the methods"
    fewer, more = sorted((len(first.units), len(one.units)))
    some = f", the first {fewer} of each" if 1 < fewer < more else ""
    trainings = f" and trainings{some}" if more > 1 else ""
    return f"over units of the test split{trainings}; speaks of these champions, not of the methods"
