"""What searches that ask and tell have in common."""

from __future__ import annotations

from collections.abc import Sequence

from deap import tools

from evokit.interfaces import Individual, Measure, Screen
from evokit.searches.archive import Archive


class AskTell:
    """A search with an archive; what is left to write is ``ask``, ``tell`` and the state.

    Args:
        archive: Remembers what was measured.
        horizon: Generations until the search is done, or None for no end of its own.
        screens: Decide which offspring are measured.
    """

    def __init__(self, archive: Archive, horizon: int | None, screens: Sequence[Screen] = ()) -> None:
        self.generation = 0
        self.population: list[Individual] = []
        self.archive, self.horizon, self.screens = archive, horizon, screens

    @property
    def done(self) -> bool:
        return self.horizon is not None and self.generation >= self.horizon

    @property
    def logbook(self) -> tools.Logbook:
        return self.archive.logbook

    def ask(self) -> list[Individual]:
        raise NotImplementedError

    def tell(self, individuals: Sequence[Individual]) -> None:
        raise NotImplementedError

    def step(self, measure: Measure) -> None:
        """One generation: ask, screen, measure, tell.

        Offspring that are known at full budget take their cached value and pass no screen. Those that no screen lets
        through are recorded as predicted if a surrogate predicted them.
        """
        measure.generation = self.generation
        offspring = self.ask()
        measure.born(offspring)
        known = [one for one in offspring if measure.knows(one.key)]
        unknown = chosen = [one for one in offspring if not measure.knows(one.key)]
        for screen in self.screens:
            chosen = screen(chosen, measure)
        measure(known + chosen)
        kept = {one.key for one in chosen}
        measure.predict([one for one in unknown if one.key not in kept and one.predicted is not None])
        for screen in self.screens:
            screen.observe(self.generation, chosen)
        self.tell(offspring)

    def best(self) -> Individual:
        return self.archive.best()

    def hall_of_fame(self) -> Sequence[Individual]:
        return list(self.archive.hall)
