"""The networks that optimizers are measured on: pure functions of parameters that lie in one flat vector."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from evokit.streams import Streams

Kind = Literal["small_cnn", "batchnorm_cnn"]
Statistics = Mapping[str, Tensor]
"""Running means and variances of batch normalisation, changed in place by training."""

MOMENTUM = 0.1
"""Of the running statistics, torch's default."""


@dataclass(frozen=True)
class Parameter:
    """A parameter before training: uniform within ``spread`` about ``centre``; ``inner`` are hidden layers' weights."""

    name: str
    shape: tuple[int, ...]
    spread: float
    centre: float = 0.0
    inner: bool = False

    @property
    def size(self) -> int:
        return math.prod(self.shape)


class FlatNetwork(ABC):
    """A network whose parameters lie behind each other in one vector."""

    @property
    @abstractmethod
    def parameters(self) -> tuple[Parameter, ...]:
        """In the order of the flat vector."""

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        return [parameter.shape for parameter in self.parameters]

    @property
    def n_parameters(self) -> int:
        return sum(parameter.size for parameter in self.parameters)

    @property
    def joins(self) -> bool:
        """Whether several can be trained at once; see ``evokit_optimizers.together``."""
        return not self.statistics()

    def initial(self, generator: torch.Generator) -> Tensor:
        """``(n_parameters,)`` float32 where training starts."""
        draws = torch.rand(self.n_parameters, generator=generator) * 2 - 1
        pieces = torch.split(draws, [parameter.size for parameter in self.parameters])
        return torch.cat([one.centre + one.spread * piece for one, piece in zip(self.parameters, pieces, strict=True)])

    def statistics(self, device: torch.device | str = "cpu") -> dict[str, Tensor]:
        """Running statistics before the first step; none without batch normalisation."""
        return {}

    def views(self, flat: Tensor) -> list[Tensor]:
        """Parameters in their shapes, as leaves of a gradient's graph that share the vector's memory."""
        return [piece.requires_grad_() for piece in self.pieces(flat.detach())]

    def pieces(self, flat: Tensor) -> list[Tensor]:
        """Parameters in their shapes, views of the vector."""
        pieces = torch.split(flat, [parameter.size for parameter in self.parameters])
        return [piece.view(shape) for piece, shape in zip(pieces, self.shapes, strict=True)]


def layer(name: str, shape: tuple[int, ...], *, inner: bool = True) -> list[Parameter]:
    """Weight and bias of a linear layer or convolution, with torch's default start: within ``1 / sqrt(fan_in)``."""
    spread = 1 / math.sqrt(math.prod(shape[1:]))
    return [Parameter(f"{name}.weight", shape, spread, inner=inner), Parameter(f"{name}.bias", shape[:1], spread)]


def scales(name: str, width: int) -> list[Parameter]:
    """Weight and bias of a normalisation, which start at 1 and 0."""
    return [Parameter(f"{name}.weight", (width,), 0.0, 1.0), Parameter(f"{name}.bias", (width,), 0.0)]


@dataclass(frozen=True)
class ConvNet(FlatNetwork):
    """Two convolutional blocks and two linear layers, for images of 4 x 4 pixels or more.

    ``small_cnn`` has one 3x3 convolution a block. ``batchnorm_cnn`` has two, the first of them followed by batch
    normalisation. Each block ends in 2x2 max-pooling. Of the hidden layer's outputs a share ``dropout`` is dropped in
    training, of each block's of ``batchnorm_cnn`` half that share.

    Args:
        kind: Which of the two.
        image: ``(height, width, channels)``.
        n_classes: Number of logits.
        channels: Of each block.
        hidden: Width of the hidden layer.
        dropout: In [0, 1).

    Source: optimizer evolution article; the sizes of its public code are (32, 64) with 256 and 512.
    """

    kind: Kind
    image: tuple[int, int, int]
    n_classes: int
    channels: tuple[int, int] = (32, 64)
    hidden: int = 256
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if min(self.image[:2]) < 4:
            raise ValueError(f"images must have at least 4 x 4 pixels, got {self.image[0]} x {self.image[1]}")

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """In the order of the flat vector."""
        found: list[Parameter] = []
        inputs = self.image[2]
        for block, width in enumerate(self.channels):
            for place in range(2 if self._normalises else 1):
                found += layer(f"conv{block}.{place}", (width, inputs, 3, 3), inner=bool(found))
                if place == 0 and self._normalises:
                    found += scales(f"norm{block}", width)
                inputs = width
        features = self.channels[-1] * (self.image[0] // 4) * (self.image[1] // 4)
        hidden = layer("hidden", (self.hidden, features))
        return (*found, *hidden, *layer("output", (self.n_classes, self.hidden), inner=False))

    def statistics(self, device: torch.device | str = "cpu") -> dict[str, Tensor]:
        if not self._normalises:
            return {}
        start = {"mean": torch.zeros, "variance": torch.ones}
        return {
            f"norm{block}.{name}": make(width, device=device)
            for block, width in enumerate(self.channels)
            for name, make in start.items()
        }

    def logits(
        self,
        parameters: Sequence[Tensor],
        statistics: Statistics,
        images: Tensor,
        dropout: Streams | None,
        training: bool,
    ) -> Tensor:
        """``(n, n_classes)`` in the parameters' type.

        Args:
            parameters: Of ``views``.
            statistics: Used, or updated in training.
            images: ``(n, channels, height, width)`` in the parameters' type.
            dropout: Decides what is dropped in training.
            training: Whether the batch's statistics normalise it and units are dropped.
        """
        left = iter(parameters)
        drop = _Dropout(dropout if training else None)
        x = images
        for block in range(len(self.channels)):
            for place in range(2 if self._normalises else 1):
                x = F.conv2d(x, next(left), next(left), padding=1)
                if place == 0 and self._normalises:
                    x = self._normalised(x, block, next(left), next(left), statistics, training)
                    x = F.relu(x)
            # The maximum and the rectifier commute, and a quarter is left for the second of them.
            x = F.relu(F.max_pool2d(x, 2))
            if self._normalises:
                x = drop(x, self.dropout / 2, f"block{block}")
        x = F.relu(F.linear(x.flatten(1), next(left), next(left)))
        return F.linear(drop(x, self.dropout, "hidden"), next(left), next(left))

    def _normalised(
        self, x: Tensor, block: int, weight: Tensor, bias: Tensor, statistics: Statistics, training: bool
    ) -> Tensor:
        mean, variance = statistics[f"norm{block}.mean"], statistics[f"norm{block}.variance"]
        # In float32 whatever the rest runs in, as the running statistics are.
        return F.batch_norm(x.float(), mean, variance, weight.float(), bias.float(), training, MOMENTUM).to(x.dtype)

    @property
    def _normalises(self) -> bool:
        return self.kind == "batchnorm_cnn"


@dataclass(frozen=True)
class _Dropout:
    streams: Streams | None

    def __call__(self, x: Tensor, share: float, place: str) -> Tensor:
        if self.streams is None or share == 0:
            return x
        generator = self.streams.at(place).torch(str(x.device))
        kept = torch.rand(x.shape, generator=generator, device=x.device) >= share
        return x * kept / (1 - share)
