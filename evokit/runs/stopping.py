"""When a search stops before its horizon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evokit.interfaces import WORK, Goal
from evokit.measuring.ledger import Tally
from evokit.recipe.schema import Stop

IDLE = 500  # steps that may ask for nothing new, before a space counts as known altogether


def stop_reason(
    stop: Stop, logbook: Sequence[Mapping[str, Any]], work: int, seconds: float, goal: Goal, unit: str = WORK
) -> str | None:
    """Why to stop now, or None.

    All but ``seconds`` is decided by counted work and values, so a resumed run stops at the same generation; a stop by
    seconds is recorded by the run.

    Args:
        stop: The recipe's limits; what is None never stops.
        logbook: A record a generation so far: ``best``, the best value measured up to its end, None before anything
            was; with several objectives ``front_new``, how many points it added to the front; after refits of the
            fitness ``refits``, how many. Patience counts from the last of them, as values before and after it are not
            compared.
        work: Budget units spent.
        seconds: Wall time spent.
        goal: Whether lower or higher is better.
        unit: What work counts.
    """
    if stop.work is not None and work >= stop.work:
        return f"{work} {unit} spent (stop.work {stop.work})"
    if stop.seconds is not None and seconds >= stop.seconds:
        return f"{seconds:.0f} s spent (stop.seconds {stop.seconds:g})"
    best = logbook[-1]["best"] if logbook else None
    if best is None:
        return None
    if stop.target is not None and _reaches(best, stop.target, goal):
        return f"target {stop.target:g} reached"
    if stop.patience is not None and (idle := _idle(logbook)) >= stop.patience:
        return f"no improvement for {idle} generations (stop.patience {stop.patience})"
    return None


def was_spent(reason: str) -> bool:
    """Whether a search ended as what it was given was spent, so that nothing was saved."""
    return "(stop.work " in reason or "(stop.seconds " in reason


def n_new(tally: Tally) -> int:
    """How many answers were not known before: measured, predicted, or those of another that does the same."""
    return sum(tally.sources.values()) - tally.sources["cached"]


def _idle(logbook: Sequence[Mapping[str, Any]]) -> int:
    """Generations since the last with a new best or, with several objectives, a new point of the front.

    Looks back no further than that, so that a generation of a long run costs what one of a short run does.
    """
    last = len(logbook) - 1
    at = last
    while at > 0 and not logbook[at].get("front_new") and _compares(logbook[at - 1], logbook[last]):
        at -= 1
    return last - at


def _compares(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether the best was as good then, in the same context."""
    return bool(before["best"] == now["best"] and before.get("refits") == now.get("refits"))


def _reaches(value: float, target: float, goal: Goal) -> bool:
    return value <= target if goal == "min" else value >= target
