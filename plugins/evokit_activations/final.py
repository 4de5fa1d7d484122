"""Ways to a finished network: from searched targets, from labels, and with a body that is never trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from evokit.interfaces import Evaluation, Individual, Variant
from evokit.streams import Streams
from evokit_activations.genome import ActivationTensors, Targets
from evokit_activations.models import FinishedNetworks, grid
from evokit_activations.networks.network import Shape
from evokit_activations.networks.task import Material
from evokit_activations.networks.training import Labels, Representations
from evokit_activations.networks.training import Targets as LearnedTargets
from evokit_activations.options import FrozenBody, LearnTargets, Sgd
from evokit_activations.shards.job import ShardJob
from evokit_activations.targets.averages import ClassLogits, ClassMeans
from evokit_activations.targets.class_codes import OwnActivations

Setting = Mapping[str, Any]


class Learned(FinishedNetworks):
    """Networks that learn from stored targets: the champion's, or those of a control.

    Args:
        options: Lists to be tuned.
        job: Knows where targets are.
    """

    def __init__(self, options: LearnTargets, job: ShardJob) -> None:
        super().__init__(job.material)
        self.options, self._job = options, job

    def settings(self, best: Individual | None) -> list[dict[str, Any]]:
        """The grid, each with the targets that are learned."""
        if best is None:
            raise ValueError("there are no targets to learn from")
        if not isinstance(best.genes, Targets):  # an estimate asks before there are any
            return grid(setting_lists(self.options))
        targets = ActivationTensors().to_json(best.genes)
        return [{"targets": targets, **one} for one in grid(setting_lists(self.options))]

    def variants(self) -> dict[str, Variant]:
        """What the logits are worth: the same with those that were found, where the class's are learned."""
        own = Variant({"logits": "own"}, self.budgets[-1])
        return {"own logits": own} if self.options.logits == "class" else {}

    def fit(self, setting: Setting, seed: int, budget: int, scratch: Path) -> Evaluation:
        """Train a network on the setting's targets."""
        targets = ActivationTensors().from_json(setting["targets"])
        assert isinstance(targets, Targets)
        objective = of_targets(self.material, self._job.tensors, self._job.store.read(targets), setting)
        return self.fitted(objective, setting, seed, budget, scratch)

    def rehearse(self, scratch: Path) -> tuple[float, int]:
        """Seconds and bytes of one full fit, by timing an epoch on class means, since there are no searched targets."""
        setting = grid(setting_lists(self.options))[-1] | {"average": "class"}
        objective = of_targets(self.material, self._job.tensors, OwnActivations(self.material), setting)
        return self.rehearsed(objective, setting)


class CrossEntropy(FinishedNetworks):
    """Networks trained from labels through all layers.

    Args:
        options: Lists to be tuned.
        job: Of the run, for its images and network.
    """

    def __init__(self, options: Sgd | FrozenBody, job: ShardJob) -> None:
        super().__init__(job.material)
        self.options = options

    def settings(self, best: Individual | None) -> list[dict[str, Any]]:
        """The grid; ``best`` changes nothing."""
        return grid(setting_lists(self.options))

    def fit(self, setting: Setting, seed: int, budget: int, scratch: Path) -> Evaluation:
        """Train a network on the labels."""
        return self.fitted(self._objective(), setting, seed, budget, scratch)

    def rehearse(self, scratch: Path) -> tuple[float, int]:
        """Seconds and bytes of one full fit, by timing an epoch."""
        return self.rehearsed(self._objective(), self.settings(None)[-1])

    def _objective(self) -> Labels:
        labels = self.material.labels
        return Labels(torch.arange(len(labels), device=labels.device), labels)


class FrozenUntrained(CrossEntropy):
    """The untrained network of the search with a head that is trained from labels."""

    def _objective(self) -> Labels:
        labels = self.material.labels
        return Labels(torch.arange(len(labels), device=labels.device), labels, head_only=True)

    def _begin(self, setting: Setting, streams: Streams) -> tuple[Shape, dict[str, Tensor]]:
        untrained = self.material.untrained
        return untrained.shape, dict(untrained.parameters)


def of_targets(
    material: Material, tensors: ActivationTensors, targets: LearnedTargets, setting: Setting
) -> Representations:
    """What a network minimises that learns from targets.

    Args:
        material: Of the run.
        tensors: How they were made.
        targets: What was found.
        setting: ``average``, ``logits``, ``supervise`` and ``kl``.
    """
    classes = material.shape.classes
    if setting["average"] == "class":
        targets = ClassMeans(targets, material.labels, classes, normalised=tensors.normalise)
    if setting["logits"] == "class":
        targets = ClassLogits(targets, material.labels, classes)
    first = 1 if setting["supervise"] == "skip_block_0" else 0
    return Representations(targets, setting["kl"], first, material.options.training.augment)


def setting_lists(options: Any) -> dict[str, Any]:
    """The lists of values to be tuned, by name; what is no list has one value."""
    values = {item.name: getattr(options, item.name) for item in fields(options)}
    return {name: value if isinstance(value, tuple) else (value,) for name, value in values.items()}
