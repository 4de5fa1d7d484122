"""An update rule as one readable Python file: a ``torch.optim.Optimizer`` that needs nothing but torch."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from pathlib import Path
from textwrap import fill
from types import FunctionType
from typing import Any

from evokit_optimizers.rules import kernels
from evokit_optimizers.rules.rule import Rule, canonical
from evokit_optimizers.rules.schedule import schedule
from evokit_optimizers.rules.show import show_rule
from evokit_optimizers.rules.update_source import scheduled, update_source


def write_optimizer(rule: Rule, path: Path, name: str = "EvolvedOptimizer") -> None:
    """Write ``optimizer_source`` to a file."""
    path.write_text(optimizer_source(rule, name), encoding="utf-8")


def optimizer_source(rule: Rule, name: str = "EvolvedOptimizer") -> str:
    """Source of a module with the class ``name``.

    It runs the functions that ``FlatUpdate`` runs, copied, in the same order, on lists of parameters in place of one
    flat vector, so that parameters are bit-equal after any number of steps of the same training.

    Args:
        rule: Any; its canonical form is written.
        name: Of the class.

    Raises:
        ValueError: ``name`` is no identifier, or a term's value cannot stand in a file of its own.
    """
    if not name.isidentifier():
        raise ValueError(f"name: must be an identifier, got {name!r}")
    rule = canonical(rule)
    body = "\n\n\n".join([*_sources(_functions(rule)), _class(rule, name)])
    imports = "import math\n" if "math." in body else ""
    return (
        f'"""{name}: an optimizer found by evolution. Needs nothing but torch."""\n\n'
        "from __future__ import annotations\n\n"
        f"{imports}from collections.abc import Callable\nfrom typing import Any\n\n"
        f"import torch\nfrom torch import Tensor\n\n\n{body}\n"
    )


def _functions(rule: Rule) -> list[Callable[..., Any]]:
    """What the class calls, each once, in the order of its first call."""
    clips: dict[str, list[Callable[..., Any]]] = {
        "none": [],
        "value": [kernels.clip_value],
        "norm": [kernels.norm_factor, kernels.scaled],
    }
    conditions: list[tuple[bool, Callable[..., Any]]] = [
        (scheduled(rule), schedule),
        *((True, function) for function in clips[rule.clipping]),
        (not rule.decoupled, kernels.scaled),
        ("average" in rule.buffers or "slow" in rule.buffers, kernels.average_),
        ("square" in rule.buffers, kernels.average_square_),
        (rule.bias_correction and "momentum" in rule.needs, kernels.corrected),
        (bool({"rms", "max_rms"} & rule.needs), kernels.root),
        *((True, term.function()) for term in rule.declared()),
    ]
    return list(dict.fromkeys(function for holds, function in conditions if holds))


def _sources(functions: Iterable[Callable[..., Any]]) -> list[str]:
    """Sources of functions and of those that they call, which come first."""
    found: dict[str, Any] = {}

    def visit(function: Any) -> None:
        if found.get(function.__name__) is function:
            return
        if not isinstance(function, FunctionType) or not function.__name__.isidentifier() or function.__closure__:
            raise ValueError(f"{function!r} cannot be exported: a term's value must be a plain function of a module")
        for name in sorted(set(function.__code__.co_names) & function.__globals__.keys()):
            used = function.__globals__[name]
            if isinstance(used, FunctionType):
                visit(used)
            elif name not in ("torch", "math"):
                raise ValueError(f"{function.__name__} cannot be exported: it uses {name} of its module")
        if function.__name__ in found:
            raise ValueError(f"two functions are called {function.__name__}; an exported file holds one")
        found[function.__name__] = function

    for function in functions:
        visit(function)
    return [inspect.getsource(function).strip() for function in found.values()]


def _options(rule: Rule) -> dict[str, tuple[str, str, str]]:
    """Argument to type, default, and explanation."""
    used = rule.used
    options = {"lr": ("float", repr(rule.lr), "Learning rate.")}
    if used & {"beta1", "beta2"}:
        options["betas"] = ("tuple[float, float]", repr((rule.beta1, rule.beta2)), "Of momentum and second moment.")
    if "eps" in used:
        options["eps"] = ("float", repr(rule.eps), "Keeps quotients finite.")
    kind = "shrinks parameters by ``lr * weight_decay``" if rule.decoupled else "added to the gradient (L2)"
    options["weight_decay"] = ("float", repr(rule.weight_decay), f"{kind[0].upper()}{kind[1:]}.")
    if rule.clipping != "none":
        what = "of each element" if rule.clipping == "value" else "of the norm over all parameters of all groups"
        options["clip_size"] = ("float", repr(rule.clip_size), f"Largest size {what} of the gradient.")
    if scheduled(rule):
        explanation = "Steps of the built-in schedule; None leaves it out, for a scheduler of your own."
        options["total_steps"] = ("int | None", "None", explanation)
    return options


_EMPTY = '''
    def _empty(self, name: str, parameters: list[Tensor]) -> list[Tensor]:
        """Memory to overwrite, like the parameters; reused on the CPU, where making it takes longer than using it."""
        if parameters[0].device.type != "cpu":
            return [torch.empty_like(p) for p in parameters]
        memory = self.__dict__.setdefault("_memory", {})  # a copied or unpickled optimizer starts without
        for p in parameters:
            if (name, p) not in memory:
                memory[name, p] = torch.empty_like(p)
        return [memory[name, p] for p in parameters]
'''


def _class(rule: Rule, name: str) -> str:
    options = _options(rule)
    formula = "\n".join(
        fill(line, 118, initial_indent=" " * 8, subsequent_indent=" " * 12) for line in show_rule(rule).splitlines()
    )
    arguments = "\n".join(f"        {key}: {explanation}" for key, (_, _, explanation) in options.items())
    signature = "\n".join(f"        {key}: {kind} = {default}," for key, (kind, default, _) in options.items())
    defaults = "\n".join(f'            "{key}": {key},' for key in options)
    norm = ""
    if rule.clipping == "norm":
        call = 'norm_factor([p.grad for p in parameters], self.defaults["clip_size"])'
        norm = f"        factor = {call} if parameters else None\n"
    state = "".join(f'\n                    state["{buffer}"] = torch.zeros_like(p)' for buffer in rule.buffers)
    factor = ", factor" if norm else ""
    parameter = ", factor: Tensor" if norm else ""
    return f'''class {name}(torch.optim.Optimizer):
    """In step k, for parameters p with gradient g:

{formula}

    Args:
        params: Parameters or parameter groups.
{arguments}
    """

    def __init__(
        self,
        params: Any,
{signature}
    ) -> None:
        if lr < 0 or weight_decay < 0:
            raise ValueError(f"lr and weight_decay must be at least 0, got {{lr}} and {{weight_decay}}")
        defaults = {{
{defaults}
        }}
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step; returns what ``closure`` returns. Raises ``RuntimeError``: a gradient is sparse."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        parameters = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
        if any(p.grad.layout != torch.strided for p in parameters):
            raise RuntimeError("{name} needs dense gradients; make embeddings with sparse=False")
{norm}        for group in self.param_groups:
            group["step"] = group.get("step", 0) + 1
            ages: dict[int, list[Tensor]] = {{}}  # parameters that were left out of steps are younger than others
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["step"] = 0{state}
                state["step"] += 1
                ages.setdefault(state["step"], []).append(p)
            for k, of_age in ages.items():
                self._update(group, of_age, k{factor})
        return loss

    def _update(self, group: dict[str, Any], parameters: list[Tensor], k: int{parameter}) -> None:
{update_source(rule)}
{_EMPTY if rule.terms else ""}'''.rstrip()
