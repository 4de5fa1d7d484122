"""A learning task: a network with what it is trained and measured on, in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from evokit.streams import Streams
from evokit_optimizers.tasks.network import FlatNetwork, Statistics


class Task(Protocol):
    """What a training is of."""

    @property
    def name(self) -> str: ...
    @property
    def network(self) -> FlatNetwork: ...
    @property
    def batch(self) -> int: ...
    @property
    def precision(self) -> torch.dtype: ...
    @property
    def device(self) -> str: ...
    @property
    def unit(self) -> str:
        """What ``correct`` has a value for."""

    @property
    def n_train(self) -> int:
        """What batches are indices of."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """JSON values that, with the data, decide what a training does."""

    def loss(self, parameters: list[Tensor], statistics: Statistics, chosen: Tensor, streams: Streams) -> Tensor:
        """Of a batch, float32; ``streams`` are the step's."""

    def accuracy(self, flat: Tensor, statistics: Statistics) -> float:
        """On validation; NaN if a network gives numbers that are not finite."""

    def correct(self, flat: Tensor, statistics: Statistics, split: Any) -> np.ndarray:
        """``(n_units,)`` accuracy of each unit of a split, always in float32."""
