"""What the page of a run shows of an evolved rule beside its formula: its learning rate over a training."""

from __future__ import annotations

from typing import Any

from evokit.common.charts import Series, line_chart
from evokit.facts import ReportSection
from evokit_optimizers.rules.parts import by_group
from evokit_optimizers.rules.rule_json import rule_from_json
from evokit_optimizers.rules.schedule import schedule


def rule_section(genes: Any, n_steps: int) -> ReportSection:
    """The section of a champion.

    Args:
        genes: Of the rule, as JSON values.
        n_steps: Of a training.
    """
    rule = rule_from_json(genes)
    rates: dict[tuple[tuple[float, float], ...], list[str]] = {}
    for group, part in by_group(rule).items():
        points = [
            (step + 1.0, part.lr * schedule(step, n_steps, part.warmup, part.decay, part.decay_span))
            for step in range(n_steps)
        ]
        rates.setdefault(tuple(points), []).append(group)
    series = [Series(", ".join(groups) if rule.parts else "lr", points) for points, groups in rates.items()]
    figure = line_chart("Learning rate over a training", series, x="step", y="learning rate")
    return ReportSection("The evolved rule", figures=[figure] if figure else [])
