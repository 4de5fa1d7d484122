"""One run of a recipe: search, confirm, baselines, final. Each phase resumes where its rows in the ledger end."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any, Literal

from evokit.assembly.directory import RunDirectory
from evokit.assembly.jobs import AGAIN, FRESH, Refits
from evokit.assembly.parts import Parts
from evokit.common.cores import set_threads
from evokit.common.files import write_atomically
from evokit.common.json_text import json_text
from evokit.contracts.blame import ContractError, culprit
from evokit.energy import Cost
from evokit.errors import RunFailed
from evokit.genomes.individuals import refuse_changed
from evokit.interfaces import Individual, Search, work_unit
from evokit.measuring.measure import LedgeredMeasure
from evokit.progress import Progress
from evokit.recipe.schema import Recipe
from evokit.runs.checkpoint import load_checkpoint, save_checkpoint
from evokit.runs.confirming import Confirmed, confirm
from evokit.runs.contest import Contest
from evokit.runs.resources import Resources
from evokit.runs.stopping import IDLE, n_new, stop_reason
from evokit.runs.telling import Telling

log = logging.getLogger("evokit")

CHECKPOINT_EVERY_S = 5.0
CHECKPOINT_SHARE = 0.02  # of the time of a search that its checkpoints take at most

Only = Literal["baselines"]


class Run(Resources):
    """A recipe at work in its directory; errors are those of ``Resources``.

    Args:
        recipe, directory, progress, parts: As of ``Resources``.
        callbacks: Told how it goes, beside those that recipe and plugins name.
    """

    def __init__(
        self,
        recipe: Recipe,
        directory: RunDirectory,
        progress: Progress,
        parts: Parts | None = None,
        callbacks: Sequence[Any] = (),
    ) -> None:
        super().__init__(recipe, directory, progress, parts)
        self.telling = Telling(self, callbacks)
        self.search_stopped = ""
        self.champion: Individual | None = None
        self.confirmed = Confirmed()
        self.refits: Refits = ()  # what the fitness of the search was refitted to so far
        self.contest = Contest(self)
        self._new_at = 0  # the last generation that asked for anything new

    def execute(self, only: Only | None = None) -> None:
        """All phases in their order, or the baselines alone.

        Raises:
            RunFailed: Nothing valid is left.
            KeyboardInterrupt: Rows so far are saved.
        """
        set_threads(self.recipe.execution.threads)
        try:
            if only is None:
                if self.recipe.stop.seconds is None:  # else the search has its time with all workers
                    self.contest.begin_beside()
                self._search()
                self._confirm()
            else:
                self._restore()
            self.contest.enter(self.champion, self.refits)
            self.contest.inspect()
            if only is None:
                self.contest.decide()
        finally:
            self.ledger.flush()

    def _search(self) -> None:
        search, measure = self.parts.search, self._restore()
        self.telling.begin(search)
        self._cut_metrics(search.generation)
        self.progress.phase("Search")
        if there := self.ledger.counts("search")["measured"]:
            self.progress.note(
                f"Going on after generation {search.generation}; {there:,} measurements are not repeated"
            )
        if chosen := getattr(search, "chosen", ""):
            self.progress.note(chosen)
        horizon = getattr(search, "horizon", None)
        began, first = time.monotonic(), search.generation
        save_at = began + CHECKPOINT_EVERY_S
        while not (reason := self._stop(search, measure)):
            self.progress.generation(search.generation + 1, horizon)
            try:
                before, new = search.generation, n_new(measure.tally)
                with self.costed("search"):
                    search.step(measure)
                if n_new(measure.tally) > new:
                    self._new_at = search.generation
                self._refuse_invented(search, measure, before)
            finally:
                self.refits = measure.refits
            if not search.hall_of_fame() and (search.done or getattr(search, "breeds", True)):
                raise self._without_any(search)
            self.telling.generation(search, self._note_metrics(search, measure), measure.work)
            each = (time.monotonic() - began) / (search.generation - first)
            self.show_best(search, None if horizon is None else each * (horizon - search.generation))
            if time.monotonic() >= save_at:
                save_at = self._save(search, measure)
        self._save(search, measure)
        self.search_stopped = reason
        if not search.hall_of_fame():
            raise self._without_any(search)
        self.champion = search.best()
        self.progress.note(f"Search stopped after {search.generation} generations: {reason}")

    def _without_any(self, search: Search) -> RunFailed:
        return RunFailed(f"nothing valid is left after generation {search.generation}: {self._why_failed()}")

    def _refuse_invented(self, search: Search, measure: LedgeredMeasure, before: int) -> None:
        """What a search goes on with is what was measured (C1)."""
        if search.generation != before + 1:
            told = f"{culprit(search, 'step')} leaves generation at {search.generation} after {before}"
            raise ContractError(f"{told}; set measure.generation to it, ask, measure, tell, and add 1")
        if hasattr(search, "job"):
            return  # whose individuals are put together from what shards measured
        if invented := measure.invented([*search.population, *search.hall_of_fame()]):
            one = invented[0]
            raise ContractError(
                f"{culprit(search, 'step')} gives {one.key[:8]} a fitness of {list(one.fitness.values)}, which was"
                " not measured; let measure alone set fitness"
            )

    def _restore(self) -> LedgeredMeasure:
        """Bring the search to its last checkpoint, and the door to the rows that it covers."""
        measure = self.measure("search", self.parts.genome, tell=self.telling.row)
        if (state := load_checkpoint(self.directory.checkpoints)) is not None:
            self.parts.search.load_state_dict(state["search"])
            measure.load_state_dict(state["measure"], self.weights)
            self._new_at = state.get("new_at", self.parts.search.generation)
        self.refits = measure.refits
        return measure

    def _stop(self, search: Search, measure: LedgeredMeasure) -> str:
        """Why the search ends before its next generation; empty if it goes on."""
        stop = self.recipe.stop
        # A stop by the clock is the one decision that a resume could not repeat, so it is written down.
        if (ended := self.ledger.meta("stopped_by_clock")) and ended["limit"] == stop.seconds:
            return str(ended["reason"]) if search.generation >= ended["generation"] else ""
        spent = self.ledger.costs().get("search", Cost.none()).wall_s
        if asked := self.telling.stop(search):
            return asked
        reason = stop_reason(stop, search.logbook, measure.work, spent, self.goal, work_unit(self.parts.fitness))
        idle = search.generation - self._new_at
        if reason is None and idle >= IDLE:
            reason = f"nothing that {idle} generations asked for was new"
        if reason and stop.seconds is not None and spent >= stop.seconds:
            ended = {"limit": stop.seconds, "generation": search.generation, "reason": reason}
            self.ledger.set_meta("stopped_by_clock", ended)
        if reason:
            return reason
        if not search.done:
            return ""
        horizon = getattr(search, "horizon", None)
        reached = horizon is not None and search.generation >= horizon
        return "the horizon is reached" if reached else "the search has nothing left to try"

    def _confirm(self) -> None:
        if self.recipe.confirm is None:
            return
        self.progress.phase("Confirm")
        self.champion, self.confirmed = confirm(
            self, self.parts.search, self.parts, "confirm", (FRESH, AGAIN), self.refits
        )
        self.progress.best(self.confirmed.value, f"{self.objective}, measured afresh", self.goal)

    def _save(self, search: Search, measure: LedgeredMeasure) -> float:
        """Write a checkpoint; returns when the next is due, so late that they take a small share of the time.

        A state grows with the generations, and a run that is killed before the next repeats steps that have their rows.
        """
        began = time.monotonic()
        refuse_changed(self.parts.genome, [*search.hall_of_fame(), *search.front(), *search.population])
        self.ledger.flush()
        state = {"search": search.state_dict(), "measure": measure.state_dict(), "new_at": self._new_at}
        save_checkpoint(self.directory.checkpoints, search.generation, state)
        ended = time.monotonic()
        return ended + max(CHECKPOINT_EVERY_S, (ended - began) / CHECKPOINT_SHARE)

    def _note_metrics(self, search: Search, measure: LedgeredMeasure) -> dict[str, Any]:
        record = search.logbook[-1] | {"evaluations": measure.tally.counts()}
        with self.directory.metrics.open("a") as file:
            file.write(json_text(record) + "\n")
        return dict(record)

    def _cut_metrics(self, generation: int) -> None:
        """Drop the lines of generations that a resumed run is about to repeat."""
        if self.directory.metrics.exists():
            lines = self.directory.metrics.read_bytes().splitlines(keepends=True)
            write_atomically(self.directory.metrics, b"".join(lines[:generation]))

    def _why_failed(self) -> str:
        failed = [row.evaluation for row in self.ledger.rows("search") if not row.evaluation.ok]
        return f"all {len(failed)} individuals failed, the last one {failed[-1].outcome}: {failed[-1].message}"
