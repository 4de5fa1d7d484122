"""Training a network of the run on its images: the same loop for what learns from targets and what learns from labels.

Source: "Decoupling search and learning in neural net training", 4.2 and A.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from evokit.common.files import write_atomically
from evokit.data.image_batches import crop_flip, draw_crop_flip
from evokit.streams import Streams
from evokit_activations import options
from evokit_activations.networks.frozen import on_device
from evokit_activations.networks.network import Shape, forward
from evokit_activations.networks.objectives import Objective
from evokit_activations.networks.task import ImageTask

FIRST_RATE, PEAK = 0.2, 0.25
"""one_cycle: the rate's first factor, and the share of steps after which it is 1."""

MOMENTUM, EPOCHS = "momentum/", "epochs"
"""Of a file with a training: what momenta's names begin with, and the key of the epochs done."""


class DivergedError(Exception):
    """The loss of a training is not finite."""


class Training:
    """One network on its way.

    Args:
        task: Images and batches.
        shape: Of the network.
        parameters: Its parameters before the first step; left unchanged.
        objective: What is minimised.
        setting: ``lr``, ``momentum``, ``weight_decay`` and ``schedule``.
        streams: Decide batches and augmentation.
        length: Epochs and batches, if they are not those of the recipe's contenders.
    """

    def __init__(
        self,
        task: ImageTask,
        shape: Shape,
        parameters: Mapping[str, Tensor],
        objective: Objective,
        setting: Mapping[str, Any],
        streams: Streams,
        length: options.Training | None = None,
    ) -> None:
        self.task, self.shape, self.objective, self._streams = task, shape, objective, streams
        self._options = length or task.options.training
        self.parameters = {
            name: value.clone().requires_grad_(objective.trains(name)) for name, value in parameters.items()
        }
        self._optimizer = torch.optim.SGD(
            [value for value in self.parameters.values() if value.requires_grad],
            lr=setting["lr"],
            momentum=setting["momentum"],
            weight_decay=setting["weight_decay"],
            nesterov=setting["momentum"] > 0,
            fused=True,
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
            losses = [self._step(epoch, at, indices) for at, indices in enumerate(self._batches(epoch))]
            self.loss = float(torch.stack(losses).mean())
            if not torch.isfinite(torch.tensor(self.loss)):
                raise DivergedError(f"the loss is {self.loss} in epoch {epoch}")
        self._epoch = epochs

    def trained(self) -> dict[str, Tensor]:
        """The parameters now."""
        return {name: value.detach() for name, value in self.parameters.items()}

    def save(self, path: Path) -> None:
        """Write what a training of the same arguments needs to go on from here; the file is whole or not there."""
        tensors = {name: value.detach() for name, value in self.parameters.items()}
        for name, value in self.parameters.items():
            momentum = self._optimizer.state[value].get("momentum_buffer")
            if momentum is not None:
                tensors[MOMENTUM + name] = momentum
        whole = {name: value.cpu().contiguous() for name, value in tensors.items()}
        write_atomically(path, save(whole, {EPOCHS: str(self._epoch)}))

    def load(self, path: Path) -> None:
        """Go on from what ``save`` wrote, to the same bits as without a stop."""
        with safe_open(path, framework="pt") as file, torch.no_grad():
            names = set(file.keys())
            for name, value in self.parameters.items():
                value.copy_(file.get_tensor(name))
                if MOMENTUM + name in names:
                    momentum = on_device(file.get_tensor(MOMENTUM + name).clone(), self.task.device)
                    self._optimizer.state[value]["momentum_buffer"] = momentum
            self._epoch = int(file.metadata()[EPOCHS])

    def _step(self, epoch: int, at: int, indices: Tensor) -> Tensor:
        task, augment = self.task, self._options.augment
        images, moves = task.images[self.objective.images[indices]], None
        if augment is not None:
            generator = self._streams.at("augment", epoch, at).torch(task.device)
            moves = draw_crop_flip(len(images), augment.pad, generator, flip=augment.flip)
            images = crop_flip(images, moves, augment.pad)
        pixels = task.normalised(images)
        outputs, logits = forward(self.shape, self.parameters, pixels, head_apart=self.objective.head_apart)
        loss = self.objective.loss(outputs, logits, indices, moves)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate * rate_factor(
                self._schedule, epoch * self.n_batches + at, self._options.epochs * self.n_batches
            )
        self._optimizer.step()
        return loss.detach()

    def _batches(self, epoch: int) -> list[Tensor]:
        """Indices of each batch's images."""
        n, fixed = len(self.objective.images), self._options.batches == "fixed"
        composition = torch.randperm(n, generator=self._streams.at("batches", 0 if fixed else epoch).torch())
        batches = composition.tensor_split(self.n_batches)
        order = torch.randperm(self.n_batches, generator=self._streams.at("order", epoch).torch())
        return [batches[index] for index in order.tolist()]


def rate_factor(schedule: str, step: int, steps: int) -> float:
    """The learning rate's factor in a step: 1, or up from a fifth and down to nothing in straight lines."""
    if schedule == "constant":
        return 1.0
    done = (step + 1) / steps
    return FIRST_RATE + (1 - FIRST_RATE) * done / PEAK if done < PEAK else (1 - done) / (1 - PEAK) + 1 / steps
