"""Features of genes for surrogates: as a genome encodes them, or where it does not, their JSON values as columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol

import numpy as np

from evokit.common.places import places_of

Orders = Literal["positions", "precedence"]
SAMPLE = 16  # genes that are drawn to see what they look like
NO_FEATURES = "have no features by themselves: give the genome encode(genes) -> (n_features,) float32"


class Encoder(Protocol):
    """Makes features of genes; one that learns what there is learns it from the genes that a surrogate is fitted to."""

    def fit(self, genes: Sequence[Any]) -> None: ...

    def __call__(self, genes: Sequence[Any]) -> np.ndarray:
        """``(n, n_features)`` float32."""


def encoder_of(genome: Any, orders: Orders, rng: np.random.Generator) -> Encoder:
    """What encodes the genes of a genome.

    Args:
        genome: With ``encode`` or without.
        orders: Features of permutations: where each item stands, or of each two which one comes first.
        rng: Draws some genes of a genome without ``encode``, to see whether they are flat.

    Raises:
        ValueError: They are not, or are of unlike lengths.
    """
    if hasattr(genome, "encode"):
        return Encoded(genome, orders if getattr(genome, "genes", "") == "permutation" else "positions")
    drawn = [*getattr(genome, "seeds", list)(), *(genome.random(rng) for _ in range(SAMPLE))]
    return Flat(genome.to_json, drawn, orders)


class Encoded:
    """Features by the genome's own ``encode``."""

    def __init__(self, genome: Any, orders: Orders) -> None:
        self._genome, self._orders = genome, orders

    def fit(self, genes: Sequence[Any]) -> None:
        """There is nothing to learn."""

    def __call__(self, genes: Sequence[Any]) -> np.ndarray:
        features = np.stack([self._genome.encode(one) for one in genes])
        return precedence(features) if self._orders == "precedence" else features


class Flat:
    """Genes whose JSON values are one scalar, or a list or a mapping of scalars, as many in all genes.

    Numbers and truth values are columns as they are. Text and null, which have names and no size, are one-hot; a name
    that was not there at the fit has no column. If all genes are the same numbers in other orders, they are
    permutations, and the features are those of orders.

    Args:
        to_json: Of the genome.
        genes: Some, to see what they look like.
        orders: Features of permutations.

    Raises:
        ValueError: They are not flat, or of unlike lengths.
    """

    def __init__(self, to_json: Callable[[Any], Any], genes: Sequence[Any], orders: Orders = "positions") -> None:
        self._to_json, self._orders = to_json, orders
        self._names = _names(to_json(genes[0]))
        self._numeric: list[bool] = []  # by column whether it has numbers
        self._levels: list[list[str]] = []  # and the names in it
        rows = self._rows(genes)
        self._items = _permuted(rows)  # sorted; None where genes are no permutations
        self._learn(rows)

    def fit(self, genes: Sequence[Any]) -> None:
        """Learn the names from the genes that a surrogate is fitted to. Raises ``ValueError``: as above."""
        self._learn(self._rows(genes))

    def __call__(self, genes: Sequence[Any]) -> np.ndarray:
        rows = self._rows(genes)
        if self._items is not None:
            places = _places(rows, self._items)
            return precedence(places) if self._orders == "precedence" else places / np.float32(len(self._items))
        blocks = []
        for column, numeric, levels in zip(zip(*rows, strict=True), self._numeric, self._levels, strict=True):
            numbers = [[float(value) if _is_number(value) else 0.0] * numeric for value in column]
            names = [[not _is_number(value) and repr(value) == level for level in levels] for value in column]
            blocks += [np.array(numbers, np.float32), np.array(names, np.float32)]
        return np.concatenate(blocks, axis=1)

    def _learn(self, rows: Sequence[Sequence[Any]]) -> None:
        columns = list(zip(*rows, strict=True))
        self._numeric = [any(map(_is_number, column)) for column in columns]
        self._levels = [sorted({repr(value) for value in column if not _is_number(value)}) for column in columns]

    def _rows(self, genes: Sequence[Any]) -> list[list[Any]]:
        """The scalars of each."""
        return [self._row(self._to_json(one)) for one in genes]

    def _row(self, data: Any) -> list[Any]:
        if (found := _names(data)) != self._names:
            raise ValueError(f"genes of unlike lengths, {_told(self._names)} and {_told(found)}, {NO_FEATURES}")
        values = [data[name] for name in sorted(data)] if isinstance(data, dict) else _listed(data)
        for value in values:
            if isinstance(value, list | dict):
                raise ValueError(f"genes within genes, {value!r:.60}, {NO_FEATURES}")
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"genes that hold {value} {NO_FEATURES}")
        return values


def _places(rows: Sequence[Sequence[Any]], items: np.ndarray) -> np.ndarray:
    """Where each of the sorted items stands."""
    table = np.array(rows)
    if not np.array_equal(np.sort(table, axis=1), np.broadcast_to(items, table.shape)):
        raise ValueError(f"genes that were permutations at first and then others {NO_FEATURES}")
    return places_of(np.searchsorted(items, table)).astype(np.float32)


def _permuted(rows: Sequence[Sequence[Any]]) -> np.ndarray | None:
    """The items, sorted, whose orders all rows are; None if they are no permutations."""
    if not all(_is_number(value) for row in rows for value in row):
        return None
    items = np.sort(np.array(rows), axis=1)
    orders = (items == items[0]).all() and len(np.unique(items[0])) == len(items[0]) > 1
    return items[0] if orders and len({tuple(row) for row in rows}) > 1 else None


def precedence(places: np.ndarray) -> np.ndarray:
    """Of each two items whether the first comes before the second.

    Args:
        places: ``(n, n_items)`` where each item stands.

    Returns:
        ``(n, n_items * (n_items - 1) / 2)`` float32, 1 where it does.

    >>> precedence(np.array([[2, 0, 1]]))
    array([[0., 0., 1.]], dtype=float32)
    """
    first, second = np.triu_indices(places.shape[1], 1)
    return (places[:, first] < places[:, second]).astype(np.float32)


def _listed(data: Any) -> list[Any]:
    return data if isinstance(data, list) else [data]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _names(data: Any) -> tuple[str, ...] | int:
    """The keys of a mapping, or how many values there are."""
    return tuple(sorted(data)) if isinstance(data, dict) else len(_listed(data))


def _told(names: tuple[str, ...] | int) -> str:
    return str(names) if isinstance(names, int) else "{" + ", ".join(names) + "}"
