"""Several searches that take turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from annotated_types import Ge, MinLen

from evokit.components.nested import Nested
from evokit.genomes.individuals import weights_of
from evokit.interfaces import Context, Individual
from evokit.searches.nesting import nested
from evokit.searches.stepping import AskTell


@dataclass(frozen=True)
class Portfolio:
    """Searches that take turns, each with the same work.

    For a fitness that nobody knows: with k of them the result is about that of the best one alone with a k-th of the
    work. The first begins; at the end of a generation the turn passes to whoever has spent least, except that
    ``quasi_newton`` ends its descent first. Searches that are done are passed over.

    Source: Gomes and Selman 2001, "Algorithm portfolios"; with a quasi-Newton search and CMA-ES as in Loshchilov,
    Schoenauer and Sebag 2013, "Bi-population CMA-ES Algorithms with Surrogate Models and Line Searches" (HCMA).
    """

    searches: Annotated[tuple[Annotated[Mapping[str, Any], Nested("search")], ...], MinLen(2)]
    generations: Annotated[int, Ge(1)] | None = None

    reads: ClassVar[frozenset[str]] = frozenset()  # what the nested searches read

    def build(self, context: Context) -> PortfolioSearch:
        members = [nested(one, context, "portfolio", place) for place, one in enumerate(self.searches)]
        return PortfolioSearch(members, context, self.generations)


class PortfolioSearch(AskTell):
    """A generation is one of the search whose turn it is.

    Args:
        members: Searches of the context's genome and fitness, with streams of their own.
        context: Of the recipe.
        generations: Until the search is done, or None.
    """

    def __init__(self, members: Sequence[AskTell], context: Context, generations: int | None) -> None:
        super().__init__(context.genome, weights_of(context.fitness.objectives), generations, context.screens)
        self._members, self._spent, self._turn = list(members), [0] * len(members), 0
        self.breeds = all(getattr(one, "breeds", True) for one in members)
        self.share_known(self.archive.known)

    @property
    def done(self) -> bool:
        return super().done or all(member.done for member in self._members)

    @property
    def endless(self) -> bool:
        return super().endless and any(member.endless for member in self._members)

    def ask(self) -> list[Individual]:
        return self._members[self._turn].ask()

    def tell(self, individuals: Sequence[Individual]) -> None:
        member = self._members[self._turn]
        member.tell(individuals)
        self._spent[self._turn] += len(individuals)
        self.population = list(member.population)
        self.archive.add(self.generation, individuals, self.population)
        self.logbook[-1]["turn"] = self._turn
        self.generation += 1
        if member.done or getattr(member, "at_break", True):
            waiting = [place for place, one in enumerate(self._members) if not one.done]
            self._turn = min(waiting, key=self._spent.__getitem__, default=self._turn)

    def exempt(self, offspring: Sequence[Individual]) -> list[Individual]:
        return self._members[self._turn].exempt(offspring)

    def share_known(self, known: set[str]) -> None:
        super().share_known(known)
        for member in self._members:
            member.share_known(known)

    def state_dict(self) -> dict[str, Any]:
        mine = {"spent": list(self._spent), "turn": self._turn}
        return super().state_dict() | {"portfolio": mine, "members": [one.state_dict() for one in self._members]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        self._spent, self._turn = list(state["portfolio"]["spent"]), state["portfolio"]["turn"]
        for member, saved in zip(self._members, state["members"], strict=True):
            member.load_state_dict(saved)
        self.share_known(self.archive.known)
