"""What the trainings say of each fidelity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchmarks.fidelities.trainings import Row, Settings
from evokit.statistics.correlation import spearman_interval

BEST, KEPT = 0.2, 0.5
"""Of the rules that are best on fresh seeds, a fifth, how many a race that keeps half does not lose."""

GOOD = 1 / 3
"""Share of the rules that are best on fresh seeds, among which a search must tell the good from the better: bad rules
are told from good ones by any budget."""


@dataclass(frozen=True)
class Fidelity:
    """A budget: ``steps`` of a schedule over ``horizon`` steps, for the first ``seeds`` seeds."""

    steps: int
    horizon: int
    seeds: int


def fidelities(settings: Settings) -> list[Fidelity]:
    """All that are compared, the full budget last: its correlation with fresh seeds is about the most one can have."""
    full = settings.steps
    seeds = sorted({1, settings.seeds})
    shapes = [*((steps, full) for steps in settings.shorter), *((steps, steps) for steps in settings.shorter)]
    return [Fidelity(*shape, n) for shape in (*shapes, (full, full)) for n in seeds]


def ranked(settings: Settings, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """A line for each fidelity, over the rules of which all is measured."""
    full = Fidelity(settings.steps, settings.steps, settings.seeds)
    measured = {(row["rule"], row["replicate"]) for row in rows}
    rules = [rule for rule in range(settings.rules) if all((rule, r) in measured for r in range(2 * settings.seeds))]
    at = {(row["rule"], row["replicate"], row["steps"], row["horizon"]): row for row in rows}

    def means(one: Fidelity, first: int = 0) -> np.ndarray:
        """Of each rule over seeds; a training that diverged counts 0, below any accuracy."""
        seeds = range(first, first + one.seeds)
        return np.array(
            [np.mean([at[rule, r, one.steps, one.horizon]["accuracy"] or 0.0 for r in seeds]) for rule in rules]
        )

    fresh = means(full, settings.seeds)
    good = _best(fresh, GOOD)
    lines = []
    for one in fidelities(settings):
        values = means(one)
        spent = [at[rule, r, one.steps, one.horizon]["cpu_s"] for rule in rules for r in range(one.seeds)]
        lines.append(
            {
                **asdict(one),
                "rules": len(rules),
                "work": one.steps * one.seeds / (settings.steps * settings.seeds),
                "cpu_s": float(np.sum(spent)) / max(1, len(rules)),
                "with_full": list(spearman_interval(values, means(full))),
                "with_fresh": list(spearman_interval(values, fresh)),
                "among_good": list(spearman_interval(values[good], fresh[good])),
                "kept": _kept(values, fresh),
            }
        )
    return lines


def _kept(values: np.ndarray, truth: np.ndarray) -> float | None:
    """Share of the truly best rules among the better half by ``values``; null without rules."""
    if not len(truth):
        return None
    return float(np.isin(_best(truth, BEST), _best(values, KEPT)).mean())


def _best(values: np.ndarray, share: float) -> np.ndarray:
    """Indices of the greatest values, one at least; of none none."""
    return np.argsort(-values, kind="stable")[: max(1, round(share * len(values)))]
