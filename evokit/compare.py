"""``evokit compare``: finished runs side by side, and verdicts where their test units are the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evokit.errors import UserError
from evokit.execution import CHAMPION
from evokit.launch import open_recipe
from evokit.recipe.schema import Recipe
from evokit.repeats import final_goal, unit_scores
from evokit.report import SAYS, span, table, value, wrapped
from evokit.rundir import differences
from evokit.statistics import Verdict, corrected, verdict


@dataclass(frozen=True)
class Compared:
    """A run as one side of a comparison.

    ``units`` is one test value per unit of the champion, the mean over seeds; empty without a test. ``unit`` says what
    they are: the units of the data's test split, or the seeds of repeats.
    """

    path: Path
    recipe: Recipe
    summary: Mapping[str, Any]
    unit: tuple[Any, ...]
    units: Sequence[float]

    @property
    def work(self) -> int:
        """Measured work of the search; of repeats, of all of them."""
        searches = self.summary.get("repeats", [self.summary["search"]])
        return sum(one["work"] for one in searches)


def compared(folder: Path) -> Compared:
    """Read a run.

    Raises:
        UserError: This is no run directory, or its search has not ended.
    """
    recipe, directory = open_recipe(folder)
    summary = directory.read_summary()
    if summary is None or summary["best"] is None:
        raise UserError(f"{folder} has no champion yet; evokit run ... --resume --out {folder} goes on with it")
    if "repeats" in summary:
        tests = {one["seed"]: one["test"] for one in summary["repeats"] if one["test"] is not None}
        return Compared(folder, recipe, summary, ("repeats", *tests), list(tests.values()))
    digest = summary["data"] and summary["data"]["digest"]
    units = list(unit_scores(directory.path).get(CHAMPION, ())) if summary["test_openings"] else []
    return Compared(folder, recipe, summary, (digest, len(units)), units)


def verdicts(first: Compared, others: Sequence[Compared]) -> tuple[list[Verdict], list[str]]:
    """Verdicts of the first run against each other one, corrected for their number; and why some have none."""
    found, reasons = [], []
    for one in others:
        if reason := _incomparable(first, one):
            reasons.append(reason)
        else:
            found.append(verdict(str(one.path), first.units, one.units, final_goal(first.summary), _speaks_of(first)))
    return corrected(found), reasons


def _incomparable(first: Compared, one: Compared) -> str:
    """Why two runs have no verdict; empty if they have one."""
    for each in (first, one):
        if not each.units:
            return f"{each.path} has no test values: no verdict"
    if one.summary["objective"] != first.summary["objective"] or one.unit != first.unit:
        return f"{first.path} and {one.path} were not tested on the same units: no verdict"
    return ""


def comparison(runs: Sequence[Compared]) -> str:
    """The comparison for a terminal: how recipes differ, values and costs side by side, verdicts."""
    head = ("run", "validation", "test", "95 % interval", "search work", "CPU s in all")
    first, others = runs[0], runs[1:]
    found, reasons = verdicts(first, others)
    told = [f"{one.path} differs from {first.path} in {_changed(first, one)}" for one in others]
    said = [*(_sentence(first, one) for one in found), *sorted({f"({one.method})" for one in found}), *reasons]
    rows = table(head, [_row(one) for one in runs])
    return "\n\n".join(["\n".join(map(wrapped, told)), rows, "\n".join(map(wrapped, said))])


def _row(one: Compared) -> tuple[str, ...]:
    final = one.summary["final"]
    validation = final and final["validation"]
    if validation is None:
        validation = one.summary["best"]["values"][0]
    test, interval = (final["test"], final["interval"]) if final else (None, None)
    return str(one.path), value(validation), value(test), span(interval), f"{one.work:,}", f"{one.summary['cpu_s']:.1f}"


def _changed(first: Compared, one: Compared) -> str:
    return "; ".join(text for _, text in differences(first.recipe, one.recipe)) or "nothing"


def _sentence(first: Compared, one: Verdict) -> str:
    low, high = one.interval
    interval = "" if one.n == 1 else f" [{low:+.4g}, {high:+.4g}]"
    return f"{first.path} {SAYS[one.verdict]} {one.against}: {one.difference:+.4g}{interval}, n = {one.n:,}"


def _speaks_of(one: Compared) -> str:
    if one.unit[0] == "repeats":
        return "repeats with the same seeds; speaks of the methods"
    return "units of the test split; speaks of these champions, not of the methods"
