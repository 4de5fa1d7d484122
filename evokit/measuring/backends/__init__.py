"""Where evaluations run: in this process, in worker processes, on a Ray cluster."""

from __future__ import annotations

from evokit.assembly.workplace import Workplace
from evokit.common.extras import DISTRIBUTION, with_extra
from evokit.energy import Meter
from evokit.errors import UserError
from evokit.measuring.executors import Executor, InOrder


def make_executor(workplace: Workplace, meter: Meter) -> Executor:
    """The executor that the recipe names. Workers are started by the first task, not here."""
    execution = workplace.recipe.execution
    if execution.backend == "inline":
        from evokit.measuring.backends.inline import Inline

        return Inline(workplace, meter)
    if execution.backend == "ray":
        try:
            from evokit.measuring.backends.ray import Actors
        except ModuleNotFoundError as error:
            raise UserError(f"execution.backend ray: {error}; {with_extra(DISTRIBUTION, 'ray')}") from error
        return InOrder(Actors(workplace), execution.timeout_s, execution.retries)
    from evokit.measuring.backends.processes import Processes

    places = execution.n_workers // 2 if execution.beside else 0
    return InOrder(Processes(workplace, meter), execution.timeout_s, execution.retries, places)
