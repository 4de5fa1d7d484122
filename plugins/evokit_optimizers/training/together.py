"""Several optimizers' networks trained at once, as one network with a batch of parameters."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from evokit_optimizers.training.training import Training


def advance_together(trainings: Sequence[Training], step: int) -> list[bool]:
    """Train until ``step`` steps are made.

    Each gets the same bits in whatever company, because a product of two or more matrices at once does not depend on
    their number; one alone is trained beside itself for that reason. They differ in the last bits from those that
    ``Training.advance`` makes.

    Args:
        trainings: Of one task, from the same streams, so that all see the same batches. Their networks have no
            statistics.
        step: Where to stop.

    Returns:
        For each, False if it diverged.
    """
    for start in sorted({one.step for one in trainings}):
        group = [one for one in trainings if one.step == start]
        while group and group[0].step < step:
            losses, gradients = _differentiated(group)
            for one, loss, gradient in zip(group, losses, gradients, strict=True):
                one.move(loss, gradient)
            if group[0].checks:
                group = [one for one in group if not one.diverged]
    return [one.step >= step and one.sound for one in trainings]


def _differentiated(group: Sequence[Training]) -> tuple[Tensor, Tensor]:
    """Losses ``(n,)`` and gradients ``(n, n_parameters)`` of the next step."""
    first = group[0]
    task, chosen, streams = first.task, first.next_batch(), first.next_streams()

    def loss(flat: Tensor) -> Tensor:
        return task.loss(task.network.pieces(flat), {}, chosen, streams)

    members = list(group) if len(group) > 1 else [first, first]
    flat = torch.stack([one.parameters for one in members]).to(task.precision)
    # Dropout and augmentation are the same for all, as they are for those who train alone.
    gradients, losses = torch.func.vmap(torch.func.grad_and_value(loss), randomness="same")(flat)
    return losses[: len(group)], gradients[: len(group)]
