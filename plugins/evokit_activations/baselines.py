"""What the champion competes with: networks that learn labels, and targets that are made another way."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from evokit.interfaces import Context, Evaluation, Individual
from evokit.streams import Streams
from evokit_activations.models import NetworkContender, Setting, settings_of
from evokit_activations.networks.network import Shape
from evokit_activations.networks.objectives import Labels
from evokit_activations.networks.task import ImageTask
from evokit_activations.options import Control, FrozenBody, Sgd
from evokit_activations.shards.search import ShardSearch


class LabelLearner(NetworkContender):
    """Networks trained from labels through all layers.

    Args:
        options: Lists to be tuned.
        task: Images and network of the run.
    """

    head_only: ClassVar[bool] = False

    def __init__(self, options: Sgd | FrozenBody, task: ImageTask) -> None:
        super().__init__(task)
        self.options = options

    def settings(self, best: Individual | None) -> list[dict[str, Any]]:
        """The grid; ``best`` changes nothing."""
        return settings_of(self.options)

    def fit(self, setting: Setting, seed: int, budget: int, scratch: Path) -> Evaluation:
        """Train a network on the labels."""
        return self.fitted(self._objective(setting), setting, seed, budget, scratch)

    def rehearse(self, scratch: Path) -> tuple[float, int]:
        """Seconds and bytes of one full fit, by timing an epoch."""
        setting = self.settings(None)[-1]
        return self.rehearsed(self._objective(setting), setting)

    def _objective(self, setting: Setting) -> Labels:
        labels, smoothing = self.task.labels, setting.get("label_smoothing", 0.0)
        return Labels(torch.arange(len(labels), device=labels.device), labels, self.head_only, smoothing=smoothing)


class HeadLearner(LabelLearner):
    """The untrained network of the search with a head that is trained from labels."""

    head_only = True

    def _begin(self, setting: Setting, streams: Streams) -> tuple[Shape, dict[str, Tensor]]:
        untrained = self.task.untrained
        return untrained.shape, dict(untrained.parameters)


def build_sgd(options: Sgd, context: Context) -> LabelLearner:
    """Networks that learn labels through all layers."""
    return LabelLearner(options, context.fitness.task)


def build_frozen_body(options: FrozenBody, context: Context) -> HeadLearner:
    """Heads that learn labels."""
    return HeadLearner(options, context.fitness.task)


def build_control(options: Control, context: Context) -> ShardSearch:
    """A control search on the job of the run's search."""
    return ShardSearch(context.fitness, context.genome, options.method)
