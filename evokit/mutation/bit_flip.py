"""Bit-flip mutation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evokit.common.readonly import readonly
from evokit.interfaces import Context
from evokit.options import Probability


def bit_flip(genes: np.ndarray, *, prob: float, rng: np.random.Generator) -> np.ndarray:
    """Flip each bit with probability ``prob``.

    Args:
        genes: ``(n_genes,)`` bool; left unchanged.
        prob: Chance in [0, 1] that a bit flips.
        rng: Decides the flips; one draw per gene.

    Returns:
        Read-only ``(n_genes,)`` bool genes.

    >>> bit_flip(np.array([True, False]), prob=1.0, rng=np.random.default_rng(0))
    array([False,  True])
    """
    return readonly(genes ^ (rng.random(genes.shape) < prob))


@dataclass(frozen=True)
class BitFlip:
    """``prob``: chance that a bit flips, one over the number of bits if not given."""

    prob: Probability | None = None
    genes: ClassVar[frozenset[str]] = frozenset({"bits"})

    def build(self, context: Context) -> Callable[[Any, np.random.Generator], Any]:
        prob = 1 / context.genome.n_genes if self.prob is None else self.prob
        return lambda genes, rng: bit_flip(genes, prob=prob, rng=rng)
