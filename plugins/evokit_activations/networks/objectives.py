"""What a training minimises: cross-entropy of the labels, or the distance to representations that were searched.

Source: "Decoupling search and learning in neural net training", 4.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from evokit.data.image_batches import CropFlip
from evokit_activations.options import Augment


class RegressionTargets(Protocol):
    """Representations to learn, wherever they are."""

    @property
    def images(self) -> Tensor:
        """``(n,)`` int64 indices of the training images that have targets."""

    def rows(self, indices: Tensor) -> list[Tensor]:
        """Targets in float32, ``(k, ...)`` of each layer, the logits last.

        Args:
            indices: ``(k,)`` int64, into ``images``.
        """


class Objective(Protocol):
    """What a training minimises."""

    @property
    def images(self) -> Tensor:
        """``(n,)`` int64 indices of the training images that it knows."""

    @property
    def head_apart(self) -> bool:
        """Whether no gradient goes from the logits to the blocks."""

    def trains(self, name: str) -> bool:
        """Whether it moves the parameter of that name."""

    def loss(self, outputs: Sequence[Tensor], logits: Tensor, indices: Tensor, moves: CropFlip | None) -> Tensor:
        """Of a batch.

        Args:
            outputs: ``(b, c, h, w)`` of each block.
            logits: ``(b, classes)``.
            indices: ``(b,)`` int64, into ``images``.
            moves: What augmentation did to each image.
        """


@dataclass(frozen=True)
class Labels:
    """Cross-entropy of the labels through the whole network, or the head alone; ``smoothing`` is the share of a label
    that all classes get alike."""

    images: Tensor
    labels: Tensor
    head_only: bool = False
    head_apart: bool = False
    smoothing: float = 0.0

    def trains(self, name: str) -> bool:
        return name == "head" if self.head_only else name != "whitening"

    def loss(self, outputs: Sequence[Tensor], logits: Tensor, indices: Tensor, moves: CropFlip | None) -> Tensor:
        return F.cross_entropy(logits, self.labels[indices], label_smoothing=self.smoothing)


class Representations:
    """Mean squared error of each block's output, and the divergence of the head alone from the searched distribution.

    Args:
        targets: As they are stored or would be.
        kl: Weight of the divergence.
        weights: Of each block's error; a block of weight 0 is left to the gradients of later ones.
        augment: How targets follow their images.

    Source: 4.2, Objective.
    """

    head_apart = True

    def __init__(
        self, targets: RegressionTargets, kl: float, weights: Sequence[float], augment: Augment | None
    ) -> None:
        self.targets, self.kl, self.weights, self.augment = targets, kl, weights, augment
        self.images = targets.images

    def trains(self, name: str) -> bool:
        return name != "whitening"

    def loss(self, outputs: Sequence[Tensor], logits: Tensor, indices: Tensor, moves: CropFlip | None) -> Tensor:
        *maps, searched = (one.to(logits.device) for one in self.targets.rows(indices))
        if moves is not None and self.augment is not None and self.augment.targets == "moved":
            maps = [move(one, moves, self.augment.pad, 2 ** (block + 1)) for block, one in enumerate(maps)]
        total = logits.new_zeros(())
        for weight, output, target in zip(self.weights, outputs, maps, strict=True):
            if weight:
                total = total + weight * F.mse_loss(output.permute(0, 2, 3, 1), target)
        divergence = F.kl_div(F.log_softmax(logits, 1), F.log_softmax(searched, 1), log_target=True, reduction="none")
        return total / len(outputs) + self.kl * divergence.sum(1).mean()


def move(maps: Tensor, moves: CropFlip, pad: int, stride: int) -> Tensor:
    """Targets ``(n, h, w, c)`` cropped and mirrored like their images, by whole positions; borders are repeated.

    Args:
        maps: Of a layer with one position for ``stride`` pixels.
        moves: What was done to each image.
        pad: Pixels that the images were padded by.
        stride: Of the layer.
    """
    n, height, width, _ = maps.shape
    down, right = (torch.floor((one - pad) / stride + 0.5).long() for one in (moves.down, moves.right))
    positions = torch.arange(max(height, width, n), device=maps.device)
    rows = (positions[:height] + down[:, None]).clamp(0, height - 1)
    columns = (positions[:width] + right[:, None]).clamp(0, width - 1)
    columns = torch.where(moves.flipped[:, None], columns.flip(1), columns)
    return maps[positions[:n, None, None], rows[:, :, None], columns[:, None, :]]
