"""When a search stops before its horizon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evokit.interfaces import Goal
from evokit.recipe.schema import Stop


def stop_reason(stop: Stop, logbook: Sequence[Mapping[str, Any]], work: int, seconds: float, goal: Goal) -> str | None:
    """Why to stop now, or None.

    All but ``seconds`` is decided by counted work and values, so a resumed run stops at the same generation; a stop by
    seconds is recorded by the run.

    Args:
        stop: The recipe's limits; what is None never stops.
        logbook: A record a generation so far: ``best``, the best value measured up to its end, None before anything
            was; with several objectives ``front_new``, how many it added to the front; after refits of the fitness
            ``refits``, how many. Patience counts from the last of them, as values before and after it are not compared.
        work: Budget units spent.
        seconds: Wall time spent.
        goal: Whether lower or higher is better.
    """
    if stop.work is not None and work >= stop.work:
        return f"{work} units of work spent (stop.work {stop.work})"
    if stop.seconds is not None and seconds >= stop.seconds:
        return f"{seconds:.0f} s spent (stop.seconds {stop.seconds:g})"
    best = logbook[-1]["best"] if logbook else None
    if best is None:
        return None
    if stop.target is not None and _reaches(best, stop.target, goal):
        return f"target {stop.target:g} reached"
    idle = _idle(logbook)
    if stop.patience is not None and idle >= stop.patience:
        return f"no improvement for {idle} generations (stop.patience {stop.patience})"
    return None


def _idle(logbook: Sequence[Mapping[str, Any]]) -> int:
    """Generations since the last with a new best or, with several objectives, a new member of the front."""
    refits = logbook[-1].get("refits")
    logbook = [record for record in logbook if record.get("refits") == refits]
    values = [record["best"] for record in logbook]
    found = values.index(values[-1])  # the best never worsens, so its first place is where it was found
    extended = max((at for at, record in enumerate(logbook) if record.get("front_new")), default=0)
    return len(logbook) - 1 - max(found, extended)


def _reaches(value: float, target: float, goal: Goal) -> bool:
    return value <= target if goal == "min" else value >= target
