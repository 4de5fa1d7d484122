"""The toy's points, with a fitness that waits until a training began, and trainings that can be told to misbehave."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evokit import Component, Context, Evaluation, hookimpl
from evokit.contracts.blame import ContractError
from tests.toy_plugin import Champion, DescentContender, PointContender, Squares, SquaresFitness

PATIENCE_S = 60.0


def wait_for(path: str) -> None:
    """Until a file is there."""
    deadline = time.monotonic() + PATIENCE_S
    while path and not Path(path).exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{path} does not come")
        time.sleep(0.01)


@dataclass(frozen=True)
class Waiting(Squares):
    """Squares that are measured at full budget, which no rehearsal does, as soon as a file is there."""

    until: str = ""

    def build(self, context: Context) -> WaitingFitness:
        return WaitingFitness(self, context.validation)


class WaitingFitness(SquaresFitness):
    def evaluate(self, batch: Sequence[np.ndarray], budget: int) -> Iterator[Evaluation]:
        if budget == self.budgets[-1]:
            wait_for(self.options.until)  # type: ignore[attr-defined]
        yield from super().evaluate(batch, budget)


@dataclass(frozen=True)
class Training:
    """Gradient descent that writes the file ``began``, waits for ``until``, burns CPU seconds, and then ``does``."""

    lr: tuple[float, ...] = (0.1,)
    began: str = ""
    until: str = ""
    burns_s: float = 0.0
    does: str = ""

    def build(self, context: Context) -> TrainingContender:
        return TrainingContender(self, context)


class TrainingContender(DescentContender):
    def __init__(self, options: Training, context: Context) -> None:
        super().__init__(context, options.lr)
        self.options = options

    def settings(self, best: Any) -> list[dict[str, Any]]:
        if self.options.does == "refuses":
            raise ArithmeticError("no settings today")
        return super().settings(best)

    def fit(self, setting: Mapping[str, Any], seed: int, budget: int, scratch: Path) -> Evaluation:
        if self.options.began:
            Path(self.options.began).touch()
        wait_for(self.options.until)
        started = time.process_time()
        while time.process_time() - started < self.options.burns_s:
            pass
        if self.options.does == "raises":
            raise ArithmeticError("as planned")
        if self.options.does == "breaks":
            raise ContractError("it breaks a promise")
        return super().fit(setting, seed, budget, scratch)


@dataclass(frozen=True)
class Still:
    def build(self, context: Context) -> StillContender:
        return StillContender(context)


class StillContender(PointContender):
    """A point that nobody looks for."""

    def settings(self, best: Any) -> list[dict[str, Any]]:
        return [{}]

    def fit(self, setting: Mapping[str, Any], seed: int, budget: int, scratch: Path) -> Evaluation:
        return self.fitted(1.0, scratch, budget)


@hookimpl
def evokit_components() -> list[Component]:
    return [
        Component("fitness", "waiting", Waiting),
        Component("final", "champion", Champion, fits="waiting"),
        Component("baseline", "training", Training, fits="waiting"),
        Component("baseline", "still", Still, fits="waiting"),
    ]
