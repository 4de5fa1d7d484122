"""How fast the loop itself is: generations a second of CPU time, beside DEAP's and pymoo's.

    python -m benchmarks.core_loop [--population 1000] [--generations 100] [--length 100] [--only evokit DEAP pymoo]

A genetic algorithm on real numbers with simulated binary crossover and polynomial mutation, tournaments of two, on the
sphere function, in one process. evokit runs a recipe with all that a run has: ledger, lineage, checkpoints, contracts.
DEAP runs ``eaSimple`` on lists, pymoo its GA on arrays; both measure the whole population at once or by NumPy, keep
nothing on disk, and are left out where they are not installed. A start is not counted: the time is that of a long run
less that of a short one.
"""

from __future__ import annotations

import argparse
import random
import resource
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from io import StringIO
from pathlib import Path

import numpy as np

from evokit.progress import LineProgress
from evokit.recipe import load_recipe
from evokit.runs.launch import launch

LOW, HIGH = -5.0, 5.0
SHORT = 5  # generations of the run whose time is taken away
RECIPE = """
genome: {{name: real_vector, length: {length}, low: -5, high: 5}}
fitness: {{name: sphere}}
selection: {{name: tournament, size: 2}}
crossover: {{name: simulated_binary}}
mutation: {{name: polynomial}}
search: {{name: generational, population: {population}, generations: {generations}}}
execution: {{backend: inline}}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--population", type=int, default=1000)
    parser.add_argument("--generations", type=int, default=100)
    parser.add_argument("--length", type=int, default=100)
    loops: dict[str, Callable[[int, int, int], None]] = {"evokit": evokit}
    loops |= {"DEAP": deap} | ({"pymoo": pymoo} if find_spec("pymoo") else {})
    parser.add_argument("--only", nargs="+", choices=list(loops))
    asked = parser.parse_args()
    if asked.generations <= SHORT:
        parser.error(f"--generations: must be more than {SHORT}")
    for name in asked.only or loops:
        loop = loops[name]
        short = seconds(loop, asked.population, SHORT, asked.length)
        long = seconds(loop, asked.population, asked.generations, asked.length)
        rate = (asked.generations - SHORT) / (long - short)
        print(f"{name:8} {rate:6.3g} generations a second of CPU time", flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory: {peak:,.0f} MiB")


def seconds(loop: Callable[[int, int, int], None], population: int, generations: int, length: int) -> float:
    """CPU seconds of this process."""
    began = time.process_time()
    loop(population, generations, length)
    return time.process_time() - began


def evokit(population: int, generations: int, length: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "loop.yaml"
        path.write_text(RECIPE.format(population=population, generations=generations, length=length))
        launch(load_recipe(path), Path(folder) / "out", progress=LineProgress(StringIO()))


def deap(population: int, generations: int, length: int) -> None:
    from deap import algorithms, base, tools

    from evokit.interfaces import Score

    class Vector(list[float]):
        def __init__(self, genes: list[float]) -> None:
            super().__init__(genes)
            self.fitness = Score((-1.0,))

    box = base.Toolbox()
    box.register("mate", tools.cxSimulatedBinaryBounded, eta=15.0, low=LOW, up=HIGH)
    box.register("mutate", tools.mutPolynomialBounded, eta=20.0, low=LOW, up=HIGH, indpb=1 / length)
    box.register("select", tools.selTournament, tournsize=2)
    box.register("evaluate", lambda one: (float(np.square(one).sum()),))
    first = [Vector([random.uniform(LOW, HIGH) for _ in range(length)]) for _ in range(population)]
    algorithms.eaSimple(first, box, cxpb=0.9, mutpb=1.0, ngen=generations, verbose=False)


def pymoo(population: int, generations: int, length: int) -> None:
    from pymoo.algorithms.soo.nonconvex.ga import GA
    from pymoo.core.problem import Problem
    from pymoo.optimize import minimize

    class Sphere(Problem):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(n_var=length, n_obj=1, xl=LOW, xu=HIGH)

        def _evaluate(self, x: np.ndarray, out: dict[str, np.ndarray], *given: object, **named: object) -> None:
            out["F"] = np.square(x).sum(axis=1)

    minimize(Sphere(), GA(pop_size=population), ("n_gen", generations))


if __name__ == "__main__":
    main()
