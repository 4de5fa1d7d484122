"""Populations of tensors: many populations at once, one a lane, in pure functions on all lanes together.

Genes are ``(n, lanes, ...)`` tensors and values ``(n, lanes)``. A lane, such as one image, is a population of its own:
no function mixes two of them, so a lane does not depend on its neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def top_k(values: Tensor, k: int) -> Tensor:
    """Indices of the ``k`` largest values of each lane, best first; of equal values the first comes first.

    Args:
        values: ``(n, lanes)``.
        k: At most ``n``.

    Returns:
        ``(k, lanes)`` int64.

    Raises:
        ValueError: A lane has fewer than ``k`` members, or a value is NaN, which has no place in an order.
    """
    if not 1 <= k <= len(values):
        raise ValueError(f"k must be from 1 to {len(values)}, got {k}")
    if values.isnan().any():
        raise ValueError("a value is NaN")
    # torch.topk leaves the order of equal values open, so that it could differ between machines.
    return values.argsort(dim=0, descending=True, stable=True)[:k]


def take(genes: Tensor, index: Tensor) -> Tensor:
    """Members by their index in each lane.

    Args:
        genes: ``(n, lanes, ...)``.
        index: ``(k, lanes)`` int64, below ``n``.

    Returns:
        ``(k, lanes, ...)``, a copy.
    """
    import torch

    lanes = torch.arange(genes.shape[1], device=genes.device)
    return genes[index, lanes]


def draw(generators: Sequence[torch.Generator], shape: Sequence[int], dtype: torch.dtype | None = None) -> Tensor:
    """Standard normal numbers, each lane's from its own generator.

    Args:
        generators: One a lane.
        shape: ``(n, ...)`` of one lane.
        dtype: Of the result; None is torch's default.

    Returns:
        ``(n, lanes, ...)`` on the generators' device.
    """
    import torch

    device = generators[0].device
    rows = [torch.randn(tuple(shape), generator=one, dtype=dtype, device=device) for one in generators]
    return torch.stack(rows, dim=1)


def pick(generators: Sequence[torch.Generator], high: int, shape: Sequence[int]) -> Tensor:
    """Uniform indices, each lane's from its own generator.

    Args:
        generators: One a lane.
        high: Indices are below it.
        shape: ``(n, ...)`` of one lane.

    Returns:
        ``(n, lanes, ...)`` int64 on the generators' device.
    """
    import torch

    device = generators[0].device
    return torch.stack([torch.randint(high, tuple(shape), generator=one, device=device) for one in generators], dim=1)
