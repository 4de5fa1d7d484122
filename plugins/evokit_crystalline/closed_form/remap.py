"""A linear map of a body's hidden states, fitted in closed form and folded into the head.

One Newton step of the cross-entropy in the map ``h -> h + h A + a``, all projections held: the working responses to the
body's own predictions are regressed on its hidden states. Rank times rank numbers are fitted instead of a row for each
word, so a few thousand tokens that nothing else was fitted to are enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from evokit.common.keys import array_key, digest
from evokit.data.cache import cached
from evokit.data.text import Blocks
from evokit_crystalline.closed_form.basis import ANCHOR, CONTENT, basis
from evokit_crystalline.closed_form.fitted import ANCHOR_SIZE
from evokit_crystalline.closed_form.responses import expectations, ridge_solution
from evokit_crystalline.crystals.matrices import StructuredMatrix
from evokit_crystalline.gpt2 import model
from evokit_crystalline.gpt2.loss import token_losses
from evokit_crystalline.gpt2.measuring import Frame, groups
from evokit_crystalline.gpt2.model import Projection
from evokit_crystalline.gpt2.sizes import HEAD

CHECKED = 1 / 4
"""Share of the blocks that decides between the maps and none; the others fit them."""
STIFFNESS = (1.0, 3.0, 10.0)  # of damping and ridge, in means of their diagonals
STEPS = (0.3, 0.6, 1.0)


@dataclass(frozen=True, eq=False)
class States:
    """Hidden states that a head reads and what they are to predict.

    Args:
        hidden: ``(n, n_embd)``.
        targets: ``(n,)`` int64.
    """

    hidden: torch.Tensor
    targets: torch.Tensor


def remapped(frame: Frame, layers: Sequence[Projection], blocks: Blocks) -> dict[str, torch.Tensor] | None:
    """The frame's parts with the best map in the head; None if none is better on the blocks left out.

    Args:
        frame: Fitted continuous parts.
        layers: One projection per slot.
        blocks: Of the training split, at least two, which neither parts nor layers were fitted to.
    """
    n_checked = max(1, round(CHECKED * len(blocks)))
    with torch.no_grad():
        checked = _states(frame, layers, blocks.take(slice(n_checked)))
        maps = _maps(frame, _states(frame, layers, blocks.take(slice(n_checked, None))))
        losses = [_loss(frame, checked, one) for one in (torch.zeros_like(maps[0]), *maps)]
    best = min(range(len(losses)), key=losses.__getitem__)
    return {**frame.parts, HEAD: _folded(frame, maps[best - 1])} if best else None


def cached_remap(
    frame: Frame, layers: Sequence[StructuredMatrix], blocks: Blocks, context: str, folder: Path | None
) -> dict[str, torch.Tensor] | None:
    """What ``remapped`` answers, computed once and then read from ``folder``.

    Args:
        frame: Fitted continuous parts.
        layers: One crystal per slot.
        blocks: As ``remapped`` takes them; decided by the context.
        context: Digest of the frame and of all that the bits depend on.
        folder: None caches nothing.
    """

    def make() -> dict[str, np.ndarray]:
        parts = remapped(frame, layers, blocks)
        return {} if parts is None else {HEAD: parts[HEAD].numpy()}

    key = digest([context, [array_key(layer.dense().cpu().numpy()) for layer in layers]])
    arrays = make() if folder is None else cached(key, make, folder)
    return {**frame.parts, HEAD: torch.from_numpy(arrays[HEAD])} if arrays else None


def _states(frame: Frame, layers: Sequence[Projection], blocks: Blocks) -> States:
    hidden = [model.hidden(frame.parts, layers, frame.sizes, torch.from_numpy(g.inputs)) for g in groups(blocks)]
    return States(torch.cat(hidden).flatten(0, 1), torch.from_numpy(blocks.targets).flatten())


def _maps(frame: Frame, states: States) -> list[torch.Tensor]:
    """``(rank + 1, rank)`` each: what is added to a hidden state's content, from its content and a one."""
    content = torch.from_numpy(basis(frame.sizes.n_embd))[CONTENT:].T
    means, curvature = expectations(frame.head, states.hidden, torch.ones(len(states.hidden)), content)
    pull = (frame.head.weight @ content)[states.targets] - means
    features = _with_one(states.hidden @ content)
    solutions = (ridge_solution(features, pull, curvature, stiff, stiff)[0] for stiff in STIFFNESS)
    return [step * solution for solution in solutions for step in STEPS]


def _loss(frame: Frame, states: States, added: torch.Tensor) -> float:
    directions = torch.from_numpy(basis(frame.sizes.n_embd))[CONTENT:]
    moved = states.hidden + _with_one(states.hidden @ directions.T) @ added @ directions
    return float(token_losses(moved, frame.head, states.targets).double().mean())


def _folded(frame: Frame, added: torch.Tensor) -> torch.Tensor:
    """The head that reads plain states as the old one reads mapped ones; its bias is along the anchor."""
    directions = torch.from_numpy(basis(frame.sizes.n_embd))
    head = frame.parts[HEAD]
    rows = (head @ directions[CONTENT:].T) @ added.T  # what content, and the one, add to each word's logit
    return head + rows[:, :-1] @ directions[CONTENT:] + rows[:, -1:] / ANCHOR_SIZE * directions[ANCHOR]


def _with_one(content: torch.Tensor) -> torch.Tensor:
    return torch.cat([content, torch.ones(len(content), 1)], 1)
