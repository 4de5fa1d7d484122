"""What mutations that move genes to other places have in common."""

from __future__ import annotations

from typing import Any

import numpy as np

from evokit.mutation.rows import Rows, RowsAtOnce, some_rows

KINDS = frozenset({"permutation", "bits", "index_vector", "real_vector"})


def refuse_immovable(genome: Any) -> None:
    """Raises ``ValueError`` where a gene may not stand in another's place, or there is no other."""
    if genome.n_genes < 2:
        raise ValueError("a genome of one gene has no other place to move it to")
    for name in ("sizes", "low", "high"):
        if len(np.unique(getattr(genome, name, 0))) > 1:
            raise ValueError(f"genes cannot be moved to other places of this genome: their {name} differ")


def moving(rows: Rows, prob: float, genome: Any) -> RowsAtOnce:
    """The mutation of a recipe; ``prob`` is the chance that an individual is mutated at all.

    Raises:
        ValueError: The genome's genes may not stand in each other's places.
    """
    refuse_immovable(genome)
    return some_rows(rows, prob)
