"""Trained networks: their file, and how every contender makes, validates and scores them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from evokit.common.cores import set_threads
from evokit.common.files import write_atomically
from evokit.data.image_batches import normalised
from evokit.data.image_set import ImageSet
from evokit.genomes.points import combinations
from evokit.interfaces import Evaluation, Goal
from evokit.streams import Streams
from evokit_activations.fitness import only_set
from evokit_activations.networks.frozen import CHUNK, FrozenNetwork, on_device
from evokit_activations.networks.network import Shape, forward, measured_statistics
from evokit_activations.networks.objectives import Objective
from evokit_activations.networks.task import ImageTask
from evokit_activations.networks.training import DivergedError, Training

Setting = Mapping[str, Any]

STATISTICS = "statistics/"
REHEARSED = 1  # epochs


@dataclass(frozen=True)
class TrainedNetwork(FrozenNetwork):
    """A trained network with all that it needs to read images.

    Args:
        shape: Of the network.
        parameters: By name.
        statistics: Of its normalisation layers.
        mean: ``(c,)`` of the training images, in units of full brightness.
        std: Likewise.
        about: JSON values: class names, setting, targets.
    """

    mean: Tensor
    std: Tensor
    about: Mapping[str, Any]

    def pixels(self, images: Tensor) -> Iterator[Tensor]:
        """What it reads of ``(n, h, w, c)`` uint8 images, ``CHUNK`` at a time."""
        for piece in torch.split(images, CHUNK):
            yield normalised(piece, self.mean, self.std, channels_last=True)

    def logits(self, images: Tensor, *, batch_mode: bool = False) -> Tensor:
        """``(n, classes)`` of ``(n, h, w, c)`` uint8 images; in ``batch_mode`` with the statistics of the batch."""
        statistics = None if batch_mode else self.statistics
        with torch.inference_mode():
            pieces = [forward(self.shape, self.parameters, piece, statistics)[1] for piece in self.pixels(images)]
        return torch.cat(pieces)

    def correct(self, split: ImageSet, *, batch_mode: bool = False) -> np.ndarray:
        """``(n,)`` 1 for each image that is classified right, 0 for others."""
        images, labels = split.tensors(str(self.mean.device))
        right = self.logits(images, batch_mode=batch_mode).argmax(1) == labels
        return right.double().cpu().numpy()

    def save(self, path: Path) -> None:
        """Write a safetensors file that is either whole or not there."""
        tensors = {name: value.cpu().contiguous() for name, value in self.parameters.items()}
        tensors |= {STATISTICS + name: value.cpu() for name, value in self.statistics.items()}
        tensors |= {"mean": self.mean.cpu(), "std": self.std.cpu()}
        # One key, because safetensors writes several in any order, and equal networks shall have equal files.
        about = {"shape": asdict(self.shape), "about": dict(self.about)}
        write_atomically(path, save(tensors, {"evokit": json.dumps(about, sort_keys=True)}))


def read_network(path: Path, device: str = "cpu") -> TrainedNetwork:
    """What ``TrainedNetwork.save`` wrote."""
    with safe_open(path, framework="pt") as file:
        # Copied, since memory of the file may be aligned otherwise, and last bits can depend on it.
        tensors = {name: on_device(file.get_tensor(name).clone(), device) for name in file.keys()}  # noqa: SIM118 - no mapping
        metadata = json.loads(file.metadata()["evokit"])
    shape = metadata["shape"]
    shape = Shape(**shape | {"image": tuple(shape["image"]), "channels": tuple(shape["channels"])})
    mean, std = tensors.pop("mean"), tensors.pop("std")
    statistics = {name.removeprefix(STATISTICS): one for name, one in tensors.items() if name.startswith(STATISTICS)}
    parameters = {name: one for name, one in tensors.items() if not name.startswith(STATISTICS)}
    return TrainedNetwork(shape, parameters, statistics, mean, std, metadata["about"])


class NetworkContender:
    """What all contenders for ``label_likelihood`` share: one loop, the same images, batches and epochs for all.

    Work is counted in images that a training saw.

    Args:
        task: Images, network and training of the run.
    """

    goal: Goal = "max"
    unit = "image"
    deterministic = False
    goes_on = True

    def __init__(self, task: ImageTask) -> None:
        self.task = task
        training, n = task.options.training, len(task.labels)
        self.budgets: Sequence[int] = [epochs * n for epochs in (*training.rungs, training.epochs)]

    def fitted(self, objective: Objective, setting: Setting, seed: int, budget: int, scratch: Path) -> Evaluation:
        """Train up to the budget; the value is the accuracy on validation, and at the full budget there is a network.

        A training goes on from where the last lower budget that was fitted in ``scratch`` left it; the work returned is
        what this budget adds.

        Raises:
            ValueError: The budget is none of ``budgets``.
        """
        if budget not in self.budgets:
            raise ValueError(f"budget must be one of {list(self.budgets)}, got {budget}")
        task = self.task
        set_threads(task.threads)
        training = self._training(objective, setting, seed)
        done = max((one for one in self.budgets if one < budget and _state(scratch, one).exists()), default=0)
        if done:
            training.load(_state(scratch, done))
        try:
            training.advance(budget // len(task.labels))
        except DivergedError as error:
            return Evaluation(outcome="diverged", work=budget - done, message=str(error))
        network = trained_network(task, training, setting)
        metrics = {
            "loss": training.loss,
            "validation_batch_mode": float(network.correct(task.validation, batch_mode=True).mean()),
        }
        value = float(network.correct(task.validation).mean())
        artifact = ""
        scratch.mkdir(parents=True, exist_ok=True)
        if budget == self.budgets[-1]:
            network.save(scratch / "network.safetensors")
            artifact = str(scratch / "network.safetensors")
        else:
            training.save(_state(scratch, budget))
        return Evaluation((value,), work=budget - done, metrics=metrics, artifact=artifact)

    def score(self, artifact: Path, split: Any) -> np.ndarray:
        """``(n_units,)`` 1 for each image that is classified right, 0 for others."""
        set_threads(self.task.threads)
        return read_network(artifact, self.task.device).correct(only_set(split))

    def rehearsed(self, objective: Objective, setting: Setting) -> tuple[float, int]:
        """Seconds and bytes of one full fit, by timing an epoch."""
        training = self._training(objective, setting, 0)
        started = time.perf_counter()
        training.advance(REHEARSED)
        seconds = (time.perf_counter() - started) / REHEARSED * self.task.options.training.epochs
        return seconds, sum(value.nbytes for value in training.parameters.values())

    def _training(self, objective: Objective, setting: Setting, seed: int) -> Training:
        streams = Streams(seed).at("label_likelihood", "contender")
        shape, parameters = self._begin(setting, streams)
        return Training(self.task, shape, parameters, objective, setting, streams)

    def _begin(self, setting: Setting, streams: Streams) -> tuple[Shape, dict[str, Tensor]]:
        """The network before its first step."""
        return self.task.initial(setting["convolutions"], streams.at("parameters"))


def _state(scratch: Path, budget: int) -> Path:
    return scratch / f"training-{budget}.safetensors"


def trained_network(task: ImageTask, training: Training, setting: Setting) -> TrainedNetwork:
    """The network as it is now, with the statistics of all images that it knows."""
    parameters = training.trained()
    images = task.normalised(task.images[training.objective.images])
    with torch.inference_mode():
        statistics = measured_statistics(training.shape, parameters, images, CHUNK)
    mean, std = (torch.as_tensor(one, device=task.device) for one in (task.train.mean, task.train.std))
    about = {"setting": dict(setting), "classes": list(task.train.names)}
    return TrainedNetwork(training.shape, parameters, statistics, mean, std, about)


def settings_of(options: Any) -> list[dict[str, Any]]:
    """All combinations of the options' lists, which are tuned; what is no list has one value."""
    values = {item.name: getattr(options, item.name) for item in fields(options)}
    lists = {name: value if isinstance(value, tuple) else (value,) for name, value in values.items()}
    return list(combinations([lists]))
