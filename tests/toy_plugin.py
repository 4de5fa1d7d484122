"""A local plugin with data, a fitness, a final and a trained baseline, small enough to follow by hand.

The data are points of a line; a model is one number, its score on a point the squared distance. The fitness reads the
first gene; a second one may be a mark of how to fail, which the search ``sabotaged`` puts into each generation.
"""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from evokit import Component, Context, Data, Evaluation, hookimpl
from evokit.data.vault import Vault, cut_vault
from evokit.energy import Cost
from evokit.genomes.individuals import make_individual
from evokit.interfaces import Individual, Variant
from evokit.searches.generational import Generational, GenerationalSearch

MARKS = 1024  # generations that a mark can tell apart


@dataclass(frozen=True)
class Points:
    """With ``vault: 0.6`` the first two test points are in the vault."""

    test: tuple[float, ...] = (1.0, 1.5, 2.5)
    vault: Vault = 0.0

    def build(self, context: Context) -> Data:
        train, validation = np.array([0.0, 1.0, 2.0]), np.array([1.0, 2.0])
        test, vault = cut_vault(np.array(self.test), self.vault)
        sizes = {"train_points": 3, "validation_points": 2, "test_points": len(test)}
        return Data("points", "tests", "digest-of-points", sizes, train, validation, test, vault)


def _raise() -> None:
    raise ArithmeticError("as planned")


def _hang() -> None:
    while True:
        time.sleep(1)


def _hog() -> float:
    return float(np.zeros(3 * 2**30, np.uint8)[0])  # more than a worker is given


# How an individual may fail, and what its row must say then. Those after the third need a process of their own.
FAULTS: Mapping[str, tuple[str, Callable[[], Any]]] = {
    "nan": ("nan", lambda: float("nan")),
    "infinite": ("diverged", lambda: float("inf")),
    "exception": ("raised", _raise),
    "hang": ("timed_out", _hang),
    "exit": ("worker_died", lambda: os._exit(3)),
    "segfault": ("worker_died", lambda: ctypes.string_at(0)),
    "hog": ("out_of_memory", _hog),
}


@dataclass(frozen=True)
class Squares:
    """``sleep`` seconds an individual. Marked ones fail, or with ``says`` only say that they failed.

    With ``renewable`` the champion can be confirmed. With ``twice`` contenders have a variant that works twice as long.
    With ``shared`` all individuals share a summand, which a refit moves half of the way that an individual lacks.
    ``prepared``: names and CPU seconds of what was done beforehand.
    """

    sleep: float = 0.0
    says: bool = False
    renewable: bool = False
    twice: bool = False
    shared: bool = False
    prepared: tuple[tuple[str, float], ...] = ()
    takes: ClassVar[frozenset[str]] = frozenset({"vector"})

    def build(self, context: Context) -> SquaresFitness:
        if self.renewable:
            return RenewableSquares(self, context.validation, context.train)
        return SquaresFitness(self, context.validation)


class SquaresFitness:
    objectives: ClassVar[Mapping[str, str]] = {"loss": "min"}
    budgets = (1, 2)
    slots: ClassVar[Mapping[str, Any]] = {}
    takes = frozenset({"vector"})

    def __init__(self, options: Squares, points: np.ndarray, shared: float = 0.0) -> None:
        self.options, self.points, self.shared = options, points, shared
        self.context = f"squares of {len(points)} beside {shared!r}" if options.shared else "squares"
        self.refitted = self._refitted if options.shared else None
        self.prepared = {name: Cost.unmetered(2 * cpu_s, cpu_s, 10.0) for name, cpu_s in options.prepared}

    def _refitted(self, vector: np.ndarray) -> SquaresFitness:
        return SquaresFitness(self.options, self.points, float(self.points.mean() - vector[0] + self.shared) / 2)

    def evaluate(self, batch: Sequence[np.ndarray], budget: int) -> Iterator[Evaluation]:
        for vector in batch:
            time.sleep(self.options.sleep)
            fault = _fault_of(vector)
            if fault is None:
                value = float(np.square(self.points[:budget] - vector[0] - self.shared).mean())
                yield Evaluation(values=(value,), work=budget)
            elif self.options.says:
                yield Evaluation(outcome=FAULTS[fault][0], work=budget, message="said so")  # type: ignore[arg-type]
            else:
                yield Evaluation(values=(FAULTS[fault][1](),), work=budget)


class RenewableSquares(SquaresFitness):
    def __init__(self, options: Squares, points: np.ndarray, others: np.ndarray, shared: float = 0.0) -> None:
        super().__init__(options, points, shared)
        self.others = others

    def fresh(self) -> SquaresFitness:
        return SquaresFitness(self.options, self.others, self.shared)

    def _refitted(self, vector: np.ndarray) -> RenewableSquares:
        return RenewableSquares(self.options, self.points, self.others, super()._refitted(vector).shared)


def _fault_of(vector: np.ndarray) -> str | None:
    """A mark is the number of the fault, and the generation as a fraction that no other gene has."""
    if len(vector) < 2 or vector[1] < 1 or not (vector[1] * MARKS).is_integer():
        return None
    return list(FAULTS)[int(vector[1]) - 1]


