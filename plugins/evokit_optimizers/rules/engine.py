"""An update rule at work on one flat parameter vector."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from evokit_optimizers.rules import kernels
from evokit_optimizers.rules.groups import GROUPS, Group
from evokit_optimizers.rules.part_update import PartUpdate, Shape
from evokit_optimizers.rules.parts import by_group, refuse_untold
from evokit_optimizers.rules.rule import Rule


class FlatUpdate:
    """State and steps of ``rule`` for parameters that lie behind each other in one vector.

    The order of operations is that of ``PartUpdate``; parts see the same gradient, whose norm is that over all
    parameters.

    Args:
        rule: Best a canonical one; another does the same with more work.
        shapes: Of the parameters, in the order of the vector.
        n_steps: The horizon of the schedule, whatever the number of steps really made.
        dtype: Of parameters and state.
        device: Of parameters and state.
        groups: Of the parameters; a rule without parts needs none.

    Raises:
        ValueError: There are no parameters or no steps, or a rule with parts is not told the group of each parameter.
    """

    def __init__(
        self,
        rule: Rule,
        shapes: Sequence[Sequence[int]],
        n_steps: int,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
        groups: Sequence[Group] = (),
    ) -> None:
        n = sum(math.prod(shape) for shape in shapes)
        if n < 1 or n_steps < 1:
            raise ValueError(f"parameters and steps must be at least 1, got {n} and {n_steps}")
        refuse_untold(rule, groups, len(shapes))
        self.rule = rule
        self._parts = {
            name: PartUpdate(part, _runs(shapes, members), n_steps, dtype, device)
            for name, (part, members) in _divided(rule, len(shapes), groups).items()
        }
        self._clips = any(part.rule.clipping == "norm" for part in self._parts.values())

    @torch.no_grad()
    def step(self, parameters: Tensor, gradient: Tensor, t: int) -> None:
        """Move ``parameters`` in place.

        Args:
            parameters: ``(n,)``, contiguous.
            gradient: ``(n,)``, left unchanged.
            t: Number of steps made before.
        """
        parts = self._parts.values()
        norm = None
        if self._clips:
            norm = kernels.total_norm([piece for part in parts for piece in part.tensors(gradient)])
        for part in parts:
            part.step(parameters, gradient, t, norm)

    def evaluated(self, parameters: Tensor) -> Tensor:
        """What is evaluated in place of ``parameters``: averages where the rule has them, in a copy."""
        if not any(part.rule.averaging for part in self._parts.values()):
            return parameters
        averages = parameters.clone()
        for part in self._parts.values():
            part.write_averages(averages)
        return averages

    def state_dict(self) -> dict[str, Tensor]:
        """Copies of the state vectors by name: with parameters and t, all that a run goes on from."""
        return {name: flat.clone() for name, flat in self._state().items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Go on from copied state.

        Raises:
            ValueError: The names or sizes are another rule's or another model's.
        """
        own = self._state()
        if state.keys() != own.keys():
            raise ValueError(f"state: must hold {sorted(own)}, got {sorted(state)}")
        for name, flat in own.items():
            if state[name].shape != flat.shape:
                raise ValueError(f"state: {name} must have shape {tuple(flat.shape)}, got {tuple(state[name].shape)}")
            flat.copy_(state[name])

    def _state(self) -> dict[str, Tensor]:
        return {prefix + name: flat for prefix, part in self._parts.items() for name, flat in part.state.items()}


def _divided(rule: Rule, n: int, groups: Sequence[Group]) -> dict[str, tuple[Rule, list[int]]]:
    """Rules without parts with the indices of their parameters, by what their state's names begin with.

    Groups stay apart even where they share a rule, so that norms are summed in the order of an export's param_groups.
    """
    if not rule.parts:
        return {"": (rule, list(range(n)))}
    rules = by_group(rule)
    return {
        f"{group}/": (rules[group], [i for i in range(n) if groups[i] == group]) for group in GROUPS if group in groups
    }


def _runs(shapes: Sequence[Sequence[int]], members: Sequence[int]) -> list[tuple[int, list[Shape]]]:
    """Where parameters that lie behind each other begin in the vector, and their shapes."""
    starts = [0, *itertools.accumulate(math.prod(shape) for shape in shapes)]
    runs: list[tuple[int, list[Shape]]] = []
    for before, i in itertools.pairwise([-2, *members]):
        if i != before + 1:
            runs.append((starts[i], []))
        runs[-1][1].append(tuple(shapes[i]))
    return runs
