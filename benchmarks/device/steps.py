"""All items, the most valuable first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.device import clso, power, representations, rules, same_activations, same_crystalline, same_optimizers
from benchmarks.device.agreement import Case, compared
from benchmarks.device.bench import Bench
from benchmarks.device.runner import Item

SAME = "1 same as on the CPU"
STEPS = (SAME, clso.STEP, rules.STEP, representations.STEP, power.STEP)
LEFT_OUT = (
    "search_scaling", "search_diversity", "learned_accuracy", "training_trajectories",
    "held_out_accuracy", "geometry_ensembles", "learn_geometry", "hand_geometry",
)  # fmt: skip
"""What is not compared: fitnesses that read what a finished search found, by functions that are compared, and evolved
geometry of targets, whose trainings are those of ``learn_targets``."""


def all_items(bench: Bench) -> list[Item]:
    """In the order of ``STEPS``."""
    cases = [case for plugin in (same_crystalline, same_optimizers, same_activations) for case in plugin.cases(bench)]
    cases.sort(key=lambda case: "/fitness/" not in case.name)  # fitnesses first, each plugin's in its order
    what = "the device against the CPU on the same inputs, and twice against itself"
    same = [Item(SAME, case.name, what, _comparison(case), 6.0) for case in cases]
    return [*same, *clso.items(bench), *rules.items(bench), *representations.items(bench), *power.items(bench)]


def _comparison(case: Case) -> Callable[[Bench], Mapping[str, Any]]:
    return lambda bench: compared(case, bench)
