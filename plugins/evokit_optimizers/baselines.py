"""Known optimizers, tuned on validation in the same loop as evolved ones."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import Field, asdict, fields, replace
from pathlib import Path
from typing import Any

from evokit.interfaces import Context, Evaluation, Individual
from evokit.options import ADDED
from evokit_optimizers.fitness import TrainedAccuracyFitness
from evokit_optimizers.models import HORIZON, NetworkContender
from evokit_optimizers.rivals import LrSchedule, Tuned
from evokit_optimizers.rules.known import KNOWN
from evokit_optimizers.rules.parts import by_group, with_parts
from evokit_optimizers.rules.rule import Rule
from evokit_optimizers.training.method import Evolved, Method
from evokit_optimizers.training.torch_methods import TorchMethod

Setting = Mapping[str, Any]


def build_tuned(options: Tuned, context: Context) -> TunedOptimizer:
    """A known optimizer of a recipe, compared on the run's fitness."""
    return TunedOptimizer(options, context.fitness)


class TunedOptimizer(NetworkContender):
    """A contender: every combination of the options' lists is a setting.

    Args:
        options: What the recipe says.
        fitness: What the search measures with.
    """

    def __init__(self, options: Tuned, fitness: TrainedAccuracyFitness) -> None:
        super().__init__(fitness)
        self.options = options

    def settings(self, best: Individual | None) -> list[dict[str, Any]]:
        """The grid; ``best`` changes nothing."""
        return grid(self.options)

    def fit(self, setting: Setting, seed: int, budget: int, scratch: Path) -> Evaluation:
        """Train networks for every task and replicate of ``seed``; work is counted in steps of all of them."""
        own = {name: value for name, value in setting.items() if name != HORIZON}
        about = {"method": self.options.method, "setting": own}
        return self.fitted(method_of(self.options.method, own), setting, seed, budget, scratch, about)

    def rehearse(self, scratch: Path) -> tuple[float, int]:
        """Seconds and bytes of one full fit, by timing a few steps."""
        return self.rehearsed(method_of(self.options.method, grid(self.options)[0]))


def grid(options: Tuned) -> list[dict[str, Any]]:
    """All combinations of the options' lists, each as JSON values."""
    names = [item.name for item in fields(options) if not _unsaid(item, options)]
    lists = [getattr(options, name) for name in names]
    return [
        {name: _plain(value) for name, value in zip(names, values, strict=True)} for values in itertools.product(*lists)
    ]


def _unsaid(item: Field[Any], options: Tuned) -> bool:
    """Whether settings of before did not say an option, which is at its default."""
    return bool(item.metadata.get(ADDED)) and getattr(options, item.name) == item.default


def method_of(name: str, setting: Setting) -> Method:
    """A known optimizer, named as in recipes, with a setting of its grid."""
    return Evolved(_RULES[name](setting)) if name in _RULES else TorchMethod(name, setting)


def lion(setting: Setting) -> Rule:
    """Lion as a rule. Source: Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms", algorithm 2."""
    return Rule((("SIGN_MOMENTUM", 1.0),), **_numbers(setting), **_shared(setting))


def soap(setting: Setting) -> Rule:
    """SOAP as a rule. Source: Vyas et al. 2024, "SOAP", algorithm 3."""
    return Rule((("SOAP_TERM", 1.0),), **_numbers(setting), **_shared(setting), eps=setting["eps"])


def muon(setting: Setting) -> Rule:
    """Muon for hidden matrices and AdamW for all else. Source: Jordan et al. 2024; see ``KNOWN``."""
    beta1, beta2 = setting["adamw_betas"]
    adamw = replace(
        KNOWN["adamw"], lr=setting["adamw_lr"], beta1=beta1, beta2=beta2, **_shared({**setting, "tricks": ()})
    )
    numbers = {"lr": setting["lr"], "beta1": setting["momentum"], "ns_steps": setting.get("ns_steps", 5)}
    matrices = replace(by_group(KNOWN["muon"])["hidden"], **numbers, **_shared(setting))
    return with_parts(adamw, {"hidden": matrices})


def _numbers(setting: Setting) -> dict[str, Any]:
    beta1, beta2 = setting["betas"]
    return {"lr": setting["lr"], "beta1": beta1, "beta2": beta2}


def _shared(setting: Setting) -> dict[str, Any]:
    """What the rules of this engine have alike."""
    tricks = dict.fromkeys(setting.get("tricks", ()), True)
    return {"weight_decay": setting["weight_decay"], **setting["schedule"], **tricks}


_RULES: Mapping[str, Callable[[Setting], Rule]] = {"lion": lion, "muon": muon, "soap": soap}


def _plain(value: Any) -> Any:
    """A value of the options as JSON."""
    if isinstance(value, LrSchedule):
        # Settings of before did not say it.
        return {key: one for key, one in asdict(value).items() if key != "averaging" or one}
    return list(value) if isinstance(value, tuple) else value
