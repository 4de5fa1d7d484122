"""What searches with crossover and mutation have in common: how the first generation and offspring are made."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from evokit.genomes.individuals import key_of, make_individual, make_individuals, weights_of
from evokit.interfaces import Context, Individual
from evokit.searches.credit import begun, drawn, lessons
from evokit.searches.stepping import AskTell, refuse_without_fresh
from evokit.statistics.pareto import costs_of, preferred

Select = Callable[[Sequence[Individual], int, np.random.Generator], list[Individual]]
LOOKED_AT = 10_000  # generations that an estimate adds up; all later ones are like the mean of their second half
TRIES = 10  # how often a child that is known or a twin is varied again
SPARE = 0.1  # of a generation, bred with it in place of those that are known or twins: a second draw takes as long


class Evolving(AskTell):
    """A search whose individuals are children of two parents; what is left to write is ``ask`` and ``tell``.

    Args:
        context: Gives genome, fitness, streams, operators, screens and the genes that the first generation begins with.
        population: Places in the population.
        horizon: Generations until the search is done, or None for no end of its own.
        refit_every: Generations between refits of the fitness; None for no refits.
        reevaluate: Generations after which whoever survives is measured again on fresh data; None for never.

    Raises:
        ValueError: The population has no room for the genes of ``init``, or the fitness has nothing to refit.
    """

    def __init__(
        self,
        context: Context,
        population: int,
        horizon: int | None,
        refit_every: int | None = None,
        reevaluate: int | None = None,
    ) -> None:
        if len(context.init) > population:
            raise ValueError(f"population ({population}) has no room for the {len(context.init)} genes of init")
        if refit_every is not None and getattr(context.fitness, "refitted", None) is None:
            raise ValueError("refit_every: the fitness has nothing to refit to an individual")
        if reevaluate is not None:
            refuse_without_fresh(context.fitness)
        slow = max((getattr(screen, "refit_every", 0) for screen in context.screens), default=0)
        for name, every in (("refit_every", refit_every), ("reevaluate", reevaluate)):
            if every is None or slow < every:
                continue
            raise ValueError(
                f"{name} ({every}) leaves a surrogate that is fitted every {slow} generations nothing to be"
                " fitted to: give its screen a smaller refit_every"
            )
        weights = weights_of(context.fitness.objectives)
        super().__init__(context.genome, weights, horizon, context.screens, refit_every, reevaluate)
        self._size, self._streams, self._init = population, context.streams, context.init
        self._cross, self._mutate = begun(context.operators.get("crossover")), begun(context.operators["mutation"])

    def receive(self, individuals: Sequence[Individual]) -> None:
        """Take measured individuals from elsewhere into the population, in place of members that are worse."""
        here = {one.key for one in self.population}
        members = [*self.population, *(one for one in individuals if one.key not in here)]
        stay = sorted(preferred([one.fitness for one in members])[: self._size])
        self.population = [members[place] for place in stay]

    @property
    def left_out(self) -> int:
        """How many of the genome's known individuals the first population has no room for."""
        return max(0, len(self._known_good(self._init)) - self._size)

    def _rng(self) -> np.random.Generator:
        """What this generation's variation draws from."""
        return self._streams.at("variation", self.generation).numpy()

    def _first(self, rng: np.random.Generator) -> list[Individual]:
        """The genes of ``init``, then known good individuals of the genome, then random ones."""
        seeded = self._known_good(self._init)[: self._size]
        rest = self._size - len(seeded)
        return [*seeded, *self._distinct(rest, {one.key for one in seeded}, lambda: self._random(rng))]

    def _random(self, rng: np.random.Generator) -> Individual:
        return make_individual(self._genome, self._genome.random(rng), self._weights)

    def _children(
        self, n: int, pool: Sequence[Individual], select: Select, rng: np.random.Generator
    ) -> list[Individual]:
        """``n`` children of pairs that ``select`` draws from ``pool``; new keys as far as they can be found.

        Where crossover and mutation work on whole populations, all are made at once and a pair has two children; else
        one after the other, the first of each pair.
        """
        mutate = self._mutation_now()
        if hasattr(self._cross, "rows") and hasattr(mutate, "rows"):
            return self._bred_at_once(n, pool, select, mutate.rows, rng)
        if hasattr(select, "on"):
            select = select.on(pool)
        return self._distinct(n, set(), lambda: self._child(select(pool, 2, rng), mutate, rng))

    def _bred_at_once(
        self,
        n: int,
        pool: Sequence[Individual],
        select: Select,
        mutate: Callable[[np.ndarray, np.random.Generator], np.ndarray],
        rng: np.random.Generator,
    ) -> list[Individual]:
        assert self._cross is not None
        genes, keys = np.stack([one.genes for one in pool]), [one.key for one in pool]
        draw = places_by(select, pool)
        new: dict[str, Individual] = {}
        old: list[Individual] = []  # known ones and twins, who fill the places that are left
        for _ in range(1 + TRIES):
            missing = n - len(new)
            pairs = draw(2 * math.ceil((1 + SPARE) * missing / 2), rng).reshape(-1, 2)
            parents = genes[pairs]
            crossed = np.stack(self._cross.rows(parents[:, 0], parents[:, 1], rng), axis=1)
            alone = (crossed == parents).all(axis=2).reshape(-1).tolist()
            born = mutate(crossed.reshape(-1, genes.shape[1]), rng)
            both = [(keys[a], keys[b]) for a, b in pairs.tolist() for _ in range(2)]
            lineage = [(two[i % 2],) if alone[i] else two for i, two in enumerate(both)]
            words = ["mutation" if one else "crossover+mutation" for one in alone]
            for one in make_individuals(self._genome, born, self._weights, lineage, words):
                if one.key in new or one.key in self.archive.known:
                    old.append(one)
                else:
                    new[one.key] = one
            if len(new) >= n:
                break
        return [*new.values(), *old][:n]

    def _end_generation(self, individuals: Sequence[Individual], parents: Sequence[Individual]) -> None:
        """What every ``tell`` ends with.

        Args:
            individuals: As told.
            parents: Those among whom their parents were, as far as they are known.
        """
        self.archive.add(self.generation, individuals, self.population)
        for kind, operator in self._learners().items():
            self.logbook[-1].update({f"{kind}_{name}": value for name, value in operator.figures().items()})
            operator.learn(lessons(kind, individuals, parents, self.archive.known))
        self.generation += 1

    def _learners(self) -> dict[str, Any]:
        """The operators that learn from how their children fare, by kind."""
        operators = {"crossover": self._cross, "mutation": self._mutate}
        return {kind: one for kind, one in operators.items() if hasattr(one, "learn")}

    def state_dict(self) -> dict[str, Any]:
        learnt = {kind: operator.state_dict() for kind, operator in self._learners().items()}
        return super().state_dict() | ({"operators": learnt} if learnt else {})

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        for kind, operator in self._learners().items():
            operator.load_state_dict(state["operators"][kind])

    def _mutation_now(self) -> Callable[..., Any]:
        """The mutation; of one that anneals, this generation's."""
        at = getattr(self._mutate, "at", None)
        mutate: Callable[..., Any] = self._mutate if at is None else at(self.generation)
        return mutate

    def _child(self, parents: list[Individual], mutate: Callable[..., Any], rng: np.random.Generator) -> Individual:
        a, b = parents
        by_crossover, cross = drawn("crossover", self._cross, rng)
        by_mutation, mutate = drawn("mutation", mutate, rng)
        genes, _ = cross(a.genes, b.genes, rng)
        alone = key_of(self._genome, genes) == a.key  # nothing is of the second, which the child need not beat
        lineage = (a.key,) if alone else (a.key, b.key)
        born_by = by_mutation if alone else f"{by_crossover}+{by_mutation}"
        return make_individual(self._genome, mutate(genes, rng), self._weights, lineage, born_by)

    def _distinct(self, n: int, taken: set[str], draw: Callable[[], Individual]) -> list[Individual]:
        """``n`` individuals that are new and in no other place, as far as ``TRIES`` draws for each can find them."""
        drawn = []
        for _ in range(n):
            one = draw()
            for _ in range(TRIES):
                if one.key not in taken and one.key not in self.archive.known:
                    break
                one = draw()
            taken.add(one.key)
            drawn.append(one)
        return drawn


