"""What a worker does with a batch: genes to phenotypes to evaluations, whatever happens (C6)."""

from __future__ import annotations

import errno
import logging
import math
import os
import signal
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from numbers import Real
from operator import is_
from typing import Any, get_args

import numpy as np

from evokit.common.names import listed
from evokit.common.readonly import readonly
from evokit.common.stops import Stopped
from evokit.common.text import described
from evokit.contracts.blame import ContractError, blamed, culprit, raised, wrote_to_readonly
from evokit.contracts.global_generators import DRAW_IN_FITNESS, other_world
from evokit.contracts.in_place import COPY, phenotype_state, state_of
from evokit.errors import readable, said
from evokit.genomes.individuals import constraints_of
from evokit.interfaces import Evaluation, Fitness, Outcome

log = logging.getLogger("evokit")

_WANTED = "an array (n,) or (n, n_objectives), a list of numbers, or an Evaluation for each individual"

LARGEST = sys.float_info.max
NO_MEMORY = ("can't allocate memory", "std::bad_alloc")  # torch's allocator on the CPU


def evaluate_batch(
    fitness: Fitness,
    express: Callable[[Any], Any],
    genes: Sequence[Any],
    budget: int,
    key: Callable[[Any], str] | None = None,
    told: Callable[[BaseException], str] = said,
    strict: bool = False,
) -> list[Evaluation]:
    """Evaluate a batch; if it fails as a whole, its members one by one.

    Args:
        fitness: Decides the values.
        express: Makes the phenotype of genes.
        genes: One entry per individual.
        budget: One of ``fitness.budgets``.
        key: Of genes, to see whether they were changed in place; without it genes of foreign classes are not looked at.
        told: The message of what was raised.
        strict: Whether a batch with another number of answers is a breach, not a failure.

    Returns:
        One evaluation per individual, in order; failures are recorded, never raised.

    Raises:
        ContractError: Genes or phenotypes were changed in place: what was measured is not what would be recorded.
    """
    try:
        return evaluate_together(fitness, express, genes, budget, key)
    except ContractError:
        raise
    except BaseException as error:  # a bad individual harms nobody, not even one that would end the process
        if isinstance(error, KeyboardInterrupt) and not _sure_to_be_its_own(error):
            raise
        if strict and isinstance(error, CountError):  # else all are measured one by one, and nobody hears of it
            raise ContractError(f"{culprit(fitness, 'evaluate')}: {error}; answer one for each") from error
        if wrote_to_readonly(error):
            with blamed(fitness, "evaluate"):
                raise
        if len(genes) == 1:
            log.debug("evaluation failed", exc_info=error)
            # What was spent before the failure is not known; it counts as all, so that failing is never free.
            return [Evaluation(outcome=_outcome_of(error), work=budget, message=told(error))]
        return [one for gene in genes for one in evaluate_batch(fitness, express, [gene], budget, key, told)]


def _sure_to_be_its_own(error: KeyboardInterrupt) -> bool:
    """Whether a fitness raised it and no person: workers are not reached by Ctrl-C, which is blocked there."""
    blocked = hasattr(signal, "pthread_sigmask") and signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    return blocked and not isinstance(error, Stopped)


class CountError(ValueError):
    """There are more or fewer answers than individuals."""


def evaluate_together(
    fitness: Fitness,
    express: Callable[[Any], Any],
    genes: Sequence[Any],
    budget: int,
    key: Callable[[Any], str] | None = None,
) -> list[Evaluation]:
    """Evaluate a batch as ``evaluate_batch`` does, but let pass whatever is raised."""
    key = key or _unseen
    before = state_of(genes, key)
    phenotypes = [express(one) for one in genes]
    themselves = all(map(is_, phenotypes, genes))
    if before is not None or not themselves:
        _refuse_changed(before, genes, key, express, "")
    locked = before is None and themselves
    handed, state = list(phenotypes), None if locked else phenotype_state(phenotypes)
    answer = fitness.evaluate(handed, budget)
    n_cases = getattr(fitness, "cases", 0) if budget == fitness.budgets[-1] else 0
    n_objectives, constraints = len(fitness.objectives), constraints_of(fitness)
    plain = [] if n_cases or constraints else _plain(answer, len(genes), n_objectives, budget)
    evaluations = plain or answered(answer, len(genes), n_objectives, budget)
    _refuse_changed(before, genes, key, fitness, "evaluate")
    same = len(handed) == len(phenotypes) and all(map(is_, handed, phenotypes))
    if not same or not (locked or phenotype_state(phenotypes) == state):
        raise ContractError(
            f"{culprit(fitness, 'evaluate')} changes the phenotypes that it was given, in place; {COPY}"
        )
    if plain:
        return plain
    unsaid = 0 if getattr(fitness, "may_be_free", False) else budget
    shape = Shape(n_objectives, n_cases, constraints, unsaid)
    return [_checked(one, shape) for one in evaluations]


@dataclass(frozen=True)
class Shape:
    """What an evaluation of a fitness holds."""

    n_objectives: int
    n_cases: int
    constraints: tuple[str, ...]
    work: int  # of an evaluation that does not say what it spent


