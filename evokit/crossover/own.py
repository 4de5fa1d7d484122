"""The genome's own crossover."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from evokit.crossover.pairs import Crossover, sometimes
from evokit.interfaces import Context
from evokit.options import Probability


@dataclass(frozen=True)
class OwnCrossover:
    """``prob``: chance that a pair is crossed at all. Fits every genome that has ``crossover``.

    Raises:
        ValueError: In ``build``: the genome has no ``crossover``.
    """

    prob: Probability = 1.0
    genes: ClassVar[frozenset[str]] = frozenset()  # any kind

    def build(self, context: Context) -> Crossover:
        own = getattr(context.genome, "crossover", None)
        if own is None:
            raise ValueError(f"own: the genome {type(context.genome).__name__} has no crossover of its own")
        return sometimes(own, self.prob)
