"""Shares of a roulette wheel: whatever the goal and the sign of values, none is negative."""

from __future__ import annotations

from typing import Literal

import numpy as np

Scaling = Literal["window", "ranks"]


def shares(scores: np.ndarray, scaling: Scaling) -> np.ndarray:
    """``(n_members,)`` shares that sum to 1.

    Args:
        scores: ``(n_members, n_objectives)`` finite, larger is better.
        scaling: ``window``: in proportion to how much better a member is than the worst, by the first objective, all
            alike where none is better; ``ranks``: in proportion to the rank from the worst, which counts 1, with
            objectives compared in their order and the mean of their ranks for equals.

    Source: ``window``: Grefenstette 1986, "Optimization of Control Parameters for Genetic Algorithms"; ``ranks``: Baker
    1985, "Adaptive Selection Methods for Genetic Algorithms".

    >>> shares(np.array([[-3.0], [-1.0], [-2.0]]), "window")
    array([0.        , 0.66666667, 0.33333333])
    """
    if scaling == "ranks":
        _, of, counts = np.unique(scores, axis=0, return_inverse=True, return_counts=True)
        gains = (np.cumsum(counts) - (counts - 1) / 2)[of.reshape(-1)]
    else:
        halves = scores[:, 0] / 2  # whose differences do not overflow
        gains = halves - halves.min()
        gains = gains / gains.max() if gains.max() > 0 else np.ones(len(gains))
    whole: np.ndarray = gains / gains.sum()
    return whole


def pointed_at(wheel: np.ndarray, pointers: np.ndarray) -> np.ndarray:
    """Whose share each of ``(n,)`` pointers in [0, 1) falls on, members lying one after the other."""
    ends = np.cumsum(wheel)
    places: np.ndarray = np.searchsorted(ends, pointers * ends[-1], side="right")
    return places
