"""How fast representations are searched, against a plain implementation of the same schedule.

``python benchmarks/activation_search.py`` searches the same images of Fashion-MNIST twice: as the plugin does, and as
the paper's pseudocode reads: everything in torch's default layout, repeated average pooling, and every generation
forwarded whole, parents too. Both make as many children with the same operators from random numbers of their own, so
that they end at about the same cross-entropy, which is printed beside the seconds. Minima over repeats are given.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from evokit.common.text import table
from evokit.data.images import Images, Limit
from evokit.interfaces import Context
from evokit.streams import Streams
from evokit_activations.fitness import build_fitness
from evokit_activations.genome import ActivationTensors
from evokit_activations.layerwise.search import LayerwiseSearch
from evokit_activations.networks.frozen import FrozenNetwork, in_precision
from evokit_activations.networks.task import ImageTask
from evokit_activations.options import LabelLikelihood, Layer, Layerwise, Network

BARS = {"float32": 2.0, "bfloat16": 4.0}


class Plain:
    """The search of section 3.1 as it is written there, on ``(n * images, c, h, w)`` tensors."""

    def __init__(self, network: FrozenNetwork, options: Layerwise, seed: int) -> None:
        self.options, self.shape, statistics = options, network.shape, network.statistics
        self.weights = {name: value.contiguous() for name, value in network.parameters.items()}
        self.statistics = statistics
        self.generator = torch.Generator().manual_seed(seed)

    def run(self, images: Tensor, labels: Tensor) -> Tensor:
        """``(images,)`` cross-entropy of what is found."""
        n = self.options.population
        x = F.gelu(F.conv2d(images, self.weights["whitening"]))
        deviation = x.std((2, 3), correction=0, keepdim=True)
        noise = torch.randn((n, *x.shape), generator=self.generator, dtype=x.dtype)
        population = self.block(0, (x + noise * deviation * self.options.noise).flatten(0, 1)).unflatten(0, (n, -1))
        fitness = self.fitness(0, population, labels)
        for layer, schedule in enumerate(self.options.layers):
            for _ in range(schedule.generations):
                k = min(self.options.parents, len(population))
                best = fitness.topk(k, 0).indices
                parents = population[best, torch.arange(len(labels))]
                explorers = self.reproduce(layer, schedule, parents, self.options.explorers, schedule.boost)
                pool = torch.cat([parents, explorers])
                refiners = self.reproduce(layer, schedule, pool, self.options.refiners, 1.0)
                population = torch.cat([pool, refiners])
                fitness = self.fitness(layer, population, labels)
            chosen = population[fitness.argmax(0), torch.arange(len(labels))]
            if layer < len(self.options.layers) - 1:
                population = self.onward(layer, chosen, layer + 1)[None]
                fitness = self.fitness(layer + 1, population, labels)
        return -fitness.max(0).values

    def reproduce(self, layer: int, schedule: Layer, pool: Tensor, n: int, boost: float) -> Tensor:
        lanes = torch.arange(pool.shape[1])
        pairs = torch.randint(len(pool), (2, n, pool.shape[1]), generator=self.generator)
        one, other = pool[pairs[0], lanes], pool[pairs[1], lanes]
        child = (one + other) / 2
        axes = (3, 4) if child.dim() == 5 else (2,)
        deviation = (one.std(axes, correction=0, keepdim=True) + other.std(axes, correction=0, keepdim=True)) / 2
        noise = torch.randn(child.shape, generator=self.generator, dtype=child.dtype)
        child = child + noise * deviation * schedule.alpha * boost
        if child.dim() == 3:
            return child - child.mean(-1, keepdim=True)
        maps = child.flatten(0, 1)
        for _ in range(schedule.smoothing):
            maps = F.avg_pool2d(maps, 3, 1, 1)
        mean, variance = maps.mean((1, 2, 3), keepdim=True), maps.var((1, 2, 3), correction=0, keepdim=True)
        return ((maps - mean) / (variance + 1e-5).sqrt()).view(child.shape)

    def fitness(self, layer: int, population: Tensor, labels: Tensor) -> Tensor:
        logits = self.onward(layer, population.flatten(0, 1), len(self.shape.channels)).float()
        losses = F.cross_entropy(logits, labels.repeat(len(population)), reduction="none")
        return -losses.view(len(population), -1)

    def onward(self, layer: int, x: Tensor, to: int) -> Tensor:
        last = len(self.shape.channels) - 1
        for block in range(layer + 1, min(to, last) + 1):
            x = self.block(block, x)
        if to > last and layer <= last:
            return F.linear(x.permute(0, 2, 3, 1).flatten(1), self.weights["head"])
        return x

    def block(self, block: int, x: Tensor) -> Tensor:
        for number in range(2):
            x = F.conv2d(x, self.weights[f"block{block}.conv{number}"], padding=1)
            x = F.max_pool2d(x, 2) if number == 0 else x
            name = f"block{block}.norm{number}"
            mean, variance = self.statistics[f"{name}.mean"], self.statistics[f"{name}.variance"]
            x = F.gelu(F.batch_norm(x, mean, variance, None, self.weights[name]))
        return F.layer_norm(x, x.shape[1:]) if self.shape.normalise else x


def schedule(share: float) -> tuple[Layer, ...]:
    """The paper's A.2 with a share of its generations."""
    return tuple(replace(layer, generations=max(1, round(layer.generations * share))) for layer in Layerwise().layers)


