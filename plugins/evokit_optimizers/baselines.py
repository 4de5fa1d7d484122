"""Known optimizers, tuned on validation in the same loop as evolved ones."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from evokit.errors import UserError
from evokit.interfaces import Evaluation, Individual
from evokit_optimizers.finished import HORIZON, FinishedNetworks
from evokit_optimizers.fitness import TrainedAccuracyFitness
from evokit_optimizers.networks import FlatNetwork
from evokit_optimizers.options import LrSchedule, Tuned
from evokit_optimizers.rule import Rule
from evokit_optimizers.schedule import schedule
from evokit_optimizers.training import Evolved, Method

Setting = Mapping[str, Any]
Optimizers = list[torch.optim.Optimizer]


class TunedOptimizer(FinishedNetworks):
    """A contender: every combination of the options' lists is a setting.

    Args:
        options: What the recipe says.
        fitness: What the search measures with.

    Raises:
        UserError: This torch has no such optimizer.
    """

    def __init__(self, options: Tuned, fitness: TrainedAccuracyFitness) -> None:
        super().__init__(fitness)
        self.options = options
        if options.method == "muon" and not hasattr(torch.optim, "Muon"):
            raise UserError(f"baseline muon: torch {torch.__version__} has no Muon; it needs 2.9 or newer")

    def settings(self, best: Individual | None) -> list[dict[str, Any]]:
        """The grid; ``best`` changes nothing."""
        names = [item.name for item in fields(self.options)]
        lists = [getattr(self.options, name) for name in names]
        return [
            {name: _plain(value) for name, value in zip(names, values, strict=True)}
            for values in itertools.product(*lists)
        ]

    def fit(self, setting: Setting, seed: int, budget: int, scratch: Path) -> Evaluation:
        """Train networks for every task and replicate of ``seed``; work is counted in steps of all of them."""
        own = {name: value for name, value in setting.items() if name != HORIZON}
        about = {"method": self.options.method, "setting": own}
        return self.fitted(self._method(own), setting, seed, budget, scratch, about)

    def rehearse(self, scratch: Path) -> tuple[float, int]:
        """Seconds and bytes of one full fit, by timing a few steps."""
        return self.rehearsed(self._method(self.settings(None)[0]))

    def _method(self, setting: Setting) -> Method:
        if self.options.method == "lion":
            return Evolved(lion(setting))
        return Known(self.options.method, setting)


class Known:
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
        factors: The schedule's ``warmup``, ``decay`` and ``decay_span``.
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
        self._factors, self._n_steps = factors, n_steps
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

    def state_dict(self) -> dict[str, Any]:
        return {str(place): copy.deepcopy(one.state_dict()) for place, one in enumerate(self._optimizers)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        for place, optimizer in enumerate(self._optimizers):
            optimizer.load_state_dict(copy.deepcopy(state[str(place)]))


def lion(setting: Setting) -> Rule:
    """Lion as a rule. Source: Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms", algorithm 2."""
    beta1, beta2 = setting["betas"]
    decay = setting["weight_decay"]
    terms = (("SIGN_MOMENTUM", 1.0),)
    return Rule(terms, lr=setting["lr"], beta1=beta1, beta2=beta2, weight_decay=decay, **setting["schedule"])


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
        inner = [whole[place].view(network.shapes[place][0], -1) for place in matrices]
        return [inner, [piece for place, piece in enumerate(whole) if place not in matrices]]

    inner, rest = pieces(parameters)
    decay = setting["weight_decay"]
    muon = torch.optim.Muon(inner, lr=setting["lr"], weight_decay=decay, momentum=setting["momentum"])
    return [muon, torch.optim.AdamW(rest, lr=setting["adamw_lr"], weight_decay=decay)], pieces


def hidden_matrices(network: FlatNetwork) -> list[int]:
    """Places of the weights of all layers but the first and the last."""
    return [place for place, parameter in enumerate(network.parameters) if parameter.inner]


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


def _plain(value: Any) -> Any:
    """A value of the options as JSON."""
    if isinstance(value, LrSchedule):
        return asdict(value)
    return list(value) if isinstance(value, tuple) else value
