"""A fitted model's embedding and head in the coordinates of their fit, for optimizers that depend on coordinates.

A closed form keeps the content of both in directions of its own, beside an anchor and position codes, and the head's
bias along the anchor, divided by the anchor's size. That is exact, but AdamW moves every number by about its rate: the
bias would have most of a head row's gradient, a step of 1e-5 would move it by 0.02, and steps of the embedding would
move the position codes that sharp attention reads.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from evokit_crystalline.closed_form.basis import ANCHOR, CONTENT, basis
from evokit_crystalline.closed_form.fitted import ANCHOR_SIZE
from evokit_crystalline.gpt2.sizes import EMBEDDING, HEAD

EMBEDDED, PREDICTED, BIAS = "transformer.wte.content", "lm_head.content", "lm_head.bias"
"""Content of the embedding and of the head, ``(vocab_size, n_embd - CONTENT)``, and the bias, ``(vocab_size,)``."""

Tensors = Mapping[str, torch.Tensor]


def to_fit_coordinates(tensors: Tensors) -> dict[str, torch.Tensor]:
    """The same model, with ``EMBEDDED``, ``PREDICTED`` and ``BIAS`` in place of the two matrices."""
    rest = dict(tensors)
    embedding, head = rest.pop(EMBEDDING), rest.pop(HEAD)
    anchor, content = _directions(head, head.shape[1])
    return {**rest, EMBEDDED: embedding @ content.T, PREDICTED: head @ content.T, BIAS: head @ anchor * ANCHOR_SIZE}


def from_fit_coordinates(tensors: Tensors) -> dict[str, torch.Tensor]:
    """A GPT-2 again; tensors in its own coordinates are returned as they are."""
    rest = dict(tensors)
    if BIAS not in rest:
        return rest
    embedded, predicted, bias = (rest.pop(name) for name in (EMBEDDED, PREDICTED, BIAS))
    anchor, content = _directions(embedded, embedded.shape[1] + CONTENT)
    embedding = embedded @ content + ANCHOR_SIZE * anchor
    return {**rest, EMBEDDING: embedding, HEAD: predicted @ content + (bias / ANCHOR_SIZE)[:, None] * anchor}


def _directions(like: torch.Tensor, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    directions = torch.from_numpy(basis(width)).to(like)
    return directions[ANCHOR], directions[CONTENT:]
