"""CLSO: evaluations and AdamW steps a second, at the papers' width and at GPT-2's own size, beside plain transformers.

Losses are over 50,257 words. ``precision`` of evokit is that of the head's products; what stands before it is float32.
Rows with ``autocast`` let torch compute that in bfloat16 as well, which no recipe can ask for: they say what it
would be worth. Rows of ``together`` compute several individuals as one, by ``torch.func.vmap`` over their matrices.
Rows of ``chunks`` take other numbers of tokens and words at once than evokit's constants, which were found on CPUs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any
from unittest import mock

import numpy as np
import torch

from benchmarks.device.bench import Bench
from benchmarks.device.data import documents
from benchmarks.device.runner import Item
from benchmarks.device.timing import timed
from evokit.data.text import Blocks, full_blocks
from evokit.interfaces import Context
from evokit.streams import Streams
from evokit_crystalline.baselines import AdamWContender
from evokit_crystalline.crystals.options import LibraryOptions
from evokit_crystalline.fitness import Gpt2Fitness, build_fitness
from evokit_crystalline.genome import CrystallineGenome, build_genome
from evokit_crystalline.gpt2 import loss, measuring, model
from evokit_crystalline.gpt2.continuous import random_matrices
from evokit_crystalline.gpt2.loss import Precision, token_losses
from evokit_crystalline.gpt2.measuring import mean_losses
from evokit_crystalline.gpt2.sizes import Sizes
from evokit_crystalline.options import AdamW, Crystalline, Gpt2Loss

STEP = "2 CLSO"
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")
CHUNKS = ((8, 1024, 1024), (8, 1024, 8192), (64, 8192, 8192), (64, 8192, 65536))
"""Blocks, tokens and words at once; the first are evokit's."""


@dataclass(frozen=True)
class Size:
    """A GPT-2 with what is measured of it."""

    name: str
    sizes: Sizes
    block: int
    blocks: int  # of an evaluation
    batch: int  # of a step

    @property
    def flops(self) -> float:
        """Of a token forward: twice its multiply-adds, half of the attention's square."""
        d, shapes = self.sizes.n_embd, self.sizes.slots().values()
        return 2.0 * (sum(a * b for a, b in shapes) + d * self.sizes.vocab_size + self.sizes.n_layer * self.block * d)


def sizes_of(bench: Bench) -> list[Size]:
    """Those of the device."""
    if bench.small:
        tiny = Sizes(n_embd=8, n_layer=1, n_head=2, n_positions=16)
        return [Size("8 wide", tiny, 16, 2, 1)]
    return [
        Size("128 wide", Sizes(), 128, 64, 8),
        Size("124M", Sizes(n_embd=768, n_layer=12, n_head=12, n_positions=1024), 1024, 8, 8),
    ]


def items(bench: Bench) -> list[Item]:
    """The most telling first."""
    found = []
    for size in sizes_of(bench):
        for precision in PRECISIONS:
            found += [
                _item(
                    f"evaluation {size.name} {precision}", "one individual after the other", evaluated, size, precision
                ),
                _item(f"AdamW {size.name} {precision}", "steps of the baseline", stepped, size, precision),
                _item(f"evaluation {size.name} {precision}, transformers", "its loss", peer_evaluated, size, precision),
                _item(f"AdamW {size.name} {precision}, transformers", "its steps", peer_stepped, size, precision),
            ]
        autocast = f"{size.name} bfloat16 autocast"
        found += [
            _item(
                f"evaluation {autocast}", "layers in bfloat16 too", partial(evaluated, autocast=True), size, "bfloat16"
            ),
            _item(f"AdamW {autocast}", "layers in bfloat16 too", partial(stepped, autocast=True), size, "bfloat16"),
            _item(f"together {size.name} bfloat16", "several individuals as one", together, size, "bfloat16"),
        ]
        for chunks in CHUNKS[1:]:
            name = "chunks {} of {}, {}, {}".format(size.name, *chunks)
            found.append(
                _item(name, "blocks, tokens, words at once", partial(chunked, chunks=chunks), size, "bfloat16")
            )
        for batch in () if bench.small else (size.batch * 8,):
            name = f"AdamW {size.name} bfloat16, {batch} blocks"
            found.append(_item(name, "a larger batch", partial(stepped, batch=batch), size, "bfloat16"))
    return found


