"""Where numbers may lie, on the scale that matters for each, and how often they change."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

from evokit.options import Positive, Probability, added
from evokit_optimizers.rules.rule import COUNTS, Rule

Range = tuple[float, float]


@dataclass(frozen=True)
class Bounds:
    """Bounds of random rules and mutations; known optimizers may lie outside.

    ``lr``, ``eps``, ``weight_decay``, ``clip_size`` and ``weight``, the size of a term's weight beside the largest,
    are drawn evenly in their logarithms, betas in that of ``1 - beta``. Weight decay may also be 0 and there may be
    no warm-up; null makes that the only choice. So it does with ``averaging`` of weights and the steps of a
    ``lookahead``, where it is the default; ``lookahead_step`` is how far its slow weights go. ``ns_steps`` of Newton
    and Schulz, in which terms make a matrix orthogonal, are 5 where it is null.
    """

    lr: Range = (1e-4, 0.3)
    beta1: Range = (0.0, 0.99)
    beta2: Range = (0.9, 0.9999)
    eps: Range = (1e-10, 1e-4)
    weight_decay: Range | None = (1e-5, 1.0)
    clip_size: Range = (0.01, 10.0)
    warmup: Range | None = (0.01, 0.4)
    decay_span: Range = (0.1, 1.0)
    weight: Range = (0.01, 1.0)
    averaging: Range | None = added(None)  # noqa: RUF009 - a field
    beta3: Range = added((0.99, 0.9999))  # noqa: RUF009 - a field
    lookahead: Range | None = added(None)  # noqa: RUF009 - a field
    lookahead_step: Range = added((0.2, 0.9))  # noqa: RUF009 - a field
    ns_steps: Range | None = added(None)  # noqa: RUF009 - a field

    def __post_init__(self) -> None:
        for item in fields(self):
            bounds: Range | None = getattr(self, item.name)
            if bounds is not None and not _sound(item.name, bounds):
                raise ValueError(f"{item.name}: must be {_DOMAINS[item.name][0]}, got {list(bounds)}")

    def unit(self, name: str, value: float) -> float:
        """Where a value lies between its bounds, 0 to 1 on its scale; outside stays outside."""
        low, high = self._scaled_bounds(name)
        return (SCALES[name][0](value) - low) / (high - low)

    def value(self, name: str, unit: float) -> float:
        """The inverse of ``unit``, for 0 to 1."""
        low, high = self._scaled_bounds(name)
        smallest, largest = self._bounds(name)
        found = SCALES[name][1](low + unit * (high - low))
        # Rounding may lead outside by one unit in the last place.
        return min(largest, max(smallest, found)) if name not in COUNTS else _whole(found, smallest, largest)

    def draw(self, name: str, rng: np.random.Generator) -> float:
        """A random value."""
        return self.value(name, rng.random())

    def moved(self, name: str, value: float, sigma: float, rng: np.random.Generator) -> float:
        """A value after a normal step of ``sigma`` times its range, folded back at the bounds as between mirrors.

        Whole numbers always change, by one at least.
        """
        start = min(1.0, max(0.0, self.unit(name, value)))
        step = sigma * rng.standard_normal()
        phase = (start + step) % 2
        found = self.value(name, min(phase, 2 - phase))
        if name not in COUNTS or found != value:
            return found
        low, high = self._bounds(name)
        up = value < high and (step > 0 or value == low)
        return found + 1 if up else found - 1

    def _bounds(self, name: str) -> Range:
        bounds: Range = getattr(self, name)
        return bounds

    def _scaled_bounds(self, name: str) -> Range:
        low, high = self._bounds(name)
        if name in COUNTS:
            low, high = low - 0.5, high + 0.5  # so that the first and the last are as likely as others
        return SCALES[name][0](low), SCALES[name][0](high)


@dataclass(frozen=True)
class Rates:
    """How much one mutation changes.

    Each number and weight moves with probability ``number``, by a normal step of ``sigma`` times its range; each flag
    changes with probability ``flag``, each weight's sign with ``sign``; with probability ``structure`` a term is
    added, removed or exchanged; with probability ``part`` a group of parameters gets a part, loses its own or gives up
    a value of it. All six are multiplied by a strength that each mutation draws evenly in the
    logarithm between ``weakest`` and 1, so that fine steps and leaps are made at every age of a run. At least one
    number or weight always moves.
    """

    number: Probability = 0.35
    sigma: Positive = 0.15
    flag: Probability = 0.1
    sign: Probability = 0.05
    structure: Probability = 0.25
    weakest: Probability = 0.2
    part: Probability = added(0.25)  # noqa: RUF009 - a field

    def __post_init__(self) -> None:
        if not 0 < self.weakest <= 1:
            raise ValueError(f"weakest: must be in (0, 1], got {self.weakest}")

    def strength(self, rng: np.random.Generator) -> float:
        """How strong a mutation is, ``weakest`` to 1."""
        return float(self.weakest ** rng.random())


def numbers_of(rule: Rule) -> list[str]:
    """Those of its numbers that a mutation can move: weight decay and warm-up only where they are not off."""
    used = rule.used
    return [name for name in SCALES if name in used and not (name in NUMBERS_WITH_OFF and getattr(rule, name) == 0)]


NUMBERS_WITH_OFF = ("weight_decay", "warmup", "averaging", "lookahead")

_Scale = tuple[Callable[[float], float], Callable[[float], float]]
LOG: _Scale = (lambda x: math.log10(max(x, 1e-30)), lambda y: 10.0**y)
COMPLEMENT: _Scale = (lambda x: -math.log10(1 - x), lambda y: 1 - 10.0**-y)
LINEAR: _Scale = (lambda x: x, lambda y: y)

SCALES: dict[str, _Scale] = {
    "lr": LOG,
    "beta1": COMPLEMENT,
    "beta2": COMPLEMENT,
    "beta3": COMPLEMENT,
    "eps": LOG,
    "weight_decay": LOG,
    "clip_size": LOG,
    "warmup": LINEAR,
    "averaging": LINEAR,
    "lookahead": LOG,
    "lookahead_step": LINEAR,
    "ns_steps": LINEAR,
    "decay_span": LINEAR,
    "weight": LOG,
}

_DOMAINS: dict[str, tuple[str, float, float]] = {
    **dict.fromkeys(("lr", "eps", "weight_decay", "clip_size"), ("ascending and above 0", math.ulp(0.0), math.inf)),
    **dict.fromkeys(("beta1", "beta2", "beta3"), ("ascending in [0, 1)", 0.0, math.nextafter(1.0, 0.0))),
    **dict.fromkeys(
        ("warmup", "decay_span", "weight", "averaging", "lookahead_step"), ("ascending in (0, 1]", math.ulp(0.0), 1.0)
    ),
    "lookahead": ("whole, ascending and at least 2", 2.0, math.inf),
    "ns_steps": ("whole, ascending and at least 1", 1.0, math.inf),
}


def _sound(name: str, bounds: Range) -> bool:
    _, smallest, largest = _DOMAINS[name]
    if name in COUNTS and any(bound % 1 for bound in bounds):
        return False
    return smallest <= bounds[0] < bounds[1] <= largest and math.isfinite(bounds[1])


def _whole(value: float, smallest: float, largest: float) -> int:
    return int(min(largest, max(smallest, round(value))))
