"""Networks that learn inside of an analysis, of targets that are held in memory as they would be stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from evokit_activations.final import setting_lists
from evokit_activations.models import Network, finished_network, grid
from evokit_activations.networks.task import Material
from evokit_activations.networks.training import Labels, Objective, Training
from evokit_activations.options import LearnTargets, Sgd
from evokit_activations.shards.job import DTYPES
from evokit_activations.targets.store import stored


@dataclass(frozen=True)
class HeldTargets:
    """Targets of the first training images, in the precision of stored ones.

    Args:
        layers: ``(n, ...)`` each, the logits last.
    """

    layers: Sequence[Tensor]

    @property
    def images(self) -> Tensor:
        """``(n,)`` int64 indices of the training images that have targets."""
        return torch.arange(len(self.layers[-1]))

    def rows(self, places: Tensor) -> list[Tensor]:
        """Targets in float32, ``(k, ...)`` of each layer, the logits last."""
        return [layer[places].float() for layer in self.layers]


def held(material: Material, layers: Sequence[Tensor]) -> HeldTargets:
    """Targets rounded as on disk."""
    return HeldTargets(list(stored(layers, DTYPES[material.options.stored]).values()))


def of_labels(material: Material, n: int) -> Objective:
    """What a network minimises that learns the labels of the first ``n`` training images."""
    return Labels(torch.arange(n), material.labels)


def settings(options: LearnTargets | Sgd) -> list[dict[str, Any]]:
    """All combinations of the lists."""
    return grid(setting_lists(options))


def training(material: Material, objective: Objective, setting: Mapping[str, Any], seed: int) -> Training:
    """A network before its first step; equal seeds begin with equal parameters and see equal batches."""
    streams = material.streams.at("analysis", "student", seed)
    shape, parameters = material.initial(setting["convolutions"], streams.at("parameters"))
    return Training(material, shape, parameters, objective, setting, streams)


def trained(material: Material, objective: Objective, setting: Mapping[str, Any], seed: int) -> Network:
    """A network at the end of its training. Raises ``DivergedError``."""
    student = training(material, objective, setting, seed)
    student.advance(material.options.training.epochs)
    return finished_network(material, student, setting)
