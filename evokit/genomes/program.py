"""What a tree is a program of: a function of whole columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


class Program:
    """A tree that can be called with arrays.

    Args:
        code: Nodes depth first, each with how many branches it has: a function of arrays, the number of an input, or
            a value.
        size: Nodes.
        height: Levels below the root.
    """

    def __init__(self, code: Sequence[tuple[int, Callable[..., Any] | None, Any]], size: int, height: int) -> None:
        self._code, self.size, self.height = tuple(reversed(code)), size, height

    def __call__(self, columns: Sequence[np.ndarray]) -> np.ndarray:
        """The values of all rows, as many as a column has.

        What cannot be computed is infinite or not a number, without a warning.

        Args:
            columns: ``(n_rows,)`` each, one an input; left unchanged.
        """
        parts: list[Any] = []
        with np.errstate(all="ignore"):
            for arity, function, value in self._code:
                if function is None:
                    parts.append(columns[value])
                elif arity == 0:
                    parts.append(value)
                elif arity == 1:
                    parts[-1] = function(parts[-1])
                elif arity == 2:
                    first = parts.pop()
                    parts[-1] = function(first, parts[-1])
                else:
                    branches = [parts.pop() for _ in range(arity)]
                    parts.append(function(*branches))
        whole = np.asarray(parts[0])
        return whole if whole.shape else np.full(len(columns[0]), whole)
