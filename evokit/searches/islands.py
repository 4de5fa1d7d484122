"""Islands: searches side by side whose best visit each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, MinLen

from evokit.components.nested import Nested
from evokit.genomes.individuals import weights_of
from evokit.interfaces import Context, Individual
from evokit.options import Count
from evokit.searches.archive import only_ok
from evokit.searches.nesting import nested
from evokit.searches.stepping import AskTell
from evokit.statistics.pareto import preferred


@dataclass(frozen=True)
class Islands:
    """Several searches side by side, each with a population of its own, whose best migrate now and then.

    For fitnesses with many optima, where one population settles early on one of them, and for searches that are good
    in different ways, which then share what they find. All islands' children are measured together, so that there is
    work for many workers. It measures as much as its islands together.

    ``islands`` are searches with settings of their own; ``count`` is how many there are of each. An island ends when
    its search does, and the whole with the last. After ``every`` so many generations the ``migrants`` best of each
    island go to the next one (``topology: ring``) or to all others (``all``) and stay in the population there where
    they are better than its worst; with CMA-ES they take places of its next sample. ``migrants: 0`` leaves each alone.

    Source: Whitley, Rana and Heckendorn 1999, "The Island Model Genetic Algorithm: On Separability, Population Size and
    Convergence".
    """

    islands: Annotated[tuple[Annotated[Mapping[str, Any], Nested("search")], ...], MinLen(1)]
    count: Count = 1
    every: Count = 10
    migrants: Annotated[int, Ge(0)] = 1
    topology: Literal["ring", "all"] = "ring"

    reads: ClassVar[frozenset[str]] = frozenset()  # what its islands read

    def __post_init__(self) -> None:
        if len(self.islands) * self.count < 2:
            raise ValueError("islands: one alone has nobody to visit; name another or say count: 2")

    def build(self, context: Context) -> Archipelago:
        return Archipelago(self, context)


class Archipelago(AskTell):
    """A generation is one of each island that has not ended."""

    def __init__(self, options: Islands, context: Context) -> None:
        sections: list[Any] = [section for section in options.islands for _ in range(options.count)]
        self._islands = [nested(section, context, "island", number) for number, section in enumerate(sections)]
        deaf = {one.name for one, island in zip(sections, self._islands, strict=True) if not hasattr(island, "receive")}
        if deaf and options.migrants:
            raise ValueError(f"islands: {', '.join(sorted(deaf))} can take nobody in; name another, or say migrants: 0")
        ends = [island.horizon for island in self._islands]
        horizon = None if None in ends else max(end for end in ends if end is not None)
        super().__init__(context.genome, weights_of(context.fitness.objectives), horizon, context.screens)
        self._options, self._asked = options, [0] * len(self._islands)
        self.share_known(self.archive.known)
        if all(hasattr(island, "expected") for island in self._islands):
            self.expected = self._expected

    @property
    def done(self) -> bool:
        return all(island.done for island in self._islands)

    @property
    def endless(self) -> bool:
        return any(island.endless for island in self._islands)

    def ask(self) -> list[Individual]:
        asked = [[] if island.done else island.ask() for island in self._islands]
        self._asked = [len(some) for some in asked]
        return [one for some in asked for one in some]

    def tell(self, individuals: Sequence[Individual]) -> None:
        for island, told in self._each_with_its_own(individuals):
            if not island.done:
                island.tell(told)
        if (self.generation + 1) % self._options.every == 0:
            self._migrate()
        self.population = [one for island in self._islands for one in island.population]
        self.archive.add(self.generation, individuals, self.population)
        self.generation += 1

    def exempt(self, offspring: Sequence[Individual]) -> list[Individual]:
        return [one for island, some in self._each_with_its_own(offspring) for one in island.exempt(some)]

    def _each_with_its_own(self, individuals: Sequence[Individual]) -> Iterator[tuple[AskTell, list[Individual]]]:
        """Each island with what it asked for; with less where a control's work is spent."""
        rest = iter(individuals)
        for island, n in zip(self._islands, self._asked, strict=True):
            yield island, list(islice(rest, n))

    def _expected(self) -> tuple[int, int]:
        """Measurements and work of all islands, for estimates."""
        told = [island.expected() for island in self._islands]  # type: ignore[attr-defined]  # optional
        return sum(n for n, _ in told), sum(work for _, work in told)

    def _migrate(self) -> None:
        """All leave before anybody arrives."""
        leaving = [self._best_of(island) for island in self._islands]
        for here, island in enumerate(self._islands):
            others = [*leaving[here + 1 :], *leaving[:here]][::-1]  # the neighbour before it comes first
            arriving = others[:1] if self._options.topology == "ring" else others
            if self._options.migrants and not island.done:
                island.receive([one for some in arriving for one in some])  # type: ignore[attr-defined]  # optional

    def _best_of(self, island: AskTell) -> list[Individual]:
        valid = only_ok(island.population)
        return [valid[place] for place in preferred([one.fitness for one in valid])[: self._options.migrants]]

    def share_known(self, known: set[str]) -> None:
        super().share_known(known)
        for island in self._islands:  # what one has tried no other need try: a child is new to all (C1)
            island.share_known(known)

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"islands": [island.state_dict() for island in self._islands]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        for island, saved in zip(self._islands, state["islands"], strict=True):
            island.load_state_dict(saved)
        self.share_known(self.archive.known)
