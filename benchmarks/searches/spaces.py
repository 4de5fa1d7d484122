"""Named parameters of several kinds: what a problem tells contenders, and how a point stands for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.searches.problems import Problem

Parameter = Mapping[str, Any]  # ``float`` or ``int`` with two ends, ``log``, or ``choice`` with options; ``when``


@dataclass(frozen=True)
class Spaced(Problem):
    """A point has a column a parameter: its number, the place of its option, NaN where it does not exist.

    Attributes:
        parameters: By name, in words of the genome ``space``, without groups; ``when`` names choices before it.
    """

    parameters: Mapping[str, Parameter] = field(default_factory=dict)

    def point(self, values: Mapping[str, Any]) -> np.ndarray:
        """Of parameters by name; what does not exist is left out, whether it is there or not."""
        return np.array(
            [
                np.nan if not exists(one, values) else self._number(one, values[name])
                for name, one in self.parameters.items()
            ],
            float,
        )

    def _number(self, parameter: Parameter, value: Any) -> float:
        return float(parameter["choice"].index(value) if "choice" in parameter else value)


def exists(parameter: Parameter, values: Mapping[str, Any]) -> bool:
    """Whether it does beside what was chosen before it."""
    return all(values[name] in options for name, options in parameter.get("when", {}).items())
