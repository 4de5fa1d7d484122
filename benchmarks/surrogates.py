"""Evaluations until a target is reached, with each surrogate and without one, on three problems of three kinds.

    python -m benchmarks.surrogates [--runs 11] [--only NAME...] [--problems NAME...] [--out FILE] [--json FILE]

Vectors: functions of BBOB in 5 dimensions; bits: functions of PBO and a knapsack problem (both by ``ioh``, extra
``bench``); two objectives: ZDT1 to ZDT3 in 10 dimensions by NSGA-II, where the target is a share of the front's
hypervolume. Run i is on instance i with seed i. What a search asks for a second time counts once. Rows are appended to
``--out`` as they come, and what is there is not measured again.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import moocore
import numpy as np

from benchmarks.searches import fitness
from benchmarks.searches.bbob import Bbob
from benchmarks.searches.knapsack import Knapsack
from benchmarks.searches.pbo import Pbo
from benchmarks.searches.score import interval
from evokit.assembly.directory import now
from evokit.assembly.identity import cpu_model
from evokit.assembly.parts import Parts, assemble
from evokit.common.text import table
from evokit.interfaces import Evaluation, Individual
from evokit.recipe import load_recipe

Values = Callable[[np.ndarray], np.ndarray]  # (n, dimension) points to (n, n_objectives) values, lower is better


@dataclass(frozen=True)
class Case:
    """A problem and when it counts as solved.

    Attributes:
        kind: ``vector``, ``bits`` or ``front``.
        make: The function of an instance.
        target: A best value as low as this, or of a front a share of hypervolume as high.
        budget: Evaluations after which a run is given up.
    """

    kind: str
    dimension: int
    make: Callable[[int], Values]
    target: float
    budget: int


def _single(suite: Any, function: str, dimension: int) -> Callable[[int], Values]:
    def make(instance: int) -> Values:
        problem = suite.problem(function, dimension, instance)
        return lambda points: problem.values(points)[:, None]

    return make


def _zdt(number: int) -> Callable[[int], Values]:
    def values(points: np.ndarray) -> np.ndarray:
        first, g = points[:, 0], 1 + 9 * points[:, 1:].mean(axis=1)
        share = first / g
        shape = {1: 1 - np.sqrt(share), 2: 1 - share**2}.get(
            number, 1 - np.sqrt(share) - share * np.sin(10 * np.pi * first)
        )
        return np.stack([first, g * shape], axis=1)

    return lambda instance: values


CASES: Mapping[str, Case] = {
    "sphere": Case("vector", 5, _single(Bbob(), "1", 5), 0.1, 1000),
    "Rosenbrock": Case("vector", 5, _single(Bbob(), "8", 5), 15.0, 1000),
    "Rastrigin, turned": Case("vector", 5, _single(Bbob(), "15", 5), 20.0, 1000),
    "leading ones": Case("bits", 64, _single(Pbo(), "2", 64), 0.75, 1000),
    "one-max, epistasis": Case("bits", 64, _single(Pbo(), "7", 64), 0.5, 1000),
    "knapsack, weakly correlated": Case("bits", 100, _single(Knapsack(), "weakly", 100), 0.09, 1000),
    "ZDT1": Case("front", 10, _zdt(1), 0.5, 1500),
    "ZDT2": Case("front", 10, _zdt(2), 0.1, 1500),
    "ZDT3": Case("front", 10, _zdt(3), 0.6, 1500),
}
KINDS: Mapping[str, Mapping[str, Any]] = {
    "vector": {
        "genome": {"name": "real_vector", "low": -5, "high": 5},
        "fitness": {"name": "benchmark"},
        "search": {"name": "generational", "population": 40, "generations": 10**9},
        "selection": {"name": "tournament", "size": 3},
        "crossover": {"name": "simulated_binary"},
        "mutation": {"name": "polynomial"},
    },
    "bits": {
        "genome": {"name": "bits"},
        "fitness": {"name": "benchmark"},
        "search": {"name": "generational", "population": 40, "generations": 10**9},
        "selection": {"name": "tournament", "size": 3},
        "crossover": {"name": "uniform"},
        "mutation": {"name": "bit_flip"},
    },
    "front": {
        "genome": {"name": "real_vector", "low": 0, "high": 1},
        "fitness": {"name": "zdt1"},  # its shape; the values of all three are given here
        "search": {"name": "nsga2", "population": 40, "generations": 10**9},
        "crossover": {"name": "simulated_binary"},
        "mutation": {"name": "polynomial"},
    },
}
SCREEN = {"name": "surrogate", "refit_every": 3, "top": 0.15, "random": 0.1}
LAST = {"window": 150}  # so that a fit takes about as long late as early
PROCESS = {"name": "gaussian_process", **LAST}
MODELS: Mapping[str, Mapping[str, Any] | None] = {
    "none": None,
    "chance": {"model": {"name": "ridge"}, "top": 0, "random": 0.25, "min_rank_correlation": -1},  # picks blindly
    "ridge": {"model": {"name": "ridge"}},
    "random_forest": {"model": {"name": "random_forest", "trees": 50, **LAST}},
    "extra_trees": {"model": {"name": "extra_trees", "trees": 50, **LAST}},
    "gradient_boosting": {"model": {"name": "gradient_boosting", **LAST}},
    "nearest_neighbours": {"model": {"name": "nearest_neighbours", **LAST}},
    "gaussian_process": {"model": PROCESS},
    "gaussian_process, lower_confidence_bound": {"model": PROCESS, "acquisition": "lower_confidence_bound"},
    "gaussian_process, expected_improvement": {"model": PROCESS, "acquisition": "expected_improvement"},
    "ensemble": {"model": {"name": "ensemble", "members": [PROCESS, {"name": "extra_trees", "trees": 50, **LAST}]}},
}

LEFT_OUT = {("front", "gaussian_process, expected_improvement")}  # its draws take long, its bound is as good a guide


class Counted:
    """A ``Measure`` that counts, keeps all it was told, and writes nothing."""

    budgets: Sequence[int] = (1,)

    def __init__(self, values: Values, express: Any, signs: np.ndarray) -> None:
        self.generation = 0
        self.values = np.empty((0, len(signs)))  # of all that was measured, in order
        self._evaluate, self._express, self._signs = values, express, signs
        self._known: dict[str, tuple[float, ...]] = {}
        self._measured: list[tuple[int, Individual]] = []

    @property
    def work(self) -> int:
        return len(self.values)

    def __call__(self, individuals: Sequence[Individual], budget: int | None = None) -> list[Evaluation]:
        new = list({one.key: one for one in individuals if one.key not in self._known}.values())
        if new:
            values = self._evaluate(np.stack([self._express(one.genes) for one in new]))
            self.values = np.vstack([self.values, values])
            raw = (self._signs * values).tolist()
            self._known |= {one.key: tuple(row) for one, row in zip(new, raw, strict=True)}
            self._measured += [(self.generation, one) for one in new]
        for one in individuals:
            one.fitness.values = self._known[one.key]
        return [Evaluation(one.fitness.values, work=1) for one in individuals]

    def each(self, individuals: Iterable[Individual | None], n: int) -> Iterator[Individual]:
        raise NotImplementedError

    def refit(self, individual: Individual) -> bool:
        return False

    renew = refit

    def born(self, individuals: Sequence[Individual], first: int = 0) -> None:
        pass

    def predict(self, individuals: Sequence[Individual]) -> None:
        pass

    def measured(self, before: int | None = None) -> list[Individual]:
        return [one for generation, one in self._measured if before is None or generation < before]

    def knows(self, key: str) -> bool:
        return key in self._known


def parts_of(case: Case, model: Mapping[str, Any] | None, seed: int) -> Parts:
    sections = KINDS[case.kind]
    recipe = {
        **sections,
        "plugins": [str(Path(fitness.__file__))],
        "genome": {**sections["genome"], "length": case.dimension},
        "execution": {"backend": "inline"},
        "stop": {"work": case.budget},
        **({"screens": [SCREEN | model]} if model else {}),
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recipe.yaml"
        path.write_text(json.dumps(recipe))  # JSON is YAML
        return assemble(replace(load_recipe(path), seed=seed))


def reached(case: Case, values: np.ndarray, worth: Callable[[np.ndarray], float]) -> int | None:
    """The number of the evaluation that reached the target, by halving; None if none did."""
    if worth(values) < case.target:
        return None
    low, high = 0, len(values)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if worth(values[:middle]) >= case.target else (middle, high)
    return high


def share(values: np.ndarray, best: float) -> float:
    """The hypervolume up to 1.1 in both objectives, as a share of the best there is."""
    within = values[(values < 1.1).all(axis=1)]
    return float(moocore.hypervolume(within, ref=[1.1, 1.1])) / best if len(within) else 0.0


def best_front(values: Values, dimension: int) -> float:
    """The hypervolume of the true front, on which all but the first number are 0."""
    points = np.zeros((20_001, dimension))
    points[:, 0] = np.linspace(0, 1, len(points))
    return share(values(points), 1.0)


def measured(name: str, model: str, number: int) -> dict[str, Any]:
    """One run."""
    case = CASES[name]
    values = case.make(number)
    if case.kind == "front":
        worth: Callable[[np.ndarray], float] = partial(share, best=best_front(values, case.dimension))
    else:
        case = replace(case, target=-case.target)
        worth = lambda some: -float(some.min())  # noqa: E731
    parts = parts_of(case, MODELS[model], number)
    signs = np.array([1.0 if goal == "min" else -1.0 for goal in parts.fitness.objectives.values()])
    measure = Counted(values, parts.genome.express, signs)
    started = time.process_time()
    while measure.work < case.budget and (not measure.work or worth(measure.values) < case.target):
        parts.search.step(measure)
    at = reached(case, measure.values[: case.budget], worth)
    screens = [screen.summary() for screen in parts.search.screens]
    return {
        "problem": name,
        "model": model,
        "run": number,
        "at": at,
        "best": abs(worth(measure.values[: case.budget])),
        "cpu_s": round(time.process_time() - started, 3),
        "fit_s": round(sum(one["fit_s"] for one in screens), 3),
        "aside": [sum(one["stepped_aside"] for one in screen["audit"]) for screen in screens],
        "calibration": [screen["audit"][-1]["calibration"] for screen in screens if screen["audit"]],
    }


def compared(rows: Sequence[Mapping[str, Any]], name: str, model: str) -> dict[str, Any]:
    """A model on a problem beside none, runs paired by their number; who did not reach the target counts as the budget.

    ``ratio`` is the geometric mean of evaluations with it by those without, its interval Student's of the logarithms;
    ``to_chance`` the same by those of a screen that picks blindly, which differs in nothing but the picking.
    """
    mine, plain, blind = (
        {
            one["run"]: one | {"at": one["at"] or CASES[name].budget, "reached": one["at"] is not None}
            for one in rows
            if (one["problem"], one["model"]) == (name, which)
        }
        for which in (model, "none", "chance")
    )
    runs = sorted(mine.keys() & plain.keys())
    ratio, ends = _ratio(mine, plain)
    to_chance, ends_to_chance = _ratio(mine, blind)
    return {
        "problem": name,
        "model": model,
        "runs": len(runs),
        "reached": sum(mine[run]["reached"] for run in runs),
        "median": float(np.median([mine[run]["at"] for run in runs])),
        "ratio": ratio,
        "interval": ends,
        "to_chance": to_chance,
        "to_chance_interval": ends_to_chance,
        "cpu_s": round(float(np.mean([mine[run]["cpu_s"] for run in runs])), 2),
        "fit_s": round(float(np.mean([mine[run]["fit_s"] for run in runs])), 2),
    }


def _ratio(
    mine: Mapping[int, Mapping[str, Any]], others: Mapping[int, Mapping[str, Any]]
) -> tuple[float, list[float]] | tuple[None, None]:
    """The geometric mean of paired ratios of evaluations with its interval; nothing where there are no two runs."""
    runs = sorted(mine.keys() & others.keys())
    if len(runs) < 2:
        return None, None
    logs = np.log([mine[run]["at"] / others[run]["at"] for run in runs])
    ends = interval(logs)
    assert ends is not None
    return round(float(np.exp(logs.mean())), 3), np.exp(ends).round(3).tolist()


def told(ratio: float | None, ends: Sequence[float] | None) -> str:
    """
    >>> told(0.5, [0.25, 1.0]), told(None, None)
    ('0.50 [0.25, 1.00]', '')
    """
    return "" if ratio is None or ends is None else "{:.2f} [{:.2f}, {:.2f}]".format(ratio, *ends)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=11)
    parser.add_argument("--only", nargs="+", choices=list(MODELS), default=list(MODELS), metavar="NAME")
    parser.add_argument("--problems", nargs="+", choices=list(CASES), default=list(CASES), metavar="NAME")
    parser.add_argument("--out", type=Path, default=Path("runs/surrogates.jsonl"))
    parser.add_argument("--json", type=Path, help="docs/results/surrogates.json is what the page on benchmarks shows")
    given = parser.parse_args()
    given.out.parent.mkdir(parents=True, exist_ok=True)
    rows = [json.loads(line) for line in given.out.read_text().splitlines()] if given.out.exists() else []
    known = {(row["problem"], row["model"], row["run"]) for row in rows}
    with given.out.open("a") as file:
        for number in range(1, given.runs + 1):
            for name in given.problems:
                for model in given.only:
                    if (name, model, number) not in known and (CASES[name].kind, model) not in LEFT_OUT:
                        rows.append(measured(name, model, number))
                        file.write(json.dumps(rows[-1]) + "\n")
                        file.flush()
    present = {(row["problem"], row["model"]) for row in rows}
    found = [compared(rows, *pair) for name in CASES for model in MODELS if (pair := (name, model)) in present]
    for name in given.problems:
        lines = [
            (
                one["model"], f"{one['reached']} of {one['runs']}", f"{one['median']:,.0f}",
                told(one["ratio"], one["interval"]),
                told(one["to_chance"], one["to_chance_interval"]), f"{one['cpu_s']:.1f}",
            )
            for one in found
            if one["problem"] == name
        ]  # fmt: skip
        print(
            f"\n{name}\n" + table(("surrogate", "reached", "median", "with / without", "with / chance", "CPU s"), lines)
        )
    if given.json:
        of = {"command": "python -m benchmarks.surrogates", "date": now()[:10], "processor": cpu_model()}
        cases = {
            name: {"kind": case.kind, "target": case.target, "budget": case.budget} for name, case in CASES.items()
        }
        given.json.write_text(json.dumps({**of, "cases": cases, "found": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
