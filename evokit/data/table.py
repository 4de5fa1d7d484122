"""A table of numbers from a file."""

from __future__ import annotations

import csv
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Gt, Lt

from evokit.data.rows import Rows, as_data, split
from evokit.data.vault import Vault
from evokit.interfaces import Context, Data

Share = Annotated[float, Gt(0), Lt(1)]


@dataclass(frozen=True)
class Table:
    """Numbers in rows, of which one column is to be told from the others: for ``symbolic_regression``.

    ``path`` is a CSV file with numbers in all columns, the first line their names, or an NPZ file with the arrays ``x``
    (rows, inputs) and ``y``, and ``names`` if they have any. ``target`` names the column that is to be told; left out,
    it is the last one. The shares ``validation`` and ``test`` are cut off in an order that the content of rows decides
    and no seed changes; rows with the same inputs are on one side.

    Raises:
        ValueError: The shares leave no training rows; in ``build``: the file cannot be read, holds something else than
            finite numbers or lacks the target, or there are too few rows.
    """

    path: Path
    target: str | None = None
    validation: Share = 0.2
    test: Share = 0.2
    vault: Vault = 0.0

    def __post_init__(self) -> None:
        if self.validation + self.test >= 1:
            raise ValueError(f"validation and test ({self.validation:g} and {self.test:g}) leave no training rows")

    def build(self, context: Context) -> Data:
        rows = read_npz(self.path) if self.path.suffix == ".npz" else read_csv(self.path, self.target)
        if not (np.isfinite(rows.x).all() and np.isfinite(rows.y).all()):
            raise ValueError(f"path: {self.path.name} holds numbers that are not finite; leave those rows out")
        return as_data("table", str(self.path), *split(rows, self.validation, self.test), self.vault)


def read_csv(path: Path, target: str | None = None) -> Rows:
    """The rows of a CSV file with a line of names.

    Raises:
        ValueError: It cannot be read, has no such column or too few, or holds what is no number.
    """
    try:
        lines = list(csv.reader(path.read_text().splitlines()))
    except (OSError, ValueError, csv.Error) as error:
        raise ValueError(f"path: {path} cannot be read: {error}") from error
    if not lines:
        raise ValueError(f"path: {path.name} is empty; its first line holds the names of columns")
    names = [name.strip() for name in lines.pop(0)]
    if len(names) < 2:
        raise ValueError(f"path: {path.name} needs two or more columns, separated by commas")
    if target is not None and target not in names:
        raise ValueError(f"target: {path.name} has no column {target!r} (it has {', '.join(names)})")
    numbers = np.empty((len(lines), len(names)))
    for place, line in enumerate(lines):
        try:
            numbers[place] = [float(text) for _, text in zip(names, line, strict=True)]
        except ValueError as error:
            raise ValueError(
                f"path: line {place + 2} of {path.name} must be {len(names)} numbers, as many as the first line has"
                f" names ({error})"
            ) from error
    here = names.index(names[-1] if target is None else target)
    others = [place for place in range(len(names)) if place != here]
    return Rows(numbers[:, others], numbers[:, here].copy(), tuple(names[place] for place in others))


def read_npz(path: Path) -> Rows:
    """The rows of an NPZ file with ``x`` and ``y``.

    Raises:
        ValueError: It cannot be read or holds something else.
    """
    if path.exists() and not zipfile.is_zipfile(path):  # of which NumPy would speak as of pickles
        raise ValueError(f"path: {path.name} is no NPZ file, as np.savez writes one")
    try:
        with np.load(path) as found:
            x, y = np.array(found["x"], float), np.array(found["y"], float)
            names = [str(name) for name in found["names"]] if "names" in found else [f"x{i}" for i in range(x.shape[1])]
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise ValueError(f"path: {path} cannot be read: {error}") from error
    if x.ndim != 2 or y.shape != (len(x),) or len(names) != x.shape[1]:
        raise ValueError(f"path: {path.name} must hold x (rows, inputs) and y (rows), got {x.shape} and {y.shape}")
    return Rows(x, y, tuple(names))
