"""The geometry of class targets as a space of named numbers."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from evokit.genomes.space.box import SpaceBox
from evokit.genomes.space.genome import Genes, SpaceGenome
from evokit.genomes.space.layout import layout_of
from evokit.genomes.space.parameters import Float, Int, Parameter
from evokit.interfaces import Context
from evokit_activations.geometry.class_geometry import PER_BLOCK, ClassGeometry, known_geometry
from evokit_activations.geometry.options import GEOMETRY, LOGARITHMIC, GeometryGenome

BLOCK = "block"  # what a fitness calls its slots of blocks


class GeometrySpace(SpaceGenome):
    """Genes are those of a space; the phenotype is the ``ClassGeometry`` that they say.

    Args:
        options: Bounds.
        n_blocks: Of the network.
    """

    phenotype: ClassVar[str] = GEOMETRY

    def __init__(self, options: GeometryGenome, n_blocks: int) -> None:
        self.options, self.n_blocks = options, n_blocks
        bounds = options.bounds.items()
        super().__init__(
            layout_of({name: _free(name, low, high, n_blocks) for name, (low, high) in bounds if low < high})
        )
        self._fixed: dict[str, Any] = {
            name: (low,) * n_blocks if name in PER_BLOCK else low for name, (low, high) in bounds if low == high
        }

    def seeds(self) -> list[Genes]:
        """The points that the options name, each number moved into its bounds."""
        return [
            self.centre() if name == "centre" else self.point(known_geometry(name, self.n_blocks))
            for name in self.options.seeds
        ]

    def express(self, genes: Genes) -> ClassGeometry:
        told = dict(zip((leaf.name for leaf in self.leaves), genes, strict=True))
        return ClassGeometry(**told, **self._fixed)

    def centre(self) -> Genes:
        """The middle of the bounds."""
        box = SpaceBox(self)
        return box.genes(np.full(len(box.steps), 0.5))

    def point(self, geometry: ClassGeometry) -> Genes:
        """The genes nearest to a geometry."""
        genes: list[Any] = []
        for leaf in self.leaves:
            low, high = self.options.bounds[leaf.name]
            value = getattr(geometry, leaf.name)
            within = np.clip(value, low, high).tolist()
            genes.append(tuple(within) if leaf.name in PER_BLOCK else within)
        return tuple(genes)


def _free(name: str, low: float, high: float, n_blocks: int) -> Parameter:
    if name == "clusters":
        return Int(int(low), int(high))
    return Float(low, high, log=name in LOGARITHMIC, length=n_blocks if name in PER_BLOCK else None)


def build_genome(options: GeometryGenome, context: Context) -> GeometrySpace:
    """The genome for the network of the run's fitness, which says by its slots how many blocks there are."""
    return GeometrySpace(options, sum(slot.startswith(BLOCK) for slot in context.fitness.slots))
