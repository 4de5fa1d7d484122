"""Rows of numbers with a target each, and how they come to be training, validation and test rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from evokit.common.keys import array_keys, digest
from evokit.common.readonly import readonly
from evokit.data.vault import cut_vault
from evokit.interfaces import Data


@dataclass(frozen=True, eq=False)
class Rows:
    """A split of a table.

    Args:
        x: ``(n_rows, n_inputs)`` float64.
        y: ``(n_rows,)`` float64, the targets.
        names: Of the inputs.
    """

    x: np.ndarray
    y: np.ndarray
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        readonly(self.x)
        readonly(self.y)

    def __len__(self) -> int:
        return len(self.y)

    def unit_keys(self) -> Sequence[str]:
        """A digest of each row's inputs and target."""
        return array_keys(np.column_stack([self.x, self.y]))

    def take_units(self, indices: np.ndarray) -> Self:
        return replace(self, x=self.x[indices], y=self.y[indices])


def split(rows: Rows, validation: float, test: float) -> tuple[Rows, Rows, Rows]:
    """Training, validation and test rows, in an order that the inputs of a row decide, and no seed.

    Rows with the same inputs are on one side, so that shares are kept as far as that allows.

    Args:
        rows: All of them.
        validation: Share of the validation rows.
        test: Share of the test rows; the two leave some for training.

    Raises:
        ValueError: A side would be empty.
    """
    keys = np.array(array_keys(rows.x))
    order = np.argsort(keys, kind="stable")
    ends = [round(share * len(rows)) for share in (1 - validation - test, 1 - test)]
    for place, end in enumerate(ends):
        while 0 < end < len(rows) and keys[order[end]] == keys[order[end - 1]]:
            end += 1
        ends[place] = end
    sides = np.split(order, ends)
    if not all(map(len, sides)):
        raise ValueError(f"{len(rows)} rows are too few for shares of {validation:g} and {test:g}")
    first, second, third = (rows.take_units(np.sort(side)) for side in sides)
    return first, second, third


def as_data(name: str, origin: str, train: Rows, validation: Rows, test: Rows, vault: float) -> Data:
    """The sides as a data component builds them. Raises ``ValueError``: the vault or the test would be empty."""
    sides = {"train": train, "validation": validation, "test": test}
    known = digest([train.names, *(side.unit_keys() for side in sides.values())])
    test, locked = cut_vault(test, vault)
    sizes = {f"{side}_rows": len(rows) for side, rows in sides.items()} | {"test_rows": len(test)}
    if locked is not None:
        sizes["vault_rows"] = len(locked)
    return Data(name, origin, known, sizes, train, validation, test, locked)
