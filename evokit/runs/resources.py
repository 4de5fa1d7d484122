"""What all phases of a run share: the recipe's parts, ledger, workers, and the door through which they measure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from evokit.assembly.directory import RunDirectory
from evokit.assembly.identity import identity, refuse_other_identity
from evokit.assembly.jobs import SEARCH, Refits
from evokit.assembly.parts import Parts
from evokit.assembly.workplace import Workplace
from evokit.common.memory import peak_memory
from evokit.energy import Cost
from evokit.genomes.individuals import feasible_value, weights_of
from evokit.interfaces import Search, work_unit
from evokit.measuring.aside import Took
from evokit.measuring.backends import make_executor
from evokit.measuring.executors import Executor
from evokit.measuring.ledger import Ledger, Row
from evokit.measuring.measure import LedgeredMeasure
from evokit.progress import Progress, Totals
from evokit.progress.silent import Silent
from evokit.recipe.schema import Recipe
from evokit.runs.costs import PREPARE, between_blocks, divided


class Resources:
    """Those of a recipe in a directory, which it claims.

    Args:
        recipe: What to do.
        directory: Where everything is written; it exists.
        progress: What a person sees meanwhile.
        parts: The recipe's, if they are built already.

    Raises:
        RecipeError: The recipe's parts do not fit.
        UserError: The directory holds a run of another identity.
    """

    def __init__(self, recipe: Recipe, directory: RunDirectory, progress: Progress, parts: Parts | None = None) -> None:
        self.recipe, self.directory, self.progress = recipe, directory, progress
        self.workplace = Workplace(recipe, directory, parts)
        self.parts = self.workplace.parts
        self.weights = weights_of(self.parts.fitness.objectives)
        self.objective, self.goal = next(iter(self.parts.fitness.objectives.items()))
        self.meter = self.parts.context.meter
        self.ledger = Ledger(directory.ledger)
        self.executor = make_executor(self.workplace, self.meter)
        self._claim()
        self._note_prepared()

    def close(self) -> None:
        """Commit what is open, let go of the ledger and end the workers."""
        try:
            self.ledger.close()
        finally:
            self.executor.close()

    def measure(
        self,
        phase: str,
        genome: Any,
        job: str = SEARCH,
        batch: int | None = None,
        refits: Refits = (),
        tell: Callable[[Row, Any, bool], None] | None = None,
        aside: Executor | None = None,
    ) -> LedgeredMeasure:
        """The door for one phase, which measures one job; ``aside`` by another executor, of which nothing is shown."""
        batch, jobs = self.recipe.execution.batch if batch is None else batch, self.workplace
        fitness = jobs.job(job, refits).fitness
        executor, progress = (self.executor, self.progress) if aside is None else (aside, Silent())
        return LedgeredMeasure(
            phase, genome, fitness, self.ledger, executor, batch, progress, job, refits, jobs,
            # What its search does not do its controls do not either.
            functional=getattr(self.parts.search, "functional", True), tell=tell,
            work_unit=work_unit(self.parts.fitness),
        )  # fmt: skip

    @contextmanager
    def costed(self, phase: str) -> Iterator[None]:
        """Add what the block takes, overheads included, to the phase's cost, also if it is interrupted.

        What ran aside meanwhile has its part in the costs of its own phase.
        """
        self._add_costs(between_blocks(self._took_aside(), self.meter.watts_per_core))
        with ExitStack() as measured:  # where a person interrupts its beginning there is nothing to add
            memory, reading = measured.enter_context(peak_memory()), measured.enter_context(self.meter.measure())
            try:
                yield
            finally:
                measured.close()
                self._add_costs(divided(phase, reading, memory.peak_bytes, self._took_aside()))

    def _took_aside(self) -> dict[str, Took]:
        return {} if self.executor.aside is None else self.executor.aside.took()

    def _add_costs(self, costs: Mapping[str, Cost]) -> None:
        for phase, cost in costs.items():
            self.ledger.add_cost(phase, cost)

    def show_best(self, search: Search, seconds_left: float | None = None) -> None:
        """Tell a person the best of a search, and what the run spent so far."""
        hall = search.hall_of_fame()
        self.progress.best(feasible_value(hall[0]) if hall else None, self.objective, self.goal)
        costs = self.ledger.costs()
        counts = Counter[str]()
        for phase in costs:
            counts.update(self.ledger.counts(phase))
        spent = sum(costs.values(), Cost.none())
        joules, estimated_j = spent.energy_j, spent.estimated_j
        known = counts["cached"] + counts["reused"]
        self.progress.totals(Totals(counts["measured"], known, counts["predicted"], joules, estimated_j, seconds_left))

    def _claim(self) -> None:
        """Write down whose run this is, or refuse to go on with another's."""
        parts = self.parts
        genome = getattr(parts.genome, "content_digest", "")
        now = identity(self.recipe, parts.context.data_digest, parts.fitness.context, genome)
        then = self.ledger.meta("identity")
        if then is None:
            self.ledger.set_meta("identity", now)
        else:
            refuse_other_identity(then, now)

    def _note_prepared(self) -> None:
        """Write down once what the fitness did before its first measurement, such as a fit in closed form."""
        known = self.ledger.costs()
        for name, cost in getattr(self.parts.fitness, "prepared", {}).items():
            if (phase := PREPARE + name) not in known:
                self.ledger.add_cost(phase, cost)
