"""Models that tell the targets of rows: the champion of symbolic regression, and what it is compared with."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from annotated_types import MinLen

from evokit.fitnesses.symbolic_regression import columns_of, linear_scaling, variance_of
from evokit.interfaces import Context, Evaluation, Goal, Individual
from evokit.options import Count


class Told(ABC):
    """A contender that tells targets: its model is a JSON file, and a row's score its squared error over the variance
    of the training targets."""

    budgets: Sequence[int] = (1,)
    deterministic = True
    goal: Goal = "min"
    unit = "row"

    def __init__(self, context: Context) -> None:
        self.train, self.validation = context.train, context.validation
        self.fitness, self.genome = context.fitness, context.genome
        self._variance = variance_of(self.train)

    @abstractmethod
    def settings(self, best: Individual | None) -> Sequence[Mapping[str, Any]]:
        """What is tried on validation."""

    @abstractmethod
    def fitted(self, setting: Mapping[str, Any]) -> Mapping[str, Any]:
        """The model of a setting, JSON values."""

    @abstractmethod
    def told(self, model: Mapping[str, Any], x: np.ndarray) -> np.ndarray:
        """What a model says of ``(n_rows, n_inputs)``, ``(n_rows,)``."""

    def fit(self, setting: Mapping[str, Any], seed: int, budget: int, scratch: Path) -> Evaluation:
        path = scratch / "model.json"
        path.write_text(json.dumps(self.fitted(setting)))
        return Evaluation((float(self.score(path, self.validation).mean()),), work=1, artifact=str(path))

    def score(self, artifact: Path, split: Any) -> np.ndarray:
        with np.errstate(all="ignore"):
            off = self.told(json.loads(artifact.read_text()), split.x) - split.y
            scores: np.ndarray = off**2 / self._variance
        return scores


class FormulaModel(Told):
    """The champion, with its offset and scale."""

    def settings(self, best: Individual | None) -> Sequence[Mapping[str, Any]]:
        assert best is not None
        return [{"genes": self.genome.to_json(best.genes)}]

    def fitted(self, setting: Mapping[str, Any]) -> Mapping[str, Any]:
        genes = self.genome.from_json(setting["genes"])
        said = self.genome.express(genes)(columns_of(self.train))
        offset, scale = linear_scaling(said, self.train.y) if self.fitness.scaling else (0.0, 1.0)
        return {"formula": self.genome.show(genes), "offset": offset, "scale": scale, **setting}

    def told(self, model: Mapping[str, Any], x: np.ndarray) -> np.ndarray:
        program = self.genome.express(self.genome.from_json(model["genes"]))
        said: np.ndarray = model["offset"] + model["scale"] * program(list(x.T))
        return said


@dataclass(frozen=True)
class FinalFormula:
    """The champion's formula as a JSON file, with the offset and scale that training rows give it."""

    def build(self, context: Context) -> FormulaModel:
        return FormulaModel(context)


class PolynomialModel(Told):
    """Least squares of all products of powers up to a degree.

    Args:
        context: Of the run.
        degrees: Of which validation takes one.
    """

    def __init__(self, context: Context, degrees: Sequence[int]) -> None:
        super().__init__(context)
        self._degrees = degrees

    def settings(self, best: Individual | None) -> Sequence[Mapping[str, Any]]:
        return [{"degree": degree} for degree in self._degrees]

    def fitted(self, setting: Mapping[str, Any]) -> Mapping[str, Any]:
        powers = _powers(self.train.x, setting["degree"])
        return {**setting, "coefficients": np.linalg.lstsq(powers, self.train.y)[0].tolist()}

    def told(self, model: Mapping[str, Any], x: np.ndarray) -> np.ndarray:
        said: np.ndarray = _powers(x, model["degree"]) @ np.array(model["coefficients"])
        return said


def _powers(x: np.ndarray, degree: int) -> np.ndarray:
    from sklearn.preprocessing import PolynomialFeatures

    powers: np.ndarray = PolynomialFeatures(degree).fit_transform(x)
    return powers


@dataclass(frozen=True)
class Polynomial:
    """Polynomials of the inputs, fitted to the training rows by least squares; validation takes one of ``degrees``."""

    degrees: Annotated[tuple[Count, ...], MinLen(1)] = (1, 2, 3)

    def build(self, context: Context) -> PolynomialModel:
        return PolynomialModel(context, self.degrees)
