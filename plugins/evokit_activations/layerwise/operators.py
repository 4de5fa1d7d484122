"""Reproduction on activation tensors: pure functions on ``(n, lanes, height, width, channels)``, a lane an image.

Source: "Decoupling search and learning in neural net training", section 3.1 and A.4.
"""

from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from evokit.tensor_population import take

EPS = 1e-5


def crossover(pool: Tensor, pairs: Tensor) -> Tensor:
    """Mean of two members.

    Args:
        pool: ``(n, lanes, ...)``.
        pairs: ``(children, lanes, 2)`` int64 indices of members.

    Returns:
        ``(children, lanes, ...)``.

    Source: A.4, Crossover.
    """
    return take(pool, pairs[..., 0]).add_(take(pool, pairs[..., 1])).mul_(0.5)


def channel_deviation(maps: Tensor) -> Tensor:
    """``(n, lanes, 1, 1, channels)`` standard deviation of each channel over its positions, of the population."""
    mean = maps.mean((2, 3), keepdim=True)
    return (maps - mean).square_().mean((2, 3), keepdim=True).sqrt_()


def class_deviation(logits: Tensor) -> Tensor:
    """``(n, lanes, 1)`` standard deviation over classes, of the population."""
    return logits.std(-1, correction=0, keepdim=True)


def smooth(maps: Tensor, passes: int) -> Tensor:
    """``passes`` 3x3 average poolings with a border of zeros, as one linear map along each axis.

    Args:
        maps: ``(..., height, width, channels)``; left unchanged.
        passes: 0 returns ``maps``.

    Source: A.4, Spatial smoothing; the same as repeating ``torch.nn.functional.avg_pool2d(x, 3, 1, 1)``.
    """
    if passes == 0:
        return maps
    *_, height, width, channels = maps.shape
    down = pooling_matrix(height, passes, maps.dtype, maps.device)
    across = pooling_matrix(width, passes, maps.dtype, maps.device)
    rows: Tensor = down @ maps.reshape(-1, height, width * channels)
    smoothed: Tensor = across @ rows.view(-1, width, channels)
    return smoothed.view(maps.shape)


@cache
def pooling_matrix(size: int, passes: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """``(size, size)``: what ``passes`` average poolings of width 3 do along one axis."""
    once = torch.ones(size, size, dtype=torch.float64).tril(1).triu(-1) / 3
    power: Tensor = torch.linalg.matrix_power(once, passes)
    return power.to(dtype).to(device)


def normalise(maps: Tensor) -> Tensor:
    """Zero mean and unit variance of each sample over positions and channels. Source: A.4, Normalization."""
    return F.layer_norm(maps, maps.shape[-3:], eps=EPS)


def mutate_maps(
    children: Tensor, deviation: Tensor, noise: Tensor, alpha: float, *, passes: int, of: str, normalised: bool
) -> Tensor:
    """Add noise to what crossover made, smooth, normalise.

    Args:
        children: ``(n, lanes, height, width, channels)``; overwritten.
        deviation: ``(n, lanes, 1, 1, channels)``, mean over the two parents.
        noise: Standard normal, of the children's shape, or with one position, which is smooth already; overwritten.
        alpha: Strength in units of ``deviation``.
        passes: Of smoothing.
        of: What is smoothed: ``child`` or ``noise``.
        normalised: Whether the result is.

    Source: A.4, Mutation, Spatial smoothing, Normalization.
    """
    noise = noise.mul_(deviation).mul_(alpha)
    if of == "noise" and noise.shape == children.shape:
        noise = smooth(noise, passes)
    children = children.add_(noise)
    if of == "child":
        children = smooth(children, passes)
    return normalise(children) if normalised else children


def mutate_logits(children: Tensor, deviation: Tensor, noise: Tensor, alpha: float) -> Tensor:
    """Add noise to logits ``(n, lanes, classes)`` and recentre them. Source: A.4, Logits layer."""
    children = children.add_(noise.mul_(deviation).mul_(alpha))
    return children - children.mean(-1, keepdim=True)
