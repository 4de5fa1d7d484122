"""An individual as a network: the user's module with what a phenotype does to it."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from evokit.errors import UserError
from evokit.networks import layers
from evokit.networks.layers import adapt, matching
from evokit.networks.options import FROZEN, TUNED, Adapters, TorchModule, Training
from evokit.networks.source import Source
from evokit.streams import Streams


@dataclass(frozen=True, eq=False)
class Made:
    """A network before training.

    Args:
        module: On the device.
        training: How it is trained.
        overrides: Of the source's options.
    """

    module: nn.Module
    training: Training
    overrides: Mapping[str, Any]


class Individuals:
    """Makes networks of phenotypes.

    Args:
        options: What the recipe says.
        source: Makes the module.
        device: Where networks lie.
        streams: Decide the module's first parameters where nobody says otherwise.

    Raises:
        ValueError: The module cannot be made, or a pattern means no layer or one that is not linear.
    """

    def __init__(self, options: TorchModule, source: Source, device: str, streams: Streams) -> None:
        self.options, self.source, self.device, self._streams = options, source, device, streams
        self.base = source.build(streams.at("module"))
        self._last = streams.at("module"), self.base
        self.slots: dict[str, tuple[int, int]] = {}
        for pattern in options.replaced:
            self.slots |= matching(self.base, pattern)
        for adapters in options.adapters:
            matching(self.base, adapters.match)
        self._paths = [path for one in options.adapters for path in (one.low_rank, one.where) if path]
        self.named = {path.partition(".")[0] for path in self._paths}

    def made(self, phenotype: Any, streams: Streams | None = None) -> Made:
        """The network of a phenotype, which stays as it is.

        Args:
            phenotype: Matrices by layer where layers are replaced; or the numbers of all parameters that are not
                frozen, in the module's order; or parameters by name, without adapters if it has none that these name.
                {} is the module itself.
            streams: Decide where parameters begin; the same for all individuals of a replicate.

        Raises:
            UserError: Nothing takes a parameter, or one that layers need is missing.
            ValueError: It does not fit the module.
        """
        if isinstance(phenotype, np.ndarray):
            module = self.clean({}, streams)
            _fill(module, phenotype)
            return Made(module, self.options.training, {})
        matrices = {name: one for name, one in phenotype.items() if hasattr(one, "multiply_adds")}
        told = {name: value for name, value in phenotype.items() if name not in matrices}
        tuned = {name: told.pop(name) for name in TUNED if name in told}
        frozen = told.pop(FROZEN, ())
        overrides = {name: value for name, value in told.items() if name not in self.named}
        if overrides:
            self.source.refuse_unknown(overrides)
        module = self.clean(overrides, streams)
        layers.freeze(module, [frozen] if isinstance(frozen, str) else frozen)
        if matrices:
            layers.replace(module, matrices, self.slots)
        if told.keys() & self.named:
            for one in self.options.adapters:
                adapt(module, ranks(module, one, told), one.alpha, (streams or self._streams).at("adapters"))
        return Made(module.to(self.device), replace(self.options.training, **tuned), overrides)

    def refuse_unadapted(self, phenotype: Mapping[str, Any]) -> None:
        """Raises ``UserError`` for a genome's phenotype that has no parameter which the adapters ask for."""
        for path in self._paths:
            _parameter(phenotype, path)

    def clean(self, overrides: Mapping[str, Any], streams: Streams | None = None) -> nn.Module:
        """The user's module, made with other options, with nothing replaced or adapted, on the device."""
        place = (streams or self._streams).at("module")
        if overrides:
            return self.source.build(place, overrides).to(self.device)
        if self._last[0] != place:  # nearly all of a generation begin with the same one
            self._last = place, self.source.build(place)
        return copy.deepcopy(self._last[1]).to(self.device)


def ranks(module: nn.Module, adapters: Adapters, phenotype: Mapping[str, Any]) -> dict[str, int]:
    """Rank by layer, as a phenotype says.

    Raises:
        UserError: It lacks what the adapters ask for.
        ValueError: Its list of ranks is not one for each layer.
    """
    names = list(matching(module, adapters.match))
    told = _parameter(phenotype, adapters.low_rank)
    if isinstance(told, Sequence) and not isinstance(told, str):
        if len(told) != len(names):
            raise ValueError(
                f"{adapters.low_rank} holds {len(told)} ranks, but {adapters.match!r} means {len(names)} layers:"
                f" {', '.join(names)}"
            )
        by_layer = dict(zip(names, told, strict=True))
    else:
        by_layer = dict.fromkeys(names, told)
    if adapters.where is None:
        return by_layer
    places = _parameter(phenotype, adapters.where)
    places = [places] if isinstance(places, str) else places
    return {name: rank if any(layers.matches(name, one) for one in places) else 0 for name, rank in by_layer.items()}


def _fill(module: nn.Module, vector: np.ndarray) -> None:
    """Give the parameters that are not frozen the numbers of a vector."""
    parameters = list(layers.trained(module).values())
    n = sum(one.numel() for one in parameters)
    if len(vector) != n:
        raise UserError(
            f"fitness torch_module: the genome has {len(vector)} numbers, but {n} parameters of the module are not"
            f" frozen: write genome: {{name: real_vector, length: {n}}}"
        )
    values = torch.tensor(vector, dtype=torch.float32, device=parameters[0].device)
    torch.nn.utils.vector_to_parameters(values, parameters)


def _parameter(phenotype: Mapping[str, Any], path: str) -> Any:
    """A parameter by its name; dots lead into groups."""
    found: Any = phenotype
    for part in path.split("."):
        if not isinstance(found, Mapping) or part not in found:
            raise UserError(
                f"fitness torch_module: layers name the parameter {path!r}, which the genome does not have (it has"
                f" {', '.join(phenotype) or 'none'}); where there is to be no adapter, let the rank be 0"
            )
        found = found[part]
    return found
