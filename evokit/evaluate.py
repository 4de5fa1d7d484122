"""What a worker does with a batch: genes to phenotypes to evaluations, whatever happens (C6)."""

from __future__ import annotations

import errno
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from evokit.interfaces import Evaluation, Fitness, Outcome

log = logging.getLogger("evokit")

NO_MEMORY = ("can't allocate memory", "std::bad_alloc")  # torch's allocator on the CPU


def evaluate_batch(
    fitness: Fitness, express: Callable[[Any], Any], genes: Sequence[Any], budget: int
) -> list[Evaluation]:
    """Evaluate a batch; if it fails as a whole, its members one by one.

    Args:
        fitness: Decides the values.
        express: Makes the phenotype of genes.
        genes: One entry per individual.
        budget: One of ``fitness.budgets``.

    Returns:
        One evaluation per individual, in order; failures are recorded, never raised.
    """
    try:
        return evaluate_together(fitness, express, genes, budget)
    except Exception as error:  # a bad individual harms nobody
        if len(genes) == 1:
            log.debug("evaluation failed", exc_info=error)
            # What was spent before the failure is not known; it counts as all, so that failing is never free.
            message = f"{type(error).__name__}: {error}"
            return [Evaluation(outcome=_outcome_of(error), work=budget, message=message)]
        return [one for gene in genes for one in evaluate_batch(fitness, express, [gene], budget)]


def evaluate_together(
    fitness: Fitness, express: Callable[[Any], Any], genes: Sequence[Any], budget: int
) -> list[Evaluation]:
    """Evaluate a batch as ``evaluate_batch`` does, but let pass whatever is raised."""
    answer = fitness.evaluate([express(gene) for gene in genes], budget)
    if isinstance(answer, np.ndarray):
        rows = answer.reshape(len(answer), -1).astype(float).tolist()
        evaluations = [Evaluation(values=tuple(row), work=budget) for row in rows]
    else:
        evaluations = list(answer)
    if len(evaluations) != len(genes):
        raise ValueError(f"the fitness answered {len(evaluations)} evaluations for {len(genes)} individuals")
    return [_checked(one, len(fitness.objectives)) for one in evaluations]


def _checked(evaluation: Evaluation, n_objectives: int) -> Evaluation:
    """Plain finite floats, one per objective, or a failure: NaN corrupts every comparison that it meets."""
    # NumPy's numbers compare like plain ones but do not survive SQLite and JSON.
    metrics = {name: float(value) for name, value in evaluation.metrics.items()}
    plain = replace(evaluation, values=(), work=int(evaluation.work), metrics=metrics, source="measured")
    if not plain.ok:
        return plain
    values = tuple(float(value) for value in evaluation.values)
    if len(values) != n_objectives:
        raise ValueError(f"the fitness answered {len(values)} values for {n_objectives} objectives")
    if any(math.isnan(value) for value in values):
        return replace(plain, outcome="nan", message="the fitness is not a number")
    if any(math.isinf(value) for value in values):
        return replace(plain, outcome="diverged", message="the fitness is infinite")
    return replace(plain, values=values)


def _outcome_of(error: Exception) -> Outcome:
    # torch is matched by name and words, so that nothing here imports it.
    out_of_memory = (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
        or (isinstance(error, RuntimeError) and any(words in str(error) for words in NO_MEMORY))
    )
    return "out_of_memory" if out_of_memory else "raised"
