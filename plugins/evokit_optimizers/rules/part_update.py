"""An update rule at work on some of the parameters that lie in one flat vector."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from evokit_optimizers.rules import kernels
from evokit_optimizers.rules.rule import Rule
from evokit_optimizers.rules.schedule import memory, schedule
from evokit_optimizers.rules.terms import PER_TENSOR, state_shape

Shape = tuple[int, ...]


class PartUpdate:
    """State and steps of a rule without parts, for the parameters of one or more groups.

    The order of operations in step t, counted from 0: ``lr_t`` is ``lr`` times the schedule; the gradient is clipped
    and centralised, then L2 decay is added; the moments take it in; decoupled decay shrinks the parameters; the moments
    are corrected for their start at zero; the weighted terms are summed in the order of the rule; a cautious step is
    masked; with a trust ratio decoupled decay is added here instead, and the step brought to its length; the parameters
    move by ``lr_t`` times the sum; where a lookahead is due, slow weights go towards them, and they to these; and their
    average takes them in. Memory is allocated here, not in ``step``, but for what per-tensor terms compute.

    Args:
        rule: What is done.
        runs: Of parameters that lie behind each other in the flat vector: where each begins, and their shapes.
        n_steps: The horizon of the schedule.
        dtype: Of parameters and state.
        device: Of parameters and state.
    """

    def __init__(
        self,
        rule: Rule,
        runs: Sequence[tuple[int, list[Shape]]],
        n_steps: int,
        dtype: torch.dtype,
        device: torch.device | str,
    ) -> None:
        self.rule = rule
        self._n_steps = n_steps
        self._shapes = [shapes for _, shapes in runs]
        self._sizes = [[math.prod(shape) for shape in shapes] for shapes in self._shapes]
        self._lengths = [sum(sizes) for sizes in self._sizes]
        self._spans = [slice(start, start + n) for (start, _), n in zip(runs, self._lengths, strict=True)]
        self._values = [
            (term.function(), term.needs, term.per_tensor, weight)
            for term, (_, weight) in zip(rule.declared(), rule.terms, strict=True)
        ]
        n = sum(self._lengths)
        names = [name for name, holds in _scratch(rule).items() if holds]
        self._scratch = {name: self._split(torch.empty(n, dtype=dtype, device=device)) for name in names}
        sizes = {
            name: [math.prod(state_shape(name, shape)) for shapes in self._shapes for shape in shapes]
            for name in rule.buffers
        }
        self.state = {name: torch.zeros(sum(sizes[name]), dtype=dtype, device=device) for name in rule.buffers}
        for name, kept in (("mean", rule.averaging), ("slow_weights", rule.lookahead)):
            if kept:
                self.state[name] = torch.zeros(n, dtype=dtype, device=device)
        self._state = {
            name: self._by_tensor(name, flat, sizes[name]) if name in PER_TENSOR else self._split(flat)
            for name, flat in self.state.items()
        }

    def step(self, parameters: Tensor, gradient: Tensor, t: int, norm: Tensor | None) -> None:
        """Move its parameters in place.

        Args:
            parameters: ``(n,)``, the whole vector.
            gradient: ``(n,)``, left unchanged.
            t: Number of steps made before.
            norm: Of the gradient of all parameters, for a rule that clips it.
        """
        rule, state = self.rule, self._state
        lr = rule.lr * schedule(t, self._n_steps, rule.warmup, rule.decay, rule.decay_span)
        p = [parameters[span] for span in self._spans]
        g = self._prepared([gradient[span] for span in self._spans], p, norm)
        if "slow_weights" in state and t == 0:
            torch._foreach_copy_(state["slow_weights"], p)
        if "average" in state:
            kernels.average_(state["average"], g, rule.beta1)
        if "long" in state:
            kernels.average_(state["long"], g, rule.beta3)
        if "square" in state:
            kernels.average_square_(state["square"], g, rule.beta2)
        if "rows" in state:
            kernels.average_rows_(state["rows"], self._tensors(g), rule.beta2)
        if "columns" in state:
            kernels.average_columns_(state["columns"], self._tensors(g), rule.beta2)
        if "turned_square" in state:
            self._turn(g, t + 1)
        if "maximum" in state:
            torch._foreach_maximum_(state["maximum"], state["square"])
        trusted = rule.trust_ratio and bool(self._values)
        if rule.decoupled and rule.weight_decay and not trusted:
            torch._foreach_mul_(p, 1 - lr * rule.weight_decay)
        if self._values:
            delta = self._delta(g, t + 1)
            if rule.cautious:
                kernels.mask_(self._tensors(delta), self._tensors(g))
            if trusted:
                self._trust(delta, p)
            torch._foreach_mul_(delta, lr)
            torch._foreach_sub_(p, delta)
        if "slow" in state:
            kernels.average_(state["slow"], g, rule.beta2)
        if "last" in state:
            torch._foreach_copy_(state["last"], g)
        if "error" in state:
            kernels.leave_error_(self._tensors(state["error"]), self._tensors(g))
        if "slow_weights" in state and (t + 1) % rule.lookahead == 0:
            kernels.average_(state["slow_weights"], p, 1 - rule.lookahead_step)
            torch._foreach_copy_(p, state["slow_weights"])
        if "mean" in state:
            kernels.average_(state["mean"], p, memory(t, self._n_steps, rule.averaging))

    def write_averages(self, parameters: Tensor) -> None:
        """Overwrite its parameters in the whole vector by what they are evaluated with."""
        for span, mean in zip(self._spans, self._state.get("mean", []), strict=False):
            parameters[span] = mean

    def tensors(self, vector: Tensor) -> list[Tensor]:
        """Its parameters' pieces of a whole vector, in their shapes."""
        pieces: list[Tensor] = self._tensors([vector[span] for span in self._spans])
        return pieces

    def _prepared(self, gradient: list[Tensor], parameters: list[Tensor], norm: Tensor | None) -> list[Tensor]:
        """The gradient after clipping and L2 decay."""
        rule = self.rule
        out = self._scratch.get("gradient", gradient)
        if rule.clipping == "value":
            kernels.clip_value(out, gradient, rule.clip_size)
        elif rule.clipping == "norm":
            assert norm is not None
            kernels.scaled(out, gradient, kernels.norm_factor(norm, rule.clip_size))
        elif out is not gradient:
            kernels.same(out, gradient)
        if rule.centralised:
            kernels.centralise_(self._tensors(out))
        if not rule.decoupled and rule.weight_decay:
            kernels.scaled(self._scratch["scratch"], parameters, rule.weight_decay)
            torch._foreach_add_(out, self._scratch["scratch"])
        return out

    def _turn(self, gradient: list[Tensor], k: int) -> None:
        """Take a gradient into the second moment among the eigenvectors, and where they are due into these before."""
        state, out = self._state, self._scratch["turned_rms"]  # which is not in use yet
        kernels.average_pairs_(state["left"], state["right"], self._tensors(gradient), self.rule.beta2)
        for side in ("left", "right"):
            kernels.eigenvectors_(state[f"{side}_basis"], state[side], k)
        kernels.turned(self._tensors(out), self._tensors(gradient), state["left_basis"], state["right_basis"])
        kernels.average_square_(state["turned_square"], out, self.rule.beta2)

    def _trust(self, delta: list[Tensor], parameters: list[Tensor]) -> None:
        if self.rule.decoupled and self.rule.weight_decay:
            kernels.scaled(self._scratch["scratch"], parameters, self.rule.weight_decay)
            torch._foreach_add_(delta, self._scratch["scratch"])
        kernels.trust_(self._tensors(delta), self._tensors(parameters))

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
        known |= {"ns_steps": rule.ns_steps}
        known |= {"slow_momentum": state.get("slow"), "last_gradient": state.get("last")}
        known |= {"long_momentum": state.get("long"), "error": state.get("error")}
        known |= {"momentum": scratch.get("momentum", state.get("average")), "scratch": scratch.get("scratch")}
        if "momentum" in scratch:
            kernels.corrected(scratch["momentum"], state["average"], correction1)
        # No lists, so that they are taken as they are, a matrix for each parameter.
        known |= {name: tuple(state.get(name, ())) for name in ("left_basis", "right_basis")}
        for name, buffer in (("rms", "square"), ("max_rms", "maximum"), ("turned_rms", "turned_square")):
            if name in scratch:
                kernels.root(scratch[name], state[buffer], correction2, rule.eps)
                known[name] = scratch[name]
        if "factored_rms" in scratch:
            known["factored_rms"] = scratch["factored_rms"]
            out = self._tensors(scratch["factored_rms"])
            kernels.factored_root(out, state["rows"], state["columns"], correction2, rule.eps)
        if "row_rms" in scratch:
            known["row_rms"] = scratch["row_rms"]
            kernels.row_root(self._tensors(scratch["row_rms"]), state["rows"], correction2, rule.eps)
        return known

    def _split(self, flat: Tensor) -> list[Tensor]:
        """A vector of its parameters as the runs."""
        return list(torch.split(flat, self._lengths))

    def _by_tensor(self, name: str, flat: Tensor, sizes: list[int]) -> list[Tensor]:
        """A state of its parameters, one after the other in the state's shapes."""
        shapes = [state_shape(name, shape) for shapes in self._shapes for shape in shapes]
        return [piece.view(shape) for piece, shape in zip(torch.split(flat, sizes), shapes, strict=True)]

    def _tensors(self, argument: Any) -> Any:
        """Runs, which are lists, as views in the parameters' shapes; numbers and bases as they are."""
        if not isinstance(argument, list):
            return argument
        return [
            piece.view(shape)
            for run, sizes, shapes in zip(argument, self._sizes, self._shapes, strict=True)
            for piece, shape in zip(run.split(sizes), shapes, strict=True)
        ]


def _scratch(rule: Rule) -> dict[str, bool]:
    """Working vectors, and whether a rule needs them."""
    l2 = not rule.decoupled and rule.weight_decay != 0
    return {
        "scratch": (rule.weight_decay != 0 and (l2 or rule.trust_ratio)) or "scratch" in rule.needs,
        "delta": bool(rule.terms),
        "term": len(rule.terms) > 1,
        "gradient": l2 or rule.centralised or rule.clipping != "none",
        "momentum": rule.bias_correction and "momentum" in rule.needs,
        "rms": "rms" in rule.needs,
        **{name: name in rule.needs for name in ("max_rms", "factored_rms", "row_rms")},
        "turned_rms": "turned_square" in rule.buffers,
    }
