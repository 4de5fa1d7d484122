"""A plugin that recipes of the benchmark name: the shape of a fitness, whose values the benchmark gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from benchmarks.searches.formulas import rows_of
from evokit import Component, Context, Data, hookimpl
from evokit.interfaces import Goal


@dataclass(frozen=True)
class Benchmark:
    """Values to be minimised."""

    n_objectives: int = 1
    n_constraints: int = 0
    takes: ClassVar[frozenset[str]] = frozenset({"vector", "bits", "permutation", "params"})
    slots: ClassVar[Mapping[str, Any]] = {}
    budgets: ClassVar[Sequence[int]] = (1,)
    context: ClassVar[str] = "benchmark"

    @property
    def objectives(self) -> Mapping[str, Goal]:
        return {f"value_{i}": "min" for i in range(self.n_objectives)}

    @property
    def constraints(self) -> Sequence[str]:
        return tuple(f"constraint_{i}" for i in range(self.n_constraints))

    def evaluate(self, batch: Sequence[Any], budget: int) -> np.ndarray:
        raise NotImplementedError("python -m benchmarks searches evaluates by itself")


@dataclass(frozen=True)
class BenchmarkRows:
    """The rows of a formula, which are training, validation and test at once: nothing is tested."""

    function: str
    instance: int

    def build(self, context: Context) -> Data:
        rows = rows_of(self.function, self.instance)
        return Data("benchmark_rows", "drawn", f"{self.function} {self.instance}", {}, rows, rows, rows)


@hookimpl
def evokit_components() -> list[Component]:
    return [Component("fitness", "benchmark", Benchmark), Component("data", "benchmark_rows", BenchmarkRows)]
