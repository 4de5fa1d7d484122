"""Working responses to a model with crystals on many tokens, of whose predictions only a part is computed."""

from __future__ import annotations

import numpy as np
import torch

from evokit.data.cache import Arrays
from evokit.data.text import Blocks
from evokit_crystalline.closed_form.basis import CONTENT, basis
from evokit_crystalline.closed_form.responses import expectations
from evokit_crystalline.crystals.matrices import Zero
from evokit_crystalline.gpt2 import model
from evokit_crystalline.gpt2.measuring import Frame


def content_of(frame: Frame) -> torch.Tensor:
    """``(n_embd, rank)`` orthonormal columns of the residual stream's content."""
    return torch.from_numpy(basis(frame.sizes.n_embd))[CONTENT:].T.contiguous()


def base_predictions(frame: Frame, blocks: Blocks) -> Arrays:
    """What the model without crystals expects after each distinct token of ``blocks``; it depends on nothing else.

    Returns:
        ``tokens`` ``(n,)``, ``content`` and ``means`` ``(n, rank)``: content of the hidden state, and the expected row
        of the head; ``curvature`` ``(rank, rank)``.
    """
    tokens, counts = np.unique(blocks.inputs, return_counts=True)
    off = [Zero(shape) for shape in frame.sizes.slots().values()]
    hidden = model.hidden(frame.parts, off, frame.sizes, torch.from_numpy(tokens)[:, None])[:, 0]
    content = content_of(frame)
    means, curvature = expectations(frame.head, hidden, torch.from_numpy(counts).float(), content)
    arrays = {"content": hidden @ content, "means": means, "curvature": curvature}
    return {"tokens": tokens} | {name: array.numpy() for name, array in arrays.items()}


def estimated_means(
    frame: Frame, hidden: torch.Tensor, base_content: torch.Tensor, base_means: torch.Tensor, chosen: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Expected rows of the head for many states, computed for the ``chosen`` ones.

    For all others they are those of the model without crystals and a linear function of how far crystals moved the
    state; what it is wrong by on those chosen at random counts there as often as there are states for each of them. So
    sums of products with any features are, but for the regression's own degrees of freedom, unbiased.

    Args:
        frame: Whose head reads the states.
        hidden: ``(n, n_embd)``.
        base_content: ``(n, rank)`` content of the states without crystals.
        base_means: ``(n, rank)`` expected rows without crystals.
        chosen: ``(m,)`` int64.

    Returns:
        ``(n, rank)``, and the rows' covariance on average over those chosen, ``(rank, rank)``.

    Source: Särndal, Swensson and Wretman 1992, "Model Assisted Survey Sampling", section 6.4, the regression estimator.
    """
    content = content_of(frame)
    exact, curvature = expectations(frame.head, hidden[chosen], torch.ones(len(chosen)), content)
    if len(chosen) == len(hidden):
        return exact, curvature
    moved = torch.cat([hidden @ content - base_content, torch.ones(len(hidden), 1)], 1)
    known, off = moved[chosen].double(), (exact - base_means[chosen]).double()
    # gelsd: directions in which no crystal moves a state leave the system singular
    slopes = torch.linalg.lstsq(known.T @ known, known.T @ off, driver="gelsd").solution.float()
    means = base_means + moved @ slopes
    means[chosen] += len(hidden) / len(chosen) * (exact - means[chosen])
    return means, curvature
