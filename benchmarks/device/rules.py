"""Optimizer search: steps a second of many rules' networks, one by one and at once.

``together`` is what ``fitness.together`` does: ``torch.func.vmap`` over parameters, whose convolutions torch turns into
grouped ones, so that these two ways are one. ``graph`` replays its forward and backward pass from a CUDA graph; the
rules' updates, whose numbers change from step to step, stay outside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from benchmarks.device.bench import Bench
from benchmarks.device.data import images
from benchmarks.device.runner import Item
from benchmarks.device.same_crystalline import genes
from benchmarks.device.same_optimizers import GENOME
from benchmarks.device.timing import timed
from evokit.interfaces import Context
from evokit.streams import Streams
from evokit_optimizers.fitness import build_fitness
from evokit_optimizers.options import TrainedAccuracy
from evokit_optimizers.tasks.convnet import ConvNet
from evokit_optimizers.tasks.network import FlatNetwork
from evokit_optimizers.tasks.options import Network
from evokit_optimizers.tasks.task import Task
from evokit_optimizers.training.method import Evolved
from evokit_optimizers.training.together import advance_together
from evokit_optimizers.training.training import Training

STEP = "3 optimizer search"
Steps = Callable[[Sequence[Training], int], object]


def items(bench: Bench) -> list[Item]:
    """For as many rules as a generation has."""
    found = []
    for n in (2, 3) if bench.small else (20, 100):
        for precision in ("float32", "bfloat16"):
            for name, way in (("one by one", alone), ("together", advance_together), ("graph", graphed)):
                what = f"steps of {n} rules' networks, {name}"
                found.append(Item(STEP, f"{n} rules {precision}, {name}", what, _run(n, precision, way), 6.0))
    return found


def _run(n: int, precision: str, way: Steps) -> Callable[[Bench], Mapping[str, Any]]:
    def run(bench: Bench) -> Mapping[str, Any]:
        trainings, task = started(bench, n, precision)
        span = 2 if bench.small else 10
        advance = replayed(bench, trainings) if way is graphed else way
        return timed(
            bench,
            lambda: advance(trainings, trainings[0].step + span),
            units=n * span,
            unit="steps",
            flops=3 * n * span * task.batch * flops(task.network),
        )

    return run


def alone(trainings: Sequence[Training], step: int) -> None:
    """One after the other, as without ``together``."""
    for one in trainings:
        one.advance(step)


def graphed(trainings: Sequence[Training], step: int) -> None:
    """Stands for ``replayed``, which is made once."""


def replayed(bench: Bench, trainings: Sequence[Training]) -> Steps:
    """Steps of all, gradients from a CUDA graph; on a CPU the same functions without one."""
    task = trainings[0].task
    flat = torch.stack([one.parameters for one in trainings]).to(task.precision)
    chosen = trainings[0].next_batch().clone()

    def loss(one: Tensor) -> Tensor:
        return task.loss(task.network.pieces(one), {}, chosen, Streams(0))

    def differentiated() -> tuple[Tensor, Tensor]:
        return torch.func.vmap(torch.func.grad_and_value(loss), randomness="same")(flat)

    replay, (gradients, losses) = _captured(bench, differentiated)

    def advance(trainings: Sequence[Training], step: int) -> list[bool]:
        while trainings[0].step < step:
            flat.copy_(torch.stack([one.parameters for one in trainings]))
            chosen.copy_(trainings[0].next_batch())
            replay()
            for one, value, gradient in zip(trainings, losses, gradients, strict=True):
                one.move(value, gradient)
        return [one.sound for one in trainings]  # as the other ways: the host waits for each

    return advance


def _captured(
    bench: Bench, work: Callable[[], tuple[Tensor, Tensor]]
) -> tuple[Callable[[], object], tuple[Tensor, Tensor]]:
    """What does the work again into the same tensors, and those tensors."""
    if not bench.cuda:
        out = work()

        def again() -> None:
            for old, new in zip(out, work(), strict=True):
                old.copy_(new)

        return again, out
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):  # as torch asks: what is chosen at the first calls must not be captured
        for _ in range(3):
            work()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        out = work()
    return graph.replay, out


def started(bench: Bench, n: int, precision: str) -> tuple[list[Training], Task]:
    """Trainings of random rules at step 0, none of which is looked at for divergence."""
    small = bench.small
    options = TrainedAccuracy(
        model=Network(channels=(2, 3), hidden=8) if small else Network(),
        steps=10_000,
        batch=16 if small else 128,
        precision="bfloat16" if precision == "bfloat16" else "float32",
        together=n,
    )
    train = {"device": images(60 if small else 9000, 8 if small else 28, 1, 1)}
    context = Context(Streams(3), device=bench.device, threads=bench.threads, train=train, validation=train)
    task = build_fitness(options, context).tasks[0]
    methods = [Evolved(GENOME.express(one)) for one in genes(GENOME, n)]
    return [Training(task, one, Streams(0), 10_000, explosion=1e30, check_every=10**9) for one in methods], task


def flops(network: FlatNetwork) -> float:
    """Of one image forward: twice the multiply-adds of ``small_cnn``."""
    assert isinstance(network, ConvNet)
    height, width, _ = network.image
    total, positions = 0.0, height * width
    for parameter in network.parameters:
        if len(parameter.shape) == 4:
            total += 2.0 * parameter.size * positions
            positions //= 4
        elif len(parameter.shape) == 2:
            total += 2.0 * parameter.size
    return total
