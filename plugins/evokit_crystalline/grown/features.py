"""What the hidden units of an MLP read, drawn from data."""

from __future__ import annotations

import numpy as np
import torch

from evokit_crystalline.closed_form.basis import ANCHOR, CONTENT, basis
from evokit_crystalline.crystals.matrices import Dense

DRAWN = 16  # pairs for each that is kept


def between_pairs(read: torch.Tensor, pull: torch.Tensor, n: int, scale: float, rng: np.random.Generator) -> Dense:
    """``(n_embd, n)`` directions from one state to another, which are likelier the more differs there in what is asked.

    A unit's input is 0 at the first state of its pair and ``scale`` at the second; what shifts it is read from the
    anchor, which is the same in all states but for the norm.

    Args:
        read: ``(m, n_embd)`` what the MLP reads.
        pull: ``(m, rank)`` what is asked of each state.
        n: Units.
        scale: See above.
        rng: Draws pairs.

    Source: Bolager, Burak, Datar, Sun and Dietrich 2023, "Sampling weights of deep neural networks", definition 1 and
    equation 4; distances are Euclidean.
    """
    rows = torch.from_numpy(basis(read.shape[1]))
    content = read @ rows[CONTENT:].T
    first, second = torch.from_numpy(rng.integers(len(read), size=(2, DRAWN * n)))
    apart = content[second] - content[first]
    squared = apart.square().sum(1).clamp(min=torch.finfo(read.dtype).tiny)  # a state beside itself says nothing
    asked = (pull[second] - pull[first]).norm(dim=1) / squared.sqrt()
    # The n largest of log weights and Gumbel noise are a draw without replacement.
    noisy = torch.log(asked) + torch.from_numpy(rng.gumbel(size=len(asked))).to(read.dtype)
    kept = torch.topk(noisy, n).indices
    directions = scale * apart[kept] / squared[kept, None]
    shifts = (directions * content[first[kept]]).sum(1)
    anchor = (read @ rows[ANCHOR]).mean()
    return Dense((rows[CONTENT:].T @ directions.T - torch.outer(rows[ANCHOR], shifts / anchor)).numpy())
