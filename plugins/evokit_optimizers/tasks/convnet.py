"""The convolutional networks of image tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from evokit.streams import Streams
from evokit_optimizers.tasks.network import FlatNetwork, Parameter, Statistics, layer, scales

Kind = Literal["small_cnn", "batchnorm_cnn"]

MOMENTUM = 0.1
"""Of the running statistics, torch's default."""


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
            for i in range(2 if self._normalises else 1):
                found += layer(f"conv{block}.{i}", (width, inputs, 3, 3), "hidden" if found else "first")
                if i == 0 and self._normalises:
                    found += scales(f"norm{block}", width)
                inputs = width
        features = self.channels[-1] * (self.image[0] // 4) * (self.image[1] // 4)
        hidden = layer("hidden", (self.hidden, features))
        return (*found, *hidden, *layer("output", (self.n_classes, self.hidden), "last"))

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
            if not block and not self._normalises and self.image[2] == 1 and x.device.type == "cpu":
                x = grey_block(x, next(left), next(left))
                continue
            for i in range(2 if self._normalises else 1):
                x = F.conv2d(x, next(left), next(left), padding=1)
                if i == 0 and self._normalises:
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


def grey_block(images: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """A 3x3 convolution of images of one channel, 2x2 max-pooling and a rectifier, as a product of matrices.

    With one channel a CPU's convolution spends its time on everything but products: forward and backward pass of the
    network take 1.6 times as long with it. Images lie last in memory, so that pooling works on many at once.

    Args:
        images: ``(n, 1, height, width)``.
        weight: ``(channels, 1, 3, 3)``.
        bias: ``(channels,)``.

    Returns:
        ``(n, channels, height // 2, width // 2)``, channels last.
    """
    n, _, height, width = images.shape
    framed = F.pad(images, (1, 1, 1, 1)).squeeze(1).permute(1, 2, 0).contiguous()
    shifted = torch.stack([framed[row : row + height, left : left + width] for row in range(3) for left in range(3)])
    x = torch.addmm(bias.unsqueeze(1), weight.flatten(1), shifted.view(9, -1))
    x = x.view(-1, height, width, n).permute(0, 3, 1, 2)
    # Channels last without torch.channels_last, which vmap does not know.
    return F.relu(F.max_pool2d(x, 2)).permute(1, 2, 3, 0).contiguous().permute(0, 3, 1, 2)


@dataclass(frozen=True)
class _Dropout:
    streams: Streams | None

    def __call__(self, x: Tensor, share: float, name: str) -> Tensor:
        if self.streams is None or share == 0:
            return x
        generator = self.streams.at(name).torch(str(x.device))
        mask = torch.rand(x.shape, generator=generator, device=x.device) >= share
        return x * mask / (1 - share)
