"""A network before anything is learned: whitening by eigendecomposition, identities for convolutions."""

from __future__ import annotations

import torch
from torch import Tensor

from evokit.streams import Streams
from evokit_activations.networks.network import Shape

EIGENVALUE_EPS = 5e-4  # of airbench


def whitening_weight(images: Tensor, n_patches: int, generator: torch.Generator) -> Tensor:
    """Weights of a 2x2 convolution that makes patches uncorrelated, each direction and its opposite.

    Args:
        images: ``(n, c, h, w)``, normalised.
        n_patches: Drawn at random, with replacement.
        generator: Decides which.

    Returns:
        ``(8 c, c, 2, 2)``.

    Source: A.1; airbench, ``init_whitening_conv``.
    """
    n, channels, height, width = images.shape
    image = torch.randint(n, (n_patches,), generator=generator)
    row = torch.randint(height - 1, (n_patches,), generator=generator)
    column = torch.randint(width - 1, (n_patches,), generator=generator)
    corners = [images[image, :, row + down, column + right] for down in (0, 1) for right in (0, 1)]
    patches = torch.stack(corners, -1).flatten(1).double()  # (n_patches, c * 4), channel first
    patches = patches - patches.mean(0)
    values, vectors = torch.linalg.eigh(patches.T @ patches / n_patches)
    vectors = vectors.T.flip(0)  # the largest first
    # An eigenvector's sign is the library's choice; its largest entry is made positive.
    largest = vectors.gather(1, vectors.abs().argmax(1, keepdim=True))
    scaled = vectors * largest.sign() / (values.flip(0) + EIGENVALUE_EPS).sqrt()[:, None]
    return torch.cat([scaled, -scaled]).view(-1, channels, 2, 2).to(images.dtype)


def initial_parameters(shape: Shape, init: str, streams: Streams) -> dict[str, Tensor]:
    """Parameters by name, without the whitening layer's.

    Args:
        shape: Of the network.
        init: ``dirac``: each convolution passes its inputs on, and further outputs are zero. ``partial_dirac``: further
            outputs are as torch initialises them.
        streams: One stream a parameter.
    """
    parameters: dict[str, Tensor] = {}
    n_in = shape.whitened
    for block, n_out in enumerate(shape.channels):
        for number in range(shape.convolutions):
            name = f"block{block}.conv{number}"
            weight = torch.zeros(n_out, n_in, 3, 3)
            if init == "partial_dirac":
                weight = kaiming_uniform(weight.shape, streams.at(name).torch())
            torch.nn.init.dirac_(weight[:n_in])
            parameters[name], n_in = weight, n_out
            parameters[f"block{block}.norm{number}"] = torch.zeros(n_out)
    parameters["head"] = kaiming_uniform((shape.classes, shape.features), streams.at("head").torch())
    return parameters


def kaiming_uniform(size: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """As ``torch.nn.Linear`` and ``torch.nn.Conv2d`` initialise: uniform up to one by the root of the inputs."""
    bound = torch.Size(size[1:]).numel() ** -0.5
    return torch.empty(size).uniform_(-bound, bound, generator=generator)
