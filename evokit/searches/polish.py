"""One search, and then another from its best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Annotated, Any, ClassVar

from evokit.components.nested import Nested
from evokit.genomes.individuals import weights_of
from evokit.interfaces import Context, Individual, Measure
from evokit.options import Count
from evokit.searches.nesting import nested
from evokit.searches.stepping import AskTell


@dataclass(frozen=True)
class Polish:
    """A ``search``, and when that has ended a local one from its best.

    Evolution comes near an optimum fast and the rest of the way slowly. The last part of the work is better spent on a
    local search, which also shows that no single change of the champion would have been better.

    ``then`` begins when the first search has reached its own end; or after ``patience`` generations without a new best;
    or once ``after_work`` units of work are spent: with ``stop.work`` say here how much of it is the first one's. It
    begins with the best that was found as its ``init``; left out, it is coordinate descent without restarts, on real
    numbers compass search, and the whole ends where nothing is better.

    Source: Moscato 1989, "On Evolution, Search, Optimization, Genetic Algorithms and Martial Arts: Towards Memetic
    Algorithms".
    """

    search: Annotated[Mapping[str, Any], Nested("search")]
    then: Annotated[Mapping[str, Any], Nested("search")] = field(
        default_factory=lambda: {"name": "coordinate_descent", "restarts": False}
    )
    patience: Count | None = None
    after_work: Count | None = None

    reads: ClassVar[frozenset[str]] = frozenset({"init"})  # and what its searches read

    def build(self, context: Context) -> Polisher:
        return Polisher(self, context)


class Polisher(AskTell):
    """A generation is one of the search whose turn it is."""

    def __init__(self, options: Polish, context: Context) -> None:
        super().__init__(context.genome, weights_of(context.fitness.objectives), None, context.screens)
        self._options, self._context = options, context
        self._begun_at: Any = None  # the genes that the second search began at
        first = self._turn = self._built(options.search, "first", context.init)
        then = self._built(options.then, "then", [])  # what it refuses is told before the first one has run
        if first.endless and options.patience is None and options.after_work is None:
            name = options.search.name  # type: ignore[attr-defined]  # a Section by now
            raise ValueError(f"{name} has no end: give it generations, or say patience or after_work")
        self._endless = then.endless
        if first.horizon is not None and then.horizon is not None:
            self.horizon = first.horizon + then.horizon

    def _built(self, section: Any, stage: str, init: Sequence[Any]) -> AskTell:
        search = nested(section, self._context, "polish", stage, init=init)
        search.share_known(self.archive.known)  # what one has tried the other need not
        return search

    def share_known(self, known: set[str]) -> None:
        super().share_known(known)
        self._turn.share_known(known)

    @property
    def done(self) -> bool:
        return self._turn.done

    @property
    def endless(self) -> bool:
        return self._endless

    def ask(self) -> list[Individual]:
        return self._turn.ask()

    def tell(self, individuals: Sequence[Individual]) -> None:
        self._turn.tell(individuals)
        self.population = list(self._turn.population)
        self.archive.add(self.generation, individuals, self.population)
        self.generation += 1
        patience = self._options.patience
        if self._turn.done or (patience is not None and self._idle >= patience):
            self._go_on()

    def step(self, measure: Measure) -> None:
        """One generation, as in ``AskTell``; the turn passes also by the work that is spent."""
        super().step(measure)
        after = self._options.after_work
        if after is not None and measure.work >= after:
            self._go_on()

    def exempt(self, offspring: Sequence[Individual]) -> list[Individual]:
        return self._turn.exempt(offspring)

    @property
    def _idle(self) -> int:
        """Generations since the last with a new best, while nobody is feasible with a lesser violation."""
        bests = list(zip(*self.logbook.select("best", "violation"), strict=True))
        return sum(1 for _ in takewhile(lambda best: best == bests[-1], reversed(bests))) - 1

    def _go_on(self) -> None:
        """Let the second search begin, if it has not and there is somebody to begin with."""
        if self._begun_at is None and self.archive.hall:
            self._begin_at(self.best().genes)

    def _begin_at(self, genes: Any) -> None:
        self._begun_at, self._turn = genes, self._built(self._options.then, "then", [genes])

    def state_dict(self) -> dict[str, Any]:
        begun_at = None if self._begun_at is None else self._genome.to_json(self._begun_at)
        return super().state_dict() | {"turn": self._turn.state_dict(), "begun_at": begun_at}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        if state["begun_at"] is not None:
            self._begin_at(self._genome.from_json(state["begun_at"]))
        self._turn.load_state_dict(state["turn"])
        self._turn.share_known(self.archive.known)
