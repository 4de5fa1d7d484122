"""Training a network of the run on its images: the same loop for what learns from targets and what learns from labels.

Source: "Decoupling search and learning in neural net training", 4.2 and A.3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from evokit.data.image_batches import CropFlip, crop_flip, draw_crop_flip
from evokit.streams import Streams
from evokit_activations import options
from evokit_activations.networks.network import Shape, forward
from evokit_activations.networks.task import Material
from evokit_activations.options import Augment

FIRST_RATE, PEAK = 0.2, 0.25
"""one_cycle: the rate's first factor, and the share of steps after which it is 1."""


class DivergedError(Exception):
    """The loss of a training is not finite."""


class Targets(Protocol):
    """Representations to learn, wherever they are."""

    @property
    def images(self) -> Tensor:
        """``(n,)`` int64 indices of the training images that have targets."""

    def rows(self, places: Tensor) -> list[Tensor]:
        """Targets in float32 of the images at ``places`` in ``images``, ``(k, ...)`` of each layer, the logits last."""


class Objective(Protocol):
    """What a training minimises."""

    @property
    def images(self) -> Tensor:
        """``(n,)`` int64 indices of the training images that it knows."""

    @property
    def head_apart(self) -> bool:
        """Whether no gradient goes from the logits to the blocks."""

    def trains(self, name: str) -> bool:
        """Whether it moves the parameter of that name."""

    def loss(self, outputs: Sequence[Tensor], logits: Tensor, places: Tensor, moves: CropFlip | None) -> Tensor:
        """Of a batch.

        Args:
            outputs: ``(b, c, h, w)`` of each block.
            logits: ``(b, classes)``.
            places: ``(b,)`` places in ``images``.
            moves: What augmentation did to each image.
        """


@dataclass(frozen=True)
class Labels:
    """Cross-entropy of the labels through the whole network, or the head alone."""

    images: Tensor
    labels: Tensor
    head_only: bool = False
    head_apart: bool = False

    def trains(self, name: str) -> bool:
        return name == "head" if self.head_only else name != "whitening"

    def loss(self, outputs: Sequence[Tensor], logits: Tensor, places: Tensor, moves: CropFlip | None) -> Tensor:
        return F.cross_entropy(logits, self.labels[places])


class Representations:
    """Mean squared error of each block's output, and the divergence of the head alone from the searched distribution.

    Args:
        targets: As they are stored or would be.
        kl: Weight of the divergence.
        first: First block that has a target: 1 leaves block 0 to the gradients of later ones.
        augment: How targets follow their images.

    Source: 4.2, Objective.
    """

    head_apart = True

    def __init__(self, targets: Targets, kl: float, first: int, augment: Augment | None) -> None:
        self.targets, self.kl, self.first, self.augment = targets, kl, first, augment
        self.images = targets.images

    def trains(self, name: str) -> bool:
        return name != "whitening"

    def loss(self, outputs: Sequence[Tensor], logits: Tensor, places: Tensor, moves: CropFlip | None) -> Tensor:
        *maps, searched = (one.to(logits.device) for one in self.targets.rows(places))
        if moves is not None and self.augment is not None and self.augment.targets == "moved":
            maps = [move(one, moves, self.augment.pad, 2 ** (block + 1)) for block, one in enumerate(maps)]
        total = logits.new_zeros(())
        for output, target in zip(outputs[self.first :], maps[self.first :], strict=True):
            total = total + F.mse_loss(output.permute(0, 2, 3, 1), target)
        divergence = F.kl_div(F.log_softmax(logits, 1), F.log_softmax(searched, 1), log_target=True, reduction="none")
        return total / len(outputs) + self.kl * divergence.sum(1).mean()


