"""The trainings that all fidelities are read from."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from evokit.common.cores import set_threads
from evokit.data.images import Images
from evokit.genomes.individuals import key_of
from evokit.interfaces import Context
from evokit.streams import Streams
from evokit_optimizers.fitness import TrainedAccuracyFitness, build_fitness
from evokit_optimizers.grouped_genome import GroupedRules
from evokit_optimizers.options import OptimizerGenome, TrainedAccuracy
from evokit_optimizers.plain_genome import LATER_TERMS
from evokit_optimizers.rules.groups import GROUPS
from evokit_optimizers.rules.rule import Rule
from evokit_optimizers.rules.terms import TERMS
from evokit_optimizers.tasks.options import Network
from evokit_optimizers.training.method import Evolved

# Those of the table in docs/benchmarks.md: later ones would make other rules of the same seed.
TERMS_OF_RULES = tuple(name for name in TERMS if name not in LATER_TERMS)

Row = dict[str, Any]
"""Of one training: ``rule``, ``replicate``, ``steps`` of a ``horizon``, ``accuracy`` on validation, null if it
diverged, and ``cpu_s`` from its start on."""


@dataclass(frozen=True)
class Settings:
    """What decides the accuracies; the sizes are those of ``recipes/optimizer_study.yaml``."""

    rules: int = 60
    steps: int = 500
    seeds: int = 2
    shares: tuple[float, ...] = (0.1, 0.3, 0.5)
    images: str = "fashionmnist"
    validation: int = 2000
    seed: int = 0
    threads: int = 1

    def __post_init__(self) -> None:
        if min(self.rules, self.steps, self.seeds, self.threads) < 1:
            raise ValueError("rules, steps, seeds and threads must be at least 1")
        if not all(low < high for low, high in itertools.pairwise((0.0, *self.shares, 1.0))):
            raise ValueError(f"shares must ascend between 0 and 1, got {list(self.shares)}")

    @property
    def shorter(self) -> list[int]:
        """Steps of the cheaper budgets, ascending."""
        return sorted({max(1, round(share * self.steps)) for share in self.shares} - {self.steps})


def fitness_of(settings: Settings) -> TrainedAccuracyFitness:
    """The fitness whose budgets are asked about."""
    sets: Any = (settings.images,)
    streams = Streams(settings.seed)
    data = Images(sets=sets, validation=settings.validation).build(Context(streams.at("data")))
    options = TrainedAccuracy(
        model=Network(channels=(8, 16), hidden=64), steps=settings.steps, seeds=settings.seeds, batch=64
    )
    context = Context(streams, train=data.train, validation=data.validation, threads=settings.threads)
    return build_fitness(options, context)


def rules_of(settings: Settings) -> list[Rule]:
    """Rules as a search meets them: the known ones with schedules, then random ones and mutants of these in turn."""
    genome = GroupedRules(OptimizerGenome(terms=TERMS_OF_RULES, groups=GROUPS, seeds="known"))
    rng = Streams(settings.seed).at("fidelities", "rules").numpy()
    known = genome.seeds()
    found = {key_of(genome, rule): rule for rule in map(genome.canonical, known)}
    turn = 0
    while len(found) < settings.rules:
        drawn = genome.random(rng) if turn % 2 == 0 else genome.mutate(known[turn // 2 % len(known)], rng)
        rule, turn = genome.canonical(drawn), turn + 1
        found.setdefault(key_of(genome, rule), rule)
    return list(found.values())[: settings.rules]


def trainings(settings: Settings, done: Sequence[Row]) -> Iterator[list[Row]]:
    """The rows of each rule and replicate that ``done`` lacks.

    Those of the search are trained to each shorter horizon, and to the full one with a look at each shorter number of
    steps; as many fresh ones to the full one alone.
    """
    fitness = fitness_of(settings)
    set_threads(settings.threads)
    streams = Streams(settings.seed).at("trained_accuracy")
    replicates = [*fitness.replicates(streams), *fitness.fresh().replicates(streams)]
    had = {(row["rule"], row["replicate"]) for row in done}
    for (i, rule), (r, replicate) in itertools.product(enumerate(rules_of(settings)), enumerate(replicates)):
        if (i, r) not in had:
            short = settings.shorter if r < settings.seeds else []
            plans = [*((steps, [steps]) for steps in short), (settings.steps, [*short, settings.steps])]
            yield [
                {"rule": i, "replicate": r, **row}
                for horizon, looks in plans
                for row in _trained(fitness, rule, replicate, horizon, looks)
            ]


def _trained(
    fitness: TrainedAccuracyFitness, rule: Rule, replicate: Streams, horizon: int, looks: Sequence[int]
) -> Iterator[Row]:
    spent = 0.0
    for steps in looks:
        began = time.process_time()
        outcome = fitness.trainer.train(Evolved(rule), [replicate], steps, horizon)
        spent += time.process_time() - began
        accuracy = None if outcome.diverged else outcome.networks[0].accuracy
        yield {"steps": steps, "horizon": horizon, "accuracy": accuracy, "cpu_s": round(spent, 4)}
