"""The task of a run: its images as tensors, and the network that classifies them, untrained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

import torch
from torch import Tensor

from evokit.common.keys import digest
from evokit.data.image_batches import normalised
from evokit.data.image_set import ImageSet
from evokit.interfaces import Goal
from evokit.streams import Streams
from evokit_activations.networks.frozen import CHUNK, FrozenNetwork, on_device
from evokit_activations.networks.initial import initial_parameters, whitening_weight
from evokit_activations.networks.network import Shape, measured_statistics
from evokit_activations.options import LabelLikelihood


class ImageTask:
    """Labelled images and a network for them, which search, controls and all contenders share.

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

    def _untrained(self) -> FrozenNetwork:
        shape, parameters = self.initial(self.shape.convolutions, self.streams.at("untrained"))
        statistics = measured_statistics(shape, parameters, self.normalised(self.images), CHUNK)
        return FrozenNetwork(shape, parameters, statistics)
