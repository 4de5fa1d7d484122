"""What Optuna is told of genes: distributions by name, and parameters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import Trial

from evokit.genomes.space.genome import SpaceGenome
from evokit.genomes.space.kinds import Category, Kind, LogWhole, Ordered, Permuted, Real, Some, Steps

Parameters = dict[str, Any]


class Told(Protocol):
    """A genome as Optuna sees it."""

    def told(self, genes: Any) -> tuple[Parameters, dict[str, BaseDistribution]]:
        """What it is told of measured genes."""

    def asked(self, trial: Trial, rng: np.random.Generator) -> Any:
        """Genes of what it suggests."""


class ToldArray:
    """An array, whose genes are called by their places."""

    def __init__(self, genome: Any) -> None:
        self._genome, self._distributions = genome, _distributions(genome)

    def told(self, genes: np.ndarray) -> tuple[Parameters, dict[str, BaseDistribution]]:
        values = self._genome.to_json(genes)
        return dict(zip(self._distributions, values, strict=True)), self._distributions

    def asked(self, trial: Trial, rng: np.random.Generator) -> Any:
        return self._genome.from_json([_suggested(trial, name, one) for name, one in self._distributions.items()])


class ToldSpace:
    """A space: what exists is asked for by its name, one of several in a list with its number.

    A subset is a truth value for each option; one that Optuna makes too large or too small loses or gains some by
    chance.

    Raises:
        ValueError: There is an order, which Optuna knows nothing like.
    """

    def __init__(self, genome: SpaceGenome) -> None:
        self._genome = genome
        for kind, leaf in zip(genome.kinds, genome.leaves, strict=True):
            if isinstance(kind, Permuted):
                raise ValueError(f"optuna has no orders, which {leaf.name} is: name auto, steady_state or generational")

    def told(self, genes: Any) -> tuple[Parameters, dict[str, BaseDistribution]]:
        parameters: Parameters = {}
        distributions: dict[str, BaseDistribution] = {}
        for kind, leaf, gene in zip(self._genome.kinds, self._genome.leaves, genes, strict=True):
            length = leaf.parameter.length
            for name, item in _names(leaf.name, length) if gene is not None and not kind.constant else ():
                for below, distribution, value in _parts(kind, name, gene if length is None else gene[item]):
                    parameters[below], distributions[below] = value, distribution
        return parameters, distributions

    def asked(self, trial: Trial, rng: np.random.Generator) -> Any:
        genes: list[Any] = [None] * len(self._genome.leaves)
        for place in self._genome.layout.order:
            kind, leaf = self._genome.kinds[place], self._genome.leaves[place]
            if leaf.exists(genes):
                items = [_asked(kind, name, trial, rng) for name, _ in _names(leaf.name, leaf.parameter.length)]
                genes[place] = items[0] if leaf.parameter.length is None else tuple(items)
        return tuple(genes)


def told_of(genome: Any) -> Told:
    """Raises ``ValueError``: as ``ToldSpace``."""
    return ToldSpace(genome) if isinstance(genome, SpaceGenome) else ToldArray(genome)


def _names(name: str, length: int | None) -> list[tuple[str, int]]:
    return [(name, 0)] if length is None else [(f"{name}[{item}]", item) for item in range(length)]


def _parts(kind: Kind, name: str, gene: Any) -> Iterator[tuple[str, BaseDistribution, Any]]:
    """What a gene is for Optuna, one parameter or more; of None what it may be."""
    if isinstance(kind, Some):
        for place in range(len(kind.parameter.options)):
            yield f"{name}.{place}", CategoricalDistribution((False, True)), place in (gene or ())
    else:
        number = kind.number(gene) if isinstance(kind, Steps) and gene is not None else gene
        yield name, _distribution(kind), number


def _distribution(kind: Kind) -> BaseDistribution:
    if isinstance(kind, Real):
        return FloatDistribution(kind.parameter.low, kind.parameter.high, log=kind.parameter.log)
    if isinstance(kind, LogWhole):
        return IntDistribution(kind.parameter.low, kind.parameter.high, log=True)
    if isinstance(kind, Steps | Ordered):
        return IntDistribution(0, kind.n - 1)
    assert isinstance(kind, Category)
    return CategoricalDistribution(range(len(kind.parameter.options)))


def _asked(kind: Kind, name: str, trial: Trial, rng: np.random.Generator) -> Any:
    if kind.constant:
        return kind.random(rng)
    suggested = [_suggested(trial, below, distribution) for below, distribution, _ in _parts(kind, name, None)]
    if not isinstance(kind, Some):
        return kind.numbered(suggested[0]) if isinstance(kind, Steps) else suggested[0]
    return kind.within(tuple(place for place, taken in enumerate(suggested) if taken), rng)


def _suggested(trial: Trial, name: str, one: BaseDistribution) -> Any:
    if isinstance(one, FloatDistribution):
        return trial.suggest_float(name, one.low, one.high, log=one.log)
    if isinstance(one, IntDistribution):
        return trial.suggest_int(name, one.low, one.high, log=one.log)
    return trial.suggest_categorical(name, one.choices)


def _distributions(genome: Any) -> dict[str, BaseDistribution]:
    """By the place of each gene."""
    if genome.genes == "real_vector":
        bounds = zip(genome.low.tolist(), genome.high.tolist(), strict=True)
        return {str(place): FloatDistribution(low, high) for place, (low, high) in enumerate(bounds)}
    sizes = getattr(genome, "sizes", (2,) * genome.n_genes)  # a bit has two choices
    return {str(place): CategoricalDistribution(range(size)) for place, size in enumerate(sizes)}
