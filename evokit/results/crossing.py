"""How much of a tuned training a champion is worth, from trainings that were tuned for several horizons."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from evokit.results.curves import Curve, Curves
from evokit.statistics.break_even import work_to_reach

Split = Literal["validation", "test"]


@dataclass(frozen=True)
class Crossing:
    """Where a method of training gets as good as the champion.

    Args:
        method: The baseline's component, and what else its horizons share.
        split: Where both were scored.
        bound: ``at``, or ``beyond`` its longest or ``within`` its shortest horizon, whose numbers these are then.
        level: The champion's value.
        work: Counted, of one training.
        steps: Of one training, None where the recipe does not count in steps.
        cpu_s: Of one training with the setting that won.
        tuned_cpu_s: Of that and of the tuning.
        champion_cpu_s: Of everything that led to the finished model of the champion.
    """

    method: str
    split: Split
    bound: Literal["at", "beyond", "within"]
    level: float
    work: float
    steps: float | None
    cpu_s: float
    tuned_cpu_s: float
    champion_cpu_s: float

    @property
    def ratio(self) -> float:
        """CPU seconds of the training, as a multiple of the champion's."""
        return self.cpu_s / self.champion_cpu_s if self.champion_cpu_s else math.nan

    @property
    def tuned_ratio(self) -> float:
        """The same with its tuning."""
        return self.tuned_cpu_s / self.champion_cpu_s if self.champion_cpu_s else math.nan


def crossings(one: Curves) -> list[Crossing]:
    """One per method that was trained for several horizons or is counted in steps; on the test split if all have it."""
    champion = one.curves[0]
    found = []
    for method, horizons in _methods(one.curves):
        tested = champion.test is not None and all(curve.test is not None for curve in horizons)
        found.append(_crossing(one, method, horizons, "test" if tested else "validation"))
    return found


def _methods(curves: Sequence[Curve]) -> Iterator[tuple[str, list[Curve]]]:
    """Trained baselines of one component that are tuned alike and build on the same, as horizons, shortest first."""
    groups: dict[str, list[Curve]] = {}
    for curve in curves:
        if curve.trained and curve.last.kind == "finished":
            groups.setdefault(method(curve), []).append(curve)
    for name, horizons in groups.items():
        if len(horizons) > 1 or horizons[0].steps is not None:
            yield name, sorted(horizons, key=lambda curve: curve.last.work)


def method(curve: Curve) -> str:
    """
    >>> method(Curve("adam-2", True, [], component="adam", settings_tried=3, builds_on=("fit",)))
    'adam, tuned, from fit'
    """
    tuned = "tuned" if curve.settings_tried > 1 else "untuned"
    start = f", from {' and '.join(curve.builds_on)}" if curve.builds_on else ""
    return f"{curve.component}, {tuned}{start}"


def _crossing(one: Curves, name: str, horizons: Sequence[Curve], split: Split) -> Crossing:
    champion = one.curves[0]
    level, values = _value(champion, split), [_value(curve, split) for curve in horizons]

    def at(amounts: Sequence[float]) -> float:
        reached = work_to_reach(level, list(zip(amounts, values, strict=True)), one.goal)
        return amounts[-1] if math.isinf(reached) else reached

    work = [float(curve.last.work) for curve in horizons]
    steps = [float(curve.steps) for curve in horizons if curve.steps is not None]
    sign = 1 if one.goal == "min" else -1
    beyond = all(sign * value > sign * level for value in values)
    within = sign * values[0] <= sign * level
    return Crossing(
        method=name,
        split=split,
        bound="beyond" if beyond else "within" if within else "at",
        level=level,
        work=at(work),
        steps=at(steps) if len(steps) == len(horizons) else None,
        cpu_s=at([curve.last.cpu_s for curve in horizons]),
        tuned_cpu_s=at([curve.last.tuned_cpu_s for curve in horizons]),
        champion_cpu_s=champion.last.tuned_cpu_s,
    )


def _value(curve: Curve, split: Split) -> float:
    if split == "validation":
        return curve.last.value
    assert curve.test is not None
    return curve.test
