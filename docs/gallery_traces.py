"""What the gallery keeps of a run: curves, fronts, the best genes of contenders, and what else its picture shows."""

from __future__ import annotations

import importlib.util
import io
import json
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import result_files
from PIL import Image

from evokit.errors import UserError
from evokit.measuring.ledger import Ledger
from evokit.measuring.ledger_files import ledger_of
from evokit.results.curves import read_curves
from evokit.runs.launch import open_recipe

MOST_POINTS = 400  # of a cloud
Kept = dict[str, Any]


@dataclass(frozen=True)
class Seen:
    """A finished run as it is looked at."""

    summary: Mapping[str, Any]
    ledger: Ledger

    @property
    def name(self) -> str:
        return Path(self.summary["recipe"]).stem

    @property
    def phases(self) -> dict[str, str]:
        """Of the search and its controls, by name."""
        return {"search": "search"} | {one["name"]: f"baseline/{one['name']}" for one in self.controls}

    @property
    def controls(self) -> list[Mapping[str, Any]]:
        return [one for one in self.summary["baselines"] if not one["trained"] and not one["skipped"]]

    @cached_property
    def code(self) -> ModuleType:
        """The Python file beside the recipe."""
        path = next(result_files.RECIPES.rglob(f"{self.name}.py"))
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def measured(self, phase: str) -> list[tuple[list[float], Mapping[str, float], Any]]:
        """Values, metrics and genes of all that a phase measured at full budget, in their order."""
        rows = self.ledger.select(
            "SELECT value_list, metrics, genes FROM evaluations JOIN genomes USING (key) WHERE phase = :phase "
            "AND outcome = 'ok' AND source = 'measured' "
            "AND budget = (SELECT max(budget) FROM evaluations WHERE phase = :phase) ORDER BY seq",
            {"phase": phase},
        )
        return [(json.loads(values), json.loads(metrics), json.loads(genes)) for values, metrics, genes in rows]

    def best(self) -> dict[str, Any]:
        """Genes of the champion and of the best that each control measured."""
        sign = 1 if self.summary["objective"]["goal"] == "min" else -1
        found = {"search": self.summary["best"]["genes"]}
        for name, phase in self.phases.items():
            if name != "search":
                found[name] = min(self.measured(phase), key=lambda one: sign * one[0][0])[2]
        return found


def kept_of(folder: Path) -> tuple[str, Kept]:
    """The recipe's name and what is kept.

    Raises:
        UserError: The run is not finished.
    """
    recipe, directory = open_recipe(folder)
    summary = directory.read_summary()
    if summary is None or summary["status"] != "done":
        raise UserError(f"{folder} holds no finished run")
    (curves,) = read_curves(folder, recipe)
    with ledger_of(directory.ledger) as ledger:
        seen = Seen(summary, ledger)
        kept = {
            "recipe": summary["recipe"],
            "objectives": summary["objectives"],
            "values": {"search": summary["best"]["values"]},
            "curves": {
                "search" if one.name == "champion" else one.name: [[point.work, point.value] for point in one.points]
                for one in curves.curves
            },
            "fronts": {
                "search": [one["values"] for one in summary["front"]],
                **{one["name"]: one["front"] for one in seen.controls},
            },
            **TRACES.get(seen.name, lambda _: {})(seen),
        }
    return seen.name, rounded(kept)


