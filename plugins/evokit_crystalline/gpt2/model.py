"""GPT-2 as a function of its tensors, one stage per linear projection.

Written as stages so that individuals with a common prefix of layers share its computation: the state after stage
``i`` depends on the first ``i + 1`` projections only. There is no dropout, because torch's draws from the global
generator, which nothing here may read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import torch
from torch.nn import functional

from evokit_crystalline.crystals.matrices import StructuredMatrix
from evokit_crystalline.gpt2.sizes import EMBEDDING, HEAD, POSITIONS, PROJECTIONS, Sizes

Projection: TypeAlias = "torch.Tensor | StructuredMatrix"
Tensors: TypeAlias = Mapping[str, torch.Tensor]
State: TypeAlias = "tuple[torch.Tensor, torch.Tensor]"  # residual stream, input of the next projection


def start(parts: Tensors, sizes: Sizes, tokens: torch.Tensor) -> State:
    """State before the first projection.

    Args:
        parts: Continuous parts under transformers' state-dict names.
        sizes: Sizes of the model.
        tokens: ``(n_blocks, length)`` token ids, ``length`` at most ``n_positions``.
    """
    x = functional.embedding(tokens, parts[EMBEDDING])
    x = x + parts[POSITIONS][: tokens.shape[1]]
    return x, _norm(parts, sizes, "transformer.h.0.ln_1", x)


def advance(parts: Tensors, sizes: Sizes, stage: int, projection: Projection, state: State) -> State:
    """State after projection number ``stage`` (in the order of ``sizes.slots()``) and what follows up to the next one.

    After the last stage the second part of the state is the normalised hidden state, ``(n_blocks, length, n_embd)``.
    """
    x, inner = state
    layer, kind = divmod(stage, len(PROJECTIONS))
    block = f"transformer.h.{layer}"
    out = _project(projection, parts[f"{block}.{PROJECTIONS[kind]}.bias"], inner)
    if kind == 0:
        return x, _attention(out, sizes.n_head)
    if kind == 2:
        return x, functional.gelu(out, approximate="tanh")
    x = x + out
    if kind == 1:
        return x, _norm(parts, sizes, f"{block}.ln_2", x)
    last = layer + 1 == sizes.n_layer
    return x, _norm(parts, sizes, "transformer.ln_f" if last else f"transformer.h.{layer + 1}.ln_1", x)


def hidden(parts: Tensors, layers: Sequence[Projection], sizes: Sizes, tokens: torch.Tensor) -> torch.Tensor:
    """Normalised hidden states that the head reads.

    Args:
        parts: Continuous parts under transformers' state-dict names.
        layers: One projection per slot, in the order of ``sizes.slots()``.
        sizes: Sizes of the model.
        tokens: ``(n_blocks, length)`` token ids.

    Returns:
        ``(n_blocks, length, n_embd)``.
    """
    state = start(parts, sizes, tokens)
    for stage, projection in enumerate(layers):
        state = advance(parts, sizes, stage, projection, state)
    return state[1]


def head_weight(tensors: Tensors) -> torch.Tensor:
    """``(vocab_size, n_embd)`` of the head: its own matrix, or the input embedding that it is tied to."""
    return tensors.get(HEAD, tensors[EMBEDDING])


def dense_layers(tensors: Tensors, sizes: Sizes) -> list[torch.Tensor]:
    """The projections' matrices of a full state dict, in the order of ``sizes.slots()``."""
    return [tensors[f"{slot}.weight"] for slot in sizes.slots()]


def _project(projection: Projection, bias: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    flat = x.reshape(-1, x.shape[-1])
    out = torch.addmm(bias, flat, projection) if isinstance(projection, torch.Tensor) else projection.apply(flat) + bias
    return out.view(*x.shape[:-1], -1)


def _norm(parts: Tensors, sizes: Sizes, name: str, x: torch.Tensor) -> torch.Tensor:
    weight, bias = parts[f"{name}.weight"], parts[f"{name}.bias"]
    return functional.layer_norm(x, (sizes.n_embd,), weight, bias, sizes.layer_norm_epsilon)


def _attention(qkv: torch.Tensor, n_head: int) -> torch.Tensor:
    n, length, width = qkv.shape
    q, k, v = qkv.view(n, length, 3, n_head, width // (3 * n_head)).permute(2, 0, 3, 1, 4)
    out = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    return out.transpose(1, 2).reshape(n, length, -1)
