"""Classification of images as a learning task."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from evokit.data.image_batches import normalised, random_crop_flip
from evokit.data.image_set import ImageSet
from evokit.errors import UserError
from evokit.streams import Streams
from evokit_optimizers.tasks.convnet import ConvNet, Kind
from evokit_optimizers.tasks.network import Statistics
from evokit_optimizers.tasks.options import Augment, Network

HIDDEN: Mapping[Kind, int] = {"small_cnn": 256, "batchnorm_cnn": 512}
CHUNK = 128
"""Images classified at once. A constant, because the last bits of a product depend on its shape."""


@dataclass(frozen=True, eq=False)
class ImageTask:
    """Classification of one set of images.

    Args:
        name: Of the set.
        network: Fits the images.
        train: What batches are taken from.
        validation: What networks are measured on.
        batch: Images a step; the rest of an epoch that fills no batch is left out.
        augment: Of training images; None is none.
        precision: Of forward and backward passes.
        channels_last: How images lie in memory.
        device: Where all that is.

    Raises:
        UserError: The training images do not fill one batch.
    """

    name: str
    network: ConvNet
    train: ImageSet
    validation: ImageSet
    batch: int
    augment: Augment | None = None
    precision: torch.dtype = torch.float32
    channels_last: bool = True
    device: str = "cpu"

    unit = "image"

    def __post_init__(self) -> None:
        if len(self.train) < self.batch:
            raise UserError(
                f"fitness: batch: {self.name} has {len(self.train)} training images, less than {self.batch}"
            )

    @property
    def n_train(self) -> int:
        return len(self.train)

    @property
    def identity(self) -> dict[str, Any]:
        """JSON values that, with the data, decide what a training does."""
        augment = asdict(self.augment) if self.augment else None
        precision = [str(self.precision), self.channels_last]
        return {"network": asdict(self.network), "batch": self.batch, "augment": augment, "precision": precision}

    def loss(self, parameters: list[Tensor], statistics: Statistics, chosen: Tensor, streams: Streams) -> Tensor:
        """Mean cross-entropy in nats of a training batch, float32.

        Args:
            parameters: Of the network's ``views``, in the task's precision.
            statistics: Updated.
            chosen: ``(batch,)`` indices of training images.
            streams: Of this step: augmentation and dropout.
        """
        images, labels = self._trained_on
        pixels = images[chosen]
        if self.augment:
            generator = streams.at("augment").torch(self.device)
            pixels = random_crop_flip(pixels, generator, self.augment.pad, flip=self.augment.flip)
        inputs = self._inputs(pixels, self.precision)
        logits = self.network.logits(parameters, statistics, inputs, streams.at("dropout"), training=True)
        return F.cross_entropy(logits.float(), labels[chosen])

    def accuracy(self, flat: Tensor, statistics: Statistics) -> float:
        """Share of validation images that are classified right, in the task's precision; NaN if a logit is not
        finite."""
        right, finite = self._classified(flat, statistics, *self._measured_on, self.precision)
        return right.double().mean().item() if finite else math.nan

    def correct(self, flat: Tensor, statistics: Statistics, split: Mapping[str, ImageSet]) -> np.ndarray:
        """``(n,)`` 0 or 1, whether each image of this task is classified right; always in float32."""
        images = split[self.name].tensors(self.device)
        return self._classified(flat, statistics, *images, torch.float32)[0].double().cpu().numpy()

    @torch.no_grad()
    def _classified(
        self, flat: Tensor, statistics: Statistics, images: Tensor, labels: Tensor, dtype: torch.dtype
    ) -> tuple[Tensor, bool]:
        parameters = self.network.views(flat.to(dtype))
        logits = torch.cat(
            [
                self.network.logits(parameters, statistics, self._inputs(pixels, dtype), None, training=False)
                for pixels in torch.split(images, CHUNK)
            ]
        )
        return logits.argmax(1) == labels, bool(logits.isfinite().all())

    def _inputs(self, pixels: Tensor, dtype: torch.dtype) -> Tensor:
        mean, std = self._colours
        return normalised(pixels, mean, std, channels_last=self.channels_last, dtype=dtype)

    @cached_property
    def _trained_on(self) -> tuple[Tensor, Tensor]:
        return self.train.tensors(self.device)

    @cached_property
    def _measured_on(self) -> tuple[Tensor, Tensor]:
        return self.validation.tensors(self.device)

    @cached_property
    def _colours(self) -> tuple[Tensor, Tensor]:
        mean, std = (torch.tensor(values, device=self.device) for values in (self.train.mean, self.train.std))
        return mean, std


def network_for(images: ImageSet, options: Network) -> ConvNet:
    """The network of a recipe, for these images."""
    height, width, channels = images.images.shape[1:]
    automatic: Kind = "small_cnn" if channels == 1 else "batchnorm_cnn"
    kind: Kind = automatic if options.kind == "auto" else options.kind
    hidden = options.hidden or HIDDEN[kind]
    return ConvNet(kind, (height, width, channels), images.n_classes, options.channels, hidden, options.dropout)
