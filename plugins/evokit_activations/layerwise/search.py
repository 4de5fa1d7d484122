"""The layer-wise search for representations of a few images at once, a lane each: pure functions of their generators.

Source: "Decoupling search and learning in neural net training", 3.1 and A.2; what it leaves open is read as in
``docs/reproduction_representation.md``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from evokit.tensor_population import draw, pick, take, top_k
from evokit_activations.genome import ActivationTensors
from evokit_activations.layerwise.operators import (
    channel_deviation,
    class_deviation,
    crossover,
    mutate_logits,
    mutate_maps,
)
from evokit_activations.networks.frozen import FrozenNetwork
from evokit_activations.networks.network import classify, run_block, whiten
from evokit_activations.options import Evolution, Layer

Generators = Sequence[torch.Generator]


@dataclass(frozen=True)
class Population:
    """Candidates for one layer.

    Args:
        genes: ``(n, lanes, height, width, channels)``, of the logits ``(n, lanes, classes)``.
        values: ``(n, lanes)`` log-likelihood of the label.
    """

    genes: Tensor
    values: Tensor


@dataclass(frozen=True)
class Found:
    """What a search found for each of its images.

    Args:
        layers: ``(lanes, ...)`` each: the best representation of every layer, the logits last.
        values: ``(layers, lanes)`` log-likelihood of the label when each layer's search ended.
    """

    layers: list[Tensor]
    values: Tensor


class LayerwiseSearch:
    """How a recipe searches, on one network.

    Args:
        network: The untrained one; after a cycle of learning a trained one.
        options: Sizes and strengths.
        tensors: How children are made.
        selecting: False draws parents and what is found at random.
    """

    def __init__(
        self, network: FrozenNetwork, options: Evolution, tensors: ActivationTensors, *, selecting: bool = True
    ) -> None:
        self.network, self.options, self.tensors, self.selecting = network, options, tensors, selecting

    def run(self, images: Tensor, labels: Tensor, generators: Generators) -> Found:
        """Search all layers in their order.

        Args:
            images: ``(lanes, c, h, w)``, normalised.
            labels: ``(lanes,)`` int64.
            generators: One a lane; they move on.
        """
        population = self.first(images, labels, generators)
        found: list[Tensor] = []
        values: list[Tensor] = []
        for layer, schedule in enumerate(self.options.layers):
            if layer:
                population = self.next_layer(layer, found[-1], labels)
            for _ in range(schedule.generations):
                population = self.generation(layer, schedule, population, labels, generators)
            best = self._chosen(population, 1, generators)
            found.append(take(population.genes, best)[0])
            values.append(take(population.values, best)[0])
        return Found(found, torch.stack(values))

    def first(self, images: Tensor, labels: Tensor, generators: Generators) -> Population:
        """The first block's output for noisy copies of its input, which is the whitened image.

        Source: 3.1, Population initialization.
        """
        network, n = self.network, self.options.population
        white = whiten(images, network.parameters["whitening"]).permute(0, 2, 3, 1)  # channels last, as genes are
        noise = draw(generators, (n, *white.shape[1:]), white.dtype)
        noisy = noise.mul_(channel_deviation(white[None])).mul_(self.options.noise).add_(white)
        x = noisy.flatten(0, 1).permute(0, 3, 1, 2)
        x = run_block(network.shape, network.parameters, 0, x, network.statistics)
        genes = x.permute(0, 2, 3, 1)
        genes = genes.reshape(n, len(images), *genes.shape[1:])
        return Population(genes, self.log_likelihood(0, genes, labels))

    def next_layer(self, layer: int, best: Tensor, labels: Tensor) -> Population:
        """What the network makes of the best of the layer before: the only parent of the next layer's search."""
        x = forward_from(self.network, layer - 1, best, layer)
        return Population(x[None], self.log_likelihood(layer, x[None], labels))

    def generation(
        self, layer: int, schedule: Layer, population: Population, labels: Tensor, generators: Generators
    ) -> Population:
        """Parents, explorers and refiners; parents keep their values. Source: 3.1, Evolution mechanics."""
        options = self.options
        chosen = self._chosen(population, min(options.parents, len(population.genes)), generators)
        parents = Population(take(population.genes, chosen), take(population.values, chosen))
        pool = parents.genes
        boosted = schedule.alpha * schedule.boost
        children = [self.reproduce(layer, schedule, pool, options.explorers, boosted, generators)]
        pool = torch.cat([pool, *children])
        children.append(self.reproduce(layer, schedule, pool, options.refiners, schedule.alpha, generators))
        values = self.log_likelihood(layer, torch.cat(children), labels)
        return Population(torch.cat([pool, children[1]]), torch.cat([parents.values, values]))

    def reproduce(
        self, layer: int, schedule: Layer, pool: Tensor, n: int, alpha: float, generators: Generators
    ) -> Tensor:
        """``(n, lanes, ...)`` children of random pairs. Source: A.4."""
        if not n:
            return pool[:0]
        pairs = pick(generators, len(pool), (n, 2))
        children = crossover(pool, pairs)
        of_logits = layer == len(self.options.layers) - 1
        deviations = class_deviation(pool) if of_logits else channel_deviation(pool)
        deviation = crossover(deviations, pairs)
        if of_logits:
            noise = draw(generators, (n, pool.shape[-1]), pool.dtype)
            return mutate_logits(children, deviation, noise, alpha)
        positions = pool.shape[2:4] if self.tensors.noise == "element" else (1, 1)
        return mutate_maps(
            children,
            deviation,
            draw(generators, (n, *positions, pool.shape[-1]), pool.dtype),
            alpha,
            passes=schedule.smoothing,
            of=self.tensors.smooth,
            normalised=self.tensors.normalise,
        )

    def log_likelihood(self, layer: int, genes: Tensor, labels: Tensor) -> Tensor:
        """``(n, lanes)`` log-likelihood of the labels, forward from a layer's candidates only."""
        n = len(genes)
        logits = forward_from(self.network, layer, genes.flatten(0, 1), len(self.network.shape.channels))
        return label_log_likelihood(logits, labels.repeat(n)).view(n, -1)

    def _chosen(self, population: Population, k: int, generators: Generators) -> Tensor:
        values = population.values
        if not self.selecting:
            values = draw(generators, (len(values),))
        elif self.options.select == "lanes":
            values = values.mean(1, keepdim=True).expand_as(values)
        return top_k(values, k)


