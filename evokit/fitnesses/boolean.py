"""Boolean functions that are to be found: parity, multiplexer, majority."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Le

from evokit.interfaces import Context, Evaluation, Goal

Function = Literal["parity", "multiplexer", "majority"]


def inputs_of(n: int) -> np.ndarray:
    """All rows of ``n`` truth values, ``(2**n, n)``.

    >>> inputs_of(2).astype(int).tolist()
    [[0, 0], [0, 1], [1, 0], [1, 1]]
    """
    numbers = np.arange(2**n)
    return (numbers[:, None] >> np.arange(n)[::-1] & 1).astype(bool)


def even_parity(rows: np.ndarray) -> np.ndarray:
    """Whether the number of true inputs is even."""
    even: np.ndarray = rows.sum(axis=1) % 2 == 0
    return even


def majority(rows: np.ndarray) -> np.ndarray:
    """Whether more than half of the inputs are true."""
    most: np.ndarray = 2 * rows.sum(axis=1) > rows.shape[1]
    return most


def multiplexer(rows: np.ndarray) -> np.ndarray:
    """The input that the first ones, the address, are the number of.

    Raises:
        ValueError: There are not k inputs and 2**k more.
    """
    n = rows.shape[1]
    k = next((k for k in range(1, n) if k + 2**k == n), 0)
    if not k:
        raise ValueError(f"inputs: a multiplexer has 3, 6 or 11 (an address and as many as it tells apart), got {n}")
    address = rows[:, :k] @ (1 << np.arange(k)[::-1])
    chosen: np.ndarray = rows[np.arange(len(rows)), k + address]
    return chosen


FUNCTIONS: Mapping[Function, Callable[[np.ndarray], np.ndarray]] = {
    "parity": even_parity,
    "multiplexer": multiplexer,
    "majority": majority,
}


class Truths:
    """How many rows of the truth table a tree gets wrong, to be minimised.

    Args:
        function: Of ``(n_rows, n_inputs)`` truth values to ``(n_rows,)``.
        options: Of the recipe.

    Raises:
        ValueError: The function has no such number of inputs.
    """

    objectives: ClassVar[Mapping[str, Goal]] = {"wrong": "min"}
    takes: ClassVar[frozenset[str]] = frozenset({"tree"})
    budgets: ClassVar[Sequence[int]] = (1,)

    def __init__(self, options: Boolean) -> None:
        rows = inputs_of(options.inputs)
        self._answers = FUNCTIONS[options.function](rows)
        self._columns = [np.ascontiguousarray(column) for column in rows.T]
        self.slots = {"inputs": _names(options), "output": bool}
        self.cases = len(rows) if options.cases else 0
        self.context = f"boolean {options.function} {options.inputs} {self.cases}"

    def evaluate(self, batch: Sequence[Any], budget: int) -> np.ndarray | list[Evaluation]:
        """Rows that are wrong, ``(n,)``; with cases an evaluation each, 1 for a wrong row and 0 for a right one."""
        wrong = [program(self._columns).astype(bool) != self._answers for program in batch]
        values = [float(np.count_nonzero(one)) for one in wrong]
        if not self.cases:
            return np.array(values)
        return [Evaluation((value,), work=budget, cases=one) for value, one in zip(values, wrong, strict=True)]


def _names(options: Boolean) -> tuple[str, ...]:
    """Of a multiplexer a0, a1 ... are the address and d0, d1 ... what it chooses from; of others x0, x1 ..."""
    n = options.inputs
    if options.function != "multiplexer":
        return tuple(f"x{place}" for place in range(n))
    k = next(k for k in range(1, n) if k + 2**k == n)
    return tuple([f"a{place}" for place in range(k)] + [f"d{place}" for place in range(n - k)])


@dataclass(frozen=True)
class Boolean:
    """In how many rows of its truth table a function of ``inputs`` truth values is missed.

    ``parity`` is true where an even number of inputs is; ``multiplexer``, of 3, 6 or 11 inputs, is the one whose number
    the first 1, 2 or 3 are; ``majority`` is true where more than half are. ``cases`` tells each row, for the selection
    ``lexicase``.

    Source: Koza 1992, "Genetic Programming", chapters 7 and 20.

    Raises:
        ValueError: In ``build``: a multiplexer has no such number of inputs.
    """

    function: Function = "parity"
    inputs: Annotated[int, Ge(2), Le(12)] = 3
    cases: bool = False
    takes: ClassVar[frozenset[str]] = Truths.takes

    def build(self, context: Context) -> Truths:
        return Truths(self)
