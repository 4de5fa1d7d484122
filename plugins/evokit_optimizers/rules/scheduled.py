"""Known optimizers with a schedule, at the middle of the ranges in which their families are usually tuned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from evokit_optimizers.rules.canonical import canonical
from evokit_optimizers.rules.known import KNOWN
from evokit_optimizers.rules.parts import by_group, with_parts
from evokit_optimizers.rules.rule import Rule
from evokit_optimizers.rules.search_space import Bounds, Range

Scheduled = Literal[
    "nesterov_scheduled",
    "adamw_scheduled",
    "rmsprop_scheduled",
    "lion_scheduled",
    "orthogonal_scheduled",
    "orthogonal_adam_scheduled",
    "muon_scheduled",
    "adafactor_scheduled",
    "adam_mini_scheduled",
]


def _middle(rule: Rule, **ranges: Range) -> Rule:
    """The rule with the middle of each range, on the scale of its number, and with the schedule."""
    bounds = Bounds(**ranges)
    numbers: dict[str, Any] = {name: bounds.value(name, 0.5) for name in ranges}
    return replace(rule, warmup=0.1, decay="cosine", **numbers)


_L2: Mapping[str, Any] = {"decoupled": False, "bias_correction": False}
_MATRICES: Mapping[str, Range] = {"lr": (1e-2, 0.3), "weight_decay": (0.01, 0.1)}

_ADAMW = _middle(Rule((("ADAM_TERM", 1.0),)), lr=(1e-3, 3e-2), beta2=(0.95, 0.999), weight_decay=(0.01, 1.0))
_BESIDE_MUON = _middle(_ADAMW, lr=(1e-3, 3e-2), weight_decay=(0.01, 0.1))
_ORTHOGONAL = _middle(Rule((("ORTHOGONAL_MOMENTUM", 1.0),), beta1=0.95), **_MATRICES)

SCHEDULED: Mapping[str, Rule] = {
    # The momentum is an average: these are torch's learning rates of 0.01 to 0.3.
    "nesterov_scheduled": _middle(Rule((("NESTEROV", 1.0),), **_L2), lr=(0.1, 3.0), weight_decay=(1e-4, 1e-3)),
    "adamw_scheduled": _ADAMW,
    "rmsprop_scheduled": _middle(
        Rule((("RMS_NORM", 1.0),), **_L2), lr=(3e-4, 1e-2), beta2=(0.9, 0.99), weight_decay=(1e-5, 1e-4)
    ),
    "lion_scheduled": _middle(Rule((("SIGN_MOMENTUM", 1.0),), beta2=0.99), lr=(1e-4, 3e-3), weight_decay=(0.01, 1.0)),
    "orthogonal_scheduled": _ORTHOGONAL,
    # Each term takes the steps that it takes alone.
    "orthogonal_adam_scheduled": replace(
        _ORTHOGONAL, terms=(("ADAM_TERM", _ADAMW.lr / _ORTHOGONAL.lr), ("ORTHOGONAL_MOMENTUM", 1.0)), beta1=0.9
    ),
    "muon_scheduled": canonical(
        with_parts(_BESIDE_MUON, {"hidden": _middle(by_group(KNOWN["muon"])["hidden"], **_MATRICES)})
    ),
    # AdamW's ranges: both papers use its numbers.
    "adafactor_scheduled": replace(_ADAMW, terms=(("ADAFACTOR_TERM", 1.0),)),
    "adam_mini_scheduled": replace(_ADAMW, terms=(("ADAM_MINI_TERM", 1.0),)),
}
"""The learning rate rises over the first tenth of the steps and falls by a cosine.

The ranges are those in which ``recipes/optimizer_study.yaml`` tunes the rivals, so that neither side begins with better
numbers.
"""
