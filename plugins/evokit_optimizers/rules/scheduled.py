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
    "soap_scheduled",
    "nadam_scheduled",
    "soap_nesterov_scheduled",
]


_L2: Mapping[str, Any] = {"decoupled": False, "bias_correction": False}
_MATRICES: Mapping[str, Range] = {"lr": (3e-2, 0.3), "weight_decay": (1e-3, 0.1)}


def _all(unit: float) -> dict[str, Rule]:
    """All of them with learning rates at ``unit`` of their ranges, from 0 to 1 on the scale of the number.

    Other numbers lie as far on the other side of the middle: with smaller steps goes a larger decay, and so on.
    """

    def at(rule: Rule, **ranges: Range) -> Rule:
        bounds = Bounds(**ranges)
        numbers: dict[str, Any] = {name: bounds.value(name, unit if name == "lr" else 1 - unit) for name in ranges}
        return replace(rule, warmup=0.1, decay="cosine", **numbers)

    adamw = at(Rule((("ADAM_TERM", 1.0),)), lr=(3e-3, 0.1), beta2=(0.9, 0.99), weight_decay=(0.01, 1.0))
    beside_muon = at(replace(adamw, beta2=0.95), lr=(3e-3, 3e-2), weight_decay=(1e-3, 0.1))
    orthogonal = at(Rule((("ORTHOGONAL_MOMENTUM", 1.0),), beta1=0.95), **_MATRICES)
    muon = at(by_group(KNOWN["muon"])["hidden"], **_MATRICES)
    return {
        # The momentum is an average: these are torch's learning rates of 0.01 to 0.3.
        "nesterov_scheduled": at(Rule((("NESTEROV", 1.0),), **_L2), lr=(0.1, 3.0), weight_decay=(1e-4, 1e-3)),
        "adamw_scheduled": adamw,
        "rmsprop_scheduled": at(
            Rule((("RMS_NORM", 1.0),), **_L2), lr=(3e-3, 0.1), beta2=(0.9, 0.997), weight_decay=(1e-5, 1e-4)
        ),
        "lion_scheduled": at(Rule((("SIGN_MOMENTUM", 1.0),), beta2=0.99), lr=(1e-3, 3e-2), weight_decay=(0.01, 1.0)),
        "orthogonal_scheduled": orthogonal,
        # Each term takes the steps that it takes alone.
        "orthogonal_adam_scheduled": replace(
            orthogonal, terms=(("ADAM_TERM", adamw.lr / orthogonal.lr), ("ORTHOGONAL_MOMENTUM", 1.0)), beta1=0.9
        ),
        "muon_scheduled": canonical(with_parts(beside_muon, {"hidden": muon})),
        # AdamW's ranges: their papers use its numbers.
        "adafactor_scheduled": replace(adamw, terms=(("ADAFACTOR_TERM", 1.0),)),
        "adam_mini_scheduled": replace(adamw, terms=(("ADAM_MINI_TERM", 1.0),)),
        "soap_scheduled": replace(adamw, terms=(("SOAP_TERM", 1.0),)),
        "nadam_scheduled": replace(adamw, terms=(("NADAM_TERM", 1.0),)),
        "soap_nesterov_scheduled": replace(adamw, terms=(("SOAP_NESTEROV", 1.0),)),
    }


SCHEDULED: Mapping[str, Rule] = _all(0.5)
"""The learning rate rises over the first tenth of the steps and falls by a cosine.

The ranges are those in which ``recipes/optimizer_study.yaml`` tunes the rivals, so that neither side begins with better
numbers.
"""

VARIANTS: tuple[Mapping[str, Rule], ...] = (_all(0.25), _all(0.75))
"""The same with numbers at the quarters of their ranges."""
