"""Evolution whose children are chosen by a model of all that was measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Interval

from evokit.components.nested import Nested
from evokit.genomes.encoding import encoder_of
from evokit.genomes.individuals import constraints_of, make_individual
from evokit.interfaces import Context, Individual, Surrogate
from evokit.options import Count
from evokit.screens.models import Models
from evokit.searches.archive import dump_individuals, load_individuals, only_ok
from evokit.searches.evolving import Evolving, survivors

TREES = 30
ROUNDS = 3  # of mutants of those that are wanted most
WANTED, EACH = 5, 10  # of whom, and how many
FRESH = 0.6  # share of candidates that are random
KNOWN = 10  # of those that are wanted most, of several objectives, whose order takes long: they may be known


@dataclass(frozen=True)
class ModelBased:
    """Of many candidates those are measured that a model of all measurements wants most.

    For evaluations that are dear and few, on any genome whose genes have features, with conditions and orders too. The
    first ``start`` individuals are random. Then ``candidates`` are made for each generation, random ones and children
    of the ``population`` best, those that are wanted most are mutated further, and ``batch`` of them are measured:
    the one that is wanted most, and others, by ``lower_confidence_bound`` for as many spreads as chance says, ``kappa``
    on average; one at a time makes the most of a model. A ``random`` share of generations measures a random individual
    among them, since a model is never sure of where it has not looked. After ``until`` measurements models cost more
    than they spare: from then on the children of the ``population`` best are measured as they come, as in
    ``mu_plus_lambda``.

    ``acquisition`` and ``kappa`` are those of the screen ``surrogate``, as are several objectives and constraints; null
    is the expected improvement, of several objectives the lower confidence bound. Each generation takes up to a tenth
    of a second of modelling, of several objectives some.

    Source: Hutter, Hoos and Leyton-Brown 2011, "Sequential Model-Based Optimization for General Algorithm
    Configuration" (SMAC), section 4, here with the genome's own operators for its local search; for batches their 2012
    "Parallel Algorithm Configuration", section 3.
    """

    model: Annotated[Mapping[str, Any], Nested("surrogate")] = field(
        default_factory=lambda: {"name": "extra_trees", "trees": TREES}
    )
    start: Annotated[int, Ge(2)] = 10
    population: Annotated[int, Ge(2)] = 5
    batch: Count = 1
    candidates: Count = 300
    random: Annotated[float, Interval(ge=0, le=1)] = 0.1
    until: Count | None = 250
    generations: Count | None = None
    acquisition: Literal["mean", "lower_confidence_bound", "expected_improvement"] | None = None
    kappa: Annotated[float, Ge(0)] = 1.0

    reads: ClassVar[frozenset[str]] = frozenset({"selection", "crossover", "mutation", "init"})

    def build(self, context: Context) -> ModelBasedSearch:
        build = context.build
        assert build is not None
        search = ModelBasedSearch(self, context, lambda: build(self.model))
        if self.acquisition != "mean" and not search.sure:
            raise ValueError("acquisition: only mean is for a model that does not tell how sure it is, as here")
        return search


class ModelBasedSearch(Evolving):
    """Its first generation is ``start`` individuals, each later one ``batch``.

    Args:
        options: What the recipe says.
        context: Of the run.
        model: Makes an unfitted surrogate.
    """

    def __init__(self, options: ModelBased, context: Context, model: Callable[[], Surrogate]) -> None:
        super().__init__(context, max(options.start, len(context.init)), options.generations)
        self._options, self._select = options, context.operators["selection"]
        models = [model() for _ in (*context.fitness.objectives, *constraints_of(context.fitness))]
        self.sure = getattr(models[0], "spreads", True)
        encoder = encoder_of(context.genome, "positions", self._streams.at("encoding").numpy())
        objectives = context.fitness.objectives
        kind = options.acquisition or ("expected_improvement" if len(objectives) == 1 else "lower_confidence_bound")
        self._models = Models(models, encoder, objectives, kind, options.kappa)
        self._told: list[Individual] = []
        if options.generations is not None:
            n = self._size + (options.generations - 1) * options.batch
            self.expected = lambda: (n, n * context.fitness.budgets[-1])

    def ask(self) -> list[Individual]:
        rng, n, until = self._rng(), self._options.batch, self._options.until
        if not self.generation:
            return self._first(rng)
        if len(self._told) < 2:
            return self._distinct(n, set(), lambda: self._random(rng))
        if until is not None and len(self._told) >= until:
            return self._children(n, self.population, self._select, rng)
        chosen = self._wanted(n, rng)
        if rng.random() < self._options.random:
            chosen[-1:] = self._distinct(1, {one.key for one in chosen}, lambda: self._random(rng))
        return chosen

    def _wanted(self, n: int, rng: np.random.Generator) -> list[Individual]:
        self._models.fit(self._told, self._streams.at("fit", self.generation).numpy())
        fresh = round(FRESH * self._options.candidates)
        mutate, cross = self._mutation_now(), self._cross
        assert cross is not None
        genes = [self._genome.random(rng) for _ in range(fresh)]
        for _ in range(self._options.candidates - fresh):
            a, b = self._select(self.population, 2, rng)
            genes.append(mutate(cross(a.genes, b.genes, rng)[0], rng))
        mean, spread = self._models.predicted(genes)
        for _ in range(ROUNDS):
            wanted = self._models.most_wanted(mean, spread, WANTED, self._told)
            mutants = [mutate(genes[place], rng) for place in wanted for _ in range(EACH)]
            more = self._models.predicted(mutants)
            genes += mutants
            mean, spread = np.concatenate([mean, more[0]]), np.concatenate([spread, more[1]])
        chosen: dict[str, Individual] = {}
        kappa = self._options.kappa
        looked = len(genes) if len(self._weights) == 1 else n + KNOWN
        for each in [kappa, *(kappa * rng.exponential(size=n - 1))]:
            order = self._models.most_wanted(mean, spread, looked, self._told, each)
            made = (make_individual(self._genome, genes[place], self._weights, born_by="model") for place in order)
            taken = chosen.keys() | self.archive.known
            if one := next((one for one in made if one.key not in taken), None):
                chosen[one.key] = one
        return [*chosen.values(), *self._distinct(n - len(chosen), set(chosen), lambda: self._random(rng))]

    def tell(self, individuals: Sequence[Individual]) -> None:
        old, valid = list(self.population), only_ok(individuals)
        self._told += valid
        self.population = survivors([*old, *valid], self._options.population)
        self._end_generation(individuals, [*old, *individuals])

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"told": dump_individuals(self._told, self._genome)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        self._told = load_individuals(state["told"], self._genome, self._weights)
