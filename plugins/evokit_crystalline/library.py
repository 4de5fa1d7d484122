"""The crystalline library: for each layer shape, the structured matrices that a gene chooses from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from math import sqrt
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from annotated_types import MinLen

from evokit.common.keys import digest, digest_bytes
from evokit.options import Count
from evokit.streams import Streams
from evokit_crystalline import simple_kinds

if TYPE_CHECKING:
    from evokit_crystalline.matrices import StructuredMatrix

Shape = tuple[int, int]  # (n_in, n_out)
TernaryScale = Literal["unit", "paper"]
Place = Mapping[Shape, "StructuredMatrix"]  # matrices that belong together, one per shape
Kind = Callable[[Shape, np.random.Generator], "StructuredMatrix"]  # draws one matrix of that shape

LEARNED, ZERO = "learned", "zero"
MOST_BLOCKS = 8
FEWEST_BLOCKS = 2


def block_diagonal(shape: Shape, rng: np.random.Generator) -> StructuredMatrix:
    """Draw 2 to 8 dense normal blocks over a random partition of both dimensions.

    A block of ``(rows, columns)`` has standard deviation ``sqrt(2 / (rows + columns))``, so that a unit-variance input
    gives an output of unit order. A dimension below 2 holds a single block.

    Source: Crystalline Latent Space Optimization, section 3.1; number, partition and scale as in its public code.
    """
    from evokit_crystalline.matrices import BlockDiagonal

    most = min(MOST_BLOCKS, *shape)
    n_blocks = int(rng.integers(min(FEWEST_BLOCKS, most), most, endpoint=True))
    rows, columns = (random_partition(n, n_blocks, rng) for n in shape)
    return BlockDiagonal(
        [
            rng.standard_normal((r, c), dtype=np.float32) * np.float32(sqrt(2 / (r + c)))
            for r, c in zip(rows, columns, strict=True)
        ]
    )


def ternary_low_rank(
    shape: Shape,
    rng: np.random.Generator,
    *,
    rank: tuple[int, int] | None = None,
    scale: TernaryScale = "unit",
) -> StructuredMatrix:
    """Draw ``W = s · V Uᵀ`` with factors in {-1, 0, 1} at probabilities 1/4, 1/2, 1/4.

    An entry of a factor has variance 1/2, so for inputs of unit variance each output has the expected variance
    ``s² · rank · n_in / 4``; ``s = 2 / sqrt(rank · n_in)``, the scale ``unit``, makes that 1 at every shape and rank.
    The scale ``paper``, ``s = 1 / sqrt(rank)``, lets activations grow by ``sqrt(n_in) / 2`` in each layer.

    Args:
        shape: ``(n_in, n_out)``.
        rng: Decides rank and factors; the same of them at either scale.
        rank: Lowest and highest rank, drawn uniformly; by default 2 to ``max(4, min(n_in, n_out) / 4)``.
        scale: ``unit`` or ``paper``.

    Source: Crystalline Latent Space Optimization, section 3.1; probabilities, default rank and the scale ``paper`` as
    in its public code.
    """
    from evokit_crystalline.matrices import LowRank

    n_in, n_out = shape
    lowest, highest = rank or (2, max(4, min(shape) // 4))
    r = int(rng.integers(lowest, highest, endpoint=True))
    values = np.array([-1, 0, 0, 1], dtype=np.float32)
    U, V = rng.choice(values, (n_out, r)), rng.choice(values, (n_in, r))
    return LowRank(U, V, scale=2 / sqrt(r * n_in) if scale == "unit" else 1 / sqrt(r))


def random_partition(n: int, parts: int, rng: np.random.Generator) -> list[int]:
    """Sizes of ``parts`` non-empty pieces of ``n``, every way of cutting equally likely.

    Raises:
        ValueError: ``n`` cannot be cut into so many.

    >>> sum(random_partition(10, 3, np.random.default_rng(0)))
    10
    """
    if not 1 <= parts <= n:
        raise ValueError(f"cannot cut {n} into {parts} non-empty parts")
    cuts = np.sort(rng.choice(n - 1, parts - 1, replace=False)) + 1
    sizes: list[int] = np.diff(cuts, prepend=0, append=n).tolist()
    return sizes


def _from_the_fitness(shape: Shape, rng: np.random.Generator) -> StructuredMatrix:
    raise ValueError(f"kind {LEARNED!r} is learned from a fitness's training data and cannot be drawn")


@dataclass(frozen=True)
class LibraryOptions:
    """What a library holds. The fields are the recipe's options.

    Args:
        size: Matrices per layer shape, split over the kinds in equal shares.
        kinds: Names in ``catalogue()``.
        rank: Lowest and highest rank of low-rank kinds; null takes each kind's own.
        ternary_scale: Of ``ternary_low_rank``: ``unit`` keeps the variance of what passes through; ``paper`` divides by
            the root of the rank alone, as the paper's code does.

    Raises:
        ValueError: A kind is unknown or named twice, there are more kinds than matrices, or ``rank`` is upside down.

    A plugin adds kinds by a subclass that extends ``catalogue``, with fields for their options, and offers it as the
    ``library`` of a genome of its own (a subclass of ``Crystalline``).
    """

    size: Count = 64
    kinds: Annotated[tuple[str, ...], MinLen(1)] = ("block_diagonal", "ternary_low_rank")
    rank: tuple[Count, Count] | None = None
    ternary_scale: TernaryScale = "unit"

    def __post_init__(self) -> None:
        known = self.catalogue()
        if unknown := [kind for kind in self.kinds if kind not in known]:
            raise ValueError(f"kinds: unknown kind {unknown[0]!r}, known are {', '.join(known)}")
        if len(set(self.kinds)) < len(self.kinds):
            raise ValueError(f"kinds: each may be named once, got {', '.join(self.kinds)}")
        if self.size < len(self.kinds):
            raise ValueError(f"size: must be at least the number of kinds ({len(self.kinds)}), got {self.size}")
        if self.rank is not None and self.rank[0] > self.rank[1]:
            raise ValueError(f"rank: the lowest comes first, got {self.rank[0]} and {self.rank[1]}")

    def catalogue(self) -> Mapping[str, Kind]:
        """The kinds that ``kinds`` may name, each with its options filled in. Imports no torch."""
        return MappingProxyType(
            {
                "block_diagonal": block_diagonal,
                "ternary_low_rank": partial(ternary_low_rank, rank=self.rank, scale=self.ternary_scale),
                ZERO: simple_kinds.zero,
                "identity": simple_kinds.identity,
                "permutation": simple_kinds.permutation,
                "orthogonal": simple_kinds.orthogonal,
                "hadamard": simple_kinds.hadamard,
                LEARNED: _from_the_fitness,
            }
        )

    @property
    def n_learned(self) -> int:
        """How many places of the library are of the kind ``learned``."""
        return sum(self.kinds[j % len(self.kinds)] == LEARNED for j in range(self.size))


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
    learned: Sequence[Place] = (),
) -> Library:
    """Draw the library that ``streams`` and ``options`` decide: always the same bits, on any device.

    The kinds take turns, and a matrix is decided by its stream, shape, kind and place among its kind alone. So a
    larger library begins with the smaller one, and no shape depends on which others there are.

    Args:
        shapes: ``(n_in, n_out)`` of each layer; equal ones count once.
        options: Sizes and kinds.
        streams: The library's seed.
        device: Where the matrices live.
        learned: What the fitness learned, ``options.n_learned`` places.
    """
    catalogue = options.catalogue()
    kinds = tuple(options.kinds[j % len(options.kinds)] for j in range(options.size))

    def draw(shape: Shape, j: int) -> StructuredMatrix:
        n_in, n_out = shape
        place = j // len(options.kinds)
        rng = streams.at(n_in, n_out, kinds[j], place).numpy()
        matrix = learned[place][shape] if kinds[j] == LEARNED else catalogue[kinds[j]](shape, rng)
        if matrix.shape != shape:
            raise ValueError(f"kind {kinds[j]!r} made a matrix of shape {matrix.shape} where {shape} was asked")
        return matrix.to(device)

    matrices = {shape: tuple(draw(shape, j) for j in range(options.size)) for shape in dict.fromkeys(shapes)}
    return Library(MappingProxyType(matrices), kinds)
