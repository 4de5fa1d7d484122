"""Settings such as those of a model: choices, numbers that stand below them, and what they do to each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from benchmarks.searches.problems import ANY, Problem, Suite, drawn
from benchmarks.searches.spaces import Parameter, Spaced

Values = Callable[[np.ndarray], np.ndarray]
LEVELS = 4  # of each choice that acts with others


class Settings(Suite):
    """Values are above the optimum, which an instance puts somewhere else.

    - ``branches``: a choice of three, each with two real numbers and a whole one of its own; the best is not the one
      that is best at random.
    - ``nested``: a choice of two, one of three below it, and below that numbers on the scale of factors.
    - ``interactions``: eight choices of four options, each worth what a table says of it and two others (an NK
      landscape); the optimum is that of all 65,536.
    - ``shifted``: three choices of three and four real numbers, whose optimum depends on what is chosen.
    - ``ordered``: whole numbers, logarithms and an ordered choice in a curved valley.
    """

    name = "settings"
    kind = "space"
    dimensions = (ANY,)
    targets = np.logspace(1, -4, 51)
    functions: ClassVar[Mapping[str, str]] = {
        "branches": "conditions",
        "nested": "conditions",
        "interactions": "choices",
        "shifted": "choices",
        "ordered": "numbers",
    }

    def problem(self, function: str, dimension: int, instance: int) -> Problem:
        parameters, values = MADE[function](drawn(instance))
        return Spaced(
            self.kind, len(parameters), values, float(self.targets[-1]), parameters=parameters, of=(function, instance)
        )


def _branches(rng: np.random.Generator) -> tuple[Mapping[str, Parameter], Values]:
    options = ["a", "b", "c"]
    parameters: dict[str, Parameter] = {"model": {"choice": options}}
    for name in options:
        when = {"when": {"model": [name]}}
        parameters[f"{name}_real"] = {"float": [-5, 5], **when}
        parameters[f"{name}_factor"] = {"float": [1e-4, 1e2], "log": True, **when}
        parameters[f"{name}_whole"] = {"int": [1, 12], **when}
    best = np.stack([rng.uniform(-4, 4, 3), rng.uniform(-3, 1, 3), rng.integers(2, 12, 3)], axis=1)
    order = rng.permutation(3)
    offset, width = np.array([0.0, 0.3, 0.6])[order], np.array([4.0, 1.0, 0.3])[order]  # the best is the steepest

    def values(points: np.ndarray) -> np.ndarray:
        chosen = points[:, 0].astype(int)
        own = points[:, 1:].reshape(-1, 3, 3)[np.arange(len(points)), chosen]
        own[:, 1] = np.log10(own[:, 1])
        apart = (own - best[chosen]) * [0.5, 0.7, 0.4]
        told: np.ndarray = offset[chosen] + width[chosen] * np.square(apart).sum(axis=1)
        return told

    return parameters, values


def _nested(rng: np.random.Generator) -> tuple[Mapping[str, Parameter], Values]:
    kinds, rules = ["linear", "deep"], ["adam", "sgd", "rms"]
    parameters: dict[str, Parameter] = {
        "kind": {"choice": kinds},
        "rule": {"choice": rules, "when": {"kind": ["deep"]}},
        "rate": {"float": [1e-6, 1], "log": True, "when": {"kind": ["deep"]}},
        "momentum": {"float": [0, 1], "when": {"kind": ["deep"], "rule": ["sgd"]}},
        "decay": {"float": [1e-8, 1e-1], "log": True},
        "width": {"int": [1, 1024], "log": True, "when": {"kind": ["deep"]}},
        "penalty": {"float": [1e-4, 1e4], "log": True, "when": {"kind": ["linear"]}},
    }
    rate, decay = rng.uniform(-4, -1, 3), rng.uniform(-6, -2, 2)
    width, momentum, penalty = rng.integers(16, 512), rng.uniform(0.5, 0.95), rng.uniform(-3, 3)

    def values(points: np.ndarray) -> np.ndarray:
        kind, rule, at, moved, decayed, wide, fined = points.T
        deep = kind == 1
        by = np.where(deep, rule, 0).astype(int)
        with np.errstate(invalid="ignore"):
            shallow = 0.4 + np.square((np.log10(fined) - penalty) / 3) + np.square(np.log10(decayed) - decay[0]) / 9
            rest = np.square(np.log10(at) - rate[by]) + np.square(np.log2(wide / width) / 3)
            rest += np.square(np.log10(decayed) - decay[1]) / 9 + np.array([0.1, 0.0, 0.2])[by]
            rest += np.where(by == 1, np.square(3 * (moved - momentum)), 0.0)
        told: np.ndarray = np.where(deep, rest, shallow)
        return told

    return parameters, values


def _interactions(rng: np.random.Generator) -> tuple[Mapping[str, Parameter], Values]:
    n = 8
    names = [chr(ord("a") + level) for level in range(LEVELS)]
    tables = rng.random((n, LEVELS, LEVELS, LEVELS))
    others = np.stack([rng.choice([i for i in range(n) if i != place], 2, replace=False) for place in range(n)])

    def raw(points: np.ndarray) -> np.ndarray:
        levels = points.astype(int)
        worth = [
            tables[place][levels[:, place], levels[:, others[place, 0]], levels[:, others[place, 1]]]
            for place in range(n)
        ]
        told: np.ndarray = np.sum(worth, axis=0)
        return told

    everything = np.stack(np.meshgrid(*[np.arange(LEVELS)] * n, indexing="ij"), axis=-1).reshape(-1, n)
    lowest = raw(everything).min()
    return {f"choice_{place}": {"choice": names} for place in range(n)}, lambda points: raw(points) - lowest


def _shifted(rng: np.random.Generator) -> tuple[Mapping[str, Parameter], Values]:
    parameters: dict[str, Parameter] = {f"choice_{place}": {"choice": ["a", "b", "c"]} for place in range(3)}
    parameters |= {f"x{place}": {"float": [-5, 5]} for place in range(4)}
    worth, moves = rng.permuted(np.tile([0.0, 0.5, 1.0], (3, 1)), axis=1), rng.uniform(-1.5, 1.5, (3, 3, 4))

    def values(points: np.ndarray) -> np.ndarray:
        chosen, x = points[:, :3].astype(int), points[:, 3:]
        best = sum(moves[place][chosen[:, place]] for place in range(3))
        told: np.ndarray = np.sum([worth[place][chosen[:, place]] for place in range(3)], axis=0)
        told += (np.square(x - best) * [0.1, 0.3, 1.0, 3.0]).sum(axis=1) / 4
        return told

    return parameters, values


def _ordered(rng: np.random.Generator) -> tuple[Mapping[str, Parameter], Values]:
    sizes = ["tiny", "small", "medium", "large", "huge"]
    parameters: dict[str, Parameter] = {
        "layers": {"int": [1, 20]},
        "units": {"int": [1, 1000], "log": True},
        "rate": {"float": [1e-6, 1], "log": True},
        "dropout": {"float": [0, 0.9]},
        "size": {"choice": sizes, "ordered": True},
    }
    layers, rate, size = rng.integers(3, 18), rng.uniform(-5, -1), rng.integers(5)
    units = rng.integers(4, 900)
    dropout = rng.uniform(0.1, 0.8)

    def values(points: np.ndarray) -> np.ndarray:
        deep, wide, at, dropped, large = points.T
        ridge = np.log10(at) - rate - 0.15 * (deep - layers)  # deeper asks for another rate
        told: np.ndarray = np.square(2 * ridge) + np.square((deep - layers) / 6)
        told += np.square(np.log2(wide / units) / 3) + np.square(2 * (dropped - dropout)) + np.abs(large - size) / 4
        return told

    return parameters, values


MADE: Mapping[str, Callable[[np.random.Generator], tuple[Mapping[str, Any], Values]]] = {
    "branches": _branches,
    "nested": _nested,
    "interactions": _interactions,
    "shifted": _shifted,
    "ordered": _ordered,
}
