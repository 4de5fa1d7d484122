"""Targets that need no search: the same for all images of a class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from evokit.streams import Streams
from evokit_activations.layerwise.operators import normalise, smooth
from evokit_activations.networks.network import Shape, forward
from evokit_activations.networks.task import Material
from evokit_activations.options import Layer
from evokit_activations.targets.averages import class_logits, class_means


def class_codes(shape: Shape, layers: Sequence[Layer], streams: Streams) -> list[Tensor]:
    """A random code of each class for each layer, with the smoothness and scale of searched representations.

    Args:
        shape: Of the network.
        layers: Whose ``smoothing`` the codes get.
        streams: One stream a layer.

    Returns:
        ``(classes, height, width, channels)`` for each block, then ``(classes, classes)`` logits.
    """
    codes = []
    for place, (height, width, channels) in enumerate(shape.maps):
        generator = streams.at("class_code", place).torch()
        code = torch.randn((shape.classes, height, width, channels), generator=generator)
        codes.append(normalise(smooth(code, layers[place].smoothing)))
    return [*codes, class_logits(shape.classes)]


@dataclass(frozen=True)
class OwnActivations:
    """What the untrained network makes of training images, in the shape of targets."""

    material: Material

    @property
    def images(self) -> Tensor:
        return torch.arange(len(self.material.labels))

    def rows(self, places: Tensor) -> list[Tensor]:
        network, pixels = self.material.untrained, self.material.normalised(self.material.images[places])
        blocks, logits = forward(network.shape, network.parameters, pixels, network.statistics)
        return [*(block.permute(0, 2, 3, 1) for block in blocks), logits]


def mean_activations(material: Material) -> list[Tensor]:
    """Means of each class's activations in the untrained network, shaped as ``class_codes``, with their logits."""
    classes = material.shape.classes
    *means, _ = class_means(OwnActivations(material), material.labels, classes)
    return [*(normalise(one) for one in means), class_logits(classes).to(material.device)]
