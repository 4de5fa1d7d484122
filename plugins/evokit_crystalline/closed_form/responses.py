"""What the loss asks the hidden state to become, token by token, while every projection is zero."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from evokit.data.text import Blocks
from evokit_crystalline.closed_form.basis import CONTENT, basis
from evokit_crystalline.crystals.matrices import Zero
from evokit_crystalline.gpt2 import model
from evokit_crystalline.gpt2.chunks import chunks
from evokit_crystalline.gpt2.loss import EVALUATED_TOKENS, Head
from evokit_crystalline.gpt2.measuring import Frame
from evokit_crystalline.gpt2.model import Projection


@dataclass(frozen=True, eq=False)
class Responses:
    """Pulls on the hidden state in content coordinates, and the metric that turns them into steps.

    Args:
        tokens: ``(n_blocks, length)`` int64 inputs.
        pull: ``(n_blocks, length, rank)`` target's head row minus the expected one.
        curvature: ``(rank, rank)`` average covariance of the head's rows under the softmax.
    """

    tokens: torch.Tensor
    pull: torch.Tensor
    curvature: torch.Tensor


def working_responses(frame: Frame, blocks: Blocks) -> Responses:
    """Responses of the model without projections to ``blocks``, which were not used to fit its continuous parts.

    What such a model expects depends on the current token alone: no row of a fitted head reads the position. So each
    distinct token is predicted from once, however often it occurs.
    """
    sizes, head = frame.sizes, frame.head
    content = torch.from_numpy(basis(sizes.n_embd))[CONTENT:].T
    tokens = torch.from_numpy(blocks.inputs)
    distinct, inverse, counts = torch.unique(tokens, return_inverse=True, return_counts=True)
    off: list[Projection] = [Zero(shape) for shape in sizes.slots().values()]
    hidden = model.hidden(frame.parts, off, sizes, distinct[:, None])[:, 0]
    means, curvature = expectations(head, hidden, counts.float(), content)
    pull = (head.weight @ content)[torch.from_numpy(blocks.targets)] - means[inverse]
    return Responses(tokens, pull, curvature)


def expectations(
    head: Head, hidden: torch.Tensor, counts: torch.Tensor, content: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """What states predict: the expected row of the head for each, and the rows' covariance on average.

    Args:
        head: Reads the states.
        hidden: ``(n, n_embd)``.
        counts: ``(n,)`` how often each state occurs.
        content: ``(n_embd, rank)`` orthonormal columns, in whose coordinates the rows are.

    Returns:
        ``(n, rank)`` and ``(rank, rank)``.
    """
    rows, rank = head.rounded.float() @ content, content.shape[1]
    total, square = torch.zeros(len(rows)), torch.zeros(rank, rank)
    means = torch.empty(len(hidden), rank)
    for chunk in chunks(len(hidden), EVALUATED_TOKENS):
        logits = hidden[chunk] @ head.rounded.float().T
        if head.log_counts is not None:
            logits += head.log_counts
        p, n = logits.softmax(1), counts[chunk]
        mean = means[chunk] = p @ rows
        total += n @ p
        square += mean.T @ (n[:, None] * mean)
    return means, (rows.T @ (total[:, None] * rows) - square) / counts.sum()


def ridge_solution(
    features: torch.Tensor, pull: torch.Tensor, curvature: torch.Tensor, damping: float, ridge: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """``(n_features, rank)`` solution of the regression of responses on features, with its moment and its metric.

    Args:
        features: ``(n, n_features)``.
        pull: ``(n, rank)``.
        curvature: ``(rank, rank)``.
        damping: Added to the curvature's diagonal, in means of it.
        ridge: Added to the moment's diagonal, in means of it.
    """
    return moment_solution(features.T @ features, features.T @ pull, curvature, damping, ridge)


def moment_solution(
    moment: torch.Tensor, product: torch.Tensor, curvature: torch.Tensor, damping: float, ridge: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The same from ``(n_features, n_features)`` moments of the features and their ``(n_features, rank)`` product with
    responses."""
    metric = curvature + damping * curvature.diagonal().mean() * torch.eye(len(curvature))
    moment = moment + ridge * moment.diagonal().mean() * torch.eye(len(moment))
    return torch.linalg.solve(metric, torch.linalg.solve(moment, product).T).T, moment, metric
