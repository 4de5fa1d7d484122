"""What an archive of elites claims in a summary, of a bounded size; and the whole of it as a table."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from evokit.interfaces import Individual
from evokit.searches.elites import Elites

COLUMNS, ROWS = 60, 20  # of a map at most
SHOWN = 100  # elites in a summary at most


def told(archives: Mapping[str, Elites], objective: str) -> dict[str, Any]:
    """JSON values, some tens of thousands of characters at most, whatever the archive holds.

    Args:
        archives: Of the search, and then of its controls by name, all of the same cells.
        objective: Its name.
    """
    elites = archives["search"]
    blocks = _blocks(elites)
    best = [one for row in blocks for one in row if one is not None]
    shown = [best[place * len(best) // SHOWN] for place in range(SHOWN)] if len(best) > SHOWN else best
    figures = {name: one.figures for name, one in archives.items()}
    return {
        "descriptors": [vars(one) for one in elites.descriptors],
        "niches": elites.niches,
        "cells": elites.cells.n,
        "offset": elites.offset,
        "elites": {name: one["elites"] for name, one in figures.items()},
        "coverage": {name: one["coverage"] for name, one in figures.items()},
        "qd_score": {name: one["qd_score"] for name, one in figures.items()},
        "outside": elites.outside,
        "unplaced": elites.unplaced,
        "map": [[None if one is None else one.fitness.values[0] for one in row] for row in blocks],
        "some": [{"key": one.key, objective: one.fitness.values[0], **_described(one, elites)} for one in shown],
    }


def _described(one: Individual, elites: Elites) -> dict[str, float]:
    return {name: one.metrics[name] for name in elites.cells.metrics}


def _blocks(elites: Elites) -> list[list[Individual | None]]:
    """The best of blocks by the first two descriptors, the high ones of the second in the first row."""
    most = (COLUMNS, ROWS)[: len(elites.descriptors)]
    sizes = [_fitting(one.cells, n, elites) for one, n in zip(elites.descriptors, most, strict=False)]
    columns, rows = (*sizes, 1)[:2]
    blocks: list[list[Individual | None]] = [[None] * columns for _ in range(rows)]
    shares = elites.cells.unit(elites.points(elites.members))[:, : len(sizes)]
    places = np.minimum((shares * sizes).astype(int), np.array(sizes) - 1)
    for one, (column, *row) in zip(elites.members, places.tolist(), strict=True):
        line = blocks[rows - 1 - (row[0] if row else 0)]
        there = line[column]
        if there is None or elites.worth(one) > elites.worth(there):
            line[column] = one
    return blocks


def _fitting(cells: int, most: int, elites: Elites) -> int:
    """How many blocks so many cells make, each of the same number of cells; of niches as many as there may be."""
    return min(most, elites.niches) if elites.niches else -(-cells // -(-cells // most))


def write_table(elites: Elites, objective: str, to_json: Any, path: Path) -> None:
    """All elites as CSV, a row each in the order of their cells: cell, objective, descriptors, key, genes as JSON."""
    points = elites.points(elites.members)
    cells = elites.cells.of(points)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["cell", objective, *elites.cells.metrics, "key", "genes"])
        for place in np.argsort(cells, kind="stable").tolist():
            one = elites.members[place]
            genes = json.dumps(to_json(one.genes))
            writer.writerow([cells[place], one.fitness.values[0], *points[place].tolist(), one.key, genes])
