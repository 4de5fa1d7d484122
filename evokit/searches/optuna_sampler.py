"""Optuna's samplers as searches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import optuna
from annotated_types import Ge
from optuna.samplers import BaseSampler, GPSampler, TPESampler
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from evokit.genomes.individuals import make_individual, weights_of
from evokit.interfaces import Context, Individual
from evokit.options import Count, added
from evokit.searches.archive import only_ok
from evokit.searches.optuna_space import told_of
from evokit.searches.stepping import AskTell

TRIES = 20  # of a suggestion until it is allowed
Answer = tuple[Any, Sequence[float] | None, Sequence[float]]  # genes, values and constraints; without values it failed
FEW = 20  # real numbers that a Gaussian process is for
SAMPLERS: Mapping[str, Callable[..., BaseSampler]] = {"tpe": TPESampler, "gp": GPSampler}


@dataclass(frozen=True)
class OptunaSampler:
    """A model of what was measured says where to look next, by a sampler of Optuna.

    For evaluations that are dear and few, some ten to some hundred in all: ``gp`` (a Gaussian process; needs torch) for
    up to 20 real numbers, ``tpe`` (Parzen estimators) for more, for choices and for several objectives; ``auto`` takes
    the one or the other by this rule. Each evaluation costs milliseconds to seconds of modelling, more the longer a run
    is.

    ``batch`` individuals a generation are asked for without knowing each other's values. ``options`` are the sampler's
    own, such as ``{multivariate: true}``. Choices of an index vector have no order. Of a space what exists is asked for
    by its name, and what is forbidden asked for anew; orders are nothing that Optuna knows. (Of Optuna's CMA-ES and
    NSGA-II the state can be saved by pickling alone: name ``cma`` and ``nsga2``.)

    The genes of ``init`` come first, and with ``seeds`` the genome's known good individuals.

    Source: Akiba et al. 2019, "Optuna: A Next-generation Hyperparameter Optimization Framework"; Bergstra et al. 2011,
    "Algorithms for Hyper-Parameter Optimization" (tpe).
    """

    sampler: Literal["tpe", "gp", "auto"] = "tpe"
    batch: Count = 1
    generations: Annotated[int, Ge(1)] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    seeds: bool = added(False)

    reads: ClassVar[frozenset[str]] = frozenset({"init"})
    genes: ClassVar[frozenset[str]] = frozenset({"real_vector", "index_vector", "bits", "space"})

    def __post_init__(self) -> None:
        if "seed" in self.options:
            raise ValueError("options: the sampler's seed follows from the recipe's; leave it out")

    def build(self, context: Context) -> OptunaSearch:
        return OptunaSearch(self, context)


class OptunaSearch(AskTell):
    """Each generation has a sampler of its own with a seed of its own; what was told is all that there is to know."""

    breeds = False

    def __init__(self, options: OptunaSampler, context: Context) -> None:
        weights = weights_of(context.fitness.objectives)
        super().__init__(context.genome, weights, options.generations)
        self._options, self._streams = options, context.streams
        self._first = [one.genes for one in self._seeds_if(options.seeds, context.init)]
        self._name: str = options.sampler
        if self._name == "auto":
            few = context.genome.genes == "real_vector" and context.genome.n_genes <= FEW and len(weights) == 1
            self._name = "gp" if few else "tpe"
            self.chosen = f"optuna took the sampler {self._name}"
        self._space = told_of(context.genome)
        self._directions = [StudyDirection.MAXIMIZE if weight > 0 else StudyDirection.MINIMIZE for weight in weights]
        self._told: list[Answer] = []
        self._sampler(0)  # which refuses options that it does not know
        if options.generations is not None:
            n = options.generations * options.batch
            self.expected = lambda: (n, n * context.fitness.budgets[-1])

    def ask(self) -> list[Individual]:
        verbosity = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        try:
            study = optuna.create_study(directions=self._directions, sampler=self._sampler(self.generation))
            study.add_trials([self._trial(*one) for one in self._told])
            first = self.generation * self._options.batch
            for genes in self._first[first : first + self._options.batch]:
                study.enqueue_trial(self._space.told(genes)[0])
            rng = self._streams.at("optuna", "repair", self.generation).numpy()
            asked = [self._asked_for(study, rng) for _ in range(self._options.batch)]
        finally:
            optuna.logging.set_verbosity(verbosity)
        return [make_individual(self._genome, genes, self._weights, born_by=self._name) for genes in asked]

    def _asked_for(self, study: Study, rng: np.random.Generator) -> Any:
        """Genes that the sampler suggests; after many that are forbidden, random ones."""
        for _ in range(TRIES):
            genes = self._space.asked(trial := study.ask(), rng)
            if getattr(self._genome, "allowed", lambda _: True)(genes):
                return genes
            study.tell(trial, state=TrialState.FAIL)
        return self._genome.random(rng)

    def tell(self, individuals: Sequence[Individual]) -> None:
        for one in individuals:
            values = list(one.fitness.values) if only_ok([one]) else None
            self._told.append((one.genes, values, one.fitness.constraints))
        self.population = only_ok(individuals)
        self.archive.add(self.generation, individuals, self.population)
        self.generation += 1

    def _trial(self, genes: Any, values: Sequence[float] | None, constraints: Sequence[float]) -> FrozenTrial:
        """What Optuna is told of an individual; without values it failed."""
        parameters, distributions = self._space.told(genes)
        return create_trial(
            state=TrialState.FAIL if values is None else TrialState.COMPLETE,
            params=parameters,
            distributions=distributions,
            values=values,
            constraints={str(place): value for place, value in enumerate(constraints)},
        )

    def _sampler(self, generation: int) -> BaseSampler:
        seed = self._streams.at("optuna", generation).entropy() % 2**32
        options = dict(self._options.options)
        if self._name == "tpe":
            options.setdefault("constant_liar", self._options.batch > 1)
        try:
            return SAMPLERS[self._name](**options, seed=seed)
        except TypeError as error:
            raise ValueError(f"options: the sampler {self._name} does not take them: {error}") from error

    def state_dict(self) -> dict[str, Any]:
        told = {
            "genes": [self._genome.to_json(genes) for genes, _, _ in self._told],
            "values": [None if values is None else list(values) for _, values, _ in self._told],
            "constraints": [list(constraints) for _, _, constraints in self._told],
        }
        return super().state_dict() | {"told": told}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        told = state["told"]
        constraints = told.get("constraints") or [()] * len(told["genes"])  # before 2026-11-29 there were none
        self._told = [
            (self._genome.from_json(genes), *rest)
            for genes, *rest in zip(told["genes"], told["values"], constraints, strict=True)
        ]
