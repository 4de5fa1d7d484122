"""When a search stops before its horizon."""

from __future__ import annotations

from collections.abc import Sequence

from evokit.interfaces import Goal
from evokit.recipe.schema import Stop


def stop_reason(stop: Stop, best: Sequence[float | None], work: int, seconds: float, goal: Goal) -> str | None:
    """Why to stop now, or None.

    All but ``seconds`` is decided by counted work and values, so a resumed run stops at the same generation; a stop by
    seconds is recorded by the run.

    Args:
        stop: The recipe's limits; what is None never stops.
        best: Best value measured up to the end of each generation so far, None before anything was.
        work: Budget units spent.
        seconds: Wall time spent.
        goal: Whether lower or higher is better.
    """
    if stop.work is not None and work >= stop.work:
        return f"{work} units of work spent (stop.work {stop.work})"
    if stop.seconds is not None and seconds >= stop.seconds:
        return f"{seconds:.0f} s spent (stop.seconds {stop.seconds:g})"
    if not best or best[-1] is None:
        return None
    if stop.target is not None and _reaches(best[-1], stop.target, goal):
        return f"target {stop.target:g} reached"
    idle = len(best) - 1 - best.index(best[-1])  # the best never worsens, so its first place is where it was found
    if stop.patience is not None and idle >= stop.patience:
        return f"no improvement for {idle} generations (stop.patience {stop.patience})"
    return None


def _reaches(value: float, target: float, goal: Goal) -> bool:
    return value <= target if goal == "min" else value >= target
