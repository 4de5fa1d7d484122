"""An update rule at work on one flat parameter vector."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from evokit_optimizers.rules import kernels
from evokit_optimizers.rules.rule import Rule
from evokit_optimizers.rules.schedule import schedule


class FlatUpdate:
    """State and steps of ``rule`` for parameters that lie behind each other in one vector.

    The order of operations in step t, counted from 0: ``lr_t`` is ``lr`` times the schedule; the gradient is clipped,
    then L2 decay is added; the moments take it in; decoupled decay shrinks the parameters; the moments are corrected
    for their start at zero; the weighted terms are summed in the order of the rule; the parameters move by ``lr_t``
    times the sum. Memory is allocated here, not in ``step``, but for what per-tensor terms compute.

    Args:
        rule: Best a canonical one; another does the same with more work.
        shapes: Of the parameters, in the order of the vector.
        n_steps: The horizon of the schedule, whatever the number of steps really made.
        dtype: Of parameters and state.
        device: Of parameters and state.

    Raises:
        ValueError: There are no parameters or no steps.
    """

    def __init__(
        self,
        rule: Rule,
        shapes: Sequence[Sequence[int]],
        n_steps: int,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        self._sizes = [math.prod(shape) for shape in shapes]
        if sum(self._sizes) < 1 or n_steps < 1:
            raise ValueError(f"parameters and steps must be at least 1, got {sum(self._sizes)} and {n_steps}")
        self.rule = rule
        self.n_steps = n_steps
        self._shapes = [tuple(shape) for shape in shapes]
        self._values = [
            (term.function(), term.needs, term.per_tensor, weight)
            for term, (_, weight) in zip(rule.declared(), rule.terms, strict=True)
        ]
        names = [name for name, holds in _scratch(rule).items() if holds]
        self._scratch = {name: [torch.empty(sum(self._sizes), dtype=dtype, device=device)] for name in names}
        self._state = {name: [torch.zeros(sum(self._sizes), dtype=dtype, device=device)] for name in rule.buffers}

    @torch.no_grad()
    def step(self, parameters: Tensor, gradient: Tensor, t: int) -> None:
        """Move ``parameters`` in place.

        Args:
            parameters: ``(n,)``, contiguous.
            gradient: ``(n,)``, left unchanged.
            t: Number of steps made before.
        """
        rule, state = self.rule, self._state
        lr = rule.lr * schedule(t, self.n_steps, rule.warmup, rule.decay, rule.decay_span)
        p, g = [parameters], self._prepared([gradient], [parameters])
        if "average" in state:
            kernels.average_(state["average"], g, rule.beta1)
        if "square" in state:
            kernels.average_square_(state["square"], g, rule.beta2)
        if "maximum" in state:
            torch._foreach_maximum_(state["maximum"], state["square"])
        if rule.decoupled and rule.weight_decay:
            torch._foreach_mul_(p, 1 - lr * rule.weight_decay)
        if self._values:
            delta = self._delta(g, t + 1)
            torch._foreach_mul_(delta, lr)
            torch._foreach_sub_(p, delta)
        if "slow" in state:
            kernels.average_(state["slow"], g, rule.beta2)
        if "last" in state:
            torch._foreach_copy_(state["last"], g)

    def state_dict(self) -> dict[str, Tensor]:
        """Copies of the state vectors, ``(n,)`` each, by name: with parameters and t, all that a run goes on from."""
        return {name: flat.clone() for name, (flat,) in self._state.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Go on from copied state.

        Raises:
            ValueError: The names or sizes are another rule's or another model's.
        """
        if state.keys() != self._state.keys():
            raise ValueError(f"state: must hold {sorted(self._state)}, got {sorted(state)}")
        for name, (flat,) in self._state.items():
            if state[name].shape != flat.shape:
                raise ValueError(f"state: {name} must have shape {tuple(flat.shape)}, got {tuple(state[name].shape)}")
            flat.copy_(state[name])

    def _prepared(self, gradient: list[Tensor], parameters: list[Tensor]) -> list[Tensor]:
        """The gradient after clipping and L2 decay."""
        rule = self.rule
        out = self._scratch.get("gradient", gradient)
        if rule.clipping == "value":
            kernels.clip_value(out, gradient, rule.clip_size)
        elif rule.clipping == "norm":
            kernels.scaled(out, gradient, kernels.norm_factor(self._tensors(gradient), rule.clip_size))
        elif out is not gradient:
            kernels.same(out, gradient)
        if not rule.decoupled and rule.weight_decay:
            kernels.scaled(self._scratch["scratch"], parameters, rule.weight_decay)
            torch._foreach_add_(out, self._scratch["scratch"])
        return out

    def _delta(self, gradient: list[Tensor], k: int) -> list[Tensor]:
        known = self._quantities(gradient, k)
        delta = self._scratch["delta"]
        for i, (value, needs, per_tensor, weight) in enumerate(self._values):
            out = self._scratch["term"] if i else delta
            arguments = [out, *(known[need] for need in needs)]
            value(*map(self._tensors, arguments) if per_tensor else arguments)
            if weight != 1:
                torch._foreach_mul_(out, weight)
            if i:
                torch._foreach_add_(delta, out)
        return delta

    def _quantities(self, gradient: list[Tensor], k: int) -> dict[str, Any]:
        rule, state, scratch = self.rule, self._state, self._scratch
        correction1, correction2 = (1 - rule.beta1**k, 1 - rule.beta2**k) if rule.bias_correction else (1.0, 1.0)
        known = {"gradient": gradient, "beta1": rule.beta1, "beta2": rule.beta2, "eps": rule.eps}
        known |= {"slow_momentum": state.get("slow"), "last_gradient": state.get("last")}
        known |= {"momentum": scratch.get("momentum", state.get("average")), "scratch": scratch.get("scratch")}
        if "momentum" in scratch:
            kernels.corrected(scratch["momentum"], state["average"], correction1)
        for name, buffer in (("rms", "square"), ("max_rms", "maximum")):
            if name in scratch:
                kernels.root(scratch[name], state[buffer], correction2, rule.eps)
                known[name] = scratch[name]
        return known

    def _tensors(self, argument: Any) -> Any:
        """A flat vector as views in the parameters' shapes; numbers as they are."""
        if not isinstance(argument, list):
            return argument
        pieces = argument[0].split(self._sizes)
        return [piece.view(shape) for piece, shape in zip(pieces, self._shapes, strict=True)]


def _scratch(rule: Rule) -> dict[str, bool]:
    """Working vectors, and whether a rule needs them."""
    l2 = not rule.decoupled and rule.weight_decay != 0
    return {
        "scratch": l2 or "scratch" in rule.needs,
        "delta": bool(rule.terms),
        "term": len(rule.terms) > 1,
        "gradient": l2 or rule.clipping != "none",
        "momentum": rule.bias_correction and "momentum" in rule.needs,
        "rms": "rms" in rule.needs,
        "max_rms": "max_rms" in rule.needs,
    }
