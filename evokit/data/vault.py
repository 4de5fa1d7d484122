"""Units of a split, and the vault: the part of the test units that no run opens."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Protocol, Self

import numpy as np
from annotated_types import Ge, Lt

from evokit.common.keys import array_key

Vault = Annotated[float, Ge(0), Lt(1)]
"""Share of the test units that only ``evokit unseal`` opens."""


class Units(Protocol):
    """A split whose units, such as documents or images, can be told apart. An array is one too: its rows are units."""

    def unit_keys(self) -> Sequence[str]:
        """A digest of the content of each unit, in the order of the values that a contender's ``score`` returns."""

    def take_units(self, indices: np.ndarray) -> Self:
        """The units at ascending ``indices``."""


def unit_keys(split: Any) -> list[str]:
    """A digest of the content of each unit of a split, or of each member of a mapping of splits.

    Raises:
        TypeError: The units of such a split cannot be told apart.

    >>> unit_keys(np.array([1.0, 2.0])) == unit_keys({"a": np.array([1.0]), "b": np.array([2.0])})
    True
    """
    if isinstance(split, Mapping):
        return [key for part in split.values() for key in unit_keys(part)]
    if isinstance(split, np.ndarray):
        return [array_key(np.asarray(row)) for row in split]
    if not hasattr(split, "unit_keys"):
        raise TypeError(f"the units of {type(split).__name__} cannot be told apart: it has no unit_keys()")
    return list(split.unit_keys())


def cut_vault(test: Any, share: float, names: Sequence[str] | None = None) -> tuple[Any, Any]:
    """Cut the vault off a test split, of a mapping of splits off each.

    The digest of a unit alone decides, and not its neighbours: what one recipe keeps in its vault is in the vault of
    every recipe with at least that share. So the vault has about that share of the units.

    Args:
        test: An array, a split that has ``unit_keys`` and ``take_units``, or a mapping of such.
        share: Of the units, in [0, 1).
        names: One a unit, to decide in place of its content.

    Returns:
        What a run may test on and the vault; None for the vault if the share is 0.

    Raises:
        ValueError: One of the two would be empty.

    >>> test, vault = cut_vault(np.arange(10.0), 0.5)
    >>> test.tolist(), vault.tolist()
    ([0.0, 1.0, 2.0, 3.0, 6.0, 8.0], [4.0, 5.0, 7.0, 9.0])
    """
    if not share:
        return test, None
    if isinstance(test, Mapping):
        parts = {name: cut_vault(part, share) for name, part in test.items()}
        return {name: ours for name, (ours, _) in parts.items()}, {name: vault for name, (_, vault) in parts.items()}
    kept = np.array([_place(key) < share for key in (unit_keys(test) if names is None else names)])
    if not 0 < kept.sum() < len(kept):
        what = "the vault" if not kept.any() else "the test"
        raise ValueError(f"vault: a share of {share:g} of {len(kept)} test units leaves none for {what}")
    return _take(test, np.flatnonzero(~kept)), _take(test, np.flatnonzero(kept))


def _place(key: str) -> float:
    """Of a unit in [0, 1)."""
    found = hashlib.blake2b(key.encode(), digest_size=8, person=b"vault").digest()
    return int.from_bytes(found) / 2**64


def _take(split: Any, indices: np.ndarray) -> Any:
    return split[indices] if isinstance(split, np.ndarray) else split.take_units(indices)
