"""Learning rates over a training."""

from __future__ import annotations

import math

from evokit_crystalline.options import Schedule


def schedule_factor(schedule: Schedule, step: int, steps: int, warmup: int) -> float:
    """Factor on the learning rate of step number ``step``, from 0, of a horizon of ``steps``.

    >>> [round(schedule_factor("cosine", step, 5, 1), 2) for step in range(5)]
    [1.0, 1.0, 0.85, 0.5, 0.15]
    """
    if step < warmup:
        return (step + 1) / warmup
    if schedule == "constant":
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup)))
