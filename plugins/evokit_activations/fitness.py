"""The fitness of representations: the cross-entropy of their image's label when the network goes on from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from evokit.data.image_set import ImageSet
from evokit.interfaces import Context
from evokit_activations.layerwise.search import forward_from, label_log_likelihood
from evokit_activations.networks.frozen import CHUNK, FrozenNetwork
from evokit_activations.networks.task import ImageTask
from evokit_activations.options import LabelLikelihood


def build_fitness(options: LabelLikelihood, context: Context) -> ImageTask:
    """Images and network of a run, whose seed decides the network. It is measured through a search's own job.

    Raises:
        ValueError: The data and the options do not fit.
    """
    train, validation = (only_set(side) for side in (context.train, context.validation))
    return ImageTask(
        options,
        train,
        validation,
        context.streams.at("label_likelihood"),
        data_digest=context.data_digest,
        device=context.device,
        threads=context.threads,
        directory=context.directory,
    )


def only_set(side: Any) -> ImageSet:
    """The images of a side of the data.

    Raises:
        ValueError: They are not images, or of several data sets.
    """
    if not isinstance(side, Mapping) or not all(isinstance(one, ImageSet) for one in side.values()):
        raise ValueError("it takes images; write data: {name: images}")
    if len(side) != 1:
        raise ValueError(f"it takes one data set, got {', '.join(side)}; give data.sets one entry")
    images: ImageSet = next(iter(side.values()))
    return images


def cross_entropies(network: FrozenNetwork, layers: Sequence[Tensor], labels: Tensor) -> dict[str, float]:
    """Mean cross-entropy over images when a network goes on from each layer's representations.

    Args:
        network: That was searched with.
        layers: ``(n, ...)`` each, the logits last.
        labels: ``(n,)`` int64.
    """
    metrics = {}
    for layer, tensor in enumerate(layers):
        pieces = torch.split(tensor.to(labels.device).float(), CHUNK)
        logits = torch.cat([forward_from(network, layer, one, len(layers) - 1) for one in pieces])
        name = f"block{layer}" if layer < len(layers) - 1 else "logits"
        metrics[f"cross_entropy_{name}"] = -float(label_log_likelihood(logits, labels).double().mean())
    return metrics
