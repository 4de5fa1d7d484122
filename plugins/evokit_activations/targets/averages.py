"""Targets that all images of a class share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from evokit_activations.layerwise.operators import normalise
from evokit_activations.networks.frozen import CHUNK
from evokit_activations.networks.objectives import RegressionTargets
from evokit_activations.options import CODE_LOGIT


class ClassMeans:
    """For each image the mean of the targets of its class.

    The fitness of a representation depends on its label alone, so what was found for one image is as fit for another of
    its class. In the mean, what is particular to an image and what was neutral to the fitness cancels out.

    Args:
        targets: Of each image.
        labels: ``(all training images,)`` int64.
        classes: How many there are.
        normalised: Whether each block's mean is brought to zero mean and unit variance, as what was found was.
    """

    def __init__(self, targets: RegressionTargets, labels: Tensor, classes: int, *, normalised: bool) -> None:
        self.images = targets.images
        self._labels = labels[self.images]
        *maps, logits = class_means(targets, self._labels, classes)
        self.means: Sequence[Tensor] = [*(normalise(one) if normalised else one for one in maps), logits]

    def rows(self, indices: Tensor) -> list[Tensor]:
        """As of any targets."""
        return [layer[self._labels[indices].to(layer.device)] for layer in self.means]


@dataclass(frozen=True)
class ClassLogits:
    """Targets with the logits of their class instead of their own.

    Args:
        targets: Of each image.
        labels: ``(all training images,)`` int64.
        classes: How many there are.
    """

    targets: RegressionTargets
    labels: Tensor
    classes: int

    @property
    def images(self) -> Tensor:
        return self.targets.images

    def rows(self, indices: Tensor) -> list[Tensor]:
        """As of any targets."""
        *maps, own = self.targets.rows(indices)
        labels = self.labels[self.images[indices]].to(own.device)
        return [*maps, class_logits(self.classes).to(own.device)[labels]]


def class_logits(classes: int) -> Tensor:
    """``(classes, classes)`` logits of each class, around zero."""
    logits = CODE_LOGIT * torch.eye(classes)
    return logits - logits.mean(1, keepdim=True)


def class_means(targets: RegressionTargets, labels: Tensor, classes: int) -> list[Tensor]:
    """``(classes, ...)`` float32 means of each layer, the logits last; zeros for a class without images.

    Args:
        targets: Of n images.
        labels: ``(n,)`` of these images.
        classes: How many there are.
    """
    sums: list[Tensor] = []
    for indices in torch.split(torch.arange(len(labels)), CHUNK):
        layers = [layer.double() for layer in targets.rows(indices)]
        sums = sums or [layer.new_zeros((classes, *layer.shape[1:])) for layer in layers]
        for total, layer in zip(sums, layers, strict=True):
            total.index_add_(0, labels[indices].to(layer.device), layer)
    counts = torch.bincount(labels, minlength=classes).clamp(min=1)
    return [(total / counts.to(total.device).view(-1, *[1] * (total.dim() - 1))).float() for total in sums]
