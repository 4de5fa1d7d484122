"""Individuals: made from genes, identified by a key, ordered by their scores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from evokit.common.keys import array_key, array_keys, digest
from evokit.common.readonly import frozen, readonly
from evokit.contracts.blame import ContractError
from evokit.contracts.in_place import COPY
from evokit.genomes.array import ArrayGenome
from evokit.interfaces import Goal, Individual, Score

_WEIGHTS = {"min": -1.0, "max": 1.0}


class Written(Protocol):
    """The part of a genome that identity needs; ``canonical(genes)`` is used if it is there."""

    def to_json(self, genes: Any) -> Any: ...


def canonical(genome: Written, genes: Any) -> Any:
    """The form of ``genes`` that is measured, stored and exported; arrays are read-only."""
    form = getattr(genome, "canonical", None)
    return frozen(genes if form is None else form(genes))


def key_of(genome: Written, genes: Any) -> str:
    """Digest of the canonical form of ``genes``: two genes are the same if their keys are.

    An array's key is made of its bytes, any other genes' of their JSON values.
    """
    return _key(genome, canonical(genome, genes))


def refuse_changed(genome: Written, individuals: Iterable[Individual]) -> None:
    """What is measured is what is recorded: genes that have another key by now were changed in place (C4).

    Raises:
        ContractError: Some were.
    """
    for one in individuals:
        if key_of(genome, one.genes) != one.key:
            raise ContractError(
                f"the genes of an individual born by {one.born_by} were changed in place after it was made, by an"
                f" operator, the search or {type(genome).__name__}; {COPY}"
            )


def make_individual(
    genome: Written,
    genes: Any,
    weights: tuple[float, ...],
    parents: tuple[str, ...] = (),
    born_by: str = "random",
) -> Individual:
    """An individual that has not been measured.

    Args:
        genome: Says what is canonical, and how genes are written.
        genes: In any form, left unchanged; the individual holds the canonical one.
        weights: Of its score, see ``weights_of``.
        parents: Their keys.
        born_by: The operators that made it, joined by "+".
    """
    form = canonical(genome, genes)
    return Individual(form, _key(genome, form), Score(weights), parents, born_by)


def make_individuals(
    genome: ArrayGenome,
    genes: np.ndarray,
    weights: tuple[float, ...],
    parents: Sequence[tuple[str, ...]],
    born_by: Sequence[str],
) -> list[Individual]:
    """As ``make_individual``, of ``(n, n_genes)`` genes, row i with ``parents[i]`` and ``born_by[i]``."""
    form = genome.canonical_rows(genes)
    return [
        Individual(readonly(row.copy()), key, Score(weights), of, by)
        for row, key, of, by in zip(form, array_keys(form), parents, born_by, strict=True)
    ]


def weights_of(objectives: Mapping[str, Goal]) -> tuple[float, ...]:
    """A score's weights: -1 per objective to minimise, +1 per objective to maximise, in their order.

    Raises:
        ValueError: There is no objective, or a goal is neither ``min`` nor ``max``.

    >>> weights_of({"loss": "min", "accuracy": "max"})
    (-1.0, 1.0)
    """
    if not objectives:
        raise ValueError("objectives: must name at least one")
    for name, goal in objectives.items():
        if not name:
            raise ValueError("objectives: a name must not be empty")
        if goal not in _WEIGHTS:
            raise ValueError(f"objectives.{name}: must be min or max, got {goal!r}")
    return tuple(_WEIGHTS[goal] for goal in objectives.values())


def constraints_of(fitness: Any) -> tuple[str, ...]:
    """The names of a fitness's constraints; none if it has none."""
    return tuple(getattr(fitness, "constraints", ()))


def feasible_value(individual: Individual) -> float | None:
    """The value of the first objective of a measured individual; None if it violates a constraint."""
    return None if individual.fitness.violation else float(individual.fitness.values[0])


def ranked(individuals: Iterable[Individual]) -> list[Individual]:
    """Best first by score, objectives compared in their order; ties keep their order, unmeasured come last."""
    # DEAP keeps wvalues larger-is-better and an unmeasured individual's empty, which is less than any tuple.
    return sorted(individuals, key=lambda individual: individual.fitness.wvalues, reverse=True)


def _key(genome: Written, form: Any) -> str:
    return array_key(form) if isinstance(form, np.ndarray) else digest(genome.to_json(form))
