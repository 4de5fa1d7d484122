"""What worker processes cost beside the evaluations themselves, on this machine.

    python -m benchmarks.overhead [--repeats 3] [--tiny 10000] [--long 100]
    python -m benchmarks.overhead minimize ...      what ``evokit.minimize`` costs, see ``minimizing.py``

Three bars: 10,000 tiny evaluations with 2 workers take less than 1 ms each; with evaluations of 50 ms the workers lose
less than 5 % of their wall time to anything else; 2 workers are at least 0.9 times twice as fast as 1. Evaluations of
50 ms sleep or compute: sleeping shows the back end's own cost also where other programs use the cores, computing shows
what the cores give. Workers are started before the clock; how long that takes has a row of its own. The fastest of the
repeats counts, because other work on the machine only ever adds time.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evokit.assembly.directory import RunDirectory
from evokit.assembly.workplace import Workplace
from evokit.energy import best_meter
from evokit.measuring.backends import make_executor
from evokit.measuring.execution import Task
from evokit.measuring.executors import Executor
from evokit.recipe import load_recipe

LONG_S = 0.05
PLUGIN = '''
import time
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evokit import Component, hookimpl


@dataclass(frozen=True)
class Waiting:
    """Counts ones, and takes ``seconds`` for each individual: asleep, or counting iterations that take so long."""

    asleep: float = 0.0
    iterations: int = 0
    objectives: ClassVar = {"ones": "max"}
    budgets: ClassVar = (1,)
    context: ClassVar = "waiting"
    slots: ClassVar = {}
    takes: ClassVar = frozenset({"bits"})

    def build(self, context):
        return self

    def evaluate(self, batch, budget):
        for _ in batch:
            if self.asleep:
                time.sleep(self.asleep)
            for _ in range(self.iterations):
                pass
        return np.array([bits.sum() for bits in batch])


@hookimpl
def evokit_components():
    return [Component("fitness", "waiting", Waiting)]
'''
RECIPE = """\
plugins: [./plugin.py]
fitness: {name: waiting}
genome: {name: bits, length: 32}
search: {name: random_search, generations: 1}
"""


@contextmanager
def executor(*overrides: str) -> Iterator[Executor]:
    """An executor of the recipe with overrides."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "plugin.py").write_text(PLUGIN)
        (folder / "source.yaml").write_text(RECIPE)
        recipe = load_recipe(folder / "source.yaml", overrides)
        directory = RunDirectory(folder / "run")
        directory.create(recipe)
        made = make_executor(Workplace(recipe, directory), best_meter("cpu", 15.0))
        try:
            yield made
        finally:
            made.close()


@dataclass(frozen=True, order=True)
class Timing:
    """Wall seconds of some evaluations, and the seconds that the evaluations themselves took."""

    wall_s: float
    inside_s: float

    def lost(self, workers: int) -> float:
        """The share of the workers' wall time that went into anything but evaluations."""
        return 1 - self.inside_s / (workers * self.wall_s)


def timing(made: Executor, n: int, batch: int) -> Timing:
    """Time ``n`` evaluations in batches."""
    genes = np.random.default_rng(0).random((n, 32)) < 0.5
    tasks = [Task(list(genes[i : i + batch]), 1) for i in range(0, n, batch)]
    started = time.perf_counter()
    inside_s = sum(one.wall_s for answer in made.map(tasks) for one in answer)
    return Timing(time.perf_counter() - started, inside_s)


def best(repeats: int, n: int, batch: int, *overrides: str) -> tuple[Timing, float]:
    """The fastest of the repeats, and the seconds until workers had answered once."""
    with executor(*overrides) as made:
        started = timing(made, 8 * batch, batch).wall_s
        return min(timing(made, n, batch) for _ in range(repeats)), started


def iterations_for(wanted_s: float) -> int:
    """How many empty iterations take that long."""
    n, taken_s = 10**6, 1.0
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(n):
            pass
        taken_s = min(taken_s, time.perf_counter() - started)
    return round(n * wanted_s / taken_s)


def main() -> None:
    if sys.argv[1:2] == ["minimize"]:
        from benchmarks import minimizing  # needs pymoo

        return minimizing.main(sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--tiny", type=int, default=10_000, help="tiny evaluations")
    parser.add_argument("--long", type=int, default=100, help="evaluations of 50 ms")
    given = parser.parse_args()
    repeats, n_tiny, n_long = given.repeats, given.tiny, given.long
    two = "execution.workers=2"

    row("what", "found", "bar")
    for batch in (8, 1):
        tiny, start_s = best(repeats, n_tiny, batch, two)
        row(f"{n_tiny} tiny evaluations, 2 workers, batch {batch}", f"{1e3 * tiny.wall_s / n_tiny:.3f} ms", "1 ms")
    inline, _ = best(repeats, n_tiny, 8, "execution.backend=inline")
    row(f"{n_tiny} tiny evaluations, inline, batch 8", f"{1e3 * inline.wall_s / n_tiny:.3f} ms")
    row("until 2 workers have started and answered", f"{start_s:.2f} s")
    burning = f"fitness.iterations={iterations_for(LONG_S)}"
    for name, option in (("asleep", f"fitness.asleep={LONG_S}"), ("computing", burning)):
        of_one, _ = best(repeats, n_long, 1, option, "execution.workers=1")
        of_two, _ = best(repeats, n_long, 1, option, two)
        row(f"50 ms {name}, 2 workers: wall time lost", f"{100 * of_two.lost(2):.2f} %", "5 %")
        row(f"50 ms {name}: efficiency of 2 workers beside 1", f"{of_one.wall_s / of_two.wall_s / 2:.3f}", "0.9")


def row(what: str, found: str, bar: str = "") -> None:
    print(f"{what:56} {found:>12} {bar:>8}")


if __name__ == "__main__":
    main()
