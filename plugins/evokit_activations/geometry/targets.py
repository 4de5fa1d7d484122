"""The targets that a geometry says: of classes, and of images that keep a share of their own activations."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor

from evokit.streams import Streams
from evokit_activations.geometry.class_geometry import ClassGeometry
from evokit_activations.layerwise.operators import normalise
from evokit_activations.networks.frozen import CHUNK
from evokit_activations.networks.objectives import Representations
from evokit_activations.networks.task import ImageTask
from evokit_activations.targets.class_codes import UntrainedActivations, class_codes, mean_activations


class Ingredients:
    """What all geometries are made of on the training images of one task.

    Args:
        task: Whose images alone are looked at.
        smoothing: 3x3 average poolings of each block's codes; empty is half the size of its maps.
        coding: Decides the codes; the task's streams if it is None.
    """

    def __init__(self, task: ImageTask, smoothing: Sequence[int], coding: Streams | None = None) -> None:
        self.task, self._coding = task, coding or task.streams
        self._smoothing = smoothing or [height // 2 for height, _, _ in task.shape.maps]

    @cached_property
    def means(self) -> list[Tensor]:
        """``(classes, height, width, channels)`` of each block: the mean over each class's images, normalised."""
        return mean_activations(self.task)[:-1]

    @cached_property
    def codes(self) -> list[Tensor]:
        """In the same shapes, the same for all tasks with the same streams."""
        codes = class_codes(self.task.shape, self._smoothing, self._coding)[:-1]
        return [code.to(self.task.device) for code in codes]

    @cached_property
    def own(self) -> list[Tensor]:
        """``(images, height, width, channels)`` of each block: what the untrained network makes of each image."""
        activations = UntrainedActivations(self.task)
        pieces = [activations.rows(indices)[:-1] for indices in torch.split(activations.images, CHUNK)]
        return [normalise(torch.cat(block)) for block in zip(*pieces, strict=True)]

    def objective(self, geometry: ClassGeometry) -> Representations:
        """What a network minimises that learns the targets of a geometry."""
        targets = GeometryTargets(self, geometry)
        return Representations(targets, geometry.kl, geometry.loss_weight, self.task.options.training.augment)


class GeometryTargets:
    """The targets of each training image.

    Args:
        ingredients: What they are made of.
        geometry: How.
    """

    def __init__(self, ingredients: Ingredients, geometry: ClassGeometry) -> None:
        self.ingredients, self.geometry = ingredients, geometry
        self.blocks = class_targets(geometry, ingredients.means, ingredients.codes)
        self.logits = class_logits(geometry, self.blocks[-1])

    @property
    def images(self) -> Tensor:
        """All."""
        return torch.arange(len(self.ingredients.task.labels))

    def rows(self, indices: Tensor) -> list[Tensor]:
        """As of any targets."""
        labels = self.ingredients.task.labels[indices]
        rows = []
        for block, (classes, share) in enumerate(zip(self.blocks, self.geometry.own_share, strict=True)):
            target = classes[labels]
            if share:
                target = normalise((1 - share) * target + share * self.ingredients.own[block][indices])
            rows.append(target)
        return [*rows, self.logits[labels]]


def class_targets(geometry: ClassGeometry, means: Sequence[Tensor], codes: Sequence[Tensor]) -> list[Tensor]:
    """``(classes, height, width, channels)`` of each block, normalised.

    Args:
        geometry: With a number for each block.
        means: ``(classes, ...)`` of each block, normalised.
        codes: Likewise.
    """
    targets = []
    shares = zip(geometry.mean_share, geometry.centring, strict=True)
    for (share, centring), mean, code in zip(shares, means, codes, strict=True):
        centred = normalise(mean - centring * mean.mean(0, keepdim=True))
        targets.append(normalise(share * centred + (1 - share) * code))
    return targets


def class_logits(geometry: ClassGeometry, last: Tensor) -> Tensor:
    """``(classes, classes)`` logits of each class, around zero.

    Args:
        geometry: Its ``logit`` and ``confusion``.
        last: ``(classes, ...)`` targets of the last block, whose cosine is how alike two classes are.
    """
    flat = torch.nn.functional.normalize(last.flatten(1), dim=1)
    itself = torch.eye(len(last), device=last.device)
    logits = geometry.logit * (itself + geometry.confusion * (1 - itself) * (flat @ flat.T))
    return logits - logits.mean(1, keepdim=True)
