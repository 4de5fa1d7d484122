"""Confirmation: a search's best measured once more on what it never saw, before a champion is named (C1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from evokit.assembly.jobs import AGAIN, FRESH, Refits
from evokit.assembly.parts import Parts
from evokit.genomes.individuals import ranked
from evokit.interfaces import Individual, Score, Search
from evokit.runs.resources import Resources
from evokit.searches.archive import only_feasible


@dataclass(frozen=True)
class Confirmed:
    """A champion's value on what its search never saw.

    Args:
        value: None without ``confirm``, or where every measurement failed.
        best_of: Of so many values it is the best, which flatters it if they are several.
        job: That measured it.
        violation: Of constraints, there.
    """

    value: float | None = None
    best_of: int = 0
    job: str = ""
    violation: float = 0.0


def confirm(
    run: Resources, search: Search, parts: Parts, phase: str, jobs: tuple[str, str], refits: Refits
) -> tuple[Individual, Confirmed]:
    """Of a search's best, the one that is best on fresh data; without that the best.

    The value that chose it is the best of several and flatters it. So it is measured once more, on what the choice
    did not see either, if the fitness has so much.

    Args:
        run: What measures.
        search: At its end.
        parts: That it was made of.
        phase: Prefix of the rows.
        jobs: For the choice, and for the value of the chosen one.
        refits: What the fitness was refitted to.
    """
    hall = search.hall_of_fame()
    hall = only_feasible(hall) or hall
    if run.recipe.confirm is None:
        return hall[0], Confirmed()
    phase = f"{phase}/{search.generation}"  # an extended search confirms others
    valid = _measured_on(run, jobs[0], phase, parts.genome, hall[: run.recipe.confirm.top], refits)
    if not valid:
        return hall[0], Confirmed()
    best = next(one for one in hall if one.key == valid[0].key)
    again = []
    if len(valid) > 1 and parts.fresh_again() is not None:
        again = _measured_on(run, jobs[1], f"{phase}/{AGAIN}", parts.genome, [best], refits)
    if again:
        return best, Confirmed(again[0].fitness.values[0], 1, AGAIN, again[0].fitness.violation)
    return best, Confirmed(valid[0].fitness.values[0], len(valid), FRESH, valid[0].fitness.violation)


def _measured_on(
    run: Resources, job: str, phase: str, genome: Any, individuals: Sequence[Individual], refits: Refits
) -> list[Individual]:
    """Copies with their values in another job, best first, without those that failed."""
    copies = [replace(one, fitness=Score(run.weights)) for one in individuals]
    measure = run.measure(phase, genome, job, refits=refits)
    with run.costed(phase):
        measure(copies)
    return [one for one in ranked(copies) if one.fitness.valid]
