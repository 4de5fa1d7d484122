"""The fitness, the search and the contenders of ``evokit_activations``, computed on a device of choice.

evokit draws on the device that it computes on, and a GPU's numbers are others than a CPU's. To compare the same inputs,
``drawn_on_the_cpu`` lets the search draw on the CPU, from generators of the same seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import Tensor

from benchmarks.device.agreement import Answer, Case
from benchmarks.device.bench import Bench
from benchmarks.device.data import images
from evokit.genomes.individuals import make_individual, weights_of
from evokit.interfaces import Context
from evokit.streams import Streams
from evokit.tensor_population import draw, pick
from evokit_activations import CONTROLS, baselines, final
from evokit_activations.fitness import build_fitness
from evokit_activations.genome import ActivationTensors, Shard
from evokit_activations.layerwise import search
from evokit_activations.layerwise.search import LayerwiseSearch
from evokit_activations.networks.frozen import DTYPES, in_precision
from evokit_activations.options import (
    FrozenBody,
    LabelLikelihood,
    Layer,
    Layerwise,
    LearnTargets,
    Network,
    Sgd,
    Training,
)
from evokit_activations.shards.job import ShardJob

PLUGIN = "activations"
EPOCHS = 1


def cases(bench: Bench) -> list[Case]:
    """All that the plugin offers, but for what analyses a search."""
    size, n_images, width, n = (9, 12, 4, 6) if bench.small else (32, 200, 64, 32)
    options = LabelLikelihood(
        model=Network(channels=(width, width), whitening_patches=200),
        training=Training(epochs=EPOCHS, batch=n_images // 2, batches="shuffled"),
    )
    layers = (Layer(2, 0.3, 2.0, 2), Layer(2, 0.2, 2.0, 1), Layer(2, 0.1))
    shard = 6 if bench.small else 20
    evolution = Layerwise(layers=layers, parents=2, explorers=4, refiners=4, noise=0.1, shard=shard, lanes=shard // 2)
    features = width * (((size - 1) // 2) // 2) ** 2
    sums = 9 * (8 + 3 * width) + features + size * size
    products = 6

    def job(device: str, scratch: Path) -> ShardJob:
        train, validation = ({"device": images(n_images, size, 1, seed)} for seed in (1, 2))
        context = Context(
            Streams(3), device=device, threads=bench.threads, train=train, validation=validation, directory=scratch
        )
        return ShardJob(evolution, ActivationTensors(), build_fitness(options, context))

    def candidates(precision: str) -> Callable[[str, Path], Answer]:
        """Of an image, each layer's values at the same random places."""

        def run(device: str, scratch: Path) -> Answer:
            task = job(device, scratch).task
            at = LayerwiseSearch(in_precision(task.untrained, DTYPES[precision]), evolution, ActivationTensors())
            values = []
            for number, shape in enumerate((*task.shape.maps, (task.shape.classes,))):
                drawn = torch.randn((n, 1, *shape), generator=Streams(5).at("candidates", number).torch())
                placed = drawn.to(task.device).to(DTYPES[precision])
                values.append(at.log_likelihood(number, placed, task.labels[:1]).flatten().double().cpu())
            return Answer(torch.cat(values).numpy(), ranked=values[0].numpy())

        return run

    def searched(method: str) -> Callable[[str, Path], Answer]:
        def run(device: str, scratch: Path) -> Answer:
            with drawn_on_the_cpu():
                one = job(device, scratch)
                (found,) = one.evaluate([Shard(0, method)], one.budgets[-1])
            return Answer(np.array(list(found.metrics.values())))

        return run

    def contends(build: Any, given: Any, *, targets: bool = False) -> Callable[[str, Path], Answer]:
        def run(device: str, scratch: Path) -> Answer:
            one, tensors = job(device, scratch), ActivationTensors()
            contender, best = build(given, Context(Streams(0), fitness=one)), None
            if targets:
                shards = [Shard(index, "class_mean") for index in range(one.n_shards)]
                for _ in one.evaluate(shards, one.budgets[-1]):
                    pass
                best = make_individual(tensors, one.store.targets(shards), weights_of(one.objectives))
            made = contender.fit(contender.settings(best)[0], 0, contender.budgets[-1], scratch)
            if not made.ok:
                raise RuntimeError(f"{made.outcome}: {made.message}")
            judged = contender.score(Path(made.artifact), {"device": images(n_images, size, 1, 4)})
            return Answer(np.array([made.metrics["loss"]]), judged=judged)

        return run

    steps = 3 * EPOCHS * 2
    name = f"{PLUGIN}/fitness/label_likelihood"
    return [
        Case(name, candidates("float32"), sums, products, individuals=True, convolutions=True),
        Case(f"{name} bfloat16", candidates("bfloat16"), sums, products, "bfloat16", individuals=True),
        Case(f"{PLUGIN}/search/layerwise", searched("search"), 6 * sums, 6 * products, convolutions=True),
        *(
            Case(f"{PLUGIN}/baseline/{control}", searched(control), 6 * sums, 6 * products, convolutions=True)
            for control in CONTROLS
        ),
        Case(
            f"{PLUGIN}/baseline/sgd",
            contends(baselines.build_sgd, Sgd(convolutions=(2,))),
            steps * sums,
            steps * products,
            convolutions=True,
        ),
        Case(
            f"{PLUGIN}/baseline/frozen_body",
            contends(baselines.build_frozen_body, FrozenBody()),
            steps * sums,
            steps * products,
            convolutions=True,
        ),
        Case(
            f"{PLUGIN}/final/learn_targets",
            contends(final.build_champion, LearnTargets(convolutions=(2,), lr=(0.5,)), targets=True),
            steps * sums,
            steps * products,
            convolutions=True,
        ),
    ]


@contextmanager
def drawn_on_the_cpu() -> Iterator[None]:
    """The search draws the numbers of a CPU, wherever it computes."""
    twins: dict[int, tuple[torch.Generator, torch.Generator]] = {}

    def twin(one: torch.Generator) -> torch.Generator:
        if one.device.type == "cpu":
            return one
        if id(one) not in twins:  # kept together, so that no other generator gets the same id
            twins[id(one)] = one, torch.Generator().manual_seed(one.initial_seed())
        return twins[id(one)][1]

    def drawn(generators: Sequence[torch.Generator], *given: Any) -> Tensor:
        return draw([twin(one) for one in generators], *given).to(generators[0].device)

    def picked(generators: Sequence[torch.Generator], *given: Any) -> Tensor:
        return pick([twin(one) for one in generators], *given).to(generators[0].device)

    with mock.patch.object(search, "draw", drawn), mock.patch.object(search, "pick", picked):
        yield
