"""Steady-state search: one child at a time, made while others are measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from annotated_types import Ge

from evokit.interfaces import Context, Individual, Measure
from evokit.options import Count
from evokit.searches.archive import dump_individuals, load_individuals, only_ok
from evokit.searches.evolving import Evolving


@dataclass(frozen=True)
class SteadyState:
    """Each child takes the place of the worst member unless it is worse, and the next child is made at once.

    For evaluations of uneven length: no worker waits for the slowest of a generation. ``in_flight`` evaluations are
    under way at once; the next child is made of the population in which all but the last ``in_flight`` - 1 children
    have found their places, in the order in which they were made. So one seed gives one result for any number of
    workers. Behind an evaluation that takes long no more than ``in_flight`` are begun, so it should be many times the
    number of workers, the more so the less even the times are.

    A generation is ``births`` children, after which a checkpoint may be written and ``stop`` is looked at; at its end
    workers wait for the last of them. Null: four for each in flight, and at least as many as ``population``, which is
    128 of the defaults: for less work than many of these have fewer in flight. As a part of another search it makes
    ``in_flight`` children at a time and waits for them. Fingerprints of a fitness are not asked for.

    Source: Syswerda 1991, "A Study of Reproduction in Generational and Steady-State Genetic Algorithms"; replacing the
    worst by Whitley 1989, "The GENITOR Algorithm and Selection Pressure"; the asynchronous form by Scott and De Jong
    2015, "Understanding Simple Asynchronous Evolutionary Algorithms", here with answers in the order of submission.
    """

    population: Annotated[int, Ge(2)] = 32
    generations: Count = 50
    in_flight: Count = 32
    births: Count | None = None

    reads: ClassVar[frozenset[str]] = frozenset({"selection", "crossover", "mutation", "init"})

    def __post_init__(self) -> None:
        if self.births is not None and self.births < self.in_flight:
            raise ValueError(
                f"births ({self.births}) must be at least in_flight ({self.in_flight}): at the end of a generation "
                "workers wait for all that are in flight"
            )

    @property
    def n_births(self) -> int:
        return self.births or max(self.population, 4 * self.in_flight)

    def build(self, context: Context) -> SteadyStateSearch:
        if len(context.fitness.objectives) > 1:
            raise ValueError(
                f"steady_state has one objective, the fitness has {len(context.fitness.objectives)}: name nsga2"
            )
        return SteadyStateSearch(self, context)


class SteadyStateSearch(Evolving):
    """``step`` makes a child whenever a worker is free; ``ask`` makes as many as may be in flight.

    Who was made stands in line, measured or not, until the child ``in_flight`` places later is made; then it finds its
    place in the population, or none.
    """

    nestable = True  # its own step only spares waiting

    functional = False  # it measures one by one

    def __init__(self, options: SteadyState, context: Context) -> None:
        super().__init__(context, options.population, options.generations)
        self._births, self._in_flight, self._select = (
            options.n_births,
            options.in_flight,
            context.operators["selection"],
        )
        self._line: list[Individual] = []
        self._made = 0  # individuals so far
        self._beginning = self._first(self._streams.at("variation", "first").numpy())
        n = options.generations * self._births
        self.expected = lambda: (n, n * context.fitness.budgets[-1])

    def ask(self) -> list[Individual]:
        population, line = list(self.population), list(self._line)
        return [self._next(population, line, self._made + i) for i in range(self._in_flight)]

    def tell(self, individuals: Sequence[Individual]) -> None:
        old = list(self.population)
        for one in individuals:
            self._make_room(self.population, self._line)
            self._line.append(one)
        self._made += len(individuals)
        self._end_generation(individuals, [*old, *individuals])

    def step(self, measure: Measure) -> None:
        """One generation; screens are not asked."""
        measure.generation = self.generation
        old = list(self.population)
        born: list[Individual] = []
        back = len(self._line)  # how many at the head of the line are measured

        def children() -> Iterator[Individual | None]:
            nonlocal back
            for _ in range(self._births):
                full = len(self._line) >= self._in_flight
                while full and not back:
                    yield None
                back -= full
                child = self._next(self.population, self._line, self._made)
                measure.born([child], len(born))
                born.append(child)
                self._made += 1
                yield child

        for _ in measure.each(children(), self._births):
            back += 1
        self._end_generation(born, [*old, *born])

    def _next(self, population: list[Individual], line: list[Individual], number: int) -> Individual:
        """Make the individual of a number, counted from 0, and let it join the line."""
        self._make_room(population, line)
        if number < len(self._beginning):
            line.append(self._beginning[number])
            return line[-1]
        rng, mutate = self._streams.at("variation", number).numpy(), self._mutation_now()
        line += self._distinct(
            1,
            {one.key for one in line},
            lambda: self._child(self._select(population, 2, rng), mutate, rng) if population else self._random(rng),
        )
        return line[-1]

    def _make_room(self, population: list[Individual], line: list[Individual]) -> None:
        """Give the first in a full line its place, if it is no worse than the worst; the oldest of equals goes."""
        if len(line) < self._in_flight:
            return
        one = line.pop(0)
        self.archive.known.add(one.key)  # the failed too: no child need fail again
        if not only_ok([one]) or any(other.key == one.key for other in population):
            return
        if len(population) == self._size:
            worst = min(population, key=lambda other: other.fitness.wvalues)
            if one.fitness < worst.fitness:
                return
            population.remove(worst)
        population.append(one)

    def state_dict(self) -> dict[str, Any]:
        line = dump_individuals(self._line, self._genome)
        return super().state_dict() | {"line": line, "made": self._made}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        self._line = load_individuals(state["line"], self._genome, self._weights)
        self._made = state["made"]
