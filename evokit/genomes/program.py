"""What a tree is a program of: a function of whole columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

INPUT = -1


class Program:
    """A tree that can be called with arrays.

    Args:
        code: Nodes depth first: how many branches one has and the function of them, ``INPUT`` and the number of an
            input, or 0 and a value.
    """

    def __init__(self, code: Sequence[tuple[int, Any]]) -> None:
        self.size = len(code)
        self._code = tuple(reversed(code))

    def __call__(self, columns: Sequence[np.ndarray]) -> np.ndarray:
        """The values of all rows, as many as a column has.

        What cannot be computed is infinite or not a number, without a warning.

        Args:
            columns: ``(n_rows,)`` each, one an input; left unchanged.
        """
        parts: list[Any] = []
        with np.errstate(all="ignore"):
            for arity, what in self._code:
                if arity == INPUT:
                    parts.append(columns[what])
                elif arity == 0:
                    parts.append(what)
                else:
                    branches = parts[: -arity - 1 : -1]
                    del parts[-arity:]
                    parts.append(what(*branches))
        whole = np.asarray(parts[0])
        return whole if whole.shape else np.full(len(columns[0]), whole)
