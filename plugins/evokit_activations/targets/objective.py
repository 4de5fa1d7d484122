"""Targets as what a training minimises: with the averages and the logits that a setting names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evokit_activations.genome import ActivationTensors
from evokit_activations.networks.objectives import RegressionTargets, Representations
from evokit_activations.networks.task import ImageTask
from evokit_activations.targets.averages import ClassLogits, ClassMeans


def target_objective(
    task: ImageTask, tensors: ActivationTensors, targets: RegressionTargets, setting: Mapping[str, Any]
) -> Representations:
    """What a network minimises that learns from targets.

    Args:
        task: Of the run.
        tensors: How they were made.
        targets: What was found.
        setting: ``average``, ``logits``, ``supervise`` and ``kl``.
    """
    classes = task.shape.classes
    if setting["average"] == "class":
        targets = ClassMeans(targets, task.labels, classes, normalised=tensors.normalise)
    if setting["logits"] == "class":
        targets = ClassLogits(targets, task.labels, classes)
    skipped = setting["supervise"] == "skip_block_0"
    weights = [0.0 if skipped and block == 0 else 1.0 for block in task.shape.blocks]
    return Representations(targets, setting["kl"], weights, task.options.training.augment)
