"""Layers of a network by name: which a pattern means, and what stands in for them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import Tensor, nn

from evokit.common.names import did_you_mean
from evokit.contracts.slots import refuse_unfilled
from evokit.streams import Streams

SHOWN = 6  # names in a message


def matches(name: str, pattern: str) -> bool:
    """Whether a pattern is a name's, or that of its end.

    >>> matches("transformer.h.0.mlp.c_fc", "h.*.mlp.c_fc"), matches("h.0.mlp.c_fc", "c_f")
    (True, False)
    """
    return fnmatchcase(name, pattern) or fnmatchcase(name, f"*.{pattern}")


def matching(module: nn.Module, pattern: str, key: str = "layers") -> dict[str, tuple[int, int]]:
    """The linear layers that a pattern means, in the module's order, and their ``(n_in, n_out)``.

    Raises:
        ValueError: There are none, or one shares its matrix with another.
    """
    named = {name: layer for name, layer in module.named_modules() if name and matches(name, pattern)}
    if not named:
        linear = [name for name, layer in module.named_modules() if _is_linear(layer)]
        told = f"; its linear layers are {_few(linear)}" if linear else "; it has no linear layers"
        raise ValueError(f"{key}: no layer of the module matches {pattern!r}{did_you_mean(pattern, linear)}{told}")
    chosen = {name: layer for name, layer in named.items() if _is_linear(layer)}
    if not chosen:
        name, layer = next(iter(named.items()))
        raise ValueError(
            f"{key}: {pattern!r} means {name}, a {type(layer).__name__}; only linear layers are matrices"
            " (torch.nn.Linear and transformers' Conv1D)"
        )
    weights = list(module.named_parameters(remove_duplicate=False))
    for name, layer in chosen.items():
        if others := [one for one, value in weights if value is layer.weight][1:]:
            raise ValueError(f"{key}: {pattern!r} means {name}, which shares its matrix ({', '.join(others)})")
    return {name: _shape(layer) for name, layer in chosen.items()}


def freeze(module: nn.Module, patterns: Iterable[str]) -> None:
    """Let parameters alone whose names, or whose layers' names, match one of the patterns.

    Raises:
        ValueError: A pattern matches nothing.
    """
    for pattern in patterns:
        chosen = [one for name, one in module.named_parameters() if any(matches(p, pattern) for p in _prefixes(name))]
        if not chosen:
            known = list(dict.fromkeys(name.rpartition(".")[0] or name for name, _ in module.named_parameters()))
            raise ValueError(
                f"frozen: no layer or parameter of the module matches {pattern!r}{did_you_mean(pattern, known)}; it has"
                f" {_few(known)}"
            )
        for one in chosen:
            one.requires_grad_(False)


class Replaced(nn.Module):
    """A matrix of an individual in place of a linear layer's; the bias stays.

    Args:
        layer: That stood there.
        matrix: ``y = x @ W`` with ``shape``, ``multiply_adds``, ``apply(x)`` and ``dense()``, as genomes of ``layers``
            express them.
    """

    def __init__(self, layer: Any, matrix: Any) -> None:
        super().__init__()
        self.matrix, self.multiply_adds, self._turned = matrix, int(matrix.multiply_adds), isinstance(layer, nn.Linear)
        self.bias: nn.Parameter | None = layer.bias

    @property
    def weight(self) -> Tensor:
        """As the layer has it, for modules that read it themselves."""
        dense: Tensor = self.matrix.dense()
        return dense.T if self._turned else dense

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.matrix.apply(x)
        return y if self.bias is None else y + self.bias


class LowRank(nn.Module):
    """A linear layer with a low-rank adapter beside it; see ``evokit.networks.options.Adapters``.

    Args:
        layer: That the adapter is added to.
        rank: 1 or more.
        alpha: The adapter counts ``alpha / rank``.
        streams: Decide A: of a higher rank the first rows are those of a lower one.
    """

    def __init__(self, layer: Any, rank: int, alpha: float, streams: Streams) -> None:
        super().__init__()
        n_in, n_out = _shape(layer)
        self.layer: Any = layer
        self._scale, self._turned = alpha / rank, isinstance(layer, nn.Linear)
        self.multiply_adds = rank * (n_in + n_out)
        device = layer.weight.device
        spread = 1 / math.sqrt(n_in)  # that of torch's linear layers
        start = torch.rand(rank, n_in, generator=streams.torch()) * 2 * spread - spread
        self.A, self.B = nn.Parameter(start.to(device)), nn.Parameter(torch.zeros(n_out, rank, device=device))

    @property
    def weight(self) -> Tensor:
        """Layer and adapter as one matrix."""
        added = self._scale * (self.B @ self.A)
        weight: Tensor = self.layer.weight
        return weight + (added if self._turned else added.T)

    @property
    def bias(self) -> Any:
        return self.layer.bias

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layer(x)
        return y + self._scale * ((x @ self.A.T) @ self.B.T)


def replace(module: nn.Module, matrices: Mapping[str, Any], slots: Mapping[str, tuple[int, int]]) -> None:
    """Put an individual's matrices in the place of layers.

    Raises:
        ValueError: They do not fill the slots; names the layer.
    """
    refuse_unfilled(matrices, slots)
    for name in slots:
        layer, matrix = module.get_submodule(name), matrices[name]
        device = layer.weight.device
        _put(module, name, Replaced(layer, matrix if device.type == "cpu" else matrix.to(str(device))))


def adapt(module: nn.Module, ranks: Mapping[str, int], alpha: float, streams: Streams) -> None:
    """Put adapters beside layers; those of rank 0 stay as they are.

    Raises:
        ValueError: A rank is not a whole number from 0 to the layer's smaller side.
    """
    for name, rank in ranks.items():
        layer = module.get_submodule(name)
        most = min(_shape(layer))
        if isinstance(rank, bool) or int(rank) != rank or not 0 <= rank <= most:
            raise ValueError(f"the rank at {name} must be a whole number from 0 to {most}, got {rank!r}")
        if rank:
            _put(module, name, LowRank(layer, int(rank), alpha, streams.at(name)))


def merged(module: nn.Module) -> dict[str, Tensor]:
    """The state of the module as it was before layers were replaced or adapted, with what they do as dense matrices."""
    others = {name: one for name, one in module.named_modules() if isinstance(one, Replaced | LowRank)}
    state = {
        name: value for name, value in module.state_dict().items() if not any(p in others for p in _prefixes(name))
    }
    for name, one in others.items():
        state[f"{name}.weight"] = one.weight
        if one.bias is not None:
            state[f"{name}.bias"] = one.bias
    return {name: value.detach().cpu().contiguous().clone() for name, value in state.items()}


def multiply_adds(module: nn.Module) -> int:
    """Those of all replaced layers and adapters, for each position."""
    return sum(one.multiply_adds for one in module.modules() if isinstance(one, Replaced | LowRank))


def trained(module: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that are not frozen."""
    return {name: one for name, one in module.named_parameters() if one.requires_grad}


def _put(module: nn.Module, name: str, layer: nn.Module) -> None:
    parent, _, child = name.rpartition(".")
    setattr(module.get_submodule(parent), child, layer)


def _is_linear(layer: Any) -> bool:
    return isinstance(layer, nn.Linear) or (
        type(layer).__name__ == "Conv1D" and type(layer).__module__.startswith("transformers.")
    )


def _shape(layer: Any) -> tuple[int, int]:
    first, second = layer.weight.shape
    return (second, first) if isinstance(layer, nn.Linear) else (first, second)


def _prefixes(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:n]) for n in range(1, len(parts) + 1)]


def _few(names: Sequence[str]) -> str:
    rest = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + rest