def evaluated(bench: Bench, size: Size, precision: Precision, *, autocast: bool = False) -> Mapping[str, Any]:
    """Evaluations of random individuals, as a search makes them: prefixes shared, batches of the recipe's size."""
    fitness, genome = made(bench, size, precision)
    rng = Streams(5).at("individuals").numpy()
    batch = [genome.express(genome.random(rng)) for _ in range(4)]
    budget = fitness.budgets[-1]
    with _autocast(bench, autocast):
        losses = [one.values[0] for one in fitness.evaluate(batch, budget)]
        figures = timed(
            bench,
            lambda: fitness.evaluate(batch, budget),
            units=len(batch),
            unit="evaluations",
            flops=len(batch) * budget * size.flops,
        )
    return {**figures, "tokens": budget, "loss": float(np.mean(losses))}


def chunked(bench: Bench, size: Size, precision: Precision, *, chunks: tuple[int, int, int]) -> Mapping[str, Any]:
    """The same with other numbers at once."""
    blocks, tokens, words = chunks
    with (
        mock.patch.object(measuring, "GROUP", blocks),
        mock.patch.object(loss, "EVALUATED_TOKENS", tokens),
        mock.patch.object(loss, "EVALUATED_WORDS", words),
    ):
        return evaluated(bench, size, precision)


def stepped(
    bench: Bench, size: Size, precision: Precision, *, autocast: bool = False, batch: int | None = None
) -> Mapping[str, Any]:
    """Steps of the baseline's own training."""
    n = batch or size.batch
    fitness, _ = made(bench, size, precision)
    train = documents(2, n * size.block, 1)
    contender = AdamWContender(AdamW(batch=n), fitness, train)
    training = contender.start(contender.settings(None)[0], 0, bench.scratch / "state.safetensors")
    blocks = full_blocks(train, size.block).take(slice(0, n))
    with _autocast(bench, autocast):
        return _steps(bench, size, n, lambda: training.update(blocks, 5e-4))


def together(bench: Bench, size: Size, precision: Precision) -> Mapping[str, Any]:
    """Many individuals as one model whose layers are batches of matrices; the most that memory holds, up to 64."""
    fitness, genome = made(bench, size, precision)
    blocks = fitness.blocks.take(slice(0, measuring.GROUP))
    tokens = blocks.targets.size
    weights = sum(a * b for a, b in size.sizes.slots().values())
    each = 4 * (weights + 12 * tokens * 4 * size.sizes.n_embd)
    n = bench.fitting(each, 2 if bench.small else 64)
    rng = Streams(5).at("individuals").numpy()
    batch = [[matrix.dense() for matrix in genome.express(genome.random(rng)).values()] for _ in range(n)]
    stacked = [torch.stack(layer) for layer in zip(*batch, strict=True)]
    frame, inputs, targets = fitness.frame, *_placed(bench, blocks)

    def losses() -> torch.Tensor:
        with torch.no_grad():
            states = torch.func.vmap(lambda *layers: model.hidden(frame.parts, layers, frame.sizes, inputs))(*stacked)
            return token_losses(states.flatten(0, 2), frame.head, targets.repeat(n)).view(n, -1).mean(1)

    alone = mean_losses(frame, batch, blocks)
    apart = float(np.abs(losses().double().cpu().numpy() - alone).max())
    evaluations = n * tokens / (size.block * size.blocks)  # of all blocks, as in the other rows
    figures = timed(bench, losses, units=evaluations, unit="evaluations", flops=n * tokens * size.flops)
    return {**figures, "tokens": tokens, "individuals": n, "largest_difference": apart}


