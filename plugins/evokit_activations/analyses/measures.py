"""How alike representations are: cosine similarities, effective numbers, collision entropies. Pure functions.

Source: "Decoupling search and learning in neural net training", 3.2 and 4.5, after Skean et al. 2025.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def cosine_gram(x: Tensor) -> Tensor:
    """``(..., n, n)`` cosine similarities of ``(..., n, d)`` representations, in float64."""
    unit = F.normalize(x.double(), dim=-1)
    return unit @ unit.mT


def cosine_distance(a: Tensor, b: Tensor) -> Tensor:
    """``(n,)`` one minus the cosine similarity of ``(n, ...)`` representations, flattened: 0 the same, 2 opposite."""
    return 1 - F.cosine_similarity(a.flatten(1).double(), b.flatten(1).double(), dim=1)


def effective_number(gram: Tensor, counted: Tensor) -> Tensor:
    """Effective number of distinct solutions: ``exp`` of the collision entropy of their Gram matrix.

    Args:
        gram: ``(..., n, n)`` cosine similarities.
        counted: ``(..., n)`` bool, which of the solutions there are.

    Returns:
        ``(...)`` from 1 (all alike) to the number counted (all orthogonal); 0 where none is.

    Source: 3.2: H = -log(sum_ij K_ij^2 / (sum_i K_ii)^2).
    """
    weight = counted.to(gram.dtype)
    trace = (weight * gram.diagonal(dim1=-2, dim2=-1)).sum(-1)
    squares = (gram.square() * weight[..., :, None] * weight[..., None, :]).sum((-2, -1))
    return torch.where(trace > 0, trace.square() / squares.clamp_min(torch.finfo(gram.dtype).tiny), trace)


def collision_entropy(gram: Tensor, pairs: Tensor) -> float:
    """Collision entropy over some pairs: minus the logarithm of their mean squared similarity.

    Over all pairs of unit vectors that is the paper's H; within and between classes the mean goes over pairs of
    different examples of the same class, and over pairs of different classes. Lower is more alike.

    Args:
        gram: ``(n, n)`` cosine similarities.
        pairs: ``(n, n)`` bool, at least one.

    Source: 3.2 and 4.5.
    """
    return -float(gram[pairs].square().mean().log())


def class_pairs(labels: Tensor) -> tuple[Tensor, Tensor]:
    """``(n, n)`` bool each: pairs of different examples of the same class, and pairs of different classes."""
    same = labels[:, None] == labels[None]
    return same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device), ~same
