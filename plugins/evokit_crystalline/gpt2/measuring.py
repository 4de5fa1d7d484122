"""Losses of many sets of projections on the same tokens, common prefixes of layers computed once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch

from evokit.data.text import EOS, IGNORED, Blocks, Documents
from evokit_crystalline.gpt2 import model
from evokit_crystalline.gpt2.chunks import chunks
from evokit_crystalline.gpt2.loss import Head, Precision, token_losses
from evokit_crystalline.gpt2.model import Projection, State
from evokit_crystalline.gpt2.sizes import Sizes

GROUP = 8
"""Blocks computed at once. A constant, because the last bits of a product depend on its shape."""
NEWLINES = (198, 628)
r"""GPT-2's tokens for "\n" and "\n\n"."""


@dataclass(frozen=True)
class Frame:
    """A GPT-2 without its projections: the continuous parts, with the head made ready."""

    sizes: Sizes
    parts: Mapping[str, torch.Tensor]
    head: Head

    @classmethod
    def of(cls, sizes: Sizes, parts: Mapping[str, torch.Tensor], precision: Precision) -> Frame:
        return cls(sizes, parts, Head.of(model.head_weight(parts), precision, fold=True))


def mean_losses(frame: Frame, batch: Sequence[Sequence[Projection]], blocks: Blocks) -> np.ndarray:
    """Mean nats over the real tokens of ``blocks`` for each member of ``batch``.

    Sums are float64, over groups of ``GROUP`` blocks in their order, so that a value does not depend on the batch.

    Args:
        frame: What the members share.
        batch: Projections of each member, one per slot in order; the same object means the same computation.
        blocks: What is predicted.

    Returns:
        ``(n_members,)`` float64.
    """
    sums = torch.zeros(len(batch), dtype=torch.float64, device=frame.head.weight.device)
    for group in groups(blocks):
        for i, losses in group_losses(frame, batch, group):
            sums[i] += losses.sum(dtype=torch.float64)  # read once at the end, so that no member waits for the device
    mean: np.ndarray = sums.cpu().numpy() / (blocks.targets != IGNORED).sum()
    return mean


def document_losses(frame: Frame, layers: Sequence[Projection], blocks: Blocks, n_documents: int) -> np.ndarray:
    """``(n_documents,)`` mean nats over the real tokens of each document's blocks."""
    sums = np.zeros(n_documents)
    for group in groups(blocks):
        for _, losses in group_losses(frame, [layers], group):
            np.add.at(sums, group.documents, losses.sum(1, dtype=torch.float64).cpu().numpy())
    tokens = np.bincount(blocks.documents, (blocks.targets != IGNORED).sum(1), minlength=n_documents)
    mean: np.ndarray = sums / tokens
    return mean


def position_losses(frame: Frame, layers: Sequence[Projection], blocks: Blocks) -> np.ndarray:
    """``(length,)`` mean nats over the real tokens at each position of ``blocks``; NaN where there is none."""
    sums = np.zeros(blocks.targets.shape[1])
    for group in groups(blocks):
        for _, losses in group_losses(frame, [layers], group):
            sums += losses.sum(0, dtype=torch.float64).cpu().numpy()
    tokens = (blocks.targets != IGNORED).sum(0)
    mean: np.ndarray = np.divide(sums, tokens, out=np.full_like(sums, np.nan), where=tokens > 0)
    return mean


def groups(blocks: Blocks) -> Iterator[Blocks]:
    """``blocks`` in groups of ``GROUP``; the last may be smaller."""
    return (blocks.take(at) for at in chunks(len(blocks), GROUP))


def group_losses(
    frame: Frame, batch: Sequence[Sequence[Projection]], group: Blocks
) -> Iterator[tuple[int, torch.Tensor]]:
    """Index in ``batch`` and ``(n_blocks, length)`` token losses of every member, not in order.

    Members are visited so that a common prefix of layers follows itself; the states on the way are reused, and each
    layer is computed in the shape it has alone, so the bits are those of a batch of one.
    """
    device = frame.head.weight.device
    inputs = torch.from_numpy(group.inputs).to(device)
    targets = torch.from_numpy(group.targets).to(device).flatten()
    with torch.no_grad():
        states: list[State] = [model.start(frame.parts, frame.sizes, inputs)]
        path: Sequence[Projection] = ()
        losses = torch.empty(0)
        for i in prefix_order(batch):
            layers = batch[i]
            common = _common(path, layers)
            if common < len(layers):
                del states[common + 1 :]
                for stage in range(common, len(layers)):
                    states.append(model.advance(frame.parts, frame.sizes, stage, layers[stage], states[-1]))
                hidden = states[-1][1].flatten(0, 1)
                losses = token_losses(hidden, frame.head, targets).view(inputs.shape)
            path = layers
            yield i, losses


def prefix_order(batch: Sequence[Sequence[object]]) -> list[int]:
    """Indices of ``batch`` in depth-first order of the tree of common prefixes; equal means the same object.

    >>> a, b = object(), object()
    >>> prefix_order([(a, a), (b, a), (a, b)])
    [0, 2, 1]
    """
    numbers: dict[int, int] = {}
    paths = [[numbers.setdefault(id(layer), len(numbers)) for layer in layers] for layers in batch]
    return sorted(range(len(batch)), key=paths.__getitem__)


def padded_blocks(documents: Documents, length: int, most: int) -> Blocks:
    """The paper's scoring: a line per block, cut or padded to ``length`` tokens, padding predicted like any token.

    Args:
        documents: Whose lines are taken, split at newline tokens; empty lines are left out.
        length: Tokens of a padded line; its first is not predicted.
        most: At most so many lines, the first ones.

    Returns:
        Blocks of ``length - 1`` predictions, padding among the targets.
    """
    lines: list[np.ndarray] = []
    owners: list[int] = []
    for i in range(len(documents)):
        found = _lines(documents.document(i))[: most - len(lines)]
        lines += found
        owners += [i] * len(found)
    padded = np.full((len(lines), length), EOS, np.int64)
    for row, line in zip(padded, lines, strict=True):
        row[: len(line)] = line[:length]
    return Blocks(padded[:, :-1], padded[:, 1:], np.array(owners, np.int64))


@contextmanager
def torch_threads(n: int) -> Iterator[None]:
    """Run with ``n`` torch threads: the number is part of a result."""
    before = torch.get_num_threads()
    if before == n:
        yield
        return
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _lines(tokens: np.ndarray) -> list[np.ndarray]:
    newline = np.isin(tokens, NEWLINES)
    pieces = np.split(tokens, np.flatnonzero(newline))
    without = [piece[np.isin(piece, NEWLINES, invert=True)] for piece in pieces]
    return [piece for piece in without if len(piece)]


def _common(a: Sequence[object], b: Sequence[object]) -> int:
    """Length of the common prefix."""
    pairs = enumerate(zip(a, b, strict=False))
    return next((i for i, (x, y) in pairs if x is not y), min(len(a), len(b)))
