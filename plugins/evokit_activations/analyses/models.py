"""Networks that are trained inside of an analysis, on targets in memory instead of on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from evokit_activations.models import Setting, TrainedNetwork, settings_of, trained_network
from evokit_activations.networks.frozen import DTYPES
from evokit_activations.networks.objectives import Labels, Objective
from evokit_activations.networks.task import ImageTask
from evokit_activations.networks.training import Training
from evokit_activations.targets.store import stored


@dataclass(frozen=True)
class TargetsInMemory:
    """Targets of the first training images, in the precision of stored ones.

    Args:
        layers: ``(n, ...)`` each, the logits last.
    """

    layers: Sequence[Tensor]

    @property
    def images(self) -> Tensor:
        """``(n,)`` int64 indices of the training images that have targets."""
        return torch.arange(len(self.layers[-1]))

    def rows(self, indices: Tensor) -> list[Tensor]:
        """Targets in float32, ``(k, ...)`` of each layer, the logits last."""
        return [layer[indices].float() for layer in self.layers]


def in_memory(task: ImageTask, layers: Sequence[Tensor]) -> TargetsInMemory:
    """Targets rounded as on disk."""
    return TargetsInMemory(list(stored(layers, DTYPES[task.options.stored]).values()))


def label_objective(task: ImageTask, n: int, smoothing: float = 0.0) -> Objective:
    """What a network minimises that learns the labels of the first ``n`` training images."""
    return Labels(torch.arange(n), task.labels, smoothing=smoothing)


def the_setting(name: str, options: Any) -> Setting:
    """The one setting of options whose lists are tuned elsewhere. Raises ``ValueError``: they have several."""
    tried = settings_of(options)
    if len(tried) != 1:
        raise ValueError(f"{name}: this analysis tunes nothing and takes one setting; give each list one value")
    return tried[0]


def begin_training(task: ImageTask, objective: Objective, setting: Setting, seed: int) -> Training:
    """A network before its first step; equal seeds begin with equal parameters and see equal batches."""
    streams = task.streams.at("analysis", "student", seed)  # the name decides the numbers
    shape, parameters = task.initial(setting["convolutions"], streams.at("parameters"))
    return Training(task, shape, parameters, objective, setting, streams)


def train(task: ImageTask, objective: Objective, setting: Setting, seed: int) -> TrainedNetwork:
    """A network at the end of its training. Raises ``DivergedError``."""
    training = begin_training(task, objective, setting, seed)
    training.advance(task.options.training.epochs)
    return trained_network(task, training, setting)
