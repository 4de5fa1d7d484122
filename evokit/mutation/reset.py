"""Reset mutation: genes drawn anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from evokit.common.readonly import readonly
from evokit.interfaces import Context
from evokit.options import Probability


class Drawn(Protocol):
    """The part of a genome that reset needs."""

    def random(self, rng: np.random.Generator) -> np.ndarray: ...


def reset_mutation(genes: np.ndarray, *, genome: Drawn, prob: float, rng: np.random.Generator) -> np.ndarray:
    """Redraw each gene uniformly from its own range with probability ``prob``.

    Args:
        genes: ``(n_genes,)``; left unchanged.
        genome: Draws the new values.
        prob: Chance in [0, 1] that a gene is drawn again; it may draw the value that it had.
        rng: Decides which genes, one draw each, then draws a whole vector of new ones.

    Returns:
        Read-only ``(n_genes,)`` genes.

    Source: CLSO, section 3.3; the paper's text redraws one gene, its published code each with probability 0.08.
    """
    redrawn = rng.random(genes.shape) < prob
    return readonly(np.where(redrawn, genome.random(rng), genes))


@dataclass(frozen=True)
class Reset:
    """``prob``: chance that a gene is drawn again."""

    prob: Probability = 0.08
    genes: ClassVar[frozenset[str]] = frozenset({"index_vector", "real_vector", "bits"})

    def build(self, context: Context) -> Callable[[Any, np.random.Generator], Any]:
        return lambda genes, rng: reset_mutation(genes, genome=context.genome, prob=self.prob, rng=rng)
