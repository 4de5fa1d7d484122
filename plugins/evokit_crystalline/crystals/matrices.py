"""Structured matrices: the crystals that stand in for a layer's weight."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from math import isfinite
from typing import Protocol, Self

import numpy as np
import torch
from torch import Tensor

# Above this fraction of the dense multiply-adds the dense product is used. Measured on a CPU with AVX-512, torch 2.13,
# 1,024 rows, shapes 128x384, 128x128, 128x512 and 512x128, one thread (the default); time against dense is
#     fraction of multiply-adds   0.05-0.1   0.25       0.5        0.75       1.0
#     low rank                    0.20-0.47  0.29-0.33  0.52-0.57  0.80       1.04
#     2 to 8 blocks               0.26-0.69  0.45-0.60  0.55-0.70  up to 0.9  -
# so up to here the structure was never slower, and little is left to win beyond. A block costs some 20 us on top of its
# multiply-adds; with two threads it is 35 us, and several blocks at 128x128 take 1.2 times the dense product's 0.18 ms.
STRUCTURE_PAYS_BELOW = 0.75


class StructuredMatrix(Protocol):
    """A linear map ``y = x @ W`` in the orientation of GPT-2's ``Conv1D``: ``W`` is ``(n_in, n_out)``.

    Whoever expresses ``layers`` hands these out, one per layer; two layers that hold the same object compute the same.
    """

    @property
    def shape(self) -> tuple[int, int]:
        """``(n_in, n_out)``."""

    @property
    def multiply_adds(self) -> int:
        """What the structure costs per row of ``x``."""

    def dense(self) -> Tensor:
        """``W`` as ``(n_in, n_out)`` float32, on the matrix's device."""

    def apply(self, x: Tensor) -> Tensor:
        """Map ``(..., n_in)`` float32 to ``(..., n_out)``.

        The bits depend on ``x`` and its shape only (C4); they equal ``x @ dense()`` within float32 rounding.
        """

    def to(self, device: str) -> StructuredMatrix:
        """The same matrix on ``device``."""


class _Structured(ABC):
    """A matrix that is applied as structure where that is faster, else as the dense matrix it stands for.

    Args:
        shape: ``(n_in, n_out)``.
        multiply_adds: What the structure costs per row.
        device: Where the numbers are.
    """

    def __init__(self, shape: tuple[int, int], multiply_adds: int, device: torch.device) -> None:
        self.shape = shape
        self.multiply_adds = multiply_adds
        # Off the CPU, where many small products wait for each other, nobody measured: dense.
        self.structure_pays = device.type == "cpu" and multiply_adds <= STRUCTURE_PAYS_BELOW * shape[0] * shape[1]

    @abstractmethod
    def dense(self) -> Tensor:
        """``W``, made anew."""

    @abstractmethod
    def apply_structure(self, x: Tensor) -> Tensor:
        """Map ``(..., n_in)`` to ``(..., n_out)`` without the dense matrix."""

    def apply(self, x: Tensor) -> Tensor:
        """Map ``(..., n_in)`` to ``(..., n_out)``, the faster way for this matrix whatever ``x`` is."""
        x = x.contiguous()  # products with a single column round by the strides of x
        return self.apply_structure(x) if self.structure_pays else x @ self._cached_dense

    @cached_property
    def _cached_dense(self) -> Tensor:
        return self.dense()


class Dense:
    """A matrix without structure.

    Args:
        weight: ``(n_in, n_out)``, not empty; copied.
    """

    def __init__(self, weight: Tensor | np.ndarray) -> None:
        self._weight = _matrix(weight, "weight")
        self.shape = _shape(self._weight)
        self.multiply_adds = self._weight.numel()

    def dense(self) -> Tensor:
        return self._weight

    def apply(self, x: Tensor) -> Tensor:
        return x.contiguous() @ self._weight

    def to(self, device: str) -> Self:
        return type(self)(self._weight.to(device))


class Zero:
    """The zero matrix; costs nothing and adds nothing.

    Args:
        shape: ``(n_in, n_out)``.
        device: Where its zeros are made.
    """

    def __init__(self, shape: tuple[int, int], device: str = "cpu") -> None:
        self.shape, self._device = shape, device
        self.multiply_adds = 0

    def dense(self) -> Tensor:
        return torch.zeros(self.shape, device=self._device)

    def apply(self, x: Tensor) -> Tensor:
        return x.new_zeros(*x.shape[:-1], self.shape[1])

    def to(self, device: str) -> Self:
        return type(self)(self.shape, device)


