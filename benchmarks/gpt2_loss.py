"""Seconds of one GPT-2 evaluation and of one AdamW step, beside transformers' own loss.

Run: python benchmarks/gpt2_loss.py [--threads 2] [--repeats 10]

Batches of 8 x 128 tokens, 128 wide, 2 layers, 4 heads, the vocabulary of 50,257. Each row is the minimum over the
repeats, which are interleaved, because other work on the machine only ever adds time. ``difference`` is the loss
minus that of transformers in float32, in nats. ``peak`` is what one evaluation of 8,192 tokens takes above the
model, in a process of its own.
"""

from __future__ import annotations

import math
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from evokit.data.text import Blocks, Documents, full_blocks, join_documents
from evokit.interfaces import Context
from evokit.streams import Streams
from evokit_crystalline.baselines import AdamWContender
from evokit_crystalline.crystals.matrices import Dense
from evokit_crystalline.fitness import Gpt2Fitness, build_fitness
from evokit_crystalline.gpt2.continuous import random_matrices
from evokit_crystalline.gpt2.loss import Precision
from evokit_crystalline.gpt2.measuring import mean_losses, torch_threads
from evokit_crystalline.gpt2.model import dense_layers
from evokit_crystalline.options import AdamW, Gpt2Loss
from evokit_crystalline.training.adamw import Training

PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")


@dataclass
class Row:
    """One line of the table; ``run`` returns a loss in nats and has the right of a warm-up."""

    name: str
    run: Callable[[], float]
    seconds: float = math.inf
    loss: float = math.nan


@click.command()
@click.option("--threads", default=2, show_default=True)
@click.option("--repeats", default=10, show_default=True)
@click.option("--peak", type=click.Choice(PRECISIONS), hidden=True, help="Print the peak of one evaluation.")
def main(threads: int, repeats: int, peak: Precision | None) -> None:
    """Print the table."""
    if peak:
        click.echo(peak_bytes(peak, threads))
        return
    with torch_threads(threads), tempfile.TemporaryDirectory() as scratch:
        blocks = full_blocks(text(8 * 128), 128)
        evaluations, steps = evaluation_rows(blocks, threads), step_rows(blocks, threads, Path(scratch))
        for rows in (evaluations, steps):
            measure(rows, repeats)
            show(rows)
    for precision in PRECISIONS:
        command = [sys.executable, __file__, "--peak", precision, "--threads", str(threads)]
        used = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        click.echo(f"peak {precision:9} {used / 2**20:8.0f} MiB")


def evaluation_rows(blocks: Blocks, threads: int) -> list[Row]:
    """Evaluations of one batch, every model with the same tensors."""
    fitnesses = [fitness(precision, threads) for precision in PRECISIONS]
    tensors = {**fitnesses[0].frame.parts, **random_matrices(fitnesses[0].options.model, Streams(1))}
    layers = dense_layers(tensors, fitnesses[0].options.model)
    reference = GPT2LMHeadModel(GPT2Config(**fitnesses[0].options.model.to_config())).eval()
    reference.load_state_dict(tensors, strict=False)
    return [
        Row("evaluation, transformers", lambda: transformers_loss(reference, blocks)),
        *(
            Row(f"evaluation, {f.options.precision}", lambda f=f: float(mean_losses(f.frame, [layers], blocks)[0]))  # type: ignore[misc]
            for f in fitnesses
        ),
    ]


def step_rows(blocks: Blocks, threads: int, scratch: Path) -> list[Row]:
    """AdamW steps on one batch."""
    rows: list[Row] = []
    for precision in PRECISIONS:
        contender = AdamWContender(AdamW(), fitness(precision, threads), text(8 * 128))
        training = contender.start(contender.settings(None)[0], 0, scratch / "state.safetensors")
        if not rows:
            rows.append(Row("AdamW step, transformers", transformers_step(training, blocks)))
        rows.append(Row(f"AdamW step, {precision}", lambda t=training: t.update(blocks, 5e-4)))  # type: ignore[misc]
    return rows


def transformers_step(training: Training, blocks: Blocks) -> Callable[[], float]:
    """The same step with the model, the loss and the optimizer's defaults that a user of transformers has."""
    model = GPT2LMHeadModel(GPT2Config(**training.sizes.to_config()))
    model.load_state_dict(training.parameters, strict=False)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4, weight_decay=0.01)

    def step() -> float:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(
            model(torch.from_numpy(blocks.inputs)).logits.flatten(0, 1), torch.from_numpy(blocks.targets).flatten()
        )
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        return float(loss.detach())

    return step


def transformers_loss(model: torch.nn.Module, blocks: Blocks) -> float:
    with torch.no_grad():
        logits = model(torch.from_numpy(blocks.inputs)).logits.flatten(0, 1)
        return float(torch.nn.functional.cross_entropy(logits, torch.from_numpy(blocks.targets).flatten()))


def measure(rows: list[Row], repeats: int) -> None:
    """Fill in the least seconds of each row and its first loss."""
    for row in rows:
        row.loss = row.run()
    for _ in range(repeats):
        for row in rows:
            started = time.perf_counter()
            row.run()
            row.seconds = min(row.seconds, time.perf_counter() - started)


def show(rows: list[Row]) -> None:
    """Print seconds, speed and loss beside the first row's."""
    click.echo(f"{'8 x 128 tokens':28} {'seconds':>8} {'speed':>6} {'difference':>11}")
    for row in rows:
        speed, difference = rows[0].seconds / row.seconds, row.loss - rows[0].loss
        click.echo(f"{row.name:28} {row.seconds:8.3f} {speed:5.1f}x {difference:+11.1e}")


def fitness(precision: Precision, threads: int) -> Gpt2Fitness:
    options = Gpt2Loss(precision=precision)
    return build_fitness(options, Context(Streams(0), validation=text(8192), threads=threads))


def peak_bytes(precision: Precision, threads: int) -> int:
    """Memory that one evaluation of 8,192 tokens takes above what the built fitness holds."""
    built = fitness(precision, threads)
    rng = np.random.default_rng(0)
    layers = {name: Dense(rng.normal(size=shape) / 10) for name, shape in built.slots.items()}
    before = memory("VmRSS")
    built.evaluate([layers], 8192)
    return memory("VmHWM") - before


def memory(line: str) -> int:
    found = re.search(rf"{line}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    if found is None:
        raise click.ClickException("memory is read from /proc, which only Linux has")
    return int(found.group(1)) * 1024


def text(tokens: int) -> Documents:
    """Random words; no loss depends on which, up to its noise."""
    return join_documents([np.random.default_rng(0).integers(50257, size=tokens)], ["random"])


if __name__ == "__main__":
    main()
