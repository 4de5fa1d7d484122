"""``evokit compare``: finished runs side by side, and verdicts where their test units are the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evokit.errors import UserError
from evokit.execution import CHAMPION
from evokit.launch import open_recipe
from evokit.ledger import Ledger
from evokit.recipe.schema import Recipe
from evokit.report import SAYS, span, table, value, wrapped
from evokit.rundir import RunDirectory, differences
from evokit.statistics import Verdict, verdict


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
    units = _units(directory, summary)
    return Compared(folder, recipe, summary, (digest, len(units)), units)


def verdicts(runs: Sequence[Compared]) -> Iterator[Verdict | str]:
    """The verdict of each run after the first against the first, or why there is none."""
    first = runs[0]
    for one in runs[1:]:
        if one.summary["objective"] != first.summary["objective"]:
            yield f"{one.path} has another objective than {first.path}: no verdict"
        elif not (one.units and first.units):
            untested = one if not one.units else first
            yield f"{untested.path} has no test values: no verdict"
        elif one.unit != first.unit:
            yield f"{one.path} and {first.path} were not tested on the same units: no verdict"
        else:
            yield verdict(str(first.path), one.units, first.units, one.summary["objective"]["goal"], _speaks_of(one))


def comparison(runs: Sequence[Compared]) -> str:
    """The comparison for a terminal: how recipes differ, values and costs side by side, verdicts."""
    head = ("run", "validation", "test", "95 % interval", "search work", "CPU s in all")
    lines = [f"{one.path} differs from {runs[0].path} in {_changed(runs[0], one)}" for one in runs[1:]]
    lines += ["", table(head, [_row(one) for one in runs]), "", *map(_sentence, runs[1:], verdicts(runs))]
    methods = sorted({one.method for one in verdicts(runs) if isinstance(one, Verdict)})
    lines += [f"({method})" for method in methods]
    return "\n".join(line if "\n" in line else wrapped(line) for line in lines)


def _row(one: Compared) -> tuple[str, ...]:
    final = one.summary["final"]
    validation = final and final["validation"]
    if validation is None:
        validation = one.summary["best"]["values"][0]
    test, interval = (final["test"], final["interval"]) if final else (None, None)
    return str(one.path), value(validation), value(test), span(interval), f"{one.work:,}", f"{one.summary['cpu_s']:.1f}"


def _changed(first: Compared, one: Compared) -> str:
    return "; ".join(text for _, text in differences(first.recipe, one.recipe)) or "nothing"


def _sentence(one: Compared, found: Verdict | str) -> str:
    if isinstance(found, str):
        return found
    low, high = found.interval
    interval = "" if found.n == 1 else f" [{low:+.4g}, {high:+.4g}]"
    return f"{one.path} {SAYS[found.verdict]} {found.against}: {found.difference:+.4g}{interval}, n = {found.n:,}"


def _units(directory: RunDirectory, summary: Mapping[str, Any]) -> list[float]:
    openings = [one["number"] for one in summary["test_openings"] if one["reason"] == "final"]
    if not openings:
        return []
    with closing(Ledger(directory.ledger)) as ledger:
        scores = ledger.scores(openings[-1])
    ours = [units for (name, _), units in scores.items() if name == CHAMPION]
    means: list[float] = np.mean(ours, axis=0).tolist() if ours else []
    return means


def _speaks_of(one: Compared) -> str:
    if one.unit[0] == "repeats":
        return "repeats with the same seeds; speaks of the methods"
    return "units of the test split; speaks of these champions, not of the methods"