def image_task(n_images: int, width: int) -> ImageTask:
    data = Images(limit=Limit(train=n_images, validation=10, test=10)).build(Context(Streams(0)))
    context = Context(Streams(0), train=data.train, validation=data.validation)
    return build_fitness(LabelLikelihood(model=Network(channels=(width,) * 3, normalise=True)), context)


def timed(search: Callable[[], Tensor], repeats: int) -> tuple[float, float]:
    """CPU seconds, the least of all repeats, and the mean of what it returns."""
    seconds, result = [], torch.zeros(1)
    for _ in range(repeats):
        started = time.process_time()
        result = search()
        seconds.append(time.process_time() - started)
    return min(seconds), float(result.mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=20)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--share", type=float, default=0.02, help="of the paper's generations")
    parser.add_argument("--lanes", type=int, default=5, help="images that ours searches at once")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precisions", nargs="+", default=list(BARS), choices=list(BARS))
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    run = image_task(given.images, given.width)
    options = Layerwise(layers=schedule(given.share), noise=0.1)
    pixels = run.normalised(run.images)
    rows = []
    with torch.inference_mode():
        plain = Plain(run.untrained, options, 0)
        before, loss = timed(lambda: plain.run(pixels.contiguous(), run.labels), given.repeats)
        rows.append(["plain, float32", f"{before:.2f}", f"{loss:.3f}", "1.00", ""])
        for precision in given.precisions:
            dtype = getattr(torch, precision)
            ours = LayerwiseSearch(in_precision(run.untrained, dtype), options, ActivationTensors())

            def searched(ours: LayerwiseSearch = ours, dtype: torch.dtype = dtype) -> Tensor:
                values = []
                for part in torch.split(torch.arange(given.images), given.lanes):
                    generators = [Streams(0).at("benchmark", int(image)).torch() for image in part]
                    values.append(ours.run(pixels[part].to(dtype), run.labels[part], generators).values[-1])
                return -torch.cat(values)

            seconds, loss = timed(searched, given.repeats)
            speed = f"{before / seconds:.2f}"
            rows.append([f"evokit, {precision}", f"{seconds:.2f}", f"{loss:.3f}", speed, f"{BARS[precision]:g}"])
    print(table(["", "CPU s", "cross-entropy", "times as fast", "bar"], rows))


if __name__ == "__main__":
    main()
