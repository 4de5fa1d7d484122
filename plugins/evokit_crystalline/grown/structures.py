"""Output projections of a structure, fitted to a regression's moments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from evokit_crystalline.crystals.matrices import BlockDiagonal, LowRank, StructuredMatrix
from evokit_crystalline.learned.quantised import decomposed, quantised, rounded

Arrays = Mapping[str, np.ndarray]

TERNARY_SWEEPS = 4
THRESHOLD = 0.7  # of a column's mean size, below which a ternary entry is 0
BLOCK_STEPS = 60  # of conjugate gradients


@dataclass(frozen=True, eq=False)
class Regression:
    """What a projection is to do, in content coordinates.

    Args:
        solution: ``(n_in, rank)``, the best matrix without a structure.
        moment: ``(n_in, n_in)`` of what it reads, with the ridge.
        metric: ``(rank, rank)`` of what it writes, damped.
        content: ``(n_embd, rank)`` orthonormal columns: the content of the residual stream.
    """

    solution: torch.Tensor
    moment: torch.Tensor
    metric: torch.Tensor
    content: torch.Tensor


def low_rank(regression: Regression, rank: int) -> dict[str, torch.Tensor]:
    """Factors of 15 levels a column; the left one fits the right one as it is rounded."""
    _, V = quantised(regression.solution, regression.moment, regression.metric, rank)
    return {"U": regression.content @ rounded(_left(regression, V)), "V": V}


def ternary(regression: Regression, rank: int) -> dict[str, torch.Tensor]:
    """Factors whose columns have entries of -1, 0 and 1 times a scale, each fitted to the other in turn.

    Source: Li, Liu, Wang, Zhang and Yan 2016, "Ternary Weight Networks", section 2.2 (threshold).
    """
    u, s, _, a, _ = decomposed(regression.solution, regression.moment, regression.metric)
    V = torch.linalg.solve_triangular(a.T, u[:, :rank] * s[:rank].sqrt(), upper=True)
    for _ in range(TERNARY_SWEEPS):
        V = _ternary(V)
        U = _ternary(_left(regression, V))
        V = _right(regression, U)
    V = _ternary(V)
    return {"U": regression.content @ (U * _scales(regression, U, V)), "V": V}


def block_diagonal(regression: Regression, n_blocks: int) -> dict[str, torch.Tensor]:
    """Blocks of equal sizes, or one larger, that minimise the same square by conjugate gradients.

    They cannot keep to the content: what they write beside it costs as much as the mean of the metric.
    """
    moment, content = regression.moment, regression.content
    beside = torch.eye(len(content)) - content @ content.T
    metric = content @ regression.metric @ content.T + regression.metric.diagonal().mean() * beside
    rows, columns = (np.array_split(np.arange(len(square)), n_blocks) for square in (moment, metric))
    inside = torch.zeros(len(moment), len(metric))
    for r, c in zip(rows, columns, strict=True):
        inside[r[0] : r[-1] + 1, c[0] : c[-1] + 1] = 1
    scale = moment.diagonal()[:, None] * metric.diagonal()
    wanted = moment @ regression.solution @ regression.metric @ content.T
    W = _conjugate_gradients(lambda one: inside * (moment @ one @ metric), inside * wanted, inside / scale)
    return {f"block{i}": W[r][:, c] for i, (r, c) in enumerate(zip(rows, columns, strict=True))}


def joined(parts: Arrays, scale: float) -> StructuredMatrix:
    """The crystal of what one of these functions made, times a scale."""
    if "U" in parts:
        return LowRank(parts["U"], parts["V"], scale)
    n_blocks = sum(name.startswith("block") for name in parts)
    return BlockDiagonal([parts[f"block{i}"] * np.float32(scale) for i in range(n_blocks)])


def _left(regression: Regression, V: torch.Tensor) -> torch.Tensor:
    """``(rank, n)`` best ``U`` beside ``V``."""
    read = V.T @ regression.moment
    return _solved(read @ V, read @ regression.solution).T


def _right(regression: Regression, U: torch.Tensor) -> torch.Tensor:
    """``(n_in, n)`` best ``V`` beside ``U``."""
    written = U.T @ regression.metric
    return _solved(written @ U, (regression.solution @ written.T).T).T


def _scales(regression: Regression, U: torch.Tensor, V: torch.Tensor) -> torch.Tensor:
    """``(n,)`` best factors on the products of columns of both."""
    gram = (V.T @ regression.moment @ V) * (U.T @ regression.metric @ U)
    product = (V.T @ regression.moment @ regression.solution @ regression.metric * U.T).sum(1)
    return _solved(gram, product[:, None])[:, 0]


def _solved(system: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """The smallest solution, of a system that may be singular: a column of a factor may be zero or another one's."""
    solution: torch.Tensor = torch.linalg.lstsq(system, wanted, driver="gelsd").solution
    return solution


def _ternary(factor: torch.Tensor) -> torch.Tensor:
    size = factor.abs()
    kept = size > THRESHOLD * size.mean(0)
    mean = (size * kept).sum(0) / kept.sum(0).clamp(min=1)
    return factor.sign() * kept * mean


def _conjugate_gradients(
    product: Callable[[torch.Tensor], torch.Tensor], wanted: torch.Tensor, inverse: torch.Tensor
) -> torch.Tensor:
    """The solution of a positive definite system after a fixed number of steps; ``inverse`` is of its diagonal."""
    x, left = torch.zeros_like(wanted), wanted
    direction = inverse * left
    size = (left * direction).sum()
    for _ in range(BLOCK_STEPS):
        if not size > 0:
            break
        along = product(direction)
        step = size / (direction * along).sum()
        x, left = x + step * direction, left - step * along
        scaled = inverse * left
        size, before = (left * scaled).sum(), size
        direction = scaled + size / before * direction
    return x
