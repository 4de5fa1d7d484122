"""A network that is no longer trained: every image is read alone, with the normalisation statistics of all images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from evokit_activations.networks.network import Shape, forward

CHUNK = 250
"""Images at once outside of the search. A constant, because the last bits of a product depend on its shape."""
DTYPES = {name: getattr(torch, name) for name in ("float64", "float32", "bfloat16", "float16")}


@dataclass(frozen=True)
class FrozenNetwork:
    """What a search goes forward with.

    Args:
        shape: Of the network.
        parameters: By name, the whitening layer's too.
        statistics: Of its normalisation layers over the training images, so that no image depends on another.
    """

    shape: Shape
    parameters: Mapping[str, Tensor]
    statistics: Mapping[str, Tensor]

    def forward(self, pixels: Tensor) -> tuple[list[Tensor], Tensor]:
        """Outputs ``(n, c, h, w)`` of all blocks, and logits, of ``(n, c, h, w)`` normalised images."""
        return forward(self.shape, self.parameters, pixels, self.statistics)


def in_precision(network: FrozenNetwork, dtype: torch.dtype) -> FrozenNetwork:
    """The network in another precision, its statistics too."""
    if dtype == torch.float32:
        return network
    parameters = {name: value.to(dtype) for name, value in network.parameters.items()}
    statistics = {name: value.to(dtype) for name, value in network.statistics.items()}
    return FrozenNetwork(network.shape, parameters, statistics)


def on_device(parameter: Tensor, device: str) -> Tensor:
    """A parameter where it is used; weights of convolutions in the layout of their images."""
    layout = torch.channels_last if parameter.dim() == 4 else torch.contiguous_format
    return parameter.to(device).contiguous(memory_format=layout)
