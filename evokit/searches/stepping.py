"""What searches that ask and tell have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from deap import tools

from evokit.genomes.individuals import make_individual
from evokit.interfaces import Individual, Measure, Score, Screen
from evokit.searches.archive import Archive, dump_individuals, load_individuals, only_ok


def refuse_without_fresh(fitness: Any) -> None:
    """Raises ``ValueError`` if a search is to measure anybody again and the fitness has nothing fresh for that."""
    if not hasattr(fitness, "fresh"):
        raise ValueError("reevaluate: the fitness has no fresh data or replicates to measure anybody again on")


class AskTell(ABC):
    """A search with an archive; what is left to write is ``ask`` and ``tell``.

    Args:
        genome: What individuals are made of.
        weights: -1 per objective to minimise, +1 to maximise.
        horizon: Generations until the search is done, or None for no end of its own.
        screens: Decide which offspring are measured.
        refit_every: Generations between refits of the fitness to the best individual; None for no refits.
        reevaluate: Generations after which whoever survives is measured again on fresh data; None for never.
    """

    # Whether it can be part of another search, which asks and tells it, though it has a step of its own.
    nestable: ClassVar[bool] = False

    def __init__(
        self,
        genome: Any,
        weights: tuple[float, ...],
        horizon: int | None,
        screens: Sequence[Screen] = (),
        refit_every: int | None = None,
        reevaluate: int | None = None,
    ) -> None:
        self.generation = 0
        self.chosen = ""  # by ``auto``, and why
        self.population: list[Individual] = []
        self.archive = Archive(genome, weights)
        self.horizon, self.screens = horizon, screens
        self.screened = bool(screens)  # as a part of another search, whether it has to do with that one's
        self._genome, self._weights = genome, weights
        self._refit_every, self._reevaluate = refit_every, reevaluate

    @property
    def done(self) -> bool:
        return self.horizon is not None and self.generation >= self.horizon

    @property
    def endless(self) -> bool:
        """Whether it would go on for ever."""
        return self.horizon is None

    @property
    def logbook(self) -> tools.Logbook:
        return self.archive.logbook

    @abstractmethod
    def ask(self) -> list[Individual]:
        """The next generation's new individuals, none of them measured. Asked again, it answers the same."""

    @abstractmethod
    def tell(self, individuals: Sequence[Individual]) -> None:
        """Take what ``ask`` gave back, measured or not."""

    def exempt(self, offspring: Sequence[Individual]) -> list[Individual]:
        """Those of its offspring that no screen may drop."""
        return [] if self.screened else list(offspring)

    def _known_good(self, init: Sequence[Any] = (), seeds: bool = True) -> list[Individual]:
        """The genes of ``init``, then the genome's seeds, if it has any and they are wanted; each once."""
        known: Sequence[Any] = getattr(self._genome, "seeds", list)() if seeds else []
        distinct: dict[str, Individual] = {}
        for born_by, some in (("init", init), ("seed", known)):
            for genes in some:
                one = make_individual(self._genome, genes, self._weights, born_by=born_by)
                distinct.setdefault(one.key, one)
        return list(distinct.values())

    def _seeds_if(self, wanted: bool, init: Sequence[Any] = ()) -> list[Individual]:
        """The genes of ``init``, and the genome's seeds for a recipe that asks for them.

        Raises:
            ValueError: The genome is of a kind that has none.
        """
        if wanted and not hasattr(self._genome, "seeds"):
            raise ValueError("seeds: the genome knows no individuals to begin with")
        return self._known_good(init, wanted)

    def step(self, measure: Measure) -> None:
        """One generation: ask, screen, measure, tell.

        Offspring that are known at full budget pass no screen and take their cached value; so does a twin of one that
        is measured. Those that no screen lets through are recorded as predicted if a surrogate predicted them.
        Where a refit or a renewal of the fitness is due, it comes first.
        """
        measure.generation = self.generation
        changed = self._due(self._refit_every) and measure.refit(self.best())
        if (self._due(self._reevaluate) and measure.renew()) or changed:
            self._measure_again(measure)
        offspring = self.ask()
        measure.born(offspring)
        first = {one.key: one for one in reversed(offspring)}  # of twins, the first is screened
        fresh = [one for one in offspring if first[one.key] is one and not measure.knows(one.key)]
        exempt = {one.key for one in self.exempt(offspring)}
        chosen = [one for one in fresh if one.key not in exempt]
        for screen in self.screens:
            chosen = screen(chosen, measure)
        dropped = {one.key for one in fresh} - exempt - {one.key for one in chosen}
        asked = [one for one in offspring if one.key not in dropped]
        measure(asked)
        measure.predict([one for one in fresh if one.key in dropped and one.predicted is not None])
        for screen in self.screens:
            screen.observe(self.generation, chosen)
        self.archive.known.update(one.key for one in asked)  # the failed too: no child need fail again
        self.tell(offspring)

    def _due(self, every: int | None) -> bool:
        """Whether what happens every so many generations happens before this one; never before anybody is valid."""
        return every is not None and self.generation > 0 and self.generation % every == 0 and bool(self.archive.hall)

    def _measure_again(self, measure: Measure) -> None:
        """Measure whoever may still be compared under the new context (C4)."""
        old = [*self.archive.hall, *self.archive.front, *only_ok(self.population)]
        again = {one.key: replace(one, fitness=Score(self._weights), predicted=None) for one in old}
        measure(list(again.values()))
        self.population = only_ok(again[one.key] for one in self.population if one.key in again)
        self.archive.renew(list(again.values()))
        for screen in self.screens:
            getattr(screen, "forget", lambda: None)()

    def share_known(self, known: set[str]) -> None:
        """Keep the keys that are known in this set, which other searches extend too."""
        self.archive.known = known

    def best(self) -> Individual:
        return self.archive.best()

    def front(self) -> Sequence[Individual]:
        return list(self.archive.front)

    def shared(self) -> Mapping[str, int]:
        return self.archive.front.shared

    def hall_of_fame(self) -> Sequence[Individual]:
        return list(self.archive.hall)

    def state_dict(self) -> dict[str, Any]:
        return {
            "generation": self.generation,
            "population": dump_individuals(self.population, self._genome),
            "archive": self.archive.state_dict(),
            "screens": [screen.state_dict() for screen in self.screens],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.generation = state["generation"]
        self.population = load_individuals(state["population"], self._genome, self._weights)
        self.archive.load_state_dict(state["archive"])
        for screen, saved in zip(self.screens, state["screens"], strict=True):
            screen.load_state_dict(saved)
