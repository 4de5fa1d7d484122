"""Targets that need no search: a fixed code for each class."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from evokit.streams import Streams
from evokit_activations.network import Shape
from evokit_activations.operators import normalise, smooth
from evokit_activations.options import Layer

CODE_LOGIT = 5.0
"""Of the class's own logit above the others: a cross-entropy of 0.06 with ten classes."""


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
    logits = CODE_LOGIT * torch.eye(shape.classes)
    return [*codes, logits - logits.mean(1, keepdim=True)]
