"""Attention patterns that depend on positions alone: so many tokens back, or through a window onto the latest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from evokit_crystalline.closed_form.basis import CODES, CONTENT, WAVELENGTHS, basis, position_codes, shift_codes
from evokit_crystalline.crystals.matrices import Dense
from evokit_crystalline.gpt2.sizes import Sizes

SHARPNESS = (160.0, 40.0, 40.0)
"""Of scores between codes of each wavelength. Among up to 128 positions a wrong one's score is at least 11 lower, which
leaves it e⁻¹¹. The longest wavelength is sharpest: where the next comes again, its cosine has fallen by 0.08 only."""


@dataclass(frozen=True)
class AttentionPattern:
    """What a head attends to: one token, ``back`` tokens ago, or all so far through a window.

    ``width`` is the window's standard deviation in tokens: weights fall like a Gaussian from the current token into the
    past. Infinite, it is the mean of all so far.
    """

    back: int = 0
    width: float | None = None

    def sharpness(self, n_positions: int) -> np.ndarray:
        """``(6,)`` factors of the position codes: all of them for one token, the slowest alone for a window.

        Near its maximum ``s cos(2π d / λ)`` falls by ``s (2π d / λ)² / 2``, which is ``d² / (2 width²)``.
        """
        if self.width is None:
            return np.repeat(SHARPNESS, 2)
        slowest = (WAVELENGTHS[0] * n_positions / (2 * math.pi * self.width)) ** 2
        return np.array([slowest, slowest] + [0.0] * (2 * len(WAVELENGTHS) - 2))


def turned_codes(pattern: AttentionPattern, n_positions: int) -> np.ndarray:
    """``(6, 6)`` from the code of a position to the query whose products with codes are the scores."""
    turned: np.ndarray = shift_codes(n_positions, pattern.back) * pattern.sharpness(n_positions)
    return turned


def attention_weights(pattern: AttentionPattern, n_positions: int, length: int) -> torch.Tensor:
    """``(length, length)`` the weight that a head of this pattern gives to the token in each column."""
    codes = position_codes(n_positions)[:length]
    scores = torch.from_numpy(codes @ turned_codes(pattern, n_positions).astype(np.float32) @ codes.T)
    future = torch.ones(length, length, dtype=torch.bool).triu(1)
    return scores.masked_fill(future, -math.inf).softmax(1)


def attention(sizes: Sizes, patterns: Sequence[AttentionPattern], values: Sequence[np.ndarray]) -> Dense:
    """``c_attn`` whose head ``i`` attends as ``patterns[i]`` says and reads ``values[i]`` of the content there.

    Args:
        sizes: Of the model.
        patterns: One per head.
        values: ``(n_content, at most the head's width)`` each; what is left of a head reads nothing.

    Raises:
        ValueError: A head is too narrow for the position codes.
    """
    d, width = sizes.n_embd, sizes.n_embd // sizes.n_head
    directions = basis(d)
    codes = directions[CODES].T
    if width < codes.shape[1]:
        raise ValueError(f"a head needs {codes.shape[1]} dimensions for the position codes, got {width}")
    weight = np.zeros((d, 3, sizes.n_head, width), np.float32)
    for head, (pattern, read) in enumerate(zip(patterns, values, strict=True)):
        weight[:, 0, head, : codes.shape[1]] = np.sqrt(width) * codes @ turned_codes(pattern, sizes.n_positions)
        weight[:, 1, head, : codes.shape[1]] = codes
        weight[:, 2, head, : read.shape[1]] = directions[CONTENT:].T @ read
    return Dense(weight.reshape(d, 3 * d))
