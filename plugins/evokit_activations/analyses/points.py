"""What analyses share: a fitness whose individuals are the points of a grid, and searches of some images."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from pydantic import ValidationError
from torch import Tensor

from evokit.common.cores import set_threads
from evokit.common.keys import digest
from evokit.interfaces import Context, Evaluation, Goal, Measured
from evokit.recipe.options import validate
from evokit.streams import Streams
from evokit_activations.analyses.options import Analysed
from evokit_activations.fitness import build_fitness
from evokit_activations.genome import ActivationTensors
from evokit_activations.layerwise.search import LayerwiseSearch, Population, refuse_other_layers
from evokit_activations.networks.task import ImageTask
from evokit_activations.networks.training import DivergedError
from evokit_activations.options import Evolution

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Pictures:
    """Images to be searched.

    Args:
        pixels: ``(n, c, h, w)``, normalised.
        labels: ``(n,)`` int64.
        streams: Each image's random numbers are its own.
    """

    pixels: Tensor
    labels: Tensor
    streams: Streams

    def groups(self, lanes: int) -> Iterator[tuple[Tensor, Tensor, list[torch.Generator]]]:
        """Pixels, labels and generators of ``lanes`` images at a time."""
        for images in torch.split(torch.arange(len(self.labels)), lanes):
            device = str(self.pixels.device)
            generators = [self.streams.at("image", image).torch(device) for image in images.tolist()]
            yield self.pixels[images], self.labels[images], generators


class Analysis(ABC):
    """A fitness over points.

    Args:
        options: Of the analysis.
        task: Images and network of the run.
        deciding: What decides values beside the task, as JSON values.
        budgets: Ascending.
    """

    point: ClassVar[type]  # a dataclass: names and values of a point
    objectives: ClassVar[Mapping[str, Goal]]
    options: Any

    def __init__(self, options: Any, task: ImageTask, deciding: Mapping[str, Any], budgets: Sequence[int]) -> None:
        self.options, self.task, self.budgets = options, task, budgets
        self.takes = options.takes
        self.slots: Mapping[str, Any] = {one.name: one.type for one in fields(self.point)}
        self.context = digest([task.identity, type(options).__name__, deciding])

    @abstractmethod
    def measure(self, point: Any, budget: int) -> dict[str, float]:
        """What is noted of a point at a budget, the objective among it."""

    @abstractmethod
    def draw(self, results: Sequence[Measured]) -> Figure:
        """The figure of what was measured."""

    def accept(self, point: Mapping[str, Any]) -> Any:
        """The point as its dataclass. Raises ``ValueError`` that says what is wrong with it."""
        try:
            return validate(self.point, dict(point))
        except ValidationError as error:
            said = [": ".join([*map(str, one["loc"]), one["msg"]]) for one in error.errors()]
            raise ValueError(f"{dict(point)}: {'; '.join(said)}") from error

    def evaluate(self, batch: Sequence[Mapping[str, Any]], budget: int) -> Iterator[Evaluation]:
        """Measure points; one whose trainings all diverge is ``diverged``."""
        set_threads(self.task.threads)
        (objective,) = self.objectives
        for point in batch:
            try:
                metrics = self.measure(self.accept(point), budget)
            except DivergedError as error:
                yield Evaluation(outcome="diverged", work=budget, message=str(error))
            else:
                yield Evaluation((metrics[objective],), work=budget, metrics=metrics)


class SearchAnalysis(Analysis):
    """Searches of training images; a budget is how many of them, the first. Work is counted in images.

    Args:
        options: Of the analysis.
        context: Of the run.
    """

    def __init__(self, options: Analysed, context: Context) -> None:
        task = build_fitness(options, context)
        refuse_other_layers(options.evolution, len(task.shape.channels))
        n = len(task.labels)
        super().__init__(options, task, asdict(options), sorted({min(options.evolution.lanes, n), n}))

    def training_pictures(self, n: int, run: int = 0) -> Pictures:
        """The first ``n`` training images for one of several independent searches."""
        task = self.task
        streams = task.streams.at("analysis", "training", run)
        return Pictures(task.normalised(task.images[:n]), task.labels[:n], streams)


@torch.inference_mode()
def searched(
    task: ImageTask,
    evolution: Evolution,
    tensors: ActivationTensors,
    pictures: Pictures,
    *,
    selecting: bool = True,
) -> list[Tensor]:
    """``(n, ...)`` of each layer, the logits last: what the whole layer-wise search finds."""
    search = LayerwiseSearch(task.untrained, evolution, tensors, selecting=selecting)
    found = [search.run(*group).layers for group in pictures.groups(evolution.lanes)]
    return [torch.cat(layer) for layer in zip(*found, strict=True)]


@torch.inference_mode()
def one_layer(
    search: LayerwiseSearch, layer: int, pixels: Tensor, labels: Tensor, generators: Sequence[torch.Generator]
) -> Iterator[Population]:
    """The populations of a block that is searched alone, the first one before any generation.

    Earlier blocks are as the untrained network has them.

    Source: 3.2, Fitness scaling: "we evolve only H(l), then recompute H(l+1), ...".
    """
    schedule = search.options.layers[layer]
    if layer:
        blocks, _ = search.network.forward(pixels)
        population = search.next_layer(layer, blocks[layer - 1].permute(0, 2, 3, 1), labels)
    else:
        population = search.first(pixels, labels, generators)
    yield population
    for _ in range(schedule.generations):
        population = search.generation(layer, schedule, population, labels, generators)
        yield population


def refuse_other_blocks(layer: int, task: ImageTask) -> None:
    """Raises ``ValueError`` if the network has no such block."""
    if layer not in task.shape.blocks:
        raise ValueError(f"layer must be below {len(task.shape.blocks)}, the number of blocks, got {layer}")


def resized(evolution: Evolution, population: int) -> Evolution:
    """Another population in the same shares of parents, explorers and refiners; one parent at least.

    Raises:
        ValueError: There would be no child.
    """
    share = population / evolution.population
    parents, explorers = max(1, round(evolution.parents * share)), round(evolution.explorers * share)
    refiners = population - parents - explorers
    if refiners < 0 or population < 2:
        raise ValueError(f"population must hold a parent and a child, got {population}")
    return replace(evolution, parents=parents, explorers=explorers, refiners=refiners)
