"""The optimizers of torch as methods."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from evokit_optimizers.rules.kernels import average_
from evokit_optimizers.rules.schedule import memory, schedule
from evokit_optimizers.tasks.network import FlatNetwork

Setting = Mapping[str, Any]
Optimizers = list[torch.optim.Optimizer]


class TorchMethod:
    """A torch optimizer with its settings as a method.

    Args:
        name: Of the optimizer, as in recipes.
        setting: One of its grid.
    """

    def __init__(self, name: str, setting: Setting) -> None:
        self._name, self._setting = name, setting
        self.identity: Mapping[str, Any] = {"method": name, **setting}

    def start(self, network: FlatNetwork, parameters: Tensor, n_steps: int) -> TorchUpdate:
        optimizers, pieces = _MAKERS[self._name](network, parameters, self._setting)
        return TorchUpdate(optimizers, pieces, self._setting["schedule"], n_steps)


class TorchUpdate:
    """Torch optimizers at work on pieces of one flat vector, each element in one of them.

    Args:
        optimizers: Their parameters share the vector's memory.
        pieces: Each optimizer's view of a vector, in the order of its parameters.
        factors: The schedule's ``warmup``, ``decay`` and ``decay_span``, and ``averaging`` of the weights.
        n_steps: The horizon of the schedule.
    """

    def __init__(
        self,
        optimizers: Optimizers,
        pieces: Callable[[Tensor], list[list[Tensor]]],
        factors: Mapping[str, Any],
        n_steps: int,
    ) -> None:
        self._optimizers, self._pieces = optimizers, pieces
        self._factors, self._n_steps = dict(factors), n_steps
        self._averaging = self._factors.pop("averaging", 0.0)
        self._mean: Tensor | None = None
        self._lrs = [[group["lr"] for group in optimizer.param_groups] for optimizer in optimizers]

    def step(self, parameters: Tensor, gradient: Tensor, t: int) -> None:
        """Move the parameters that the optimizers were made with."""
        factor = schedule(t, self._n_steps, **self._factors)
        for optimizer, lrs, pieces in zip(self._optimizers, self._lrs, self._pieces(gradient), strict=True):
            for group, lr in zip(optimizer.param_groups, lrs, strict=True):
                group["lr"] = lr * factor
            for parameter, piece in zip(_parameters(optimizer), pieces, strict=True):
                parameter.grad = piece
            optimizer.step()
        if self._averaging:
            mean = self._mean = torch.zeros_like(parameters) if self._mean is None else self._mean
            average_([mean], [parameters], memory(t, self._n_steps, self._averaging))

    def evaluated(self, parameters: Tensor) -> Tensor:
        return parameters if self._mean is None else self._mean.clone()

    def state_dict(self) -> dict[str, Any]:
        state = {str(i): copy.deepcopy(one.state_dict()) for i, one in enumerate(self._optimizers)}
        return state if self._mean is None else {**state, "mean": self._mean.clone()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        for i, optimizer in enumerate(self._optimizers):
            optimizer.load_state_dict(copy.deepcopy(state[str(i)]))
        self._mean = state["mean"].clone() if "mean" in state else None


def _whole(make: Callable[..., torch.optim.Optimizer]) -> Callable[..., Any]:
    """For rules that treat each element alone: one parameter, the flat vector."""

    def made(network: FlatNetwork, parameters: Tensor, setting: Setting) -> Any:
        options = {name: value for name, value in setting.items() if name != "schedule"}
        return [make([parameters.detach()], **options)], lambda vector: [[vector]]

    return made


def _muon(network: FlatNetwork, parameters: Tensor, setting: Setting) -> Any:
    matrices = hidden_matrices(network)

    def pieces(vector: Tensor) -> list[list[Tensor]]:
        whole = torch.split(vector.detach(), [parameter.size for parameter in network.parameters])
        inner = [whole[i].view(network.shapes[i][0], -1) for i in matrices]
        return [inner, [piece for i, piece in enumerate(whole) if i not in matrices]]

    inner, rest = pieces(parameters)
    decay = setting["weight_decay"]
    muon = torch.optim.Muon(inner, lr=setting["lr"], weight_decay=decay, momentum=setting["momentum"])
    return [muon, torch.optim.AdamW(rest, lr=setting["adamw_lr"], weight_decay=decay)], pieces


def hidden_matrices(network: FlatNetwork) -> list[int]:
    """Indices of the weights of all layers but the first and the last."""
    return [i for i, parameter in enumerate(network.parameters) if parameter.group == "hidden"]


_MAKERS: Mapping[str, Callable[..., Any]] = {
    "sgd": _whole(torch.optim.SGD),
    "adam": _whole(torch.optim.Adam),
    "adamw": _whole(torch.optim.AdamW),
    "nadam": _whole(torch.optim.NAdam),
    "rmsprop": _whole(torch.optim.RMSprop),
    "muon": _muon,
}


def _parameters(optimizer: torch.optim.Optimizer) -> Iterable[Tensor]:
    return (parameter for group in optimizer.param_groups for parameter in group["params"])
