"""A small language model over bytes: pure functions of parameters that lie in one flat vector."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from evokit_optimizers.tasks.network import FlatNetwork, Parameter, layer, scales

BYTES = 256
EMBEDDING_STD = 0.02


@dataclass(frozen=True)
class Transformer(FlatNetwork):
    """Predicts each next byte from those before it; layers are normalised before attention and feed-forward.

    Args:
        width: Of the residual stream; a multiple of ``n_heads``.
        n_layers: Of attention and feed-forward each.
        n_heads: Of attention.
        length: Most bytes in a row.

    Source: the public code of the optimizer evolution article, TinyTransformer, whose sizes are the defaults; the
    embeddings' start is GPT-2's.
    """

    width: int = 128
    n_layers: int = 2
    n_heads: int = 4
    length: int = 64

    def __post_init__(self) -> None:
        if self.width % self.n_heads:
            raise ValueError(f"width must be a multiple of heads, got {self.width} and {self.n_heads}")

    @property
    def joins(self) -> bool:
        return False  # torch has no batched rule for its attention on CPUs

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        width, spread = self.width, EMBEDDING_STD * math.sqrt(3)
        sizes = {"bytes": BYTES, "positions": self.length}
        found = [Parameter(name, (size, width), spread, group="first") for name, size in sizes.items()]
        for i in range(self.n_layers):
            found += [*scales(f"norm{i}.0", width), *layer(f"attention{i}", (3 * width, width))]
            found += [*layer(f"joined{i}", (width, width)), *scales(f"norm{i}.1", width)]
            found += [*layer(f"wide{i}", (4 * width, width)), *layer(f"narrow{i}", (width, 4 * width))]
        output = layer("output", (BYTES, width), "last")[0]
        return (*found, *scales("norm", width), output)

    def logits(self, parameters: Sequence[Tensor], inputs: Tensor) -> Tensor:
        """``(n, length, 256)`` in the parameters' type from ``(n, length)`` int64 bytes."""
        left = iter(parameters)
        x = F.embedding(inputs, next(left)) + next(left)[: inputs.shape[1]]
        for _ in range(self.n_layers):
            attended = self._attended(self._normalised(x, next(left), next(left)), next(left), next(left))
            x = x + F.linear(attended, next(left), next(left))
            wide = F.linear(self._normalised(x, next(left), next(left)), next(left), next(left))
            x = x + F.linear(F.gelu(wide), next(left), next(left))
        return F.linear(self._normalised(x, next(left), next(left)), next(left))

    def _attended(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        n, length, width = x.shape
        query, key, value = F.linear(x, weight, bias).view(n, length, 3, self.n_heads, -1).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        return mixed.transpose(1, 2).reshape(n, length, width)

    def _normalised(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return torch.layer_norm(x, (self.width,), weight, bias)
