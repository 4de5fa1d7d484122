"""Targets that need no search: the same for all images of a class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from evokit.streams import Streams
from evokit_activations.layerwise.operators import normalise, smooth
from evokit_activations.networks.network import Shape
from evokit_activations.networks.task import ImageTask
from evokit_activations.targets.averages import class_logits, class_means

UNSEARCHED = ("class_code", "class_mean")
"""Methods whose targets are found without a search."""


def class_codes(shape: Shape, smoothing: Sequence[int], streams: Streams) -> list[Tensor]:
    """A random code of each class for each layer, with the smoothness and scale of searched representations.

    Args:
        shape: Of the network.
        smoothing: 3x3 average poolings of each block's codes.
        streams: One stream a layer.

    Returns:
        ``(classes, height, width, channels)`` for each block, then ``(classes, classes)`` logits.
    """
    codes = []
    for number, (height, width, channels) in enumerate(shape.maps):
        generator = streams.at("class_code", number).torch()
        code = torch.randn((shape.classes, height, width, channels), generator=generator)
        codes.append(normalise(smooth(code, smoothing[number])))
    return [*codes, class_logits(shape.classes)]


@dataclass(frozen=True)
class UntrainedActivations:
    """What the untrained network makes of training images, in the shape of targets."""

    task: ImageTask

    @property
    def images(self) -> Tensor:
        return torch.arange(len(self.task.labels))

    def rows(self, indices: Tensor) -> list[Tensor]:
        blocks, logits = self.task.untrained.forward(self.task.normalised(self.task.images[indices]))
        return [*(block.permute(0, 2, 3, 1) for block in blocks), logits]


def mean_activations(task: ImageTask) -> list[Tensor]:
    """Means of each class's activations in the untrained network, shaped as ``class_codes``, with their logits."""
    classes = task.shape.classes
    *means, _ = class_means(UntrainedActivations(task), task.labels, classes)
    return [*(normalise(one) for one in means), class_logits(classes).to(task.device)]
