"""What the fitness makes of data and options: images as tensors, the untrained network, and how labels are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from evokit.common.keys import digest
from evokit.data.image_batches import normalised
from evokit.data.image_set import ImageSet
from evokit.interfaces import Context, Goal
from evokit.streams import Streams
from evokit_activations.networks.initial import initial_parameters, whitening_weight
from evokit_activations.networks.network import Shape, measured_statistics
from evokit_activations.options import LabelLikelihood

CHUNK = 250
"""Images at once outside of the search. A constant, because the last bits of a product depend on its shape."""


@dataclass(frozen=True)
class Untrained:
    """The network that is searched with.

    Args:
        shape: Of the network.
        parameters: By name, the whitening layer's too.
        statistics: Of its normalisation layers over the training images, so that no image depends on another.
    """

    shape: Shape
    parameters: Mapping[str, Tensor]
    statistics: Mapping[str, Tensor]


class Material:
    """Images and network of a run; what the search, its job and all contenders are made with.

    Args:
        options: What the recipe says.
        train: Training images.
        validation: Validation images.
        streams: Decide the network and the trainings.
        data_digest: Of the data, for contexts.
        device: Where tensors are.
        threads: Of torch, part of the result.
        directory: Of the run, below which targets are stored; None outside of a run.
    """

    objectives: Mapping[str, Goal] = {"cross_entropy": "min"}

    def __init__(
        self,
        options: LabelLikelihood,
        train: ImageSet,
        validation: ImageSet,
        streams: Streams,
        *,
        data_digest: str = "",
        device: str = "cpu",
        threads: int = 1,
        directory: Path | None = None,
    ) -> None:
        self.options, self.streams, self.device, self.threads = options, streams, device, threads
        self.directory = directory
        self.train, self.validation = train, validation
        self.takes = options.takes
        _, height, width, channels = train.images.shape
        if height != width:
            raise ValueError(f"images must be square, got {height} x {width}")
        model = options.model
        self.shape = Shape(
            (channels, height, width), model.channels, model.convolutions, train.n_classes, model.normalise
        )
        maps = {f"block{block}": one for block, one in enumerate(self.shape.maps)}
        self.slots: Mapping[str, tuple[int, ...]] = {**maps, "logits": (train.n_classes,)}
        self.images, self.labels = train.tensors(device)
        mean, std = (torch.as_tensor(one, device=device) for one in (train.mean, train.std))
        self._statistics = mean, std
        generator = streams.at("whitening").torch()
        self.whitening = whitening_weight(self.normalised(self.images).cpu(), model.whitening_patches, generator)
        self.untrained = self._untrained()
        self.identity = digest(
            {"data": data_digest, "model": asdict(model), "streams": streams.entropy(), "device": device,
             "threads": threads}
        )  # fmt: skip

    def normalised(self, images: Tensor) -> Tensor:
        """``(n, h, w, c)`` uint8 to what the network reads, channels last in memory."""
        return normalised(images, *self._statistics, channels_last=True)

    def initial(self, convolutions: int, streams: Streams) -> tuple[Shape, dict[str, Tensor]]:
        """A network with so many convolutions a block, before anything is learned."""
        shape = replace(self.shape, convolutions=convolutions)
        parameters = initial_parameters(shape, self.options.model.init, streams)
        parameters["whitening"] = self.whitening
        return shape, {name: on_device(value, self.device) for name, value in parameters.items()}

    def _untrained(self) -> Untrained:
        shape, parameters = self.initial(self.shape.convolutions, self.streams.at("untrained"))
        statistics = measured_statistics(shape, parameters, self.normalised(self.images), CHUNK)
        return Untrained(shape, parameters, statistics)


def on_device(parameter: Tensor, device: str) -> Tensor:
    """A parameter where it is used; weights of convolutions in the layout of their images."""
    layout = torch.channels_last if parameter.dim() == 4 else torch.contiguous_format
    return parameter.to(device).contiguous(memory_format=layout)


def build_material(options: LabelLikelihood, context: Context) -> Material:
    """The material of a run; its seed decides the network.

    Raises:
        ValueError: The data and the options do not fit.
    """
    train, validation = (only_set(side) for side in (context.train, context.validation))
    return Material(
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
