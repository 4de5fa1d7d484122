"""Activation search at the paper's width, 256 channels and 240 candidates, extrapolated to 50,000 images.

``generations`` times a few generations of each layer and adds them up for the paper's 300, 100, 100 and 10. ``search``
searches as many images as a minute takes, whole if that fits, and tells the mean cross-entropy that it ends at, and
that of the first group of images, which is the same in either precision where as many fit into memory at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch

from benchmarks.device.bench import Bench
from benchmarks.device.data import images
from benchmarks.device.runner import Item
from evokit.energy import Reading
from evokit.interfaces import Context
from evokit.streams import Streams
from evokit.tensor_population import take, top_k
from evokit_activations.fitness import build_fitness
from evokit_activations.genome import ActivationTensors
from evokit_activations.layerwise.search import LayerwiseSearch
from evokit_activations.networks.frozen import DTYPES, in_precision
from evokit_activations.networks.network import Shape
from evokit_activations.networks.task import ImageTask
from evokit_activations.options import Evolution, LabelLikelihood, Layer, Network

STEP = "4 activation search"
PAPER_IMAGES, SPAN_S, MOST_LANES = 50_000, 60.0, 256
MOST_NUMBERS = 2**31  # of one tensor, beyond which kernels split or refuse
COPIES = 10  # of a layer's candidates that are alive at once, and what convolutions work in


def items(bench: Bench) -> list[Item]:
    """bfloat16 first."""
    found = []
    for precision in ("bfloat16", "float32"):
        what = "seconds of a generation of each layer, added up"
        found.append(Item(STEP, f"generations {precision}", what, _with(generations, precision), 25.0))
    for precision in ("bfloat16", "float32"):
        what = "images that a minute takes, and the cross-entropy found"
        found.append(Item(STEP, f"search {precision}", what, _with(searched, precision), 40.0))
    return found


def generations(bench: Bench, precision: str) -> Mapping[str, Any]:
    """Each layer's population after its first generation, then a few more of them by the clock."""
    task, options = started(bench)
    lanes = lanes_of(bench, task, options, precision)
    search, pixels, generators = _search(task, options, lanes, precision)
    labels = task.labels[:lanes]
    total, shares = 0.0, {}
    with torch.inference_mode(), bench.meter.measure() as reading:
        population = search.first(pixels, labels, generators)
        for number, layer in enumerate(options.layers):
            if number:
                best = take(population.genes, top_k(population.values, 1))[0]
                population = search.next_layer(number, best, labels)
            population = search.generation(number, layer, population, labels, generators)
            bench.sync()
            n, started_s = 0, time.perf_counter()
            while n < 1 or (n < 20 and time.perf_counter() - started_s < (0.0 if bench.small else 3.0)):
                population = search.generation(number, layer, population, labels, generators)
                n += 1
                bench.sync()
            each = (time.perf_counter() - started_s) / n
            shares[f"ms_layer_{number}"] = 1e3 * each / lanes
            total += each * layer.generations
    figures = _extrapolated(bench, task, options, total / lanes)
    watts = _watts(bench, reading)
    return {
        "images_at_once": lanes,
        **shares,
        **figures,
        "watts": watts,
        "joules_an_image": times(watts, total / lanes),
    }


def searched(bench: Bench, precision: str) -> Mapping[str, Any]:
    """Groups of images until a minute is over; with a share of the generations where one group takes longer."""
    task, options = started(bench)
    lanes = lanes_of(bench, task, options, precision)
    span = min(0.1 if bench.small else SPAN_S, bench.left() / 2)
    started_s = time.perf_counter()
    with torch.inference_mode(), bench.meter.measure() as reading:
        probe = replace(
            options, layers=tuple(replace(one, generations=min(2, one.generations)) for one in options.layers)
        )
        _run(bench, task, probe, lanes, precision)  # the first calls choose kernels
        probed = time.perf_counter()
        _run(bench, task, probe, lanes, precision)
        ratio = sum(one.generations for one in options.layers) / sum(one.generations for one in probe.layers)
        expected = (time.perf_counter() - probed) * ratio
        left = span - (time.perf_counter() - started_s)
        share = min(1.0, max(left, 0.0) / expected)
        if share < 1:
            options = replace(
                options,
                layers=tuple(replace(one, generations=max(1, int(one.generations * share))) for one in options.layers),
            )
        values, groups, began = [], 0, time.perf_counter()
        while not groups or time.perf_counter() - began + expected < left:
            values.append(_run(bench, task, options, lanes, precision, groups * lanes))
            groups += 1
        seconds = time.perf_counter() - began
    n = groups * lanes
    figures: dict[str, Any] = {"watts": _watts(bench, reading)}
    if share == 1:  # of fewer generations, an image's figures would be taken for those of the whole search
        figures |= {"images_a_second": n / seconds, "joules_an_image": times(figures["watts"], seconds / n)}
        figures |= _extrapolated(bench, task, options, seconds / n)
    return {
        "images_at_once": lanes,
        "images": n,
        "share_of_generations": share,
        "mean_cross_entropy": float(-torch.cat(values).mean()),
        "mean_cross_entropy_of_first_group": float(-values[0].mean()),
        **figures,
    }


