"""A search that is begun anew when it finds nothing better any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

from annotated_types import Ge

from evokit.components.nested import Nested
from evokit.genomes.individuals import weights_of
from evokit.interfaces import Context, Individual
from evokit.options import Count
from evokit.searches.nesting import nested
from evokit.searches.stepping import AskTell

GROWING = ("population", "offspring")  # options that are sizes of a population


@dataclass(frozen=True)
class Restarts:
    """Any ``search``, begun anew elsewhere when it finds nothing better or has come to its end.

    For fitnesses with many optima, where one population settles on one of them, and whenever there is work left when a
    search has converged. (``cma`` has restarts of its own.) Let ``patience`` be long enough for a search to converge:
    one that is cut off early costs more than another gains.

    It is begun anew when its own best value has improved by no more than ``tolerance`` within ``patience`` generations,
    with several objectives when its front has no new point either. Each time the population, and the offspring where
    they are an option, is ``growth`` times as large: 2 is usual where larger ones find better optima. Random draws
    differ each time, what was measured before is not measured again, and the champion is the best of all. ``init`` is
    for the first one alone; the others begin with a random individual in its place.

    ``generations`` is the number of all together; without it a stop rule of the recipe ends the search. It also ends
    after a search that met nobody new.

    Source: Auger and Hansen 2005, "A Restart CMA Evolution Strategy With Increasing Population Size" (growth).
    """

    search: Annotated[Mapping[str, Any], Nested("search")]
    patience: Count = 20
    tolerance: Annotated[float, Ge(0)] = 0.0
    growth: Annotated[float, Ge(1)] = 1.0
    generations: Count | None = None

    reads: ClassVar[frozenset[str]] = frozenset()  # what the nested search reads

    def build(self, context: Context) -> Restarting:
        return Restarting(self, context)


class Restarting(AskTell):
    """A generation is one of the search that is at work."""

    def __init__(self, options: Restarts, context: Context) -> None:
        super().__init__(context.genome, weights_of(context.fitness.objectives), options.generations, context.screens)
        self._options, self._context = options, context
        self._restarts = self._known_before = 0
        self._exhausted = False
        self._inner = self._begun(0)

    @property
    def done(self) -> bool:
        return self._exhausted or super().done

    def ask(self) -> list[Individual]:
        return self._inner.ask()

    def tell(self, individuals: Sequence[Individual]) -> None:
        self._inner.tell(individuals)
        self.population = list(self._inner.population)
        self.archive.add(self.generation, individuals, self.population)
        self.logbook[-1]["restarts"] = self._restarts
        self.generation += 1
        if self._inner.done or self._stuck():
            self._restart()

    def _stuck(self) -> bool:
        records, patience = self._inner.logbook, self._options.patience
        if len(records) <= patience or any(one.get("front_new") for one in records[-patience:]):
            return False
        before, now = records[-1 - patience], records[-1]
        if before["best"] is None or now["best"] is None:  # as long as nobody is feasible, violations count
            return before["best"] is now["best"] and bool(before.get("violation") == now.get("violation"))
        return bool(abs(before["best"] - now["best"]) <= self._options.tolerance)

    def _restart(self) -> None:
        known = len(self.archive.known)
        self._exhausted = known == self._known_before
        if not self._exhausted:
            self._restarts, self._known_before = self._restarts + 1, known
            self._inner = self._begun(self._restarts)

    def _begun(self, restart: int) -> AskTell:
        """The nested search at its beginning, after so many restarts."""
        section, growth = self._options.search, self._options.growth
        if growth > 1:
            section = _grown(section, growth**restart)
        # Searches that begin in the middle of the space would begin there again.
        elsewhere = self._context.streams.at("restart", restart, "elsewhere").numpy()
        init = [self._genome.random(elsewhere)] if restart else None
        search = nested(section, self._context, "restart", restart, init=init)
        search.share_known(self.archive.known)
        return search

    def exempt(self, offspring: Sequence[Individual]) -> list[Individual]:
        return self._inner.exempt(offspring)

    def share_known(self, known: set[str]) -> None:
        super().share_known(known)
        self._inner.share_known(known)

    def state_dict(self) -> dict[str, Any]:
        mine = {"n": self._restarts, "known_before": self._known_before, "exhausted": self._exhausted}
        return super().state_dict() | {"restarts": mine, "inner": self._inner.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        mine = state["restarts"]
        self._restarts, self._known_before, self._exhausted = mine["n"], mine["known_before"], mine["exhausted"]
        self._inner = self._begun(self._restarts)
        self._inner.load_state_dict(state["inner"])
        self._inner.share_known(self.archive.known)


def _grown(section: Any, times: float) -> Any:
    """A nested section whose population is so many times as large.

    Raises:
        ValueError: It names none.
    """
    sizes = {name: getattr(section.options, name, None) for name in GROWING}
    if sizes["population"] is None:
        raise ValueError(f"growth: {section.name} names no population that could grow; name one, or leave growth at 1")
    grown = {name: round(size * times) for name, size in sizes.items() if size is not None}
    return replace(section, options=replace(section.options, **grown))
