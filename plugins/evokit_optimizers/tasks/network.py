"""A network as a pure function of parameters that lie in one flat vector."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from evokit_optimizers.rules.groups import Group

Statistics = Mapping[str, Tensor]
"""Running means and variances of batch normalisation, changed in place by training."""


@dataclass(frozen=True)
class Parameter:
    """A parameter before training: uniform within ``spread`` about ``centre``."""

    name: str
    shape: tuple[int, ...]
    spread: float
    centre: float = 0.0
    group: Group = "vectors"

    @property
    def size(self) -> int:
        return math.prod(self.shape)


class FlatNetwork(ABC):
    """A network whose parameters lie behind each other in one vector."""

    @property
    @abstractmethod
    def parameters(self) -> tuple[Parameter, ...]:
        """In the order of the flat vector."""

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        return [parameter.shape for parameter in self.parameters]

    @property
    def groups(self) -> list[Group]:
        return [parameter.group for parameter in self.parameters]

    @property
    def n_parameters(self) -> int:
        return sum(parameter.size for parameter in self.parameters)

    @property
    def joins(self) -> bool:
        """Whether several can be trained at once; see ``evokit_optimizers.training.together``."""
        return not self.statistics()

    def initial(self, generator: torch.Generator) -> Tensor:
        """``(n_parameters,)`` float32 where training starts."""
        draws = torch.rand(self.n_parameters, generator=generator) * 2 - 1
        pieces = torch.split(draws, [parameter.size for parameter in self.parameters])
        return torch.cat([one.centre + one.spread * piece for one, piece in zip(self.parameters, pieces, strict=True)])

    def statistics(self, device: torch.device | str = "cpu") -> dict[str, Tensor]:
        """Running statistics before the first step; none without batch normalisation."""
        return {}

    def views(self, flat: Tensor) -> list[Tensor]:
        """Parameters in their shapes, as leaves of a gradient's graph that share the vector's memory."""
        return [piece.requires_grad_() for piece in self.pieces(flat.detach())]

    def pieces(self, flat: Tensor) -> list[Tensor]:
        """Parameters in their shapes, views of the vector."""
        pieces = torch.split(flat, [parameter.size for parameter in self.parameters])
        return [piece.view(shape) for piece, shape in zip(pieces, self.shapes, strict=True)]


def layer(name: str, shape: tuple[int, ...], group: Group = "hidden") -> list[Parameter]:
    """Weight and bias of a linear layer or convolution, with torch's default start: within ``1 / sqrt(fan_in)``."""
    spread = 1 / math.sqrt(math.prod(shape[1:]))
    return [Parameter(f"{name}.weight", shape, spread, group=group), Parameter(f"{name}.bias", shape[:1], spread)]


def scales(name: str, width: int) -> list[Parameter]:
    """Weight and bias of a normalisation, which start at 1 and 0."""
    return [Parameter(f"{name}.weight", (width,), 0.0, 1.0), Parameter(f"{name}.bias", (width,), 0.0)]
