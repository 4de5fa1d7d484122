"""A space of numbers alone as a box."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from evokit.genomes.space.genome import Genes, SpaceGenome
from evokit.genomes.space.kinds import Numeric


class SpaceBox:
    """Points of the unit box for genes: numbers and ordered choices by their places between lowest and highest.

    Args:
        genome: Whose parameters all are numbers or ordered choices, and exist always.
        smooth: Whether each number must be one of all between its ends.

    Attributes:
        steps: ``(n,)``, of what has them; 0 where all numbers are genes or steps are unequal.

    Raises:
        ValueError: There are others.
    """

    def __init__(self, genome: SpaceGenome, smooth: bool = False) -> None:
        if misfits := list(_misfits(genome, smooth)):
            what = "real numbers" if smooth else "numbers"
            raise ValueError(
                f"works on spaces of {what} alone, and here {misfits[0]}: name auto, steady_state or optuna"
            )
        self._genome = genome
        kinds: list[Numeric] = []
        for kind, leaf in zip(genome.kinds, genome.leaves, strict=True):
            if isinstance(kind, Numeric):  # what never changes is no part of the box
                kinds += [kind] * (leaf.parameter.length or 1)
        self.kinds = kinds
        self.steps = np.array([kind.step for kind in kinds])

    def genes(self, point: np.ndarray) -> Genes:
        """The genes nearest to a point ``(n,)``."""
        places = iter(point.tolist())
        genes: list[Any] = []
        for kind, leaf in zip(self._genome.kinds, self._genome.leaves, strict=True):
            length = leaf.parameter.length
            items = [kind.at(next(places)) if isinstance(kind, Numeric) else 0 for _ in range(length or 1)]
            genes.append(items[0] if length is None else tuple(items))
        return tuple(genes)

    def point(self, genes: Genes) -> np.ndarray:
        """``(n,)``."""
        places: list[float] = []
        for kind, leaf, gene in zip(self._genome.kinds, self._genome.leaves, genes, strict=True):
            if isinstance(kind, Numeric):
                places += [kind.unit(gene)] if leaf.parameter.length is None else map(kind.unit, gene)
        return np.array(places)


def _misfits(genome: SpaceGenome, smooth: bool) -> Iterator[str]:
    """Why a space is no box."""
    for kind, leaf in zip(genome.kinds, genome.leaves, strict=True):
        if leaf.conditions:
            yield f"{leaf.name} does not always exist"
        elif not isinstance(kind, Numeric) and not (kind.constant and leaf.parameter.kind == "choice"):
            yield (
                f"{leaf.name} is a {leaf.parameter.kind} without an order"
                if leaf.parameter.kind == "choice"
                else (f"{leaf.name} is of kind {leaf.parameter.kind}")
            )
        elif smooth and isinstance(kind, Numeric) and (kind.whole or kind.step):
            yield f"{leaf.name} has steps"
    if genome.layout.forbidden:
        yield "some combinations are forbidden"
    if not any(isinstance(kind, Numeric) for kind in genome.kinds):
        yield "nothing varies"


def is_box(genome: Any, smooth: bool = False) -> bool:
    """Whether a genome is a space that can be searched as a box."""
    return isinstance(genome, SpaceGenome) and not any(_misfits(genome, smooth))
