"""Curves: the share of targets reached, over evaluations per dimension."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.searches.contenders import of_kind
from benchmarks.searches.problems import ANY, Suite
from benchmarks.searches.store import Store
from benchmarks.searches.table import reached, rows_of

POINTS = 200  # of a curve


def share(reached_each: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Of all targets of all runs the share reached by each of some evaluations.

    >>> share(np.array([[1.0, np.inf], [10.0, 100.0]]), np.array([1, 10, 50]))
    array([0.25, 0.5 , 0.5 ])
    """
    found = np.searchsorted(np.sort(reached_each.ravel()), at, side="right")
    return found / reached_each.size


def draw(store: Store, suite: Suite, dimension: int, each: int, folder: Path) -> Path | None:
    """One figure for a dimension and a budget, a curve a contender; None where nothing is whole."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    found = rows_of(store, suite, dimension, each)
    functions = [name for name in suite.functions if any(name in rows for rows in found.values())]
    at = np.geomspace(1, each, POINTS)  # both ends exactly: some suites count at the end alone
    curves = {}
    for name, rows in found.items():
        if len(rows) == len(functions):
            # Evaluations are counted per dimension, so that functions of unlike dimension share an axis.
            scaled = [when * each / budget for when, budget in reached(suite, rows, functions, each)]
            curves[name] = share(np.array(scaled), at)
    if not curves:
        return None
    figure, axes = pyplot.subplots(figsize=(8, 5), layout="constrained")
    ordered = sorted(curves, key=lambda name: -curves[name][-1])
    for color, name in zip(pyplot.get_cmap("tab20").colors, ordered, strict=False):
        own = of_kind(suite.kind)[name].own
        axes.plot(at, curves[name], color=color, lw=2.2 if own else 1.3, ls="-" if own else "--", label=name)
    axes.set(xscale="log", xlim=(1, each), xlabel="evaluations per dimension", ylabel="share of targets reached")
    axes.set_ylim(bottom=0)
    where = "" if dimension == ANY else f", {dimension} dimensions"
    axes.set_title(f"{suite.name}{where}, {len(functions)} functions (solid: evokit)")
    axes.grid(alpha=0.3)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8)
    path = folder / f"{suite.name}_{dimension}_{each}.png"
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
    return path
