"""Seconds of a step of SmallCNN at batch 128, beside a plain DataLoader with an update tensor by tensor.

Run: python benchmarks/optimizer_training.py [--steps 50] [--threads 2] [--repeats 5] [--no-bfloat16]

The network has 824,458 parameters, the data are 9,000 images of Fashion-MNIST, the update is Adam's. The peer trains
the same network, a module, in float32: a ``DataLoader`` that makes each image a normalised tensor, ``backward``, and
Adam written in Python over the parameters one by one. Each row is the minimum over the repeats, which are interleaved,
because other work on the machine only ever adds time. 50 steps stand for 500: every step is the same work.

``together`` is ours with eight networks at once, per network, on the images above and on the digits of 8 x 8 pixels.

``ranking`` compares the validation accuracies of the known optimizers after ``--steps`` steps in bfloat16 with those
in float32.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import click
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from evokit.data.image_set import ImageSet
from evokit.data.images import Images
from evokit.interfaces import Context, Data
from evokit.statistics.correlation import spearman_interval
from evokit.streams import Streams
from evokit_optimizers.fitness import TrainedAccuracyFitness, build_fitness
from evokit_optimizers.options import TrainedAccuracy
from evokit_optimizers.rules.known import KNOWN
from evokit_optimizers.rules.rule import Rule
from evokit_optimizers.training.method import Evolved
from evokit_optimizers.training.together import advance_together
from evokit_optimizers.training.training import Training

BATCH = 128
TOGETHER, TOGETHER_STEPS = 8, 10
ADAM = KNOWN["adam"]
BARS = {"float32": 1.2, "bfloat16": 2.5}


@dataclass
class Row:
    """One line of the table; ``advance`` makes that many steps and returns when they are done."""

    name: str
    advance: Callable[[int], None]
    seconds: float = math.inf  # of a step


@click.command()
@click.option("--steps", default=50, show_default=True)
@click.option("--threads", default=2, show_default=True)
@click.option("--repeats", default=5, show_default=True)
@click.option("--bfloat16/--no-bfloat16", default=True, help="Without it on processors that have no bfloat16.")
def main(steps: int, threads: int, repeats: int, bfloat16: bool) -> None:
    """Print the table."""
    torch.set_num_threads(threads)
    data = Images().build(Context(Streams(0)))
    context = Context(Streams(0), train=data.train, validation=data.validation)
    options = TrainedAccuracy(steps=steps, seeds=1, batch=BATCH)
    fitnesses = {"float32": build_fitness(options, context)}
    if bfloat16:
        fitnesses["bfloat16"] = build_fitness(replace(options, precision="bfloat16"), context)
    rows = [Row("plain", plain(data.train["fashionmnist"]))]
    rows += [Row(name, ours(fitness)) for name, fitness in fitnesses.items()]
    measure(rows, steps, repeats)
    digits = Images(sets=("digits",)).build(Context(Streams(0)))
    for name, images in (("28 x 28 pixels", data), ("8 x 8 pixels", digits)):
        alone, together = (
            per_network(TrainedAccuracy(steps=steps, seeds=1, batch=BATCH, together=n), images) for n in (1, TOGETHER)
        )
        click.echo(f"{name}: {1000 * together:.1f} ms a network, {TOGETHER} at once; {1000 * alone:.1f} ms alone")
    for row in rows:
        ratio = rows[0].seconds / row.seconds
        bar = f"bar {BARS[row.name]}" if row.name in BARS else ""
        click.echo(f"{row.name:10} {1000 * row.seconds:7.1f} ms a step {ratio:6.2f} times as fast  {bar}")
    if bfloat16:
        rho, low, high = spearman_interval(*(accuracies(fitness, steps) for fitness in fitnesses.values()))
        click.echo(f"ranking of {len(rivals())} optimizers: rank correlation {rho:.2f} [{low:.2f}, {high:.2f}]")


def measure(rows: list[Row], steps: int, repeats: int) -> None:
    """Fill in the rows' seconds."""
    for row in rows:
        row.advance(2)
    for _ in range(repeats):
        for row in rows:
            started = time.perf_counter()
            row.advance(steps)
            row.seconds = min(row.seconds, (time.perf_counter() - started) / steps)