def started(bench: Bench) -> tuple[ImageTask, Evolution]:
    """Images and schedule: the paper's, or a test's."""
    if bench.small:
        options = LabelLikelihood(model=Network(channels=(4, 4), whitening_patches=200))
        layers = (Layer(2, 0.3, 2.0, 2), Layer(2, 0.2, 2.0, 1), Layer(2, 0.1))
        evolution = Evolution(layers=layers, parents=2, explorers=4, refiners=4, noise=0.1)
        train = images(20, 9, 1, 1)
    else:
        options, evolution, train = LabelLikelihood(), Evolution(noise=0.1), images(1000, 32, 3, 1)
    data = {"device": train}
    context = Context(Streams(3), device=bench.device, threads=bench.threads, train=data, validation=data)
    return build_fitness(options, context), evolution


def lanes_of(bench: Bench, task: ImageTask, options: Evolution, precision: str) -> int:
    """How many images' populations fit into memory at once."""
    height, width, channels = task.shape.maps[0]
    numbers = options.population * height * width * channels
    largest = options.population * (task.shape.image[1] - 1) ** 2 * channels  # before the first pooling
    most = 2 if bench.small else max(1, min(MOST_LANES, MOST_NUMBERS // largest))
    return bench.fitting(COPIES * numbers * DTYPES[precision].itemsize, most)


def flops(shape: Shape, options: Evolution) -> float:
    """Of a whole search of an image: twice the multiply-adds of all forward passes of children."""
    blocks, inputs, size = [], shape.whitened, shape.image[1] - 1
    for height, width, channels in shape.maps:
        first = 2.0 * 9 * inputs * channels * size * size  # before pooling
        blocks.append(first + (shape.convolutions - 1) * 2.0 * 9 * channels * channels * height * width)
        inputs, size = channels, height
    head = 2.0 * shape.features * shape.classes
    children = options.explorers + options.refiners
    later = [sum(blocks[layer + 1 :]) + head for layer in range(len(blocks))]
    return sum(layer.generations * children * one for layer, one in zip(options.layers, later, strict=False))


def _extrapolated(bench: Bench, task: ImageTask, options: Evolution, seconds: float) -> dict[str, Any]:
    """Of the seconds that an image takes."""
    operations, peak = flops(task.shape, options), bench.peak()
    return {
        "seconds_an_image": seconds,
        "hours_for_50000_images": seconds * PAPER_IMAGES / 3600,
        "operations_for_50000_images": operations * PAPER_IMAGES,
        "tflops": operations / seconds / 1e12,
        "share_of_bf16_peak": operations / seconds / peak if peak else None,
    }


def times(watts: float | None, seconds: float) -> float | None:
    """Joules; None where nobody counted them."""
    return None if watts is None else watts * seconds


def _watts(bench: Bench, reading: Reading) -> float | None:
    """Of all that was read."""
    joules = bench.joules(reading)
    return joules / reading.wall_s if joules else None


def _run(bench: Bench, task: ImageTask, options: Evolution, lanes: int, precision: str, first: int = 0) -> torch.Tensor:
    search, pixels, generators = _search(task, options, lanes, precision, first)
    found = search.run(pixels, task.labels[_images(task, lanes, first)], generators).values[-1]
    bench.sync()
    return found.float()


def _search(
    task: ImageTask, options: Evolution, lanes: int, precision: str, first: int = 0
) -> tuple[LayerwiseSearch, torch.Tensor, Any]:
    dtype = DTYPES[precision]
    search = LayerwiseSearch(in_precision(task.untrained, dtype), options, ActivationTensors())
    generators = [Streams(0).at("image", index).torch(task.device) for index in range(first, first + lanes)]
    return search, task.normalised(task.images[_images(task, lanes, first)]).to(dtype), generators


def _images(task: ImageTask, lanes: int, first: int) -> torch.Tensor:
    """Indices of a group's images; behind the last comes the first again."""
    return torch.arange(first, first + lanes, device=task.labels.device) % len(task.labels)


def _with(run: Callable[[Bench, str], Mapping[str, Any]], precision: str) -> Callable[[Bench], Mapping[str, Any]]:
    return lambda bench: run(bench, precision)
