"""What a structured model costs: the arithmetic of its layers per token, counted from their structure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from evokit_crystalline.crystals.matrices import StructuredMatrix


@dataclass(frozen=True)
class Operations:
    """Arithmetic per row of input.

    ``multiply_adds`` are a multiplication and an addition each, ``additions`` come without a multiplication: a ternary
    factor adds or subtracts an input for each of its entries that is not 0.
    """

    multiply_adds: int = 0
    additions: int = 0

    @property
    def total(self) -> int:
        """The objective ``madds``: an addition counts as one, like a multiply-add, which flatters no ternary matrix."""
        return self.multiply_adds + self.additions

    def __add__(self, other: Operations) -> Operations:
        return Operations(self.multiply_adds + other.multiply_adds, self.additions + other.additions)


def operations(matrix: StructuredMatrix) -> Operations:
    """What one layer costs per token.

    A matrix may tell its ``additions``, those that multiply nothing; its ``scale`` then takes a multiplication for each
    of its ``rank`` inner values. Any other costs its ``multiply_adds``.
    """
    additions = getattr(matrix, "additions", None)
    if additions is None:
        return Operations(matrix.multiply_adds)
    return Operations(int(getattr(matrix, "rank", 0)), additions)


def all_operations(layers: Iterable[StructuredMatrix]) -> Operations:
    """What all layers cost per token; attention, layer norms and the head are the same for every individual."""
    return sum(map(operations, layers), Operations())
