"""The head of a fitted model with its bias apart, for optimizers whose steps depend on how a model is written down.

A closed form stores the head's bias along the anchor, divided by the anchor's size. That is exact, but AdamW moves every
number by about its rate: all of a row's gradient would be the bias's, and a step of 1e-5 would move it by 0.02.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from evokit_crystalline.basis import ANCHOR, basis
from evokit_crystalline.fitted import ANCHOR_SIZE
from evokit_crystalline.sizes import HEAD

BIAS = "lm_head.bias"

Tensors = Mapping[str, torch.Tensor]


def unfolded(tensors: Tensors) -> dict[str, torch.Tensor]:
    """The same model with the head's part along the anchor as ``lm_head.bias``, ``(vocab_size,)``."""
    anchor = _anchor(tensors[HEAD])
    along = tensors[HEAD] @ anchor
    return {**tensors, HEAD: tensors[HEAD] - along[:, None] * anchor, BIAS: along * ANCHOR_SIZE}


def folded(tensors: Tensors) -> dict[str, torch.Tensor]:
    """The head as one matrix again. What a step put along the anchor into the rows is no part of the model."""
    if BIAS not in tensors:
        return dict(tensors)
    rest = dict(tensors)
    rows, bias = rest[HEAD], rest.pop(BIAS)
    anchor = _anchor(rows)
    along = bias / ANCHOR_SIZE - rows @ anchor
    return {**rest, HEAD: rows + along[:, None] * anchor}


def _anchor(head: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(basis(head.shape[1])[ANCHOR]).to(head)