def rounded(value: Any) -> Any:
    """With the four digits that a picture has a use for."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(one) for one in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def as_text(kept: Kept) -> str:
    """JSON with a line for each key."""
    lines = (f" {json.dumps(key)}: {json.dumps(kept[key], ensure_ascii=False)}" for key in sorted(kept))
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _thinned(points: Sequence[Any]) -> list[Any]:
    return list(points[:: max(1, -(-len(points) // MOST_POINTS))])


def _genes(seen: Seen) -> Kept:
    return {"best": seen.best()}


def _champion(seen: Seen) -> Kept:
    return {"best": {"search": seen.summary["best"]["genes"]}}


def _ones(seen: Seen) -> Kept:
    """The best of each generation."""
    rows = seen.ledger.select(
        "SELECT generation, genes, max(value) FROM evaluations JOIN genomes USING (key) WHERE phase = 'search' "
        "GROUP BY generation ORDER BY generation"
    )
    return {"generations": [json.loads(genes) for _, genes, _ in rows]}


def _arms(seen: Seen) -> Kept:
    """The joints of the most even arm in each of some cells."""
    cells: dict[tuple[int, int], tuple[float, list[float]]] = {}
    for (spread,), ends, angles in seen.measured("search"):
        cell = int(ends["x"] // 0.25), int(ends["y"] // 0.25)
        cells[cell] = min(cells.get(cell, (np.inf, [])), (spread, angles))
    links = [np.exp(1j * np.cumsum(angles)) / len(angles) for _, (_, angles) in sorted(cells.items())]
    joints = [np.concatenate([[0], np.cumsum(one)]) for one in links]
    return {"arms": [[[z.real, z.imag] for z in one.tolist()] for one in joints]}


def _tours(seen: Seen) -> Kept:
    return _genes(seen) | {"places": seen.code.PLACES.tolist()}


def _walks(seen: Seen) -> Kept:
    best = {name: genes for name, genes in seen.best().items() if name != "random_search"}
    return {
        "walls": seen.code.WALLS.tolist(),
        "start": seen.code.START.tolist(),
        "goal": seen.code.GOAL.tolist(),
        "walks": {name: seen.code.walks(np.array([genes]))[0].tolist() for name, genes in best.items()},
        "ends": {
            name: _thinned([[metrics["x"], metrics["y"]] for _, metrics, _ in seen.measured(seen.phases[name])])
            for name in best
        },
    }


def _curves(seen: Seen) -> Kept:
    """The least bent curve of each cell of the archive."""
    across, up = seen.summary["archive"]["descriptors"]
    cells: dict[tuple[int, int], tuple[float, list[float]]] = {}
    for (bending,), metrics, genes in seen.measured("search"):
        column, row = (
            int(np.clip((metrics[one["metric"]] - one["low"]) / (one["high"] - one["low"]), 0, 0.999) * one["cells"])
            for one in (across, up)
        )
        cells[column, row] = min(cells.get((column, row), (np.inf, [])), (bending, genes))
    return {
        "axes": [across, up],
        "cells": [
            [column, row, bending, [[z.real, z.imag] for z in seen.code.curve(genes, 40).tolist()]]
            for (column, row), (bending, genes) in sorted(cells.items())
        ],
    }


def _drives(seen: Seen) -> Kept:
    """Place and angle at every fifth step, from a pole that hangs nearly still."""
    start = np.array([[0.0], [0.05], [0.0], [0.0]])
    return {
        "drives": {
            name: seen.code.drives(np.array([genes]), start)[::5, :2, 0, 0].tolist()
            for name, genes in seen.best().items()
        }
    }


def _votes(seen: Seen) -> Kept:
    """What becomes of four rows with more and more ones."""
    rng, n = np.random.default_rng(0), seen.code.N_CELLS
    rows = np.stack([rng.permutation(n) < ones for ones in (n // 3, n // 2 - 1, n // 2 + 2, 2 * n // 3)])
    states = np.array(seen.code.histories(np.array([seen.summary["best"]["genes"]]), rows))[:, 0]
    return {"votes": [["".join(map(str, row)) for row in states[:, at].tolist()] for at in range(len(rows))]}


def _paintings(seen: Seen) -> Kept:
    """The sunset as a PNG, and everybody's triangles."""
    code, paintings = seen.code, {}
    for name, genes in seen.best().items():
        corners, colours, opacities = (one[0].astype(float).tolist() for one in code.triangles(np.array([genes])))
        paintings[name] = [list(one) for one in zip(corners, colours, opacities, strict=True)]
    file = io.BytesIO()
    Image.fromarray(np.uint8(np.rint(255 * code.SUNSET))).save(file, "png")
    return {"size": [code.WIDTH, code.HEIGHT], "target": b64encode(file.getvalue()).decode(), "paintings": paintings}


TRACES: Mapping[str, Callable[[Seen], Kept]] = {
    "onemax": _ones,
    "planar_arm": _arms,
    "symbolic_regression": _champion,
    "multiplexer": _champion,
    "berlin52": _tours,
    "circles": _genes,
    "maze": _walks,
    "closed_curves": _curves,
    "swing_up": _drives,
    "majority": _votes,
    "sunset": _paintings,
}
