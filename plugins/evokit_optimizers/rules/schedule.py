"""What follows the number of steps: the factor on the learning rate, and the memory of averaged weights."""

from __future__ import annotations

import math


def schedule(step: int, n_steps: int, warmup: float, decay: str, decay_span: float) -> float:
    """Warm-up times decay.

    Args:
        step: From 0.
        n_steps: The horizon.
        warmup: Fraction of the horizon in which the factor rises in equal steps to 1; the first step is not at zero.
        decay: ``none``, ``cosine`` or ``linear``.
        decay_span: The last fraction of the horizon, in which the factor falls; it would be 0 at ``n_steps``.

    >>> [schedule(step, 4, 0.5, "linear", 0.5) for step in range(4)]
    [0.5, 1.0, 1.0, 0.5]
    """
    rise = min(1.0, (step + 1) / (warmup * n_steps)) if warmup else 1.0
    if decay == "none":
        return rise
    fallen = min(1.0, max(0.0, 1 - (n_steps - step) / (decay_span * n_steps)))
    return rise * (1 - fallen if decay == "linear" else (1 + math.cos(math.pi * fallen)) / 2)


def memory(step: int, n_steps: int, span: float) -> float:
    """How much of an average of weights stays when those after ``step`` come in.

    Args:
        step: From 0; the first weights are the average, and the first ones count alike.
        n_steps: The horizon.
        span: About the fraction of the horizon that is averaged.

    Source: Polyak and Juditsky 1992, "Acceleration of Stochastic Approximation by Averaging", here with an exponential
    window.

    >>> [memory(step, 10, 0.3) for step in (0, 1, 9)]
    [0.0, 0.5, 0.6666666666666667]
    """
    return min(step / (step + 1), 1 - 1 / max(1.0, span * n_steps))