@dataclass(frozen=True)
class Sabotaged(Generational):
    """Generational search that puts an individual of each of ``faults`` into each generation."""

    faults: tuple[str, ...] = ()

    def build(self, context: Context) -> SabotagedSearch:
        return SabotagedSearch(self, context)


class SabotagedSearch(GenerationalSearch):
    def ask(self) -> list[Individual]:
        asked = super().ask()
        for place, fault in enumerate(self._options.faults):  # type: ignore[attr-defined]
            mark = 1 + list(FAULTS).index(fault) + self.generation / MARKS
            asked[2 * place] = make_individual(self._genome, np.array([1.5, mark]), self._weights, born_by=fault)
        return asked


class PointContender:
    budgets: Sequence[int] = (2,)
    deterministic = True
    goal = "min"
    unit = "point"

    def __init__(self, context: Context) -> None:
        self.context = context
        assert not hasattr(context, "test")

    def variants(self) -> dict[str, Variant]:
        return {"twice": Variant({"times": 2}, 2 * self.budgets[-1])} if self.context.fitness.options.twice else {}

    def fitted(self, value: float, scratch: Path, work: int) -> Evaluation:
        path = scratch / "model.txt"
        path.write_text(repr(float(value)))
        validation = float(np.square(self.context.validation - value).mean())
        return Evaluation(values=(validation,), work=work, artifact=str(path))

    def score(self, artifact: Path, split: np.ndarray) -> np.ndarray:
        return np.square(split - float(artifact.read_text()))


class ChampionContender(PointContender):
    trainings = 1

    def settings(self, best: Any) -> list[dict[str, Any]]:
        return [{"genes": self.context.genome.to_json(best.genes)}]

    def fit(self, setting: Mapping[str, Any], seed: int, budget: int, scratch: Path) -> Evaluation:
        return self.fitted(setting["genes"][0] + self.context.fitness.shared, scratch, budget * setting.get("times", 1))


class DescentContender(PointContender):
    """``steps`` of gradient descent on the training points from a start that the seed decides."""

    deterministic = False

    def __init__(self, context: Context, lr: Sequence[float], steps: int = 20, *, lost: bool = False) -> None:
        super().__init__(context)
        self.lr, self.budgets, self.lost = lr, (5, steps), lost

    def settings(self, best: Any) -> list[dict[str, Any]]:
        return [{"lr": lr} for lr in self.lr]

    def fit(self, setting: Mapping[str, Any], seed: int, budget: int, scratch: Path) -> Evaluation:
        value = float(np.random.default_rng(seed).normal())
        budget *= setting.get("times", 1)
        for _ in range(budget):
            value -= setting["lr"] * 2 * float((value - self.context.train).mean())
        if not np.isfinite(value) or abs(value) > 1e3:
            return Evaluation(outcome="diverged", work=budget, message=f"the point left at {value}")
        return self.fitted(value, scratch, budget)

    def score(self, artifact: Path, split: Any) -> np.ndarray:
        units = super().score(artifact, split)
        return np.where(np.arange(len(units)) == 0, np.nan, units) if self.lost else units


class SettledDescent(DescentContender):
    """Always from the same start."""

    deterministic = True

    def fit(self, setting: Mapping[str, Any], seed: int, budget: int, scratch: Path) -> Evaluation:
        return super().fit(setting, 0, budget, scratch)


@dataclass(frozen=True)
class Settled:
    lr: tuple[float, ...] = (0.1,)

    def build(self, context: Context) -> SettledDescent:
        return SettledDescent(context, self.lr)


@dataclass(frozen=True)
class Champion:
    def build(self, context: Context) -> ChampionContender:
        return ChampionContender(context)


@dataclass(frozen=True)
class Descent:
    lr: tuple[float, ...] = (0.1,)
    steps: int = 20
    builds_on: tuple[str, ...] = ()
    lost: bool = False
    """Whether the first unit's score is no number."""

    def build(self, context: Context) -> DescentContender:
        return DescentContender(context, self.lr, self.steps, lost=self.lost)


@dataclass(frozen=True)
class Parabola:
    """A surrogate that imports nothing heavy: a parabola in the first feature, by least squares."""

    def build(self, context: Context) -> ParabolaSurrogate:
        return ParabolaSurrogate()


class ParabolaSurrogate:
    def fit(self, X: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> None:
        self.coefficients = np.polyfit(X[:, 0].astype(float), y, 2)

    def predict(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.polyval(self.coefficients, X[:, 0].astype(float)), np.zeros(len(X))


@dataclass(frozen=True)
class AsText:
    def export(self, artifact: Path, out: Path) -> None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "point.txt").write_text(artifact.read_text())


@hookimpl
def evokit_components() -> list[Component]:
    return [
        Component("data", "points", Points),
        Component("fitness", "squares", Squares),
        Component("search", "sabotaged", Sabotaged),
        Component("surrogate", "parabola", Parabola),
        Component("final", "champion", Champion, fits="squares"),
        Component("baseline", "descent", Descent, fits="squares"),
        Component("baseline", "same_for_all", Settled, fits="squares"),
        Component("export", "text", AsText, fits="squares"),
    ]
