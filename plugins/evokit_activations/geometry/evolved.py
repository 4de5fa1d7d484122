"""Geometries that a finished run evolved, one of each of its repeats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from evokit.recipe.options import validate
from evokit.recipe.source import read_source
from evokit_activations.geometry.class_geometry import ClassGeometry
from evokit_activations.geometry.genome import GeometrySpace
from evokit_activations.geometry.options import GEOMETRY, GeometryGenome


def evolved_geometries(run: Path, n_blocks: int) -> list[ClassGeometry]:
    """The champion of each repeat of a run, in their order; of a run without repeats its one champion.

    Nothing is written, and none of the run's code or plugins runs.

    Args:
        run: The directory of a finished run with genome ``class_geometry``.
        n_blocks: Of the network that shall learn them.

    Raises:
        ValueError: There is no such run, or its geometries are of another network or have seen validation images.
    """
    summary = _summary(run)
    if "repeats" in summary:
        return [_champion(run / f"repeat-{number}", n_blocks) for number in range(len(summary["repeats"]))]
    return [_champion(run, n_blocks)]


def _champion(run: Path, n_blocks: int) -> ClassGeometry:
    best, recipe = _summary(run)["best"], read_source(run / "recipe.yaml").root.plain()
    genome: dict[str, Any] = dict(recipe["genome"])
    name = genome.pop("name")
    if name.rpartition(":")[2] != GEOMETRY:
        raise ValueError(f"{run} has evolved {name}; name a run of {GEOMETRY}")
    if recipe["fitness"].get("held_out") == "validation":
        raise ValueError(
            f"{run} is an oracle, whose geometries have seen the validation images that networks meet here"
        )
    blocks = len(recipe["fitness"]["model"]["channels"])
    if blocks != n_blocks:
        raise ValueError(f"the geometries of {run} have {blocks} blocks, the network has {n_blocks}; give it as many")
    space = GeometrySpace(validate(GeometryGenome, genome), n_blocks)
    return space.express(space.from_json(best["genes"]))


def _summary(run: Path) -> dict[str, Any]:
    """Of a run or a repeat that is finished."""
    try:
        summary: dict[str, Any] = json.loads((run / "summary.json").read_text())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ValueError(
            f"{run} is no run directory: it has no summary.json; evokit run activations_geometry --set repeats=5"
            f" --set data.drawn=true --out {run} makes one"
        ) from error
    if summary["status"] != "done":
        raise ValueError(f"{run} is not finished; evokit run RECIPE --out {run} --resume goes on with it")
    return summary
