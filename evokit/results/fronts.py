"""The fronts of a run with several objectives as a figure."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np

from evokit.common.figures import panels

MOST = 3  # panels, one for each pair of objectives


def drawn_fronts(summary: Mapping[str, Any]) -> Any:
    """A panel for each pair of the objectives: the front of the search, and of each control that has one.

    Args:
        summary: What ``summary.json`` says of a run with several objectives.
    """
    goals = summary["objectives"]
    names = list(goals)
    fronts = {"search": [one["values"] for one in summary["front"]]}
    fronts |= {one["name"]: one["front"] for one in summary["baselines"] if one.get("front")}
    pairs = list(combinations(range(len(names)), 2))[:MOST]
    figure, axes = panels(len(pairs))
    for axis, (x, y) in zip(axes, pairs, strict=True):
        for name, front in fronts.items():
            values = np.asarray(front, float).reshape(len(front), len(names))
            axis.plot(values[:, x], values[:, y], ".", label=name, zorder=3 if name == "search" else 2)
        axis.set_xlabel(f"{names[x]} ({goals[names[x]]})")
        axis.set_ylabel(f"{names[y]} ({goals[names[y]]})")
    if len(fronts) > 1:
        axes[0].legend(frameon=False)
    return figure
