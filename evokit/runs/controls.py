"""Control searches: what another search reaches with the measured work of the run's (C3)."""

from __future__ import annotations

from collections.abc import Sequence

from evokit.assembly.jobs import AGAIN, FRESH, RENEWED, SEARCH, Refits
from evokit.assembly.parts import Parts
from evokit.assembly.workplace import of_control
from evokit.interfaces import Individual, Search
from evokit.runs.confirming import Confirmed, confirm
from evokit.runs.resources import Resources
from evokit.runs.stopping import IDLE, n_new
from evokit.searches.elites import Elites


def run_to_work(
    run: Resources, phase: str, name: str, limit: int, ours: Refits
) -> tuple[Individual | None, Confirmed, Refits, Elites | None]:
    """Let a control spend ``limit`` units of measured work: its best, its value on fresh data, its refits, its elites.

    A search measures its individuals at full budget and stays within the limit; the search of a varied recipe
    screens as that recipe says and ends with the generation in which it reaches the limit. A resumed control
    starts over and is answered from its rows. Its champion is confirmed like that of the run.

    Args:
        run: What measures.
        phase: Prefix of its rows and costs in the ledger.
        name: Of the control.
        limit: Units of work.
        ours: Refits of the run's own search.

    Returns:
        None first if all failed; without ``confirm`` there is no value on fresh data, and elites, those of all that it
        measured, only where the run's search keeps some.
    """
    part = run.workplace.baseline(name)
    varied = isinstance(part, Parts)
    parts, search = (part, part.search) if varied else (run.parts, part)
    measure = run.measure(phase, parts.genome, of_control(SEARCH, name, part))
    each, idle = 0 if varied else measure.budgets[-1], 0
    while measure.work + max(each, 1) <= limit and not search.done and idle < IDLE:
        new = n_new(measure.tally)
        with run.costed(phase):
            if varied:
                search.step(measure)
            else:
                measure.generation = search.generation
                individuals = search.ask()[: (limit - measure.work) // each]
                measure.born(individuals)
                measure(individuals)
                search.tell(individuals)
        idle = idle + 1 if n_new(measure.tally) == new else 0
    run.show_best(search)
    if not search.hall_of_fame():
        return None, Confirmed(), measure.refits, None
    jobs = of_control(FRESH, name, part), of_control(AGAIN, name, part)
    fresh = _as_fresh_as_ours(measure.refits, ours)
    best, confirmed = confirm(run, search, parts, f"{phase}/confirm", jobs, fresh)
    return best, confirmed, measure.refits, _elites_of(measure.measured(), run.parts.search)


def _elites_of(measured: Sequence[Individual], search: Search) -> Elites | None:
    """What the search's archive would hold if it had met these."""
    own: Elites | None = getattr(search, "elites", None)
    if own is None:
        return None
    elites = own.like()
    elites.add(measured)
    return elites


def _as_fresh_as_ours(refits: Refits, ours: Refits) -> Refits:
    """Refits of a control, and renewals that it lacks: its champion is confirmed on what confirms the run's."""
    return (*refits, *[RENEWED] * (ours.count(RENEWED) - refits.count(RENEWED)))
