"""Fitnesses and contenders of ``evokit_optimizers``, computed on a device of choice from the same inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.device.agreement import Answer, Case
from benchmarks.device.bench import Bench
from benchmarks.device.data import documents, images
from benchmarks.device.same_crystalline import genes
from evokit.genomes.individuals import make_individual, weights_of
from evokit.interfaces import Context
from evokit.streams import Streams
from evokit_optimizers import BASELINES, baselines, final, rivals
from evokit_optimizers.fitness import TrainedAccuracyFitness, build_fitness
from evokit_optimizers.models import read_networks
from evokit_optimizers.options import OptimizerGenome, TrainedAccuracy, TrainFresh
from evokit_optimizers.plain_genome import Rules
from evokit_optimizers.rules.known import KNOWN
from evokit_optimizers.tasks.network import Statistics
from evokit_optimizers.tasks.options import Language, Network
from evokit_optimizers.tasks.task import Task
from evokit_optimizers.training.method import Evolved
from evokit_optimizers.training.trainer import Trained

STEPS = 5
PLUGIN = "optimizers"
GENOME = Rules(OptimizerGenome())


def cases(bench: Bench) -> list[Case]:
    """All that the plugin offers."""
    size, n_images, batch, n = (8, 60, 16, 6) if bench.small else (28, 500, 32, 32)
    channels, hidden = ((2, 3), 8) if bench.small else ((32, 64), 256)
    options_of = TrainedAccuracy(
        model=Network(channels=channels, hidden=hidden), steps=STEPS, seeds=1, batch=batch, check_every=STEPS
    )
    language = Language(width=16, layers=1, heads=2, length=16) if bench.small else Language()
    features = channels[1] * (size // 4) ** 2
    sums = 9 * (3 + 2 * channels[0] + channels[1]) + features + hidden + batch
    trained, products = 3 * STEPS * sums, 3 * STEPS * 6

    def fitness_on(device: str, given: TrainedAccuracy, depth: int) -> TrainedAccuracyFitness:
        sides = [documents(6, 40 * batch, 1), documents(4, 400, 2)] if not depth else [
            {"device": images(n_images, size, depth, seed)} for seed in (1, 2)
        ]  # fmt: skip
        context = Context(Streams(3), device=device, threads=bench.threads, train=sides[0], validation=sides[1])
        return build_fitness(given, context)

    def rules(given: TrainedAccuracy, depth: int) -> Any:
        def run(device: str, scratch: Path) -> Answer:
            fitness = fitness_on(device, given, depth)
            phenotypes = [GENOME.express(one) for one in genes(GENOME, n)]
            if given.together > 1:
                outcomes = fitness.trainer.train_together(
                    [Evolved(rule) for rule in phenotypes], fitness.replicates(Streams(3)), STEPS, STEPS
                )
            else:
                replicates = fitness.replicates(Streams(3))
                outcomes = [fitness.trainer.train(Evolved(rule), replicates, STEPS, STEPS) for rule in phenotypes]
            losses = [loss_of(fitness.tasks[0], one.networks) if not one.diverged else np.nan for one in outcomes]
            found = [one.evaluation() for one in outcomes]
            accuracies = [one.values[0] if one.ok else np.nan for one in found]
            return Answer(np.array(losses), np.array(accuracies))

        return run

    def contends(build: Any, given: Any) -> Any:
        def run(device: str, scratch: Path) -> Answer:
            fitness = fitness_on(device, options_of, 1)
            contender = build(given, Context(Streams(0), fitness=fitness, genome=GENOME))
            best = make_individual(GENOME, KNOWN["adam"], weights_of(fitness.objectives))
            made = contender.fit(contender.settings(best)[0], 0, contender.budgets[-1], scratch)
            if not made.ok:
                raise RuntimeError(f"{made.outcome}: {made.message}")
            artifact = Path(made.artifact)
            judged = contender.score(artifact, {"device": images(n_images, size, 1, 4)})
            return Answer(np.array([loss_of(fitness.tasks[0], read_networks(artifact)[0])]), judged=judged)

        return run

    coarse, together = replace(options_of, precision="bfloat16"), replace(options_of, together=n)
    words = replace(options_of, language=language, batch=8)
    text_sums = 3 * STEPS * language.layers * (8 * language.width + language.length)
    name = f"{PLUGIN}/fitness/trained_accuracy"
    return [
        Case(name, rules(options_of, 1), trained, products, individuals=True, convolutions=True),
        Case(f"{name} bfloat16", rules(coarse, 1), trained, products, "bfloat16", individuals=True),
        Case(f"{name} together", rules(together, 1), trained, products, individuals=True, convolutions=True),
        Case(f"{name} coloured", rules(options_of, 3), 2 * trained, products, individuals=True, convolutions=True),
        Case(f"{name} text", rules(words, 0), text_sums, 3 * STEPS * 10, individuals=True),
        Case(
            f"{PLUGIN}/final/train_fresh",
            contends(final.build_champion, TrainFresh()),
            trained,
            products,
            convolutions=True,
        ),
        *(
            Case(
                f"{PLUGIN}/baseline/{method}",
                contends(baselines.build_tuned, getattr(rivals, title)()),
                trained,
                products,
                convolutions=True,
            )
            for method, title in BASELINES.items()
        ),
    ]


def loss_of(task: Task, networks: Sequence[Trained]) -> float:
    """Cross-entropy of trained networks on the first training batch, their mean."""
    chosen = torch.arange(task.batch, device=task.device)
    losses = []
    with torch.no_grad():
        for one in networks:
            parameters = task.network.views(one.parameters.to(task.device).to(task.precision))
            statistics: Statistics = {name: value.to(task.device).clone() for name, value in one.statistics.items()}
            losses.append(float(task.loss(parameters, statistics, chosen, Streams(0))))
    return float(np.mean(losses))
