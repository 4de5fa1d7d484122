"""The convolutional network of representation search, as functions of its parameters. Needs torch and nothing else,
because exports take a copy of this file along.

A whitening layer with frozen weights, blocks of 3x3 convolutions with 2x2 maximum pooling behind the first one,
batch normalisation and GELU, and a linear head. Images and activations are ``(n, channels, height, width)`` here.

Source: "Decoupling search and learning in neural net training", A.1, and the code that it starts from, airbench.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

EPS = 1e-5

Tensors = Mapping[str, Tensor]


@dataclass(frozen=True)
class Shape:
    """What decides the shapes of a network's parameters.

    Args:
        image: Channels, height and width of an image; it is square.
        channels: Of each block.
        convolutions: In each block.
        classes: Outputs.
        normalise: Whether each block's output is brought to zero mean and unit variance a sample.
    """

    image: tuple[int, int, int]
    channels: tuple[int, ...]
    convolutions: int
    classes: int
    normalise: bool = False

    @property
    def blocks(self) -> range:
        return range(len(self.channels))

    @property
    def whitened(self) -> int:
        """Channels behind the whitening layer: each direction of a 2x2 patch and its opposite."""
        return 2 * 4 * self.image[0]

    @property
    def maps(self) -> list[tuple[int, int, int]]:
        """Height, width and channels of each block's output.

        Raises:
            ValueError: The image is too small for so many blocks.
        """
        size, maps = self.image[1] - 1, []
        for channels in self.channels:
            size //= 2
            maps.append((size, size, channels))
        if not size:
            raise ValueError(f"images of {self.image[1]} pixels are too small for {len(self.channels)} blocks")
        return maps

    @property
    def features(self) -> int:
        """Inputs of the head."""
        height, width, channels = self.maps[-1]
        return height * width * channels


def whiten(images: Tensor, weight: Tensor) -> Tensor:
    """The frozen first layer: ``(n, c, h, w)`` normalised images to ``(n, 8 c, h - 1, w - 1)``."""
    return F.gelu(F.conv2d(images, weight).contiguous(memory_format=torch.channels_last))


def run_block(shape: Shape, parameters: Tensors, block: int, x: Tensor, statistics: Tensors | None = None) -> Tensor:
    """A block's output.

    Args:
        shape: Of the network.
        parameters: All of its parameters by name.
        block: Number of the block.
        x: Output of the block before, or what ``whiten`` gives.
        statistics: Mean and variance of each normalisation layer; None takes those of the batch.
    """
    for number in range(shape.convolutions):
        x = F.conv2d(x, parameters[f"block{block}.conv{number}"], padding=1)
        if number == 0:
            x = F.max_pool2d(x, 2)
        x = F.gelu(batch_norm(x, parameters, f"block{block}.norm{number}", statistics))
    return normalise(x) if shape.normalise else x


def normalise(x: Tensor) -> Tensor:
    """Zero mean and unit variance of each sample of ``(n, c, h, w)``, in the layout that it has in memory."""
    last = x.permute(0, 2, 3, 1)
    return F.layer_norm(last, last.shape[1:], eps=EPS).permute(0, 3, 1, 2)


def batch_norm(x: Tensor, parameters: Tensors, name: str, statistics: Tensors | None) -> Tensor:
    """Normalisation of each channel, with a learned shift and no learned scale, as airbench has it."""
    bias = parameters[name]
    if statistics is None:
        return F.batch_norm(x, None, None, None, bias, training=True, eps=EPS)
    mean, variance = statistics[f"{name}.mean"], statistics[f"{name}.variance"]
    return F.batch_norm(x, mean, variance, None, bias, training=False, eps=EPS)


def classify(parameters: Tensors, features: Tensor) -> Tensor:
    """``(n, classes)`` logits of the last block's output."""
    return F.linear(features.permute(0, 2, 3, 1).flatten(1), parameters["head"])


def forward(
    shape: Shape, parameters: Tensors, images: Tensor, statistics: Tensors | None = None, *, head_apart: bool = False
) -> tuple[list[Tensor], Tensor]:
    """Outputs of all blocks, and logits.

    Args:
        shape: Of the network.
        parameters: All of its parameters by name, the whitening layer's too.
        images: ``(n, c, h, w)``, normalised.
        statistics: As in ``run_block``.
        head_apart: Let no gradient go from the logits to the blocks (the paper's stop-gradient).
    """
    x, outputs = whiten(images, parameters["whitening"]), []
    for block in shape.blocks:
        x = run_block(shape, parameters, block, x, statistics)
        outputs.append(x)
    return outputs, classify(parameters, x.detach() if head_apart else x)


def measured_statistics(shape: Shape, parameters: Tensors, images: Tensor, chunk: int) -> dict[str, Tensor]:
    """Mean and variance of each normalisation layer over images, each layer's behind those before it.

    Args:
        shape: Of the network.
        parameters: All of its parameters by name.
        images: ``(n, c, h, w)``, normalised.
        chunk: Images at once; it changes the last bits.
    """
    statistics: dict[str, Tensor] = {}
    pieces = [whiten(piece, parameters["whitening"]) for piece in torch.split(images, chunk)]
    for block in shape.blocks:
        for number in range(shape.convolutions):
            name, weight = f"block{block}.norm{number}", parameters[f"block{block}.conv{number}"]
            # Pooled at once: all images' maps before pooling would take four times the memory.
            maps = (F.conv2d(piece, weight, padding=1) for piece in pieces)
            pieces = [one if number else F.max_pool2d(one, 2) for one in maps]
            n = sum(piece.numel() // piece.shape[1] for piece in pieces)
            mean = torch.stack([piece.sum((0, 2, 3), dtype=torch.float64) for piece in pieces]).sum(0) / n
            squares = [(piece - mean[:, None, None]).square().sum((0, 2, 3), dtype=torch.float64) for piece in pieces]
            statistics[f"{name}.mean"] = mean.to(images.dtype)
            statistics[f"{name}.variance"] = (torch.stack(squares).sum(0) / n).to(images.dtype)
            pieces = [F.gelu(batch_norm(piece, parameters, name, statistics)) for piece in pieces]
        if shape.normalise:
            pieces = [normalise(piece) for piece in pieces]
    return statistics