def _plain(answer: Any, n: int, n_objectives: int, budget: int) -> list[Evaluation]:
    """What nothing is wrong with at first sight: finite numbers in an array or a list; of anything else nothing.

    It is what large populations of small problems answer, of whom looking at each would take longer than measuring.
    """
    several = type(answer) is list and len(answer) == n
    if several and n_objectives == 1:
        if all(map(_finite, answer)):
            return [Evaluation((float(one),), work=budget) for one in answer]
        return []
    if several and all(type(one) is tuple for one in answer):
        if all(len(one) == n_objectives and all(map(_finite, one)) for one in answer):
            return [Evaluation(tuple(map(float, one)), work=budget) for one in answer]
        return []
    if not (isinstance(answer, np.ndarray) and answer.dtype.kind in "biuf" and np.isfinite(answer).all()):
        return []
    if answer.shape != ((n,) if answer.ndim == 1 and n_objectives == 1 else (n, n_objectives)):
        return []
    return [Evaluation(tuple(row), work=budget) for row in answer.reshape(n, n_objectives).astype(float).tolist()]


def _finite(value: Any) -> bool:
    return isinstance(value, float | int) and -LARGEST <= value <= LARGEST


def answered(answer: Any, n: int, n_objectives: int, budget: int) -> list[Evaluation]:
    """What a fitness answered, as evaluations.

    Args:
        answer: An array ``(n,)`` or ``(n, n_objectives)``, or ``n`` times an Evaluation, a number or ``n_objectives``
            numbers.
        n: Individuals.
        n_objectives: Of the fitness.
        budget: The work of an individual whose fitness does not say what it spent.

    Raises:
        TypeError: It is something else.
        ValueError: It is of another shape.
    """
    if isinstance(answer, str | bytes | Mapping | Set) or not isinstance(answer, Iterable):
        raise TypeError(f"evaluate returned {described(answer)}; return {_WANTED}")
    if hasattr(answer, "__array__") and hasattr(answer, "shape"):
        answer = np.asarray(answer)
        if answer.ndim not in (1, 2):
            raise ValueError(f"evaluate returned an array of shape {answer.shape}; return {_WANTED}")
    if isinstance(answer, np.ndarray) and answer.dtype.kind in "biuf":
        rows = answer.reshape(len(answer), -1).astype(float).tolist() if len(answer) else []
        evaluations = [Evaluation(values=tuple(row), work=budget) for row in rows]
    else:
        evaluations = [_evaluation(one, budget) for one in answer]
    if len(evaluations) != n:
        raise CountError(f"the fitness answered {len(evaluations)} evaluations for {n} individuals")
    return evaluations


def _unseen(genes: Any) -> str:
    """The key of genes that nobody can tell apart."""
    return ""


def _refuse_changed(
    before: Sequence[Any], genes: Sequence[Any], key: Callable[[Any], str], thing: Any, member: str
) -> None:
    if before != state_of(genes, key):
        raise ContractError(f"{culprit(thing, member)} changes the genes that it was given, in place; {COPY}")


def _evaluation(one: Any, budget: int) -> Evaluation:
    if isinstance(one, Evaluation):
        return one
    numbers = [one] if isinstance(one, Real | np.generic) or getattr(one, "shape", None) == () else one
    if isinstance(numbers, str | bytes | Mapping) or not isinstance(numbers, Iterable):
        raise TypeError(f"evaluate returned {described(one)} for an individual; return {_WANTED}")
    return Evaluation(values=tuple(numbers), work=budget)


