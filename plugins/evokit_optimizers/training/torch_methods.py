"""The optimizers of torch as methods."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from evokit_optimizers.rules.kernels import average_
from evokit_optimizers.rules.schedule import memory, schedule
from evokit_optimizers.tasks.network import FlatNetwork

Setting = Mapping[str, Any]


class TorchMethod:
    """A torch optimizer with its settings as a method; it treats each element alone.

    Args:
        name: Of the optimizer, as in recipes.
        setting: One of its grid.
    """

    def __init__(self, name: str, setting: Setting) -> None:
        self._name, self._setting = name, setting
        self.identity: Mapping[str, Any] = {"method": name, **setting}

    def start(self, network: FlatNetwork, parameters: Tensor, n_steps: int) -> TorchUpdate:
        options = {name: value for name, value in self._setting.items() if name != "schedule"}
        optimizer = _MAKERS[self._name]([parameters.detach()], **options)
        return TorchUpdate(optimizer, self._setting["schedule"], n_steps)


class TorchUpdate:
    """A torch optimizer at work on a flat vector.

    Args:
        optimizer: Its only parameter shares the vector's memory.
        factors: The schedule's ``warmup``, ``decay`` and ``decay_span``, and ``averaging`` of the weights.
        n_steps: The horizon of the schedule.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, factors: Mapping[str, Any], n_steps: int) -> None:
        self._optimizer, self._n_steps = optimizer, n_steps
        self._factors = dict(factors)
        self._averaging = self._factors.pop("averaging", 0.0)
        self._mean: Tensor | None = None
        self._group = optimizer.param_groups[0]
        self._lr = self._group["lr"]

    def step(self, parameters: Tensor, gradient: Tensor, t: int) -> None:
        """Move the parameters that the optimizer was made with."""
        self._group["lr"] = self._lr * schedule(t, self._n_steps, **self._factors)
        self._group["params"][0].grad = gradient
        self._optimizer.step()
        if self._averaging:
            mean = self._mean = torch.zeros_like(parameters) if self._mean is None else self._mean
            average_([mean], [parameters], memory(t, self._n_steps, self._averaging))

    def evaluated(self, parameters: Tensor) -> Tensor:
        return parameters if self._mean is None else self._mean.clone()

    def state_dict(self) -> dict[str, Any]:
        state = {"optimizer": copy.deepcopy(self._optimizer.state_dict())}
        return state if self._mean is None else {**state, "mean": self._mean.clone()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))
        self._group = self._optimizer.param_groups[0]
        self._mean = state["mean"].clone() if "mean" in state else None


_MAKERS: Mapping[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "nadam": torch.optim.NAdam,
    "rmsprop": torch.optim.RMSprop,
}
