"""The sets of problems by name."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.searches.bbob import Bbob
from benchmarks.searches.constrained import Constrained
from benchmarks.searches.formulas import Formulas
from benchmarks.searches.fronts import Fronts
from benchmarks.searches.illumination import Illumination
from benchmarks.searches.knapsack import Knapsack
from benchmarks.searches.mixint import Mixint
from benchmarks.searches.pbo import Pbo
from benchmarks.searches.problems import Suite
from benchmarks.searches.settings import Settings
from benchmarks.searches.tsp import Tsp

SUITES: Mapping[str, Suite] = {
    suite.name: suite
    for suite in (
        Bbob(),
        Pbo(),
        Knapsack(),
        Tsp(),
        Formulas(),
        Fronts(),
        Constrained(),
        Illumination(),
        Mixint(),
        Settings(),
    )
}
