"""What a recipe may say about the library. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

from annotated_types import MinLen

from evokit.options import Count, added
from evokit_crystalline.crystals import kinds
from evokit_crystalline.crystals.kinds import LEARNED, SAVED, ZERO, Kind, TernaryScale


@dataclass(frozen=True)
class LibraryOptions:
    """What a library holds. The fields are the recipe's options.

    Args:
        size: Matrices per layer shape, split over the kinds in equal shares.
        kinds: Names in ``catalogue()``.
        rank: Lowest and highest rank of low-rank kinds; null takes each kind's own.
        ternary_scale: Of ``ternary_low_rank``: ``unit`` keeps the variance of what passes through; ``paper`` divides by
            the root of the rank alone, as the paper's code does.
        saved: A file that ``evokit export RUN --format library`` wrote, of which the kind ``saved`` takes its matrices:
            the first sets of it that have room, where ``size`` is cut down to what takes all.

    Raises:
        ValueError: A kind is unknown or named twice, there are more kinds than matrices, or ``rank`` is upside down.

    A plugin adds kinds by a subclass that extends ``catalogue``, with fields for their options, and offers it as the
    ``library`` of a genome of its own: a subclass of the options ``Crystalline``, with the same ``build``.
    """

    size: Count = 64
    kinds: Annotated[tuple[str, ...], MinLen(1)] = ("block_diagonal", "ternary_low_rank")
    rank: tuple[Count, Count] | None = None
    ternary_scale: TernaryScale = "unit"
    saved: Path | None = added(None)  # noqa: RUF009  # what it returns is a field, no value

    def __post_init__(self) -> None:
        known = self.catalogue()
        if unknown := [kind for kind in self.kinds if kind not in known]:
            raise ValueError(f"kinds: unknown kind {unknown[0]!r}, known are {', '.join(known)}")
        if len(set(self.kinds)) < len(self.kinds):
            raise ValueError(f"kinds: each may be named once, got {', '.join(self.kinds)}")
        if self.size < len(self.kinds):
            raise ValueError(f"size: must be at least the number of kinds ({len(self.kinds)}), got {self.size}")
        if (SAVED in self.kinds) != (self.saved is not None):
            missing = "saved, the file of its matrices" if self.saved is None else f"kinds: [zero, {SAVED}]"
            raise ValueError(f"kinds: {SAVED} and a file of saved crystals go together: give {missing} as well")
        if self.rank is not None and self.rank[0] > self.rank[1]:
            raise ValueError(f"rank: the lowest comes first, got {self.rank[0]} and {self.rank[1]}")

    def catalogue(self) -> Mapping[str, Kind]:
        """The kinds that ``kinds`` may name, each with its options filled in. Imports no torch."""
        return MappingProxyType(
            {
                "block_diagonal": kinds.block_diagonal,
                "ternary_low_rank": partial(kinds.ternary_low_rank, rank=self.rank, scale=self.ternary_scale),
                ZERO: kinds.zero,
                "identity": kinds.identity,
                "permutation": kinds.permutation,
                "orthogonal": kinds.orthogonal,
                "hadamard": kinds.hadamard,
                LEARNED: kinds.learned,
                SAVED: kinds.saved,
            }
        )

    def places(self, kind: str) -> list[int]:
        """The numbers of the matrices of each shape that are of a kind."""
        return [j for j in range(self.size) if self.kinds[j % len(self.kinds)] == kind]
