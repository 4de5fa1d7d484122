"""A cellular automaton that finds out which of two states most of its cells began with, each seeing seven of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from evokit import Component, Context, Goal, hookimpl

N_CELLS, N_STEPS, REACH = 35, 60, 3
BUDGETS = (15, 60)  # rows of cells to begin with


@dataclass(frozen=True)
class Majority:
    """Share of rows all of whose cells come to rest in the state that most of them began with.

    Genes are the rule: the next state of a cell for each of the 128 sights of itself and three neighbours at each side.
    The share of ones that a row begins with is drawn evenly from 0 to 1. A budget is a number of rows.

    Source: Mitchell, Hraber and Crutchfield 1993, "Revisiting the Edge of Chaos: Evolving Cellular Automata to Perform
    Computations".
    """

    def build(self, context: Context) -> "Rows":
        return Rows(context)


@dataclass(frozen=True)
class Rows:
    """The fitness at work."""

    run: Context
    replicate: int = 0
    objectives: ClassVar[Mapping[str, Goal]] = {"right": "max"}
    takes: ClassVar[frozenset[str]] = frozenset({"bits"})
    slots: ClassVar[Mapping[str, Any]] = {}
    budgets: ClassVar[Sequence[int]] = BUDGETS

    @property
    def context(self) -> str:
        return f"majority, version 1, replicate {self.replicate}"

    def fresh(self) -> "Rows":
        return replace(self, replicate=self.replicate + 1)

    def evaluate(self, batch: Sequence[np.ndarray], budget: int) -> list[float]:
        rng = self.run.streams.at("rows", self.replicate).numpy()
        rows = rng.random((BUDGETS[-1], N_CELLS)) < rng.random((BUDGETS[-1], 1))
        rows = rows[:budget]
        most = rows.sum(1) > N_CELLS / 2
        *_, last, ends = histories(np.stack(batch), rows)
        return ((ends == most[:, None]) & (last == ends)).all(2).mean(1).tolist()


def histories(rules: np.ndarray, rows: np.ndarray) -> list[np.ndarray]:
    """Rows at the beginning and after each step under each rule, until none changes any more.

    Args:
        rules: ``(n_rules, 128)``, by the number that a cell's sight is, its left end first.
        rows: ``(n_rows, n_cells)``, each closed to a ring.

    Returns:
        ``(n_rules, n_rows, n_cells)`` for each step.
    """
    n_rules, n_sights = rules.shape
    states, flat = [np.tile(rows.astype(np.uint8), (n_rules, 1, 1))], np.ravel(rules).astype(np.uint8)
    own = n_sights * np.arange(n_rules, dtype=np.int32)[:, None, None]
    for _ in range(N_STEPS):
        before = states[-1]
        ring = np.concatenate([before[..., -REACH:], before, before[..., :REACH]], axis=2)
        sight = np.zeros_like(before)
        for place in range(2 * REACH + 1):
            sight = 2 * sight + ring[..., place : place + rows.shape[1]]
        states.append(flat[own + sight])
        if np.array_equal(states[-1], before):
            break
    return states


@hookimpl
def evokit_components() -> list[Component]:
    return [Component("fitness", "majority", Majority)]
