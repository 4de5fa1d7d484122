"""Points of a grid: settings by name, each one of a list of values."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import MinLen

from evokit.interfaces import Context

Scalar = bool | int | float | str
Grid = Mapping[str, Annotated[tuple[Scalar, ...], MinLen(1)]]
Genes = tuple[tuple[str, Scalar], ...]


class Points:
    """Genes are ``(name, value)`` pairs by name; the phenotype is the mapping. Each point is one individual.

    Args:
        points: In their order; equal ones count once.

    Raises:
        ValueError: There is none.
    """

    genes: ClassVar[str] = "point"
    phenotype: ClassVar[str] = "point"

    def __init__(self, points: Sequence[Mapping[str, Scalar]]) -> None:
        self.points: Sequence[Genes] = list(dict.fromkeys(map(self.from_json, points)))
        if not self.points:
            raise ValueError("there is no point")

    def random(self, rng: np.random.Generator) -> Genes:
        """Any of the points, all alike."""
        return self.points[int(rng.integers(len(self.points)))]

    def crossover(self, a: Genes, b: Genes, rng: np.random.Generator) -> tuple[Genes, Genes]:
        """The parents: what lies between two points may be none."""
        return a, b

    def mutate(self, genes: Genes, rng: np.random.Generator) -> Genes:
        """Any of the points."""
        return self.random(rng)

    def express(self, genes: Genes) -> dict[str, Scalar]:
        return dict(genes)

    def to_json(self, genes: Genes) -> dict[str, Scalar]:
        return dict(genes)

    def from_json(self, data: Mapping[str, Scalar]) -> Genes:
        return tuple(sorted(data.items()))

    def show(self, genes: Genes) -> str:
        return ", ".join(f"{name} {value}" for name, value in genes)


def combinations(grids: Sequence[Mapping[str, Sequence[Scalar]]]) -> Iterator[dict[str, Scalar]]:
    """All combinations of each grid, one grid after the other.

    >>> list(combinations([{"a": [1, 2], "b": [3]}, {"a": [4]}]))
    [{'a': 1, 'b': 3}, {'a': 2, 'b': 3}, {'a': 4}]
    """
    for grid in grids:
        for values in itertools.product(*grid.values()):
            yield dict(zip(grid, values, strict=True))


@dataclass(frozen=True)
class PointsOptions:
    """The combinations of one or more ``grids``, each a mapping of names to lists of values.

    The fitness says which names and values it takes: its ``accept(point)``, if it has one, raises ``ValueError``.
    """

    grids: Annotated[tuple[Grid, ...], MinLen(1)]
    genes: ClassVar[str] = Points.genes
    phenotype: ClassVar[str] = Points.phenotype

    def build(self, context: Context) -> Any:
        points = Points(list(combinations(self.grids)))
        for point in map(points.express, points.points):
            getattr(context.fitness, "accept", _anything)(point)
        return points


def _anything(point: Mapping[str, Scalar]) -> None:
    """A fitness without ``accept`` takes any point."""
