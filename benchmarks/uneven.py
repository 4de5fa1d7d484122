"""How busy workers are where some evaluations take much longer than others.

    python -m benchmarks.uneven [--workers 1 2 8] [--evaluations 512] [--factor 4]

An evaluation sleeps for a time that its genes decide, log-normal with median 50 ms, of which a standard deviation is a
factor of ``--factor``; so the cores of the machine do not matter. Busy is the sum of all evaluations' times over the
time that the workers had. The ledgers of one search are the same for any number of workers, which is checked.
"""

from __future__ import annotations

import argparse
import tempfile
from io import StringIO
from pathlib import Path

from evokit.measuring.ledger import Ledger
from evokit.progress import LineProgress
from evokit.recipe import load_recipe
from evokit.runs.launch import launch

PLUGIN = '''
import math
import time
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evokit import Component, hookimpl

@dataclass(frozen=True)
class Uneven:
    """The sphere function; an evaluation takes ``median`` seconds times ``factor`` to the power of a normal number."""

    median: float = 0.05
    factor: float = 4.0
    objectives: ClassVar = {"distance": "min"}
    budgets: ClassVar = (1,)
    context: ClassVar = "uneven"
    slots: ClassVar = {}
    takes: ClassVar = frozenset({"vector"})

    def build(self, context):
        return self

    def evaluate(self, batch, budget):
        for x in batch:
            seed = np.frombuffer(x.tobytes(), np.uint32)
            time.sleep(self.median * self.factor ** np.random.default_rng(seed).standard_normal())
        return np.array([float(x @ x) for x in batch])


@hookimpl
def evokit_components():
    return [Component("fitness", "uneven", Uneven)]
'''
RECIPE = """
plugins: [uneven.py]
genome: {{name: real_vector, length: 10, low: -5, high: 5}}
fitness: {{name: uneven, factor: {factor}}}
crossover: {{name: simulated_binary}}
mutation: {{name: polynomial}}
search: {search}
execution: {{workers: {workers}, batch: 1}}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 8])
    parser.add_argument("--evaluations", type=int, default=512)
    parser.add_argument("--factor", type=float, default=4.0)
    parser.add_argument("--in-flight", type=int, default=32)
    parser.add_argument("--population", type=int, default=8)
    asked = parser.parse_args()
    n = asked.evaluations
    sizes = f"population: {asked.population}"
    births = f"births: {n // 4}, generations: 4, in_flight: {asked.in_flight}"
    searches = {
        "generational": f"{{name: generational, {sizes}, generations: {n // asked.population}}}",
        "steady_state": f"{{name: steady_state, {sizes}, {births}}}",
    }
    print("search        workers  busy  seconds")
    for name, search in searches.items():
        ledgers = set()
        for workers in asked.workers:
            busy, seconds, rows = measured(search, workers, asked.factor)
            ledgers.add(rows)
            print(f"{name:12}  {workers:7}  {busy:4.0%}  {seconds:7.1f}", flush=True)
        print(f"{name:12}  {'one ledger' if len(ledgers) == 1 else 'LEDGERS DIFFER'}")


def measured(search: str, workers: int, factor: float) -> tuple[float, float, tuple[object, ...]]:
    """Share of the workers' time that evaluations took, seconds of the search, and what was found in which order."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "uneven.py").write_text(PLUGIN)
        path = Path(folder, "uneven.yaml")
        path.write_text(RECIPE.format(search=search, workers=workers, factor=factor))
        launch(load_recipe(path), Path(folder, "out"), LineProgress(StringIO()))
        ledger = Ledger(Path(folder, "out", "ledger.sqlite"))
        rows, seconds = ledger.rows("search"), ledger.costs()["search"].wall_s
        ledger.close()
    took = sum(row.evaluation.wall_s for row in rows)
    return took / (workers * seconds), seconds, tuple((row.key, row.evaluation.values) for row in rows)


if __name__ == "__main__":
    main()
