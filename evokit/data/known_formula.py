"""Rows of formulas that are known: the benchmarks of symbolic regression."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from evokit.data.rows import Rows, as_data
from evokit.data.vault import Vault
from evokit.interfaces import Context, Data
from evokit.options import Count, NonNegative

Array = np.ndarray
Name = Literal[
    "nguyen-1", "nguyen-2", "nguyen-3", "nguyen-4", "nguyen-5", "nguyen-6", "nguyen-7", "nguyen-8", "nguyen-9",
    "nguyen-10", "nguyen-11", "nguyen-12", "keijzer-4", "feynman-I.6.2", "feynman-I.8.14", "feynman-I.12.11",
    "feynman-I.16.6", "feynman-I.18.4", "feynman-I.27.6", "feynman-I.29.16", "feynman-I.34.8",
]  # fmt: skip


@dataclass(frozen=True)
class Formula:
    """A formula and where its rows lie.

    Attributes:
        of: Arrays, one an input, to the targets.
        names: Of the inputs.
        low: Inputs are uniform from here
        high: to there.
        rows: Training rows, unless others are asked for.
    """

    of: Callable[..., Array]
    names: tuple[str, ...]
    low: float
    high: float
    rows: int

    def drawn(self, n: int, rng: np.random.Generator, noise: float = 0.0) -> Rows:
        """``n`` rows; ``noise`` is the standard deviation of what is added to targets, in theirs."""
        x = rng.uniform(self.low, self.high, (n, len(self.names)))
        y = self.of(*x.T)
        return Rows(x, y + noise * y.std() * rng.standard_normal(n), self.names)


def _nguyen(of: Callable[..., Array], low: float = -1.0, high: float = 1.0, inputs: int = 1) -> Formula:
    return Formula(of, ("x", "y")[:inputs], low, high, 20 if inputs == 1 else 100)


def _feynman(of: Callable[..., Array], names: str, low: float = 1.0, high: float = 5.0) -> Formula:
    return Formula(of, tuple(names.split()), low, high, 100)


FORMULAS: Mapping[Name, Formula] = {
    "nguyen-1": _nguyen(lambda x: x**3 + x**2 + x),
    "nguyen-2": _nguyen(lambda x: x**4 + x**3 + x**2 + x),
    "nguyen-3": _nguyen(lambda x: x**5 + x**4 + x**3 + x**2 + x),
    "nguyen-4": _nguyen(lambda x: x**6 + x**5 + x**4 + x**3 + x**2 + x),
    "nguyen-5": _nguyen(lambda x: np.sin(x**2) * np.cos(x) - 1),
    "nguyen-6": _nguyen(lambda x: np.sin(x) + np.sin(x + x**2)),
    "nguyen-7": _nguyen(lambda x: np.log(x + 1) + np.log(x**2 + 1), 0.0, 2.0),
    "nguyen-8": _nguyen(np.sqrt, 0.0, 4.0),
    "nguyen-9": _nguyen(lambda x, y: np.sin(x) + np.sin(y**2), inputs=2),
    "nguyen-10": _nguyen(lambda x, y: 2 * np.sin(x) * np.cos(y), inputs=2),
    "nguyen-11": _nguyen(lambda x, y: x**y, 0.0, 1.0, inputs=2),
    "nguyen-12": _nguyen(lambda x, y: x**4 - x**3 + y**2 / 2 - y, inputs=2),
    "keijzer-4": Formula(
        lambda x: x**3 * np.exp(-x) * np.cos(x) * np.sin(x) * (np.sin(x) ** 2 * np.cos(x) - 1), ("x",), 0.0, 10.0, 100
    ),
    "feynman-I.6.2": _feynman(lambda t, s: np.exp(-((t / s) ** 2) / 2) / (np.sqrt(2 * np.pi) * s), "theta sigma", 1, 3),
    "feynman-I.8.14": _feynman(lambda a, b, c, d: np.hypot(b - a, d - c), "x1 x2 y1 y2"),
    "feynman-I.12.11": _feynman(lambda q, e, b, v, t: q * (e + b * v * np.sin(t)), "q Ef B v theta"),
    "feynman-I.16.6": _feynman(lambda c, v, u: (u + v) / (1 + u * v / c**2), "c v u"),
    "feynman-I.18.4": _feynman(lambda m, n, r, s: (m * r + n * s) / (m + n), "m1 m2 r1 r2"),
    "feynman-I.27.6": _feynman(lambda d, e, n: 1 / (1 / d + n / e), "d1 d2 n"),
    "feynman-I.29.16": _feynman(
        lambda x, y, t, s: np.sqrt(x**2 + y**2 - 2 * x * y * np.cos(t - s)), "x1 x2 theta1 theta2"
    ),
    "feynman-I.34.8": _feynman(lambda q, v, b, p: q * v * b / p, "q v B p"),
}


@dataclass(frozen=True)
class KnownFormula:
    """Rows of a ``formula`` that is known, for ``symbolic_regression``: to see whether it is found.

    Inputs are uniform in the range that the benchmark has. ``rows`` are for training, left out as many as the benchmark
    has (20 of formulas of one number, else 100); as many are for validation, and ``test_rows`` for the test. ``noise``
    is the standard deviation of what is added to the targets, in that of the targets themselves; the seed draws all.

    Source: ``nguyen``: Uy et al. 2011, "Semantically-based crossover in genetic programming: application to real-valued
    symbolic regression", table 1; ``keijzer``: Keijzer 2003, "Improving Symbolic Regression with Interval Arithmetic
    and Linear Scaling"; ``feynman``: Udrescu and Tegmark 2020, "AI Feynman", whose ranges are these.
    """

    formula: Name
    rows: Count | None = None
    test_rows: Count = 1000
    noise: NonNegative = 0.0
    vault: Vault = 0.0

    def build(self, context: Context) -> Data:
        known = FORMULAS[self.formula]
        rows = self.rows or known.rows
        train, validation, test = (
            known.drawn(n, context.streams.at("formula", name).numpy(), self.noise)
            for name, n in (("train", rows), ("validation", rows), ("test", self.test_rows))
        )
        origin = f"{self.formula}, drawn from the seed"
        return as_data("known_formula", origin, train, validation, test, self.vault)