def ours(fitness: TrainedAccuracyFitness) -> Callable[[int], None]:
    """The fitness's own loop."""

    def advance(steps: int) -> None:
        training.advance(training.step + steps)

    training = Training(fitness.tasks[0], Evolved(ADAM), Streams(0), 10_000)
    return advance


def per_network(options: TrainedAccuracy, data: Data) -> float:
    """Seconds of a step of one network, of as many as the options train at once."""
    fitness = build_fitness(options, Context(Streams(0), train=data.train, validation=data.validation))
    trainings = [Training(fitness.tasks[0], Evolved(ADAM), Streams(0), 10_000) for _ in range(options.together)]
    advance = advance_together if options.together > 1 else lambda some, step: [one.advance(step) for one in some]
    advance(trainings, 2)
    started = time.perf_counter()
    advance(trainings, 2 + TOGETHER_STEPS)
    return (time.perf_counter() - started) / TOGETHER_STEPS / options.together


def accuracies(fitness: TrainedAccuracyFitness, steps: int) -> list[float]:
    """Of the rivals; 0 for those that diverge."""
    return [one.values[0] if one.ok else 0.0 for one in fitness.evaluate(rivals(), steps)]


class PlainImages(Dataset[tuple[torch.Tensor, int]]):
    """Each image a normalised tensor of its own."""

    def __init__(self, images: ImageSet) -> None:
        self._images = images
        self._mean, self._std = torch.tensor(images.mean)[:, None, None], torch.tensor(images.std)[:, None, None]

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        pixels = torch.from_numpy(self._images.images[index]).permute(2, 0, 1).float() / 255
        return (pixels - self._mean) / self._std, int(self._images.labels[index])


def plain(images: ImageSet) -> Callable[[int], None]:
    """The peer."""
    conv = [nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    conv += [nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    network = nn.Sequential(*conv, nn.Flatten(), nn.Linear(3136, 256), nn.ReLU(), nn.Linear(256, 10))
    parameters = list(network.parameters())
    moments = [(torch.zeros_like(one), torch.zeros_like(one)) for one in parameters]
    generator = torch.Generator().manual_seed(0)
    batches = _endless(DataLoader(PlainImages(images), BATCH, shuffle=True, drop_last=True, generator=generator))
    made = 0

    def advance(steps: int) -> None:
        nonlocal made
        for _ in range(steps):
            inputs, labels = next(batches)
            loss = nn.functional.cross_entropy(network(inputs), labels)
            network.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            made += 1
            with torch.no_grad():
                for parameter, (m, v) in zip(parameters, moments, strict=True):
                    _adam(parameter, m, v, made)

    return advance


def _adam(parameter: torch.Tensor, m: torch.Tensor, v: torch.Tensor, k: int) -> None:
    gradient = parameter.grad
    assert gradient is not None
    m.copy_(ADAM.beta1 * m + (1 - ADAM.beta1) * gradient)
    v.copy_(ADAM.beta2 * v + (1 - ADAM.beta2) * gradient**2)
    corrected_m, corrected_v = m / (1 - ADAM.beta1**k), v / (1 - ADAM.beta2**k)
    parameter -= ADAM.lr * corrected_m / (corrected_v.sqrt() + ADAM.eps)


def _endless(loader: DataLoader[tuple[torch.Tensor, int]]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    while True:
        yield from loader


def rivals() -> list[Rule]:
    """The known optimizers at three learning rates each."""
    return [replace(rule, lr=rule.lr * factor) for rule in KNOWN.values() for factor in (0.3, 1.0, 3.0)]


if __name__ == "__main__":
    main()