def peer_evaluated(bench: Bench, size: Size, precision: Precision) -> Mapping[str, Any]:
    """As a user of transformers computes the loss; in bfloat16 by autocast."""
    peer, blocks = _peer(bench, size), full_blocks(documents(2, size.blocks * size.block, 1), size.block)
    inputs, targets = _placed(bench, blocks.take(slice(0, size.batch)))

    def work() -> float:
        with torch.no_grad(), _autocast(bench, precision == "bfloat16"):
            return float(_cross_entropy(peer, inputs, targets))

    tokens = targets.numel()
    return {
        **timed(bench, work, units=tokens / (size.blocks * size.block), unit="evaluations", flops=tokens * size.flops)
    }


def peer_stepped(bench: Bench, size: Size, precision: Precision) -> Mapping[str, Any]:
    """As a user of transformers trains; in bfloat16 by autocast."""
    peer = _peer(bench, size)
    optimizer = torch.optim.AdamW(peer.parameters(), lr=5e-4, weight_decay=0.01, fused=True)  # as ours
    blocks = full_blocks(documents(2, size.batch * size.block, 1), size.block).take(slice(0, size.batch))
    inputs, targets = _placed(bench, blocks)

    def work() -> float:
        optimizer.zero_grad()
        with _autocast(bench, precision == "bfloat16"):
            found = _cross_entropy(peer, inputs, targets)
        found.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        return float(found.detach())

    return _steps(bench, size, size.batch, work)


def made(bench: Bench, size: Size, precision: Precision) -> tuple[Gpt2Fitness, CrystallineGenome]:
    """Fitness and genome of a run on random tokens."""
    options = Gpt2Loss(model=size.sizes, tokens=size.block * size.blocks, block=size.block, precision=precision)
    validation = documents(2, size.block * size.blocks, 2)
    context = Context(Streams(3), device=bench.device, threads=bench.threads, validation=validation)
    fitness = build_fitness(options, context)
    slots = Context(Streams(3), device=bench.device, fitness=fitness)
    return fitness, build_genome(Crystalline(LibraryOptions(4 if bench.small else 8)), slots)


def _item(
    name: str, what: str, run: Callable[[Bench, Size, Precision], Mapping[str, Any]], size: Size, precision: Precision
) -> Item:
    return Item(STEP, name, what, lambda bench: run(bench, size, precision), 8.0 if size.name == "124M" else 5.0)


def _steps(bench: Bench, size: Size, batch: int, work: Callable[[], object]) -> Mapping[str, Any]:
    tokens = batch * size.block
    figures = timed(bench, work, unit="steps", flops=3 * tokens * size.flops)
    return {**figures, "tokens": tokens}


def _peer(bench: Bench, size: Size) -> torch.nn.Module:
    """Raises ``ModuleNotFoundError``: transformers is not installed."""
    from transformers import GPT2Config, GPT2LMHeadModel

    peer = GPT2LMHeadModel(GPT2Config(**size.sizes.to_config(), use_cache=False))  # of keys and values, to generate
    tensors = random_matrices(size.sizes, Streams(1))
    peer.load_state_dict(tensors, strict=False)
    placed: torch.nn.Module = peer.to(bench.device)
    return placed


def _cross_entropy(peer: torch.nn.Module, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.cross_entropy(peer(inputs).logits.flatten(0, 1).float(), targets.flatten())


def _placed(bench: Bench, blocks: Blocks) -> tuple[torch.Tensor, torch.Tensor]:
    inputs, targets = (
        torch.from_numpy(np.ascontiguousarray(one)).to(bench.device) for one in (blocks.inputs, blocks.targets)
    )
    return inputs, targets.flatten()


def _autocast(bench: Bench, on: bool) -> AbstractContextManager[Any]:
    return torch.autocast(bench.device.partition(":")[0], torch.bfloat16) if on else nullcontext()
