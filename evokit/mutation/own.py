"""The genome's own mutation."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, wraps
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge

from evokit.interfaces import Context
from evokit.options import Positive, Probability, added

Mutate = Callable[[Any, np.random.Generator], Any]


@dataclass(frozen=True)
class Anneal:
    """A strength that goes in a straight line from ``first`` to ``last`` within ``generations``, and then stays."""

    generations: Annotated[int, Ge(1)]
    first: Positive = 1.0
    last: Positive = 0.5

    def at(self, generation: int) -> float:
        """The strength of a generation, counted from 0."""
        return self.first + min(1.0, generation / self.generations) * (self.last - self.first)


@dataclass(frozen=True)
class OwnMutation:
    """``prob``: chance that an individual is mutated at all. Fits every genome that has ``mutate``.

    ``anneal`` is for genomes whose ``mutate`` takes a ``strength``; null leaves strengths to the genome.

    Raises:
        ValueError: In ``build``: the genome has no ``mutate``, or one without a strength to anneal.
    """

    anneal: Anneal | None = None
    prob: Probability = added(1.0)  # noqa: RUF009 - a field
    genes: ClassVar[frozenset[str]] = frozenset()  # any kind

    def build(self, context: Context) -> Mutate | Annealed:
        own: Mutate | None = getattr(context.genome, "mutate", None)
        name = type(context.genome).__name__
        if own is None:
            raise ValueError(f"own: the genome {name} has no mutate of its own")
        if self.anneal is None:
            return sometimes(own, self.prob)
        if "strength" not in inspect.signature(own).parameters:
            raise ValueError(f"anneal: the mutation of the genome {name} has no strength; leave it out")
        return Annealed(sometimes(own, self.prob), self.anneal)


def sometimes(mutate: Callable[..., Any], prob: float) -> Callable[..., Any]:
    """The mutation with a chance of ``prob``; one that is certain draws nothing for that."""
    if prob == 1:
        return mutate

    @wraps(mutate)
    def chanced(genes: Any, rng: np.random.Generator, **strength: float) -> Any:
        return mutate(genes, rng, **strength) if rng.random() < prob else genes

    return chanced


@dataclass(frozen=True)
class Annealed:
    """A mutation whose strength depends on the generation."""

    mutate: Callable[..., Any]
    anneal: Anneal

    def at(self, generation: int) -> Mutate:
        """The mutation of one generation, counted from 0."""
        return partial(self.mutate, strength=self.anneal.at(generation))

    def __call__(self, genes: Any, rng: np.random.Generator) -> Any:
        """For those who know no generation, as in the first."""
        return self.at(0)(genes, rng)