def _checked(evaluation: Evaluation, shape: Shape) -> Evaluation:
    """Plain finite floats, one per objective, or a failure: NaN corrupts every comparison that it meets."""
    # NumPy's numbers compare like plain ones but do not survive SQLite and JSON.
    try:
        metrics = {str(name): float(value) for name, value in evaluation.metrics.items()}
        values, constraints = _numbers(evaluation.values), _constraints(evaluation.constraints, shape.constraints)
        work = int(evaluation.work)
        if work < 0 or work != evaluation.work:
            raise ValueError("work is below 0 or a fraction")
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise TypeError(
            f"evaluate returned an evaluation of {described(evaluation.values)}, work {evaluation.work!r:.20},"
            f" constraints {evaluation.constraints!r:.40} and metrics {evaluation.metrics!r:.40}: values must be"
            f" numbers, one per objective, constraints numbers, work a whole number, metrics numbers by name ({error})"
        ) from error
    if evaluation.outcome not in get_args(Outcome):
        raise ValueError(
            f"evaluate returned outcome {evaluation.outcome!r:.40}; it is one of {', '.join(get_args(Outcome))}"
        )
    message, artifact = readable(str(evaluation.message)), str(evaluation.artifact)  # a Path is as good
    plain = replace(
        evaluation, values=(), work=work or shape.work, metrics=metrics, source="measured", message=message,
        artifact=artifact, cases=None, constraints=(),
    )  # fmt: skip
    if not plain.ok:
        return plain
    if len(values) != shape.n_objectives:
        raise ValueError(f"the fitness answered {len(values)} values for {shape.n_objectives} objectives")
    if len(constraints) != len(shape.constraints):
        named = f"its constraints are {listed(shape.constraints)}" if shape.constraints else "it names none"
        remedy = "return Evaluation(values, constraints=(...)) with a number for each name in the fitness's constraints"
        raise ValueError(f"the fitness answered {len(constraints)} constraints where {named}; {remedy}")
    for name, one in zip(shape.constraints, constraints, strict=True):
        if not math.isfinite(one):
            remedy = "return a finite number, 0 or below where it is kept, else by how much it is violated"
            outcome: Outcome = "nan" if math.isnan(one) else "diverged"
            return replace(plain, outcome=outcome, message=f"the constraint {name!r} is {one}; {remedy}")
    if any(math.isnan(value) for value in values):
        return replace(plain, outcome="nan", message="the fitness is not a number")
    if any(math.isinf(value) for value in values):
        return replace(plain, outcome="diverged", message="the fitness is infinite")
    plain = replace(plain, values=values, constraints=constraints)
    if not shape.n_cases:
        return plain
    cases = np.array([] if evaluation.cases is None else evaluation.cases, float)
    if cases.shape != (shape.n_cases,):
        raise ValueError(f"the fitness answered cases of shape {cases.shape} where its ``cases`` are {shape.n_cases}")
    if not np.isfinite(cases).all():
        return replace(plain, values=(), constraints=(), outcome="nan", message="the value of a case is not finite")
    return replace(plain, cases=readonly(cases))


def _constraints(told: Any, names: tuple[str, ...]) -> tuple[float, ...]:
    """In the order of their names, also of a mapping."""
    if isinstance(told, Mapping):
        if set(told) != set(names):
            raise TypeError(f"constraints are told of {listed(map(str, told))}, and named {listed(names)}")
        told = [told[name] for name in names]
    return _numbers(told)


def _numbers(told: Iterable[Any]) -> tuple[float, ...]:
    numbers = tuple(told)
    if any(isinstance(one, str | bytes | complex | np.complexfloating) for one in numbers):
        raise TypeError("text and complex numbers are no values")
    return tuple(map(float, numbers))


def _outcome_of(error: BaseException) -> Outcome:
    # torch is matched by name and words, so that nothing here imports it.
    out_of_memory = (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
        or (isinstance(error, RuntimeError) and any(words in str(error) for words in NO_MEMORY))
    )
    return "out_of_memory" if out_of_memory else "raised"


def rehearsed(evaluate: Callable[..., list[Evaluation]], fitness: Fitness, genes: Sequence[Any]) -> list[Evaluation]:
    """Evaluate a batch, and hold the fitness to what it promises (C4).

    The first individual is measured alone, alone again with the global generators elsewhere, and at both ends of the
    batch, so that answers in an order of their own are not taken for those of the individuals.

    Args:
        evaluate: ``evaluate_batch`` of the fitness, which is left the genes and ``told``.
        fitness: For messages.
        genes: One entry per individual.

    Raises:
        ContractError: Its values differ, so that they depend on chance, on a clock, on earlier calls or on its company.
    """

    def measured(some: Sequence[Any]) -> list[Evaluation]:
        return evaluate(some, told=lambda error: readable(raised(error, fitness)), strict=len(some) > 1)

    here = os.getcwd()
    with other_world(1):
        (alone,) = measured(genes[:1])
    if os.getcwd() != here:
        os.chdir(here)
        raise ContractError(
            f"{culprit(fitness, 'evaluate')} changes the working directory, from which the run's files are named; "
            "use paths in place of os.chdir"
        )
    with other_world(2) as touched:  # the first time may import a module that draws
        (again,) = measured(genes[:1])
    if not alone.says_as(again):
        drawn = f", and draws from the global generator of {' and '.join(touched)}" if touched else ""
        raise ContractError(
            f"{culprit(fitness, 'evaluate')} answers {_told(alone)} and then {_told(again)} for the same genes and"
            f" budget{drawn}; {DRAW_IN_FITNESS}"
        )
    if touched:
        log.warning(
            "%s touches the global generator of %s, which may make other numbers depend on it; %s, or draw inside "
            "torch.random.fork_rng()", culprit(fitness, "evaluate"), " and ".join(touched), DRAW_IN_FITNESS,
        )  # fmt: skip
    if len(genes) == 1:
        return [alone]
    first, *others, last = measured([*genes, genes[0]])
    for one, place in ((first, "first"), (last, "last")):
        if not alone.says_as(one):
            raise ContractError(
                f"{culprit(fitness, 'evaluate')} answers {_told(alone)} for an individual alone and {_told(one)} for it"
                f" as the {place} of a batch; answer in the order of the batch, and let no value depend on the rest of"
                " it, not in its last digit"
            )
    return [alone, *others]


def _told(evaluation: Evaluation) -> str:
    return ", ".join(map(repr, evaluation.values)) if evaluation.ok else evaluation.outcome
