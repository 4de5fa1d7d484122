"""The crystalline genome: for each layer, which matrix of the library stands in for its weight."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from evokit.errors import UserError
from evokit.genomes.index_vector import IndexVector
from evokit.interfaces import Context
from evokit_crystalline.crystals.kinds import LEARNED, SAVED, ZERO, Shape
from evokit_crystalline.crystals.library import CrystalSet, Library, draw_library
from evokit_crystalline.crystals.matrices import Zero
from evokit_crystalline.crystals.options import LibraryOptions
from evokit_crystalline.crystals.saved import Saved, read_saved
from evokit_crystalline.options import Crystalline

if TYPE_CHECKING:
    from evokit_crystalline.crystals.matrices import StructuredMatrix


log = logging.getLogger("evokit")

EXCHANGED, TOGETHER, BORROWED = 0.5, 0.75, 0.5  # probabilities of the genome's own crossover and mutation


class CrystallineGenome(IndexVector):
    """Gene i is the index, in the library of its shape, of layer i's matrix.

    Args:
        slots: Layer name to ``(n_in, n_out)``; the order is the order of the genes.
        library: Holds every shape in ``slots``.
        arrangements: Layer name to its gene, of individuals that are worth a first try; layers not named are off.
        sublayers: Layers that belong together, for the genome's own crossover and mutation; by default each is alone.
        content_digest: Of a file that decides phenotypes.

    Raises:
        ValueError: There are no slots, or the library lacks one's shape.

    Source: Crystalline Latent Space Optimization, section 3.2.
    """

    phenotype: ClassVar[str] = "layers"

    def __init__(
        self,
        slots: Mapping[str, Shape],
        library: Library,
        arrangements: Sequence[Mapping[str, int]] = (),
        sublayers: Sequence[Sequence[str]] = (),
        content_digest: str = "",
    ) -> None:
        if not slots:
            raise ValueError("the fitness has no layers to fill")
        for name, shape in slots.items():
            if shape not in library.matrices:
                raise ValueError(f"layer {name!r} has shape {shape}, for which the library holds no matrices")
        super().__init__([library.size] * len(slots))
        self.slots = dict(slots)
        self.library, self._arrangements, self.content_digest = library, arrangements, content_digest
        positions = {name: i for i, name in enumerate(slots)}
        self._sublayers = [[positions[name] for name in one] for one in sublayers or [[name] for name in slots]]

    def express(self, genes: np.ndarray) -> dict[str, StructuredMatrix]:
        """Layer name to matrix, in the order of the slots. Equal genes get the library's same object."""
        return {
            name: self.library[shape][index]
            for (name, shape), index in zip(self.slots.items(), genes.tolist(), strict=True)
        }

    def crossover(self, a: np.ndarray, b: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Exchange each sublayer with probability one half."""
        first, second = a.copy(), b.copy()
        for loci in self._sublayers:
            if rng.random() < EXCHANGED:
                first[loci], second[loci] = b[loci], a[loci]
        return first, second

    def mutate(self, genes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Redraw one sublayer on average: all of it to one number, learned together, or a single layer of it.

        The number is any of the library's, or as often one that another sublayer has: its crystals were learned beside.
        """
        mutated = genes.copy()
        for loci in self._sublayers:
            if rng.random() < 1 / len(self._sublayers):
                chosen = loci if rng.random() < TOGETHER else [loci[rng.integers(len(loci))]]
                borrowed = rng.random() < BORROWED
                mutated[chosen] = genes[rng.integers(len(genes))] if borrowed else rng.integers(self.library.size)
        return mutated

    def canonical(self, genes: np.ndarray) -> np.ndarray:
        """Every zero is the library's first one: layers that are switched off are switched off alike."""
        same = super().canonical(genes).copy()
        for i, index in enumerate(same.tolist()):
            if self.library.kinds[index] == ZERO:
                same[i] = self.library.kinds.index(ZERO)
        return same

    def seeds(self) -> list[np.ndarray]:
        """If the library has a zero: all layers off, and crystals as they were fitted to work together."""
        kinds = self.library.kinds
        if ZERO not in kinds:
            return []
        off = kinds.index(ZERO)
        seeds = [[one.get(slot, off) for slot in self.slots] for one in self._arrangements]
        return [np.full(self.n_genes, off), *map(np.array, seeds)]

    def show(self, genes: np.ndarray) -> str:
        """One line a layer: its name, shape, chosen matrix, and what that costs beside the dense one."""
        width = max(map(len, self.slots))
        return "\n".join(
            f"{name:<{width}}  {matrix.shape[0]}x{matrix.shape[1]}  #{index} {self.library.kinds[index]}, "
            f"{matrix.multiply_adds:,} of {matrix.shape[0] * matrix.shape[1]:,} multiply-adds"
            for (name, matrix), index in zip(self.express(genes).items(), genes.tolist(), strict=True)
        )


def build_genome(options: Crystalline, context: Context) -> CrystallineGenome:
    """Draw the library for the shapes of ``context.fitness.slots`` and make the genome over it.

    Raises:
        ValueError: The fitness has no slots, or a kind cannot serve a shape.
        UserError: ``library.saved`` is no library, or one for other shapes or without crystals.
    """
    slots = {name: _shape(name, shape) for name, shape in context.fitness.slots.items()}
    library, streams, fitness = options.library, context.streams.at("library"), context.fitness
    given: dict[str, Sequence[CrystalSet]] = {}
    arrangements: list[Mapping[str, int]] = []
    identity = ""
    if places := library.places(LEARNED):
        learn = getattr(fitness, "learn", None)
        if learn is None:
            raise ValueError(f"library.kinds: {LEARNED} needs a fitness that crystals can be learned from")
        given[LEARNED] = learn(len(places), streams, context.meter)
        arranged: list[Mapping[str, int]] = getattr(fitness, "arrangements", lambda n_sets: [])(len(places))
        arrangements += _placed(arranged, places)
    if library.saved is not None:
        saved = read_saved(library.saved)
        given[SAVED], identity = _served(saved, slots.values(), library.saved), saved.digest
        library = _fitting(library, saved)
        places = library.places(SAVED)
        if saved.beside != getattr(fitness, "origin", saved.beside):
            log.warning(
                "library: the crystals of %s were fitted beside parts that were made otherwise: data, model or"
                " fitness.continuous differ, and crystals may be worth nothing here",
                library.saved,
            )
        here = (one for one in saved.arrangements if one.keys() <= slots.keys())
        arrangements += _placed((one for one in here if max(one.values(), default=0) < len(places)), places)
    drawn = draw_library(slots.values(), library, streams, context.device, given)
    return CrystallineGenome(slots, drawn, arrangements, getattr(fitness, "sublayers", ()), identity)


def _placed(arrangements: Iterable[Mapping[str, int]], places: Sequence[int]) -> list[Mapping[str, int]]:
    """Numbers of sets as numbers of the library's matrices."""
    return [{slot: places[number] for slot, number in one.items()} for one in arrangements]


def _fitting(library: LibraryOptions, saved: Saved) -> LibraryOptions:
    """A library no larger than takes all saved sets; one that takes fewer says so.

    Raises:
        UserError: There are none.
    """
    if not saved.sets:
        raise UserError(f"library.saved: {library.saved} holds no crystals: all its individuals are off")
    most, places = len(saved.sets) * len(library.kinds), library.places(SAVED)
    if len(places) < len(saved.sets):
        log.warning(
            "library: size %d has room for %d of the %d sets of %s; size: %d takes all",
            library.size, len(places), len(saved.sets), library.saved, most,
        )  # fmt: skip
    return replace(library, size=min(library.size, most))


def _served(saved: Saved, shapes: Iterable[Shape], path: Path) -> list[CrystalSet]:
    """The sets, zero where a layer was off.

    Raises:
        UserError: They are of a model with other shapes.
    """
    wanted = list(dict.fromkeys(shapes))
    if missing := [shape for shape in wanted if shape not in saved.shapes]:
        n_in, n_out = missing[0]
        has = ", ".join(map(str, sorted(saved.shapes)))
        raise UserError(f"library.saved: {path} is of a model with layers of shapes {has}, without ({n_in}, {n_out})")
    return [{shape: one.get(shape) or Zero(shape) for shape in wanted} for one in saved.sets]


def _shape(name: str, shape: Sequence[int]) -> Shape:
    n_in, n_out = shape
    if n_in < 1 or n_out < 1:
        raise ValueError(f"layer {name!r}: a shape must be positive, got ({n_in}, {n_out})")
    return int(n_in), int(n_out)
