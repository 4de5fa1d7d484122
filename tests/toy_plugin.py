"""A local plugin with data, a fitness, a final and a trained baseline, small enough to follow by hand.

The data are points of a line; a model is one number, its score on a point the squared distance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from evokit import Component, Context, Data, Evaluation, hookimpl


@dataclass(frozen=True)
class Points:
    def build(self, context: Context) -> Data:
        train, validation, test = np.array([0.0, 1.0, 2.0]), np.array([1.0, 2.0]), np.array([1.0, 1.5, 2.5])
        sizes = {"train_points": 3, "validation_points": 2, "test_points": 3}
        return Data("points", "tests", "digest-of-points", sizes, train, validation, test)


@dataclass(frozen=True)
class Squares:
    takes: ClassVar[frozenset[str]] = frozenset({"vector"})

    def build(self, context: Context) -> SquaresFitness:
        return SquaresFitness(context.validation)


class SquaresFitness:
    objectives: ClassVar[Mapping[str, str]] = {"loss": "min"}
    budgets = (1, 2)
    context = "squares"
    slots: ClassVar[Mapping[str, Any]] = {}
    takes = frozenset({"vector"})

    def __init__(self, validation: np.ndarray) -> None:
        self.validation = validation

    def evaluate(self, batch: Sequence[np.ndarray], budget: int) -> np.ndarray:
        return np.array([np.square(self.validation[:budget] - vector[0]).mean() for vector in batch])


class PointContender:
    budgets: Sequence[int] = (2,)
    deterministic = True
    goal = "min"
    unit = "point"

    def __init__(self, context: Context) -> None:
        self.context = context
        assert not hasattr(context, "test")

    def fitted(self, value: float, scratch: Path, work: int) -> Evaluation:
        path = scratch / "model.txt"
        path.write_text(repr(float(value)))
        validation = float(np.square(self.context.validation - value).mean())
        return Evaluation(values=(validation,), work=work, artifact=str(path))

    def score(self, artifact: Path, split: np.ndarray) -> np.ndarray:
        return np.square(split - float(artifact.read_text()))


class ChampionContender(PointContender):
    def settings(self, best: Any) -> list[dict[str, Any]]:
        return [{"genes": self.context.genome.to_json(best.genes)}]

    def fit(self, setting: Mapping[str, Any], seed: int, budget: int, scratch: Path) -> Evaluation:
        return self.fitted(setting["genes"][0], scratch, budget)


class DescentContender(PointContender):
    """``steps`` of gradient descent on the training points from a start that the seed decides."""

    budgets = (5, 20)
    deterministic = False

    def __init__(self, context: Context, lr: Sequence[float]) -> None:
        super().__init__(context)
        self.lr = lr

    def settings(self, best: Any) -> list[dict[str, Any]]:
        return [{"lr": lr} for lr in self.lr]

    def fit(self, setting: Mapping[str, Any], seed: int, budget: int, scratch: Path) -> Evaluation:
        value = float(np.random.default_rng(seed).normal())
        for _ in range(budget):
            value -= setting["lr"] * 2 * float((value - self.context.train).mean())
        if not np.isfinite(value) or abs(value) > 1e3:
            return Evaluation(outcome="diverged", work=budget, message=f"the point left at {value}")
        return self.fitted(value, scratch, budget)


@dataclass(frozen=True)
class Champion:
    def build(self, context: Context) -> ChampionContender:
        return ChampionContender(context)


@dataclass(frozen=True)
class Descent:
    lr: tuple[float, ...] = (0.1,)

    def build(self, context: Context) -> DescentContender:
        return DescentContender(context, self.lr)


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
        Component("final", "champion", Champion, fits="squares"),
        Component("baseline", "descent", Descent, fits="squares"),
        Component("export", "text", AsText, fits="squares"),
    ]