class BlockDiagonal(_Structured):
    """Rectangular dense blocks down the diagonal; each takes its own inputs to its own outputs.

    Args:
        blocks: Each ``(rows, columns)``, not empty; the rows add up to ``n_in``, the columns to ``n_out``. Copied.

    Raises:
        ValueError: No blocks, or one that is not a matrix.

    Source: Crystalline Latent Space Optimization, section 3.1, "block-sparse matrices".
    """

    def __init__(self, blocks: Sequence[Tensor | np.ndarray]) -> None:
        if not blocks:
            raise ValueError("a block-diagonal matrix needs at least one block")
        self._blocks = [_matrix(block, "block") for block in blocks]
        self._rows, columns = zip(*map(_shape, self._blocks), strict=True)
        multiply_adds = sum(block.numel() for block in self._blocks)
        super().__init__((sum(self._rows), sum(columns)), multiply_adds, self._blocks[0].device)

    @property
    def blocks(self) -> Sequence[Tensor]:
        """Each ``(rows, columns)``, from the first inputs and outputs to the last."""
        return self._blocks

    def dense(self) -> Tensor:
        matrix: Tensor = torch.block_diag(*self._blocks)  # type: ignore[no-untyped-call]
        return matrix

    def apply_structure(self, x: Tensor) -> Tensor:
        parts = x.split_with_sizes(self._rows, dim=-1)
        return torch.cat([part @ block for part, block in zip(parts, self._blocks, strict=True)], dim=-1)

    def to(self, device: str) -> Self:
        return type(self)([block.to(device) for block in self._blocks])


class LowRank(_Structured):
    """``W = scale · V Uᵀ``. The paper's ``B = U Vᵀ`` is ``(d_out, d_in)``, so ``W`` is its transpose.

    Args:
        U: ``(n_out, rank)``, not empty; copied.
        V: ``(n_in, rank)``, not empty; copied.
        scale: Factor on all of ``W``.

    Raises:
        ValueError: The ranks of ``U`` and ``V`` differ, one is not a matrix, or ``scale`` is not finite.

    Source: Crystalline Latent Space Optimization, section 3.1, "quantized low-rank matrices".
    """

    def __init__(self, U: Tensor | np.ndarray, V: Tensor | np.ndarray, scale: float = 1.0) -> None:
        self.U, self.V, self.scale = _matrix(U, "U"), _matrix(V, "V"), float(scale)
        (n_out, self.rank), (n_in, v_rank) = _shape(self.U), _shape(self.V)
        if self.rank != v_rank:
            raise ValueError(f"U and V must have equal ranks, got {self.rank} and {v_rank}")
        if not isfinite(self.scale):
            raise ValueError(f"scale must be finite, got {scale}")
        self._scaled_Ut = (self.scale * self.U.T).contiguous()
        super().__init__((n_in, n_out), self.rank * (n_in + n_out), self.V.device)

    @cached_property
    def additions(self) -> int | None:
        """Additions per row if both factors are ternary and so multiply nothing: their entries that are not 0."""
        if not all(bool(((factor == 0) | (factor.abs() == 1)).all()) for factor in (self.U, self.V)):
            return None
        return int(self.U.count_nonzero()) + int(self.V.count_nonzero())

    def dense(self) -> Tensor:
        # Scaled last: the product of ternary factors is exact, so these bits are the same on every machine.
        return self.scale * (self.V @ self.U.T)

    def apply_structure(self, x: Tensor) -> Tensor:
        return (x @ self.V) @ self._scaled_Ut

    def to(self, device: str) -> Self:
        return type(self)(self.U.to(device), self.V.to(device), self.scale)


def structure_of(matrix: StructuredMatrix) -> str:
    """What a matrix is, for people.

    >>> structure_of(LowRank(np.ones((4, 2)), np.ones((3, 2)))), structure_of(Zero((3, 4)))
    ('low rank 2', 'zero')
    """
    if isinstance(matrix, LowRank):
        return f"low rank {matrix.rank}"
    if isinstance(matrix, BlockDiagonal):
        return f"{len(matrix.blocks)} blocks"
    return "zero" if isinstance(matrix, Zero) else "dense"


def _matrix(values: Tensor | np.ndarray, name: str) -> Tensor:
    """A float32 copy in memory that torch aligned: the last bits of a product can depend on alignment."""
    if values.ndim != 2 or 0 in values.shape:
        raise ValueError(f"{name} must be a matrix that is not empty, got shape {tuple(values.shape)}")
    given = values.detach() if isinstance(values, Tensor) else torch.tensor(values)
    return torch.empty_like(given, dtype=torch.float32, memory_format=torch.contiguous_format).copy_(given)


def _shape(matrix: Tensor) -> tuple[int, int]:
    rows, columns = matrix.shape
    return rows, columns
