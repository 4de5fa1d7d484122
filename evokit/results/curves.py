"""Value against CPU seconds of everyone who took part in a run, read from its ledger and summary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from evokit.assembly.directory import RunDirectory, repeat_folder
from evokit.assembly.jobs import CHAMPION
from evokit.assembly.workplace import BASELINE
from evokit.errors import UserError
from evokit.interfaces import Goal
from evokit.measuring.ledger import Ledger, Row
from evokit.measuring.ledger_files import ledger_of
from evokit.recipe.schema import Recipe, Section
from evokit.runs.costs import NOTHING, PREPARE, Payer, Spent, below, spent
from evokit.runs.launch import open_recipe
from evokit.runs.repeats import final_goal
from evokit.statistics.averages import mean

Kind = Literal["best so far", "rung", "finished"]
FINISHED = "finished models"


@dataclass(frozen=True)
class Point:
    """How far a contender was.

    Args:
        kind: The best of a search so far, a training at a rung, or finished models.
        work: Counted work so far; of a training without its tuning.
        cpu_s: CPU seconds so far, everything that led there included; of a training without its tuning, of several
            finished models the mean.
        tuned_cpu_s: The same with the tuning.
        value: On validation; of finished models the mean over seeds.
    """

    kind: Kind
    work: int
    cpu_s: float
    tuned_cpu_s: float
    value: float


@dataclass(frozen=True)
class Curve:
    """A contender's way.

    Args:
        name: ``champion``, or the baseline's.
        trained: Whether it is a training; else it is a search.
        points: In the order of their seconds; at least one.
        test: Mean of the finished models on the test split, None without a test.
        interval: Its 95 % interval over test units.
        component: The baseline's name as the recipe has it, the same for several horizons of one method.
        builds_on: Preparations whose cost is in the points.
        settings_tried: 1 is untuned.
        steps: Of the horizon, where the recipe counts in steps.
    """

    name: str
    trained: bool
    points: Sequence[Point]
    test: float | None = None
    interval: Sequence[float] | None = None
    component: str = ""
    builds_on: Sequence[str] = ()
    settings_tried: int = 1
    steps: int | None = None

    @property
    def last(self) -> Point:
        return self.points[-1]


@dataclass(frozen=True)
class Curves:
    """All curves of one run, or of one repeat of it in ``folder``; the champion's comes first.

    ``objective`` and ``goal`` are of the values; where finished models are measured in another quantity than the
    search, only their values are here.
    """

    run: str
    folder: Path
    objective: str
    goal: Goal
    curves: Sequence[Curve]


def read_curves(folder: Path, recipe: Recipe | None = None) -> list[Curves]:
    """The curves of a run; of one with repeats those of each. Baselines have one when their phase has ended.

    Args:
        folder: Of the run.
        recipe: What was run, if it is at hand.

    Raises:
        UserError: This is no run directory, or its search has measured nobody yet.
    """
    directory = RunDirectory(folder)
    recipe = recipe or open_recipe(folder)[0]
    summary = directory.read_summary()
    if recipe.repeats > 1:
        repeats = [repeat_folder(folder, repeat) for repeat in range(recipe.repeats)]
        begun = [one for one in repeats if RunDirectory(one).summary.exists()]
        if not begun:
            raise UserError(f"{folder} has nothing to plot yet: none of its repeats has begun")
        return [replace(curves, folder=folder) for one in begun for curves in read_curves(one)]
    if summary is None:
        raise UserError(f"{folder} has nothing to plot yet: it has no summary.json")
    with ledger_of(directory.ledger) as ledger:
        reader = _Reader(ledger, summary)
        curves = [reader.search(CHAMPION, "search", summary["final"])]
        # They are entered in the recipe's order, so that those of a run under way are the first.
        entered = zip(summary["baselines"], recipe.baselines, strict=False)
        curves += [reader.baseline(entry, section) for entry, section in entered if not entry["skipped"]]
    if not curves[0].points:
        raise UserError(f"{folder} has nothing to plot yet: its search has measured nobody at full budget")
    name, goal = summary["objective"]["name"], summary["objective"]["goal"]
    if summary["final"] is not None and final_goal(summary) != goal:
        # Finished models are measured in another quantity, so that the search's values have no place on their axis.
        name, goal = FINISHED, final_goal(summary)
        ends = [replace(one, points=[point for point in one.points if point.kind != "best so far"]) for one in curves]
        curves = ends if ends[0].points else curves[:0]
    if not curves:
        raise UserError(f"{folder} has nothing to plot yet: the champion's models are not finished")
    return [Curves(str(folder), folder, name, goal, [curve for curve in curves if curve.points])]


class _Reader:
    """Turns rows into points."""

    def __init__(self, ledger: Ledger, summary: Mapping[str, Any]) -> None:
        self._ledger, self._costs = ledger, ledger.costs()
        self._sign = 1 if summary["objective"]["goal"] == "min" else -1

    def baseline(self, entry: Mapping[str, Any], section: Section) -> Curve:
        phase = BASELINE + entry["name"]
        if not entry["trained"]:
            return self.search(entry["name"], phase, entry)
        builds_on = tuple(getattr(section.options, "builds_on", ()))
        return Curve(
            name=entry["name"],
            trained=True,
            points=self._training(phase, entry, spent(self._ledger, _payer(entry, builds_on))),
            test=entry["test"],
            interval=entry["interval"],
            component=section.name,
            builds_on=builds_on,
            settings_tried=entry["settings_tried"],
            steps=getattr(section.options, "steps", None),
        )

    def search(self, name: str, phase: str, final: Mapping[str, Any] | None) -> Curve:
        """A search, and then the finished model of its champion.

        A model that is trained passes through rungs of its own. One that only repeats the search's value is a point at
        what it cost to make.
        """
        points = self._best_so_far(phase)
        test, interval = (None, None) if final is None else (final["test"], final["interval"])
        if points and final is not None and final["settings"] is not None:
            home = CHAMPION if name == CHAMPION else phase
            made = [one for one in self._costs if one.startswith(f"{home}/") and not below(one, f"{home}/confirm")]
            parts = spent(self._ledger, _payer(final, None))
            model = self._training(made[-1], final, parts) if made else []
            confirmation = parts.get("confirmation", NOTHING).work
            points += [replace(one, work=points[-1].work + confirmation + one.work) for one in model]
        return Curve(name, False, points, test, interval)

    def _best_so_far(self, phase: str) -> list[Point]:
        """A point wherever the best at full budget got better; a new context is a new question."""
        rows = [row for row in self._ledger.rows(phase) if row.evaluation.source == "measured"]
        full = max((row.budget for row in rows), default=0)
        measured_s = _sum(rows)
        cost = self._costs.get(phase)
        # What the phase took besides its measurements is shared out in proportion to them.
        scale = cost.cpu_s / measured_s if cost is not None and measured_s else 1.0
        cpu_s = sum(cost.cpu_s for one, cost in self._costs.items() if one.startswith(PREPARE))
        work, best, context = 0, np.inf, ""
        points: list[Point] = []
        for row in rows:
            cpu_s += scale * row.evaluation.cpu_s
            work += row.evaluation.work
            if row.context != context:
                best, context = np.inf, row.context
            feasible = all(one <= 0 for one in row.evaluation.constraints)
            if row.evaluation.ok and feasible and row.budget == full and self._sign * row.evaluation.values[0] < best:
                best = self._sign * row.evaluation.values[0]
                points.append(Point("best so far", work, cpu_s, cpu_s, row.evaluation.values[0]))
        if points:
            points.append(Point("best so far", work, cpu_s, cpu_s, points[-1].value))
        return points

    def _training(self, phase: str, entry: Mapping[str, Any], parts: Mapping[str, Spent]) -> list[Point]:
        """The rungs of the setting that won, from its tuning, then the finished models at what one of them cost.

        Args:
            phase: Of the trainings.
            entry: The summary's.
            parts: What was spent on them.
        """
        of = {part: one.cost.cpu_s for part, one in parts.items()}
        before = sum(of.get(part, 0.0) for part in ("preparation", "search", "confirmation"))
        rows = [row for row in self._ledger.rows(phase) if row.evaluation.source == "measured"]
        if not rows or entry["settings"] is None:
            return []
        genes, full = self._ledger.genes(), max(row.budget for row in rows)
        trials = {row.key: genes[row.key] for row in rows}
        winning = [row for row in rows if trials[row.key]["setting"] == entry["settings"] and row.evaluation.ok]
        finals = [row for row in winning if trials[row.key]["seed"] in entry["seeds"]]
        tuning = [row for row in rows if entry["settings_tried"] > 1 and row.generation == 0]
        points = []
        for budget in sorted({row.budget for row in winning} - {full}):
            at = next(row for row in winning if row.budget == budget)
            own = _sum(row for row in winning if row.key == at.key and row.budget <= budget)
            tuned = _sum(row for row in tuning if row.budget <= budget)
            points.append(Point("rung", budget, before + own, before + max(own, tuned), at.evaluation.values[0]))
        whole = [row for row in finals if row.budget == full]
        if whole:
            cpu_s = before + of["models"] / len(whole)
            value = float(mean([row.evaluation.values[0] for row in whole]))
            points.append(Point("finished", full, cpu_s, cpu_s + of.get("tuning", 0.0), value))
        return points


def _payer(entry: Mapping[str, Any], builds_on: Sequence[str] | None) -> Payer:
    return Payer(entry["name"], builds_on, entry["settings"], entry["seeds"], entry["settings_tried"])


def _sum(rows: Iterable[Row]) -> float:
    return sum(row.evaluation.cpu_s for row in rows)
