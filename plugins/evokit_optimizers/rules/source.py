"""An update rule as one readable Python file: a ``torch.optim.Optimizer`` that needs nothing but torch."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import FunctionType
from typing import Any

from evokit_optimizers.rules import kernels
from evokit_optimizers.rules.canonical import canonical
from evokit_optimizers.rules.class_source import grouped_class, plain_class
from evokit_optimizers.rules.module_groups import parameter_groups
from evokit_optimizers.rules.parts import by_group
from evokit_optimizers.rules.rule import Rule
from evokit_optimizers.rules.schedule import memory, schedule
from evokit_optimizers.rules.settings import refuse_unsound
from evokit_optimizers.rules.terms import PER_TENSOR, state_shape
from evokit_optimizers.rules.update_source import scheduled


def write_optimizer(rule: Rule, path: Path, name: str = "EvolvedOptimizer", measured: Sequence[str] = ()) -> None:
    """Write ``optimizer_source`` to a file."""
    path.write_text(optimizer_source(rule, name, measured), encoding="utf-8")


def optimizer_source(rule: Rule, name: str = "EvolvedOptimizer", measured: Sequence[str] = ()) -> str:
    """Source of a module with the class ``name``; if the rule has parts, with the function ``parameter_groups`` too.

    It runs the functions that ``FlatUpdate`` runs, copied, in the same order, on lists of parameters in place of one
    flat vector, so that parameters are bit-equal after any number of steps of the same training.

    Args:
        rule: Any; its canonical form is written.
        name: Of the class.
        measured: Sentences for its docstring that say where the rule was measured.

    Raises:
        ValueError: ``name`` is no identifier, or a term's value cannot stand in a file of its own.
    """
    if not name.isidentifier():
        raise ValueError(f"name: must be an identifier, got {name!r}")
    rule = canonical(rule)
    parts = list(by_group(rule).values()) if rule.parts else [rule]
    functions: list[Callable[..., Any]] = [refuse_unsound, *([parameter_groups] if rule.parts else [])]
    functions += [one for part in parts for one in _functions(part)]
    classes = (grouped_class if rule.parts else plain_class)(rule, name, measured)
    body = "\n\n\n".join([*_sources(dict.fromkeys(functions)), classes])
    imports = "import math\n" if "math." in body else ""
    types = "Callable, Sequence" if "Sequence[" in body else "Callable"
    return (
        f'"""{name}: an optimizer found by evolution. Needs nothing but torch."""\n\n'
        "from __future__ import annotations\n\n"
        f"{imports}from collections.abc import {types}\nfrom typing import Any\n\n"
        f"import torch\nfrom torch import Tensor\n\n\n{body}\n"
    )


def _functions(rule: Rule) -> list[Callable[..., Any]]:
    """What the class calls, each once, in the order of its first call."""
    clips: dict[str, list[Callable[..., Any]]] = {
        "none": [],
        "value": [kernels.clip_value],
        "norm": [kernels.total_norm, kernels.norm_factor, kernels.scaled],
    }
    conditions: list[tuple[bool, Callable[..., Any]]] = [
        (scheduled(rule), schedule),
        (bool(rule.averaging), memory),
        *((True, function) for function in clips[rule.clipping]),
        (rule.centralised and rule.clipping == "none", kernels.same),
        (rule.centralised, kernels.centralise_),
        (not rule.decoupled or rule.trust_ratio, kernels.scaled),
        (rule.cautious, kernels.mask_),
        (rule.trust_ratio, kernels.trust_),
        (bool(rule.averaging or rule.lookahead or {"average", "slow", "long"} & set(rule.buffers)), kernels.average_),
        (bool({"square", "turned_square"} & set(rule.buffers)), kernels.average_square_),
        (bool(PER_TENSOR & set(rule.buffers)), state_shape),
        ("rows" in rule.buffers, kernels.average_rows_),
        ("columns" in rule.buffers, kernels.average_columns_),
        *(("turned_square" in rule.buffers, one) for one in (kernels.average_pairs_, kernels.eigenvectors_)),
        ("turned_square" in rule.buffers, kernels.turned),
        (rule.bias_correction and "momentum" in rule.needs, kernels.corrected),
        (bool({"rms", "max_rms", "turned_rms"} & rule.needs), kernels.root),
        ("factored_rms" in rule.needs, kernels.factored_root),
        ("row_rms" in rule.needs, kernels.row_root),
        *((True, term.function()) for term in rule.declared()),
        ("error" in rule.buffers, kernels.leave_error_),
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