def move(maps: Tensor, moves: CropFlip, pad: int, stride: int) -> Tensor:
    """Targets ``(n, h, w, c)`` cropped and mirrored like their images, by whole places; borders are repeated.

    Args:
        maps: Of a layer with one place for ``stride`` pixels.
        moves: What was done to each image.
        pad: Pixels that the images were padded by.
        stride: Of the layer.
    """
    n, height, width, _ = maps.shape
    down, right = (torch.floor((one - pad) / stride + 0.5).long() for one in (moves.down, moves.right))
    places = torch.arange(max(height, width, n), device=maps.device)
    rows = (places[:height] + down[:, None]).clamp(0, height - 1)
    columns = (places[:width] + right[:, None]).clamp(0, width - 1)
    columns = torch.where(moves.flipped[:, None], columns.flip(1), columns)
    return maps[places[:n, None, None], rows[:, :, None], columns[:, None, :]]


class Training:
    """One network on its way.

    Args:
        material: Images and batches.
        shape: Of the network.
        parameters: Its parameters before the first step; left unchanged.
        objective: What is minimised.
        setting: ``lr``, ``momentum``, ``weight_decay`` and ``schedule``.
        streams: Decide batches and augmentation.
        length: Epochs and batches, if they are not those of the recipe's contenders.
    """

    def __init__(
        self,
        material: Material,
        shape: Shape,
        parameters: Mapping[str, Tensor],
        objective: Objective,
        setting: Mapping[str, Any],
        streams: Streams,
        length: options.Training | None = None,
    ) -> None:
        self.material, self.shape, self.objective, self._streams = material, shape, objective, streams
        self._options = length or material.options.training
        self.parameters = {
            name: value.clone().requires_grad_(objective.trains(name)) for name, value in parameters.items()
        }
        self._optimizer = torch.optim.SGD(
            [value for value in self.parameters.values() if value.requires_grad],
            lr=setting["lr"],
            momentum=setting["momentum"],
            weight_decay=setting["weight_decay"],
            nesterov=setting["momentum"] > 0,
        )
        self._rate, self._schedule = setting["lr"], setting["schedule"]
        self.n_batches = max(1, round(len(objective.images) / self._options.batch))
        self.loss = float("nan")  # mean over the last epoch
        self._epoch = 0

    def advance(self, epochs: int) -> None:
        """Go on until so many epochs are done.

        Raises:
            DivergedError: The loss is not finite.
        """
        for epoch in range(self._epoch, epochs):
            losses = [self._step(epoch, at, places) for at, places in enumerate(self._batches(epoch))]
            self.loss = float(torch.stack(losses).mean())
            if not torch.isfinite(torch.tensor(self.loss)):
                raise DivergedError(f"the loss is {self.loss} in epoch {epoch}")
        self._epoch = epochs

    def trained(self) -> dict[str, Tensor]:
        """The parameters now."""
        return {name: value.detach() for name, value in self.parameters.items()}

    def _step(self, epoch: int, at: int, places: Tensor) -> Tensor:
        material, augment = self.material, self._options.augment
        images, moves = material.images[self.objective.images[places]], None
        if augment is not None:
            generator = self._streams.at("augment", epoch, at).torch(material.device)
            moves = draw_crop_flip(len(images), augment.pad, generator, flip=augment.flip)
            images = crop_flip(images, moves, augment.pad)
        pixels = material.normalised(images)
        outputs, logits = forward(self.shape, self.parameters, pixels, head_apart=self.objective.head_apart)
        loss = self.objective.loss(outputs, logits, places, moves)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate * rate_factor(
                self._schedule, epoch * self.n_batches + at, self._options.epochs * self.n_batches
            )
        self._optimizer.step()
        return loss.detach()

    def _batches(self, epoch: int) -> list[Tensor]:
        """Places of each batch's images."""
        n, fixed = len(self.objective.images), self._options.batches == "fixed"
        composition = torch.randperm(n, generator=self._streams.at("batches", 0 if fixed else epoch).torch())
        batches = composition.tensor_split(self.n_batches)
        order = torch.randperm(self.n_batches, generator=self._streams.at("order", epoch).torch())
        return [batches[place] for place in order.tolist()]


def rate_factor(schedule: str, step: int, steps: int) -> float:
    """The learning rate's factor in a step: 1, or up from a fifth and down to nothing in straight lines."""
    if schedule == "constant":
        return 1.0
    done = (step + 1) / steps
    return FIRST_RATE + (1 - FIRST_RATE) * done / PEAK if done < PEAK else (1 - done) / (1 - PEAK) + 1 / steps
