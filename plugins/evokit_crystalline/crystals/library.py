"""The crystalline library: for each layer shape, the structured matrices that a gene chooses from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from evokit.common.keys import digest, digest_bytes
from evokit.streams import Streams
from evokit_crystalline.crystals.kinds import Shape
from evokit_crystalline.crystals.options import LibraryOptions

if TYPE_CHECKING:
    from evokit_crystalline.crystals.matrices import StructuredMatrix

CrystalSet: TypeAlias = "Mapping[Shape, StructuredMatrix]"  # matrices that were fitted together, one per shape


@dataclass(frozen=True, eq=False)
class Library:
    """Matrices to choose from, by layer shape; layers of equal shape share them.

    Args:
        matrices: For each ``(n_in, n_out)`` as many matrices as ``kinds`` has names.
        kinds: The kind of matrix ``j``, of whatever shape.
    """

    matrices: Mapping[Shape, tuple[StructuredMatrix, ...]]
    kinds: tuple[str, ...]

    @property
    def size(self) -> int:
        """Matrices per shape."""
        return len(self.kinds)

    def __getitem__(self, shape: Shape) -> tuple[StructuredMatrix, ...]:
        """The matrices of one shape; always the same objects."""
        return self.matrices[shape]

    @cached_property
    def digest(self) -> str:
        """Identifies the content: kinds and every matrix's numbers."""
        content = {
            f"{n_in}x{n_out}": [digest_bytes(matrix.dense().cpu().numpy().tobytes()) for matrix in matrices]
            for (n_in, n_out), matrices in self.matrices.items()
        }
        return digest({"kinds": self.kinds, "matrices": content})


def draw_library(
    shapes: Iterable[Shape],
    options: LibraryOptions,
    streams: Streams,
    device: str = "cpu",
    given: Mapping[str, Sequence[CrystalSet]] = MappingProxyType({}),
) -> Library:
    """Draw the library that ``streams`` and ``options`` decide: always the same bits, on any device.

    The kinds take turns, and a matrix is decided by its stream, shape, kind and number among its kind alone. So a
    larger library begins with the smaller one, and no shape depends on which others there are.

    Args:
        shapes: ``(n_in, n_out)`` of each layer; equal ones count once.
        options: Sizes and kinds.
        streams: The library's seed.
        device: Where the matrices live.
        given: Kinds that are not drawn, such as what the fitness learned; as many sets as ``options`` has places for.
    """
    catalogue = options.catalogue()
    kinds = tuple(options.kinds[j % len(options.kinds)] for j in range(options.size))

    def draw(shape: Shape, j: int) -> StructuredMatrix:
        n_in, n_out = shape
        number = j // len(options.kinds)
        rng = streams.at(n_in, n_out, kinds[j], number).numpy()
        matrix = given[kinds[j]][number][shape] if kinds[j] in given else catalogue[kinds[j]](shape, rng)
        if matrix.shape != shape:
            raise ValueError(f"kind {kinds[j]!r} made a matrix of shape {matrix.shape} where {shape} was asked")
        return matrix.to(device)

    matrices = {shape: tuple(draw(shape, j) for j in range(options.size)) for shape in dict.fromkeys(shapes)}
    return Library(MappingProxyType(matrices), kinds)
