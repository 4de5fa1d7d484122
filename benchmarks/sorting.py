"""CPU time of fronts and crowding of 2,000 measured individuals.

python -m benchmarks.sorting
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from evokit.common.text import table
from evokit.interfaces import Score
from evokit.statistics.pareto import preferred

N, REPEATS = 2_000, 31
KINDS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "random": lambda rng, m: rng.random((N, m)),
    "one front": lambda rng, m: _on_a_sphere(rng.random((N, m))),
    "all alike": lambda rng, m: np.ones((N, m)),
}


def _on_a_sphere(points: np.ndarray) -> np.ndarray:
    on_it: np.ndarray = points / np.linalg.norm(points, axis=1, keepdims=True)
    return on_it


def milliseconds(points: np.ndarray) -> float:
    """The median time of sorting ``(N, n_objectives)`` points."""
    weights = (-1.0,) * points.shape[1]
    scores = [Score(weights, tuple(row)) for row in points.tolist()]
    taken = []
    for _ in range(REPEATS):
        started = time.process_time()
        preferred(scores)
        taken.append(time.process_time() - started)
    return 1000 * statistics.median(taken)


def main() -> None:
    rng = np.random.default_rng(0)
    rows = [
        (f"{m} objectives", *(f"{milliseconds(make(rng, m)):.1f}" for make in KINDS.values())) for m in (2, 3)
    ]  # fmt: skip
    print(table(("ms", *KINDS), rows))


if __name__ == "__main__":
    main()