def forward_from(network: FrozenNetwork, layer: int, x: Tensor, to: int) -> Tensor:
    """What the network makes of a layer's representations.

    Args:
        network: That goes on.
        layer: Number of the layer that ``x`` is of; the number of blocks is that of the logits.
        x: ``(n, height, width, channels)``, of the logits ``(n, classes)``.
        to: Number of the layer that is wanted, not before ``layer``.

    Returns:
        As ``x``, of the layer ``to``.
    """
    n_blocks = len(network.shape.channels)
    if layer in (n_blocks, to):
        return x
    x = x.permute(0, 3, 1, 2)
    for block in range(layer + 1, min(to, n_blocks - 1) + 1):
        x = run_block(network.shape, network.parameters, block, x, network.statistics)
    return classify(network.parameters, x) if to == n_blocks else x.permute(0, 2, 3, 1)


def refuse_other_layers(options: Evolution, n_blocks: int) -> None:
    """Raises ``ValueError`` if the options do not have an entry for each block and one for the logits."""
    if len(options.layers) != n_blocks + 1:
        raise ValueError(f"layers needs {n_blocks + 1} entries, one a block and one for the logits")


def label_log_likelihood(logits: Tensor, labels: Tensor) -> Tensor:
    """``(n,)`` log-likelihood of the labels under ``(n, classes)`` logits, at least in float32."""
    logits = logits.float() if logits.dtype in (torch.bfloat16, torch.float16) else logits
    return F.log_softmax(logits, -1).gather(1, labels[:, None])[:, 0]
