"""The one door through which anything is measured: cache, ledger, execution, progress (C1, C4, C5)."""

from __future__ import annotations

import itertools
import json
import logging
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from evokit.assembly.jobs import RENEWED, SEARCH, Jobs, Refits
from evokit.energy import Cost
from evokit.errors import RunFailed, UserError
from evokit.genomes.individuals import refuse_changed
from evokit.interfaces import Evaluation, Fitness, Individual, Score
from evokit.measuring.execution import Task
from evokit.measuring.executors import Executor
from evokit.measuring.functional import Function, Functions
from evokit.measuring.ledger import Ledger, Row, Tally
from evokit.measuring.pace import Pace

log = logging.getLogger("evokit")

NEW = ("measured", "reused")  # sources of values that an individual did not have before
WRITE_EVERY_S = 0.02  # at most; rows of quick evaluations are written together
CHECKED = 3  # generations whose genes are compared with their keys: whoever changes them does so from the beginning


class EvaluationProgress(Protocol):
    """What Measure tells the display."""

    def evaluated(self, done: int, total: int, measured: int, cached: int, seconds_left: float | None) -> None: ...

    def pace(self, work_per_s: float, busy: float, unit: str) -> None: ...


class LedgeredMeasure:
    """Measures individuals of one phase of a run.

    Every answer is a slot: the n-th thing asked for in its phase, with a row in the ledger. A resumed run asks for the
    same things in the same order, so a slot that has its row is answered from it and only the missing ones are
    evaluated. Within a phase a known (context, key, budget) is never evaluated twice. Of individuals that do the same,
    by the fingerprints of a fitness that has them, one is evaluated; but not of those that ``each`` measures, which are
    made while others are measured.

    Args:
        phase: Names the rows: ``search``, ``confirm``, ``baseline/adamw``, ...
        genome: ``to_json`` and ``from_json`` for the ledger.
        fitness: Budgets, context and objectives.
        ledger: Where rows go.
        executor: Evaluates what is not known.
        batch: Individuals that are handed to a worker together, or more if the fitness says so; never dependent on how
            many workers there are.
        progress: Told about every batch.
        job: What the executor is asked to do; its fitness is ``fitness``.
        refits: What ``fitness`` was refitted to.
        jobs: Where refitted fitnesses come from, for searches that alternate.
        tell: Told of each row that was measured, in their order, with the genes, and whether it was there before.
        work_unit: What work counts, for the display.
    """

    def __init__(
        self,
        phase: str,
        genome: Any,
        fitness: Fitness,
        ledger: Ledger,
        executor: Executor,
        batch: int,
        progress: EvaluationProgress,
        job: str = SEARCH,
        refits: Refits = (),
        jobs: Jobs | None = None,
        functional: bool = True,
        tell: Callable[[Row, Any, bool], None] | None = None,
        work_unit: str = "",
    ) -> None:
        self.generation = 0
        self.refits = refits
        self.tally = Tally()  # of the slots that were asked for, those of a resumed run that it has yet to repeat not
        self._phase, self._genome, self._fitness, self._job = phase, genome, fitness, job
        self._context = fitness.context
        self._jobs, self._functional, self._tell, self._work_unit = jobs, functional, tell, work_unit
        self._by_hand = getattr(fitness, "by_hand", False)
        self._ledger, self._executor, self._progress = ledger, executor, progress
        self._batch = max(batch, getattr(fitness, "batch", 1))
        self._next = self._peak = 0
        self._answered: dict[int, Row] = {row.seq: row for row in ledger.rows(phase)}
        self._cache: defaultdict[tuple[str, int], dict[str, Evaluation]] = defaultdict(dict)  # by context and budget
        # Who was ok at full budget, in order of measurement; generation and context change with every key.
        self._history: defaultdict[tuple[int, str], list[Individual]] = defaultdict(list)
        self._pace = Pace()
        self._began: float | None = None  # by the clock, when something was first measured
        self._functions = Functions()
        self._fingerprints = ledger.fingerprints(phase)  # by (context, key)

    @property
    def work(self) -> int:
        """Counted work that was really spent."""
        return self.tally.work

    @property
    def budgets(self) -> Sequence[int]:
        return self._fitness.budgets

    def __call__(self, individuals: Sequence[Individual], budget: int | None = None) -> list[Evaluation]:
        """Measure, in order. Sets ``fitness`` and ``metrics`` only at full budget and only when ok (C1).

        A failure at any budget takes the prediction away: it was wrong, and must not stand for the individual (C6).

        Raises:
            ValueError: ``budget`` is not one of the fitness's.
            RunFailed: The ledger holds something else in one of these slots.
        """
        budget = self.budgets[-1] if budget is None else budget
        if budget not in self.budgets:
            raise ValueError(f"budget {budget} is not one of {list(self.budgets)}")
        first, self._next = self._next, self._next + len(individuals)
        started, n_measured = self._begun(), 0

        if self.generation < CHECKED:
            refuse_changed(self._genome, individuals)
        known = self._cache[self._context, budget]
        answers: dict[int, Evaluation] = {}  # by position
        if self._answered:
            for position, one in enumerate(individuals):
                if row := self._answered.get(first + position):
                    self._expect(row, one.key, budget)
                    answers[position] = row.evaluation
                    known.setdefault(one.key, row.evaluation)
                    self._note_function(row)
                    self._told(row, one.genes, True)
        pending: dict[str, int] = {}  # key -> position of the first that asks
        for position, one in enumerate(individuals):
            if one.key not in known:
                pending.setdefault(one.key, position)

        everybody = list(pending.values())
        self._take_fingerprints([individuals[position] for position in everybody])
        positions, same = self._split([(position, individuals[position].key) for position in everybody], budget)
        n_cached = len(individuals) - len(everybody)

        def evaluate(positions: Sequence[int]) -> None:
            nonlocal n_measured
            batches = [positions[i : i + self._batch] for i in range(0, len(positions), self._batch)]
            genes = ([individuals[position].genes for position in batch] for batch in batches)
            tasks = (self._kept_before(Task(some, budget, self._job, self.refits)) for some in genes)
            rows: list[tuple[Row, Any]] = []  # with the genes that they are of
            now = written = time.monotonic()
            try:
                for batch, evaluations in zip(batches, self._executor.map(tasks), strict=True):
                    for position, evaluation in zip(batch, evaluations, strict=True):
                        one = individuals[position]
                        answers[position] = known[one.key] = evaluation
                        rows.append((self._row(first + position, one.key, budget, evaluation), one.genes))
                    self._note_peak(evaluations)
                    n_measured += len(batch)
                    now = time.monotonic()
                    left = (now - started) / n_measured * (len(everybody) - n_measured)
                    self._progress.evaluated(n_measured + n_cached, len(individuals), n_measured, n_cached, left)
                    self._tell_pace(evaluations, now)
                    if now - written >= WRITE_EVERY_S or self._by_hand:
                        written = now
                        self._write(rows)
            finally:
                self._write(rows)

        evaluate(positions)
        late = []
        for position, function in same.items():
            if self._functions.failed(function):
                late.append(position)
                continue
            key, evaluation = individuals[position].key, self._functions.values(function)
            answers[position] = known[key] = evaluation
            self._ledger.add([self._row(first + position, key, budget, evaluation)])
        evaluate(late)
        again = [position for position in range(len(individuals)) if position not in answers]
        if again:
            answers |= {position: _cached(known[individuals[position].key]) for position in again}
            rows = (
                self._row(first + position, individuals[position].key, budget, answers[position]) for position in again
            )
            self._ledger.add(list(rows))
        evaluations = [answers[position] for position in range(len(individuals))]
        self._settle(individuals, evaluations, budget)
        return evaluations

    def _begun(self) -> float:
        """Now; of the first time it is remembered."""
        now = time.monotonic()
        self._began = now if self._began is None else self._began
        return now

    def _tell_pace(self, evaluations: Sequence[Evaluation], now: float) -> None:
        assert self._began is not None  # by whoever measures
        self._progress.pace(*self._pace.after(evaluations, now - self._began), self._work_unit)

    def _write(self, rows: list[tuple[Row, Any]]) -> None:
        """Write down what was measured and of which genes, and tell of it; empties the list."""
        written = list(rows)
        if written:
            self._ledger.add([row for row, _ in written])
        rows.clear()  # before anybody is told, who may end the run
        if self._fingerprints or self._tell is not None:
            for row, genes in written:
                self._note_function(row)
                self._told(row, genes)

    def _kept_before(self, task: Task) -> Task:
        """Somebody who measures by hand may take days, and nothing that was told may be lost meanwhile (C5)."""
        if self._by_hand:
            self._ledger.flush()
        return task

    def each(self, individuals: Iterable[Individual | None], n: int) -> Iterator[Individual]:
        """Measure individuals at full budget that are made while others are measured.

        Args:
            individuals: Taken one by one as workers get free. None says that the next cannot be made before another
                came back, and is asked again.
            n: How many there will be, for the display.

        Yields:
            Each as soon as it and all before it are measured, with what ``__call__`` sets.
        """
        budget = self.budgets[-1]
        waiting: deque[tuple[int, Individual]] = deque()  # asked for and not yet back, in their order
        begun: dict[str, tuple[int, Any]] = {}  # keys that workers have, in their order; slots to fill, and genes
        known, answered = self._cache[self._context, budget], dict[int, Evaluation]()  # of slots that have their row

        def tasks() -> Iterator[Task | None]:
            for one in individuals:
                if one is None:
                    yield None
                    continue
                slot, self._next = self._next, self._next + 1
                waiting.append((slot, one))
                if self.generation < CHECKED:
                    refuse_changed(self._genome, [one])
                if row := self._answered.get(slot):
                    self._expect(row, one.key, budget)
                    known.setdefault(one.key, row.evaluation)
                    answered[slot] = row.evaluation
                    self._told(row, one.genes, True)
                if not self.knows(one.key) and one.key not in begun:
                    begun[one.key] = slot, one.genes
                    yield self._kept_before(Task([one.genes], budget, self._job, self.refits))

        answers = self._executor.map(tasks())
        started, fresh = self._begun(), set[int]()  # slots that were measured now
        done = n_measured = 0
        try:
            for answer in itertools.chain(answers, [[]]):  # who is known needs no answer
                self._tell_pace(answer, time.monotonic())
                for evaluation in answer:
                    key = next(iter(begun))
                    slot, genes = begun.pop(key)
                    fresh.add(slot)
                    answered[slot] = known[key] = evaluation
                    self._ledger.add([row := self._row(slot, key, budget, evaluation)])
                    self._note_peak([evaluation])
                    self._told(row, genes)
                while waiting and self.knows(waiting[0][1].key):
                    slot, one = waiting.popleft()
                    if slot not in answered:
                        answered[slot] = _cached(known[one.key])
                        self._ledger.add([self._row(slot, one.key, budget, answered[slot])])
                    self._settle([one], [answered.pop(slot)], budget)
                    done, n_measured = done + 1, n_measured + (slot in fresh)
                    left = (time.monotonic() - started) / done * (n - done)
                    self._progress.evaluated(done, n, n_measured, done - n_measured, left)
                    yield one
        finally:
            getattr(answers, "close", lambda: None)()

    def predict(self, individuals: Sequence[Individual]) -> None:
        """Record that these were predicted and not measured: a row each, and then they are forgotten."""
        for one in individuals:
            slot, self._next = self._next, self._next + 1
            self.tally.add("predicted", True, 0)
            if slot in self._answered:
                self._expect(self._answered[slot], one.key, self.budgets[-1], predicted=True)
            else:
                assert one.predicted is not None
                values = one.predicted if isinstance(one.predicted, tuple) else (one.predicted,)
                evaluation = Evaluation(values=values, source="predicted")
                self._ledger.add([self._row(slot, one.key, self.budgets[-1], evaluation)])

    def refit(self, individual: Individual) -> bool:
        """From now on ask the fitness refitted to an individual, and write that down.

        Cached values stay with the context that they were measured in.

        Returns:
            Whether the context is another one; else nothing was changed.
        """
        return self._go_on_after(json.dumps(self._genome.to_json(individual.genes)), individual.key)

    def renew(self) -> bool:
        """From now on ask the fitness on fresh data or replicates, and write that down.

        Returns:
            Whether there were any; else nothing was changed.
        """
        try:
            return self._go_on_after(RENEWED, "")
        except UserError as error:
            log.warning("nobody is measured again from generation %d on: %s", self.generation, error)
            return False

    def _go_on_after(self, refit: str, key: str) -> bool:
        refits = (*self.refits, refit)
        fitness = self._after(refits)
        if fitness.context == self._context:
            return False
        self._ledger.add_refit(self._phase, len(self.refits), self.generation, key, fitness.context)
        self._fitness, self._context, self.refits = fitness, fitness.context, refits
        return True

    def born(self, individuals: Sequence[Individual], first: int = 0) -> None:
        genes = [self._genome.to_json(one.genes) for one in individuals]
        self._ledger.add_born(self._phase, self.generation, individuals, genes, first)

    def measured(self, before: int | None = None) -> list[Individual]:
        return [
            one
            for (generation, context), some in self._history.items()
            if context == self._context and (before is None or generation < before)
            for one in some
        ]

    def invented(self, individuals: Iterable[Individual]) -> list[Individual]:
        """Those with a fitness that is not what was measured at full budget in the present context."""
        known = self._cache[self._context, self.budgets[-1]]
        return [
            one
            for one in individuals
            if (score := one.fitness).wvalues
            and not (
                (found := known.get(one.key))
                and found.values == tuple(score.values)
                and found.constraints == score.constraints
            )
        ]

    def knows(self, key: str) -> bool:
        return key in self._cache[self._context, self.budgets[-1]]

    def state_dict(self) -> dict[str, Any]:
        """How many slots were used and what the fitness was refitted to; the rest is in the ledger."""
        return {"next": self._next, "refits": list(self.refits)}

    def load_state_dict(self, state: Mapping[str, Any], weights: tuple[float, ...]) -> None:
        """Take up after the slots that a checkpoint covers.

        Raises:
            RunFailed: The ledger misses one of them.
        """
        self.refits = tuple(state.get("refits", ()))
        if self.refits:
            self._fitness = self._after(self.refits)
            self._context = self._fitness.context
        genes = self._ledger.genes()
        for slot in range(state["next"]):
            row = self._answered.get(slot)
            if row is None:
                raise RunFailed(f"the ledger lacks row {slot} of phase {self._phase!r}, which the checkpoint counts on")
            self.tally.add(row.evaluation.source, row.evaluation.ok, row.evaluation.work)
            if row.evaluation.source == "predicted":
                continue
            self._cache[row.context, row.budget].setdefault(row.key, row.evaluation)
            self._note_function(row)
            if row.budget == self.budgets[-1] and row.evaluation.source in NEW and row.evaluation.ok:
                score = Score(weights, row.evaluation.values, row.evaluation.constraints)
                one = Individual(
                    self._genome.from_json(genes[row.key]),
                    row.key,
                    score,
                    cases=row.evaluation.cases,
                    metrics=row.evaluation.metrics,
                )
                self._history[row.generation, row.context].append(one)
        self._next = state["next"]

    def _after(self, refits: Refits) -> Fitness:
        if self._jobs is None:
            raise ValueError("this measure knows of no refitted fitness")
        return self._jobs.job(self._job, refits).fitness

    def _expect(self, row: Row, key: str, budget: int, predicted: bool = False) -> None:
        held = (row.key, row.budget, row.context, row.evaluation.source == "predicted")
        if held != (key, budget, self._context, predicted):
            raise RunFailed(
                f"row {row.seq} of phase {self._phase!r} holds {row.key[:8]} at {row.budget}, but {key[:8]} at {budget}"
                " is asked for: the code, the data or the machine changed since this run began"
            )

    def _take_fingerprints(self, individuals: Sequence[Individual]) -> None:
        """Have those taken that are not known, where individuals are measured, and write them down."""
        if not (self._functional and hasattr(self._fitness, "fingerprint")):
            return
        new = [one for one in individuals if (self._context, one.key) not in self._fingerprints]
        batches = [new[i : i + self._batch] for i in range(0, len(new), self._batch)]
        tasks = (Task([one.genes for one in some], 0, self._job, self.refits, fingerprints=True) for some in batches)
        for some, answers in zip(batches, self._executor.map(tasks), strict=True):
            found = {one.key: answer.message if answer.ok else "" for one, answer in zip(some, answers, strict=True)}
            self._ledger.add_fingerprints(self._phase, self._context, found)
            self._fingerprints |= {(self._context, key): text for key, text in found.items()}

    def _split(self, asked: Sequence[tuple[int, str]], budget: int) -> tuple[list[int], dict[int, Function]]:
        """Who is measured, and who does what another one does; positions, told with their keys."""
        checks, firsts = self._functions.checks_left(self._context, budget), set[Function]()
        measured: list[int] = []
        same: dict[int, Function] = {}
        for position, key in asked:
            function = self._function(self._context, key, budget)
            if function is None:
                measured.append(position)
            elif function not in firsts and not self._functions.known(function):
                firsts.add(function)
                measured.append(position)
            elif checks or self._functions.failed(function):
                checks = max(checks - 1, 0)
                measured.append(position)
            else:
                same[position] = function
        return measured, same

    def _function(self, context: str, key: str, budget: int) -> Function | None:
        fingerprint = self._fingerprints.get((context, key))
        return (context, fingerprint, budget) if fingerprint else None

    def _note_function(self, row: Row) -> None:
        """Remember what a measured individual does."""
        function = self._function(row.context, row.key, row.budget)
        if function is not None and row.evaluation.source == "measured":
            self._functions.note(function, row.key, row.evaluation)
            self._functions.refuse_false(function, row.evaluation, self._fitness)

    def _note_peak(self, evaluations: Sequence[Evaluation]) -> None:
        """Workers have memory of their own, which the run cannot see from outside."""
        peak = max([one.peak_memory_bytes for one in evaluations])
        if peak <= self._peak:
            return
        self._peak = peak
        self._ledger.add_cost(self._phase, replace(Cost.none(), peak_memory_bytes=peak))

    def _told(self, row: Row, genes: Any, before: bool = False) -> None:
        """Tell who listens of a row that was measured."""
        if self._tell is not None and row.evaluation.source == "measured":
            self._tell(row, genes, before)

    def _row(self, slot: int, key: str, budget: int, evaluation: Evaluation) -> Row:
        """The answer of a slot, for the ledger."""
        return Row(self._phase, slot, self.generation, key, self._context, budget, evaluation)

    def _settle(self, individuals: Sequence[Individual], evaluations: Sequence[Evaluation], budget: int) -> None:
        """Give individuals the answers of their slots."""
        self.tally.take(evaluations)
        full, measured = budget == self.budgets[-1], self._history[self.generation, self._context]
        for one, evaluation in zip(individuals, evaluations, strict=True):
            if not evaluation.ok:
                one.predicted = None
            elif full:
                one.fitness.values = evaluation.values
                if evaluation.constraints:
                    one.fitness.hold(evaluation.values, evaluation.constraints)
                one.cases, one.metrics = evaluation.cases, evaluation.metrics
                if evaluation.source in NEW:
                    measured.append(one)


def _cached(known: Evaluation) -> Evaluation:
    """The answer of a slot that points at a value known before."""
    return replace(known, source="cached", work=0, wall_s=0.0, cpu_s=0.0, energy_j=0.0, estimated_j=0.0)
