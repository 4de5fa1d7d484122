"""One run of a recipe: search, confirm, baselines, final. Each phase resumes where its rows in the ledger end."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

from evokit.assembly import Parts, set_threads
from evokit.backends import make_executor
from evokit.checkpoint import load_checkpoint, save_checkpoint
from evokit.contest import Contest
from evokit.contracts import ContractError, culprit
from evokit.costs import PREPARE
from evokit.energy import Cost
from evokit.errors import RunFailed
from evokit.execution import AGAIN, FRESH, RENEWED, SEARCH, Refits
from evokit.files import write_atomically
from evokit.individuals import ranked, refuse_changed, weights_of
from evokit.interfaces import Individual, Score, Search
from evokit.json_text import json_text
from evokit.ledger import Ledger
from evokit.measure import LedgeredMeasure
from evokit.memory import peak_memory
from evokit.progress import Progress, Totals
from evokit.recipe.schema import Recipe
from evokit.rundir import RunDirectory, identity, refuse_other_identity
from evokit.stopping import stop_reason
from evokit.workplace import Workplace, of_control

log = logging.getLogger("evokit")

CHECKPOINT_EVERY_S = 5.0
CHECKPOINT_SHARE = 0.02  # of the time of a search that its checkpoints take at most
IDLE_STEPS = 100  # steps of a control that find nothing new to measure before its space counts as exhausted

Only = Literal["baselines"]


@dataclass(frozen=True)
class Confirmed:
    """A champion's value on what its search never saw.

    Args:
        value: None without ``confirm``, or where every measurement failed.
        best_of: Of so many values it is the best, which flatters it if they are several.
        job: That measured it.
    """

    value: float | None = None
    best_of: int = 0
    job: str = ""


class Run:
    """A recipe at work in its directory.

    Args:
        recipe: What to do.
        directory: Where everything is written; it exists.
        progress: What a person sees meanwhile.

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
        self.search_stopped = ""
        self.champion: Individual | None = None
        self.confirmed = Confirmed()
        self.refits: Refits = ()  # what the fitness of the search was refitted to so far
        self.executor = make_executor(self.workplace, self.meter)
        self.contest = Contest(self)
        self._claim()
        self._note_prepared()

    def execute(self, only: Only | None = None) -> None:
        """All phases in their order, or the baselines alone.

        Raises:
            RunFailed: Nothing valid is left.
            KeyboardInterrupt: Rows so far are saved.
        """
        set_threads(self.recipe.execution.threads)
        try:
            if only is None:
                self._search()
                self._confirm()
            else:
                self._restore()
            for name, _ in self.parts.named_baselines():
                self.contest.enter_baseline(name)
            if only is None:
                self.contest.enter_champion()
                self.contest.decide()
        finally:
            self.ledger.flush()

    def close(self) -> None:
        """Commit what is open, let go of the ledger and end the workers."""
        try:
            self.ledger.close()
        finally:
            self.executor.close()

    def measure(
        self, phase: str, genome: Any, job: str = SEARCH, batch: int | None = None, refits: Refits = ()
    ) -> LedgeredMeasure:
        """The door for one phase, which measures one job."""
        batch, jobs = self.recipe.execution.batch if batch is None else batch, self.workplace
        fitness = jobs.job(job, refits).fitness
        return LedgeredMeasure(
            phase, genome, fitness, self.ledger, self.executor, batch, self.progress, job, refits, jobs
        )

    @contextmanager
    def costed(self, phase: str) -> Iterator[None]:
        """Add what the block takes, overheads included, to the phase's cost."""
        with peak_memory() as memory, self.meter.measure() as reading:
            yield
        self.ledger.add_cost(phase, Cost.of(reading, memory.peak_bytes))
        self.ledger.flush()

    def run_to_work(self, phase: str, name: str, limit: int) -> tuple[Individual | None, Confirmed, Refits]:
        """Let a control spend ``limit`` units of measured work: its best, its value on fresh data, and its refits.

        A search measures its individuals at full budget and stays within the limit; the search of a varied recipe
        screens as that recipe says and ends with the generation in which it reaches the limit. A resumed control
        starts over and is answered from its rows. Its champion is confirmed like that of the run.

        Returns:
            None first if all failed; without ``confirm`` there is no value on fresh data.
        """
        part = self.workplace.baseline(name)
        varied = isinstance(part, Parts)
        parts, search = (part, part.search) if varied else (self.parts, part)
        measure = self.measure(phase, parts.genome, of_control(SEARCH, name, part))
        each, idle = 0 if varied else measure.budgets[-1], 0
        while measure.work + max(each, 1) <= limit and not search.done and idle < IDLE_STEPS:
            before = measure.work
            with self.costed(phase):
                if varied:
                    search.step(measure)
                else:
                    measure.generation = search.generation
                    individuals = search.ask()[: (limit - measure.work) // each]
                    measure.born(individuals)
                    measure(individuals)
                    search.tell(individuals)
            idle = idle + 1 if measure.work == before else 0
        self._show_best(search)
        if not search.hall_of_fame():
            return None, Confirmed(), measure.refits
        jobs = of_control(FRESH, name, part), of_control(AGAIN, name, part)
        fresh = self._as_fresh_as_ours(measure.refits)
        best, confirmed = self._confirmed(search, parts, f"{phase}/confirm", jobs, fresh)
        return best, confirmed, measure.refits

    def _as_fresh_as_ours(self, refits: Refits) -> Refits:
        """Refits of a control, and renewals that it lacks: its champion is confirmed on what confirms the run's."""
        return (*refits, *[RENEWED] * (self.refits.count(RENEWED) - refits.count(RENEWED)))

    def _claim(self) -> None:
        """Write down whose run this is, or refuse to go on with another's."""
        now, then = identity(self.recipe, self.parts.context.data_digest), self.ledger.meta("identity")
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

    def _search(self) -> None:
        search, measure = self.parts.search, self._restore()
        self._cut_metrics(search.generation)
        self.progress.phase("Search")
        horizon = getattr(search, "horizon", None)
        began, first = time.monotonic(), search.generation
        save_at = began + CHECKPOINT_EVERY_S
        while not (reason := self._stop(search, measure)):
            self.progress.generation(search.generation + 1, horizon)
            try:
                before = search.generation
                with self.costed("search"):
                    search.step(measure)
                self._refuse_invented(search, measure, before)
            finally:
                self.refits = measure.refits
            if not search.hall_of_fame() and (search.done or getattr(search, "breeds", True)):
                raise RunFailed(f"nothing valid is left after generation {search.generation}: {self._why_failed()}")
            self._note_metrics(search)
            each = (time.monotonic() - began) / (search.generation - first)
            self._show_best(search, None if horizon is None else each * (horizon - search.generation))
            if time.monotonic() >= save_at:
                save_at = self._save(search, measure)
        self._save(search, measure)
        self.search_stopped = reason
        self.champion = search.best()
        self.progress.note(f"Search stopped after {search.generation} generations: {reason}")

    def _refuse_invented(self, search: Search, measure: LedgeredMeasure, before: int) -> None:
        """What a search goes on with is what was measured (C1)."""
        if search.generation != before + 1:
            told = f"{culprit(search, 'step')} leaves generation at {search.generation} after {before}"
            raise ContractError(f"{told}; set measure.generation to it, ask, measure, tell, and add 1")
        # Of a search with a job of its own the individuals are put together from what shards measured.
        for one in () if hasattr(search, "job") else (*search.population, *search.hall_of_fame()):
            if one.fitness.valid and not measure.measured_so(one):
                raise ContractError(
                    f"{culprit(search, 'step')} gives {one.key[:8]} a fitness of {list(one.fitness.values)}, which was"
                    " not measured; let measure alone set fitness"
                )

    def _restore(self) -> LedgeredMeasure:
        """Bring the search to its last checkpoint, and the door to the rows that it covers."""
        measure = self.measure("search", self.parts.genome)
        if (state := load_checkpoint(self.directory.checkpoints)) is not None:
            self.parts.search.load_state_dict(state["search"])
            measure.load_state_dict(state["measure"], self.weights)
        self.refits = measure.refits
        return measure

    def _stop(self, search: Search, measure: LedgeredMeasure) -> str:
        """Why the search ends before its next generation; empty if it goes on."""
        stop = self.recipe.stop
        # A stop by the clock is the one decision that a resume could not repeat, so it is written down.
        if (ended := self.ledger.meta("stopped_by_clock")) and ended["limit"] == stop.seconds:
            return str(ended["reason"]) if search.generation >= ended["generation"] else ""
        spent = self.ledger.costs().get("search", Cost.none()).wall_s
        reason = stop_reason(stop, search.logbook, measure.work, spent, self.goal)
        if reason and stop.seconds is not None and spent >= stop.seconds:
            ended = {"limit": stop.seconds, "generation": search.generation, "reason": reason}
            self.ledger.set_meta("stopped_by_clock", ended)
        return reason or ("the horizon is reached" if search.done else "")

    def _confirm(self) -> None:
        if self.recipe.confirm is None:
            return
        self.progress.phase("Confirm")
        self.champion, self.confirmed = self._confirmed(
            self.parts.search, self.parts, "confirm", (FRESH, AGAIN), self.refits
        )
        self.progress.best(self.confirmed.value, f"{self.objective} on fresh data", self.goal)

    def _confirmed(
        self, search: Search, parts: Parts, phase: str, jobs: tuple[str, str], refits: Refits
    ) -> tuple[Individual, Confirmed]:
        """Of a search's best, the one that is best on fresh data; without that the best.

        The value that chose it is the best of several and flatters it. So it is measured once more, on what the choice
        did not see either, if the fitness has so much.

        Args:
            search: At its end.
            parts: That it was made of.
            phase: Prefix of the rows.
            jobs: For the choice, and for the value of the chosen one.
            refits: What the fitness was refitted to.
        """
        hall = search.hall_of_fame()
        if self.recipe.confirm is None:
            return hall[0], Confirmed()
        phase = f"{phase}/{search.generation}"  # an extended search confirms others
        valid = self._measured_on(jobs[0], phase, parts.genome, hall[: self.recipe.confirm.top], refits)
        if not valid:
            return hall[0], Confirmed()
        best = next(one for one in hall if one.key == valid[0].key)
        again = []
        if len(valid) > 1 and parts.fresh_again() is not None:
            again = self._measured_on(jobs[1], f"{phase}/{AGAIN}", parts.genome, [best], refits)
        if again:
            return best, Confirmed(again[0].fitness.values[0], 1, AGAIN)
        return best, Confirmed(valid[0].fitness.values[0], len(valid), FRESH)

    def _measured_on(
        self, job: str, phase: str, genome: Any, individuals: Sequence[Individual], refits: Refits
    ) -> list[Individual]:
        """Copies with their values in another job, best first, without those that failed."""
        copies = [replace(one, fitness=Score(self.weights)) for one in individuals]
        measure = self.measure(phase, genome, job, refits=refits)
        with self.costed(phase):
            measure(copies)
        return [one for one in ranked(copies) if one.fitness.valid]

    def _save(self, search: Search, measure: LedgeredMeasure) -> float:
        """Write a checkpoint; returns when the next is due, so late that they take a small share of the time.

        A state grows with the generations, and a run that is killed before the next repeats steps that have their rows.
        """
        began = time.monotonic()
        refuse_changed(self.parts.genome, [*search.hall_of_fame(), *search.front(), *search.population])
        self.ledger.flush()
        state = {"search": search.state_dict(), "measure": measure.state_dict()}
        save_checkpoint(self.directory.checkpoints, search.generation, state)
        ended = time.monotonic()
        return ended + max(CHECKPOINT_EVERY_S, (ended - began) / CHECKPOINT_SHARE)

    def _show_best(self, search: Search, seconds_left: float | None = None) -> None:
        hall = search.hall_of_fame()
        self.progress.best(hall[0].fitness.values[0] if hall else None, self.objective, self.goal)
        costs = self.ledger.costs()
        counts = Counter[str]()
        for phase in costs:
            counts.update(self.ledger.counts(phase))
        spent = sum(costs.values(), Cost.none())
        joules, estimated_j = spent.energy_j, spent.estimated_j
        self.progress.totals(
            Totals(counts["measured"], counts["cached"], counts["predicted"], joules, estimated_j, seconds_left)
        )

    def _note_metrics(self, search: Search) -> None:
        record = search.logbook[-1] | {"evaluations": self.ledger.counts("search")}
        with self.directory.metrics.open("a") as file:
            file.write(json_text(record) + "\n")

    def _cut_metrics(self, generation: int) -> None:
        """Drop the lines of generations that a resumed run is about to repeat."""
        if self.directory.metrics.exists():
            lines = self.directory.metrics.read_text().splitlines(keepends=True)
            write_atomically(self.directory.metrics, "".join(lines[:generation]).encode())

    def _why_failed(self) -> str:
        failed = [row.evaluation for row in self.ledger.rows("search") if not row.evaluation.ok]
        return f"all {len(failed)} individuals failed, the last one {failed[-1].outcome}: {failed[-1].message}"
