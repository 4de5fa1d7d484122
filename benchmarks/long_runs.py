"""Seconds of long runs, on this machine: a generation costs the same however many came before it.

    python benchmarks/long_runs.py [--generations 1000 2000 5000] [--repeats 1]

One-max on 64 bits with a population of 32, in this process, so that nearly all of the time is the core's own:
variation, ledger, metrics, display, checkpoints. The bar: CPU seconds per generation of the longest run are at most 1.2
times those of the shortest. The fastest of the repeats counts, because other work on the machine only ever adds time.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from evokit.progress import LineProgress
from evokit.recipe import load_recipe
from evokit.runs.launch import launch

BAR = 1.2
RECIPE = """\
fitness: {name: onemax}
genome: {name: bits, length: 64}
search: {name: generational, population: 32}
crossover: {name: uniform}
mutation: {name: bit_flip}
execution: {backend: inline}
"""


@dataclass(frozen=True, order=True)
class Timing:
    """CPU and wall seconds of one run."""

    cpu_s: float
    wall_s: float


def timing(generations: int) -> Timing:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "onemax.yaml"
        path.write_text(RECIPE)
        recipe = load_recipe(path, [f"search.generations={generations}"])
        cpu_s, wall_s = time.process_time(), time.perf_counter()
        launch(recipe, Path(name) / "run", LineProgress(io.StringIO()))
        return Timing(time.process_time() - cpu_s, time.perf_counter() - wall_s)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generations", type=int, nargs="+", default=[1000, 2000, 5000])
    parser.add_argument("--repeats", type=int, default=1)
    given = parser.parse_args()
    print(f"{'generations':>11} {'wall s':>8} {'CPU s':>8} {'CPU ms each':>12} {'beside the first':>17} {'bar':>5}")
    first = 0.0
    for generations in given.generations:
        best = min(timing(generations) for _ in range(given.repeats))
        each = 1e3 * best.cpu_s / generations
        first = first or each
        print(f"{generations:11,} {best.wall_s:8.1f} {best.cpu_s:8.1f} {each:12.2f} {each / first:17.2f} {BAR:5}")


if __name__ == "__main__":
    main()