def places_by(select: Select, pool: Sequence[Individual]) -> Callable[[int, np.random.Generator], np.ndarray]:
    """A selection as one of places in ``pool``, told how many and what to draw from."""
    pick = getattr(select, "pick", None)
    if pick is not None:
        scores = -costs_of([one.fitness for one in pool])
        return lambda n, rng: pick(scores, n, rng)
    places = {id(one): place for place, one in enumerate(pool)}
    return lambda n, rng: np.array([places[id(one)] for one in select(pool, n, rng)])


def evenly(pool: Sequence[Individual], n: int, rng: np.random.Generator) -> list[Individual]:
    """``n`` members, each as likely and drawn anew each time: a selection that looks at nobody's fitness."""
    return [pool[place] for place in rng.integers(len(pool), size=n).tolist()]


def survivors(candidates: Iterable[Individual], n: int) -> list[Individual]:
    """The ``n`` most preferred, best first.

    Args:
        candidates: Measured; twins count once.
        n: How many may live; all do if there are fewer.
    """
    members = once_each(candidates)
    return [members[place] for place in preferred([one.fitness for one in members])[:n]]


def once_each(individuals: Iterable[Individual]) -> list[Individual]:
    """Of twins the first, so that who took a cached value takes no second place."""
    distinct: dict[str, Individual] = {}
    for one in individuals:
        distinct.setdefault(one.key, one)
    return list(distinct.values())


def any_pairs(pool: Sequence[Individual], n: int, rng: np.random.Generator) -> list[Individual]:
    """``n`` members, an even number: pairs of two different ones as far as there are two, each pair as likely."""
    alone = len(pool) == 1
    places = [rng.choice(len(pool), 2, replace=alone) for _ in range(n // 2)]
    return [pool[place] for place in np.concatenate(places).tolist()]


def expected(first: int, later: int, generations: int, context: Context) -> tuple[int, int]:
    """Measurements and work at most of a first generation and of later ones of so many offspring, for estimates."""
    if not context.screens:
        whole = first + later * (generations - 1)
        return whole, whole * context.fitness.budgets[-1]
    told = np.zeros((min(generations, LOOKED_AT), 2))  # measurements and work of each
    for generation in range(len(told)):
        n: float = later if generation else first
        for screen in context.screens:
            n, screening = screen.expected(n, generation)
            told[generation, 1] += screening
        told[generation] += n, n * context.fitness.budgets[-1]
    measurements, work = told.sum(axis=0) + (generations - len(told)) * told[len(told) // 2 :].mean(axis=0)
    return math.ceil(measurements), round(work)
