"""A search of evokit on a problem: built from a recipe, its individuals measured as one array."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.searches import fitness
from benchmarks.searches.formulas import CONSTANTS, FUNCTIONS
from benchmarks.searches.problems import Record
from benchmarks.searches.spaces import Spaced
from evokit.assembly.parts import assemble
from evokit.interfaces import Evaluation, Individual
from evokit.recipe import Recipe, load_recipe

PATIENCE = 1000  # steps without a new individual, after which a search has nothing left to try
GENOMES: Mapping[str, Mapping[str, Any]] = {
    "vector": {"name": "real_vector"},
    "archive": {"name": "real_vector"},
    "bits": {"name": "bits"},
    "permutation": {"name": "permutation"},
    "fronts": {"name": "real_vector", "low": 0.0, "high": 1.0},
    "constrained": {"name": "real_vector", "low": 0.0, "high": 1.0},
    "tree": {
        "name": "tree",
        "primitives": {"name": "elementary", "functions": list(FUNCTIONS)},
        "constants": list(CONSTANTS),
    },
}


class Direct:
    """A ``Measure`` that asks the record; nothing is written."""

    budgets: Sequence[int] = (1,)

    def __init__(self, record: Record, express: Any, told: Any = lambda point: None) -> None:
        self.generation = 0
        self._record, self._express, self._told = record, express, told
        self._known: set[str] = set()
        self._measured: list[tuple[int, Individual]] = []

    @property
    def work(self) -> int:
        return self._record.evaluations

    def __call__(self, individuals: Sequence[Individual], budget: int | None = None) -> list[Evaluation]:
        points = [self._express(one.genes) for one in individuals]
        values = self._record.many(np.stack(points)).reshape(len(points), -1)  # values, then constraints
        for one, point, row in zip(individuals, points, values, strict=True):
            if np.isfinite(row).all():
                told, n_objectives = tuple(row.tolist()), len(one.fitness.weights)
                one.fitness.hold(told[:n_objectives], told[n_objectives:])
                one.cases, one.metrics = self._told(point), self._record.metrics(point)
            if one.key not in self._known:
                self._known.add(one.key)
                self._measured.append((self.generation, one))
        return [Evaluation(one.fitness.values, work=1, constraints=one.fitness.constraints) for one in individuals]

    def each(self, individuals: Iterable[Individual | None], n: int) -> Iterator[Individual]:
        for one in individuals:
            if one is not None:
                self([one])
                yield one

    def refit(self, individual: Individual) -> bool:
        return False

    def renew(self) -> bool:
        return False

    def born(self, individuals: Sequence[Individual], first: int = 0) -> None:
        pass

    def predict(self, individuals: Sequence[Individual]) -> None:
        pass

    def measured(self, before: int | None = None) -> list[Individual]:
        return [one for generation, one in self._measured if before is None or generation < before]

    def knows(self, key: str) -> bool:
        return key in self._known


def searched(sections: Mapping[str, Any], record: Record, seed: int) -> None:
    """Step a search until its run is over; it may also end by itself.

    Args:
        sections: Of its recipe: ``search``, and what it reads.
        record: Counts and ends the run.
        seed: Of the recipe.

    Raises:
        Over: The run is.
    """
    parts = assemble(replace(_recipe(json.dumps(_whole(sections, record))), seed=seed))
    genome: Any = parts.genome
    regression: Any = parts.fitness
    if record.problem.kind == "tree":  # a point is what a formula says with its offset and scale
        measure = Direct(record, lambda genes: regression.said(genome.express(genes))[0], regression.case_by_case)
    elif isinstance(record.problem, Spaced):
        to_point = record.problem.point
        measure = Direct(record, lambda genes: to_point(genome.express(genes)))
    else:
        measure = Direct(record, genome.express)
    idle = 0
    while not parts.search.done and idle < PATIENCE:
        before = record.evaluations
        parts.search.step(measure)
        if getattr(parts.search, "breeds", True):  # else a population is what was drawn last
            record.kept(np.array([_row(one) for one in parts.search.population if one.fitness.valid]))
        idle = 0 if record.evaluations > before else idle + 1


def _row(one: Individual) -> tuple[float, ...]:
    return (*one.fitness.values, *one.fitness.constraints)


def _whole(sections: Mapping[str, Any], record: Record) -> dict[str, Any]:
    """A recipe."""
    problem = record.problem
    if problem.kind == "tree":
        function, instance = problem.of
        about = {
            "data": {"name": "benchmark_rows", "function": function, "instance": instance},
            "fitness": {"name": "symbolic_regression"},
            "genome": GENOMES["tree"],
        }
    elif isinstance(problem, Spaced):
        about = {
            "fitness": {"name": "benchmark"},
            "genome": {"name": "space", "parameters": problem.parameters},
        }
    else:
        low, high = problem.box
        box = {"low": low, "high": high} if GENOMES[problem.kind]["name"] == "real_vector" else {}
        genome = {**box, **GENOMES[problem.kind], "length": problem.dimension}
        numbers = {"n_objectives": problem.n_objectives, "n_constraints": problem.n_constraints}
        about = {"fitness": {"name": "benchmark", **numbers}, "genome": genome}
    return {
        "plugins": [str(Path(fitness.__file__))],
        **about,
        "execution": {"backend": "inline"},
        "stop": {"work": record.budget},
        **sections,
    }


@cache
def _recipe(text: str) -> Recipe:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recipe.yaml"
        path.write_text(text)  # JSON is YAML
        return load_recipe(path)
