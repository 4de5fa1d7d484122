"""Crystals in a file, as a run saves them and libraries of other runs take them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from evokit.common.keys import digest, digest_bytes
from evokit.errors import UserError
from evokit_crystalline.crystals.kinds import Shape
from evokit_crystalline.crystals.matrices import BlockDiagonal, Dense, LowRank, StructuredMatrix, Zero

if TYPE_CHECKING:
    from evokit_crystalline.crystals.library import CrystalSet

NAME = "library.safetensors"
METADATA = "evokit_library"

Parts = Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Saved:
    """What a file holds.

    Args:
        sets: Matrices that one individual has beside each other, by shape; what was off is not among them.
        arrangements: Of individuals, the best one first: layer name to the number of a set; layers not named are off.
        shapes: Of all layers.
        beside: Digest of the continuous parts that they were fitted beside, as they were made; empty if nobody said.
        digest: Of the content.
    """

    sets: Sequence[CrystalSet]
    arrangements: Sequence[Mapping[str, int]]
    shapes: frozenset[Shape]
    beside: str
    digest: str


def save_individuals(individuals: Iterable[Mapping[str, StructuredMatrix]], path: Path, beside: str = "") -> None:
    """Write the matrices of individuals, each set once.

    Args:
        individuals: Layer name to matrix, in the order of the layers. A set is a run of layers of different shapes,
            such as a block of the model.
        path: The file; its folder is there.
        beside: Digest of how the continuous parts were made that they belong to.
    """
    arrays: dict[str, np.ndarray] = {}
    numbers: dict[str, int] = {}  # of sets, by the digest of what they hold
    arrangements, shapes = [], dict[Shape, None]()
    for layers in individuals:
        shapes |= dict.fromkeys(matrix.shape for matrix in layers.values())
        arrangement: dict[str, int] = {}
        for names in _runs(layers):
            parts = {name: parts_of(layers[name]) for name in names if not isinstance(layers[name], Zero)}
            held = {
                f"{n_in}x{n_out}.{part}": array
                for name, some in parts.items()
                for (n_in, n_out) in [layers[name].shape]
                for part, array in some.items()
            }
            if held:
                number = numbers.setdefault(_digest(held), len(numbers))
                arrays |= {f"{number}.{name}": array for name, array in held.items()}
                arrangement |= dict.fromkeys(parts, number)
        if arrangement:
            arrangements.append(arrangement)
    told = {"n_sets": len(numbers), "arrangements": arrangements, "shapes": list(shapes), "beside": beside}
    save_file(arrays, path, {METADATA: json.dumps(told)})


def read_saved(path: Path) -> Saved:
    """What ``save_individuals`` wrote.

    Raises:
        UserError: There is no such file, or it is something else.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            told = json.loads((file.metadata() or {})[METADATA])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # the file is no mapping
        return _understood(told, arrays)
    except FileNotFoundError as error:
        raise UserError(
            f"library.saved: there is no {path}; `evokit export RUN --format library` writes one"
        ) from error
    except (SafetensorError, AttributeError, LookupError, OSError, TypeError, ValueError) as error:
        raise UserError(
            f"library.saved: {path} is no library that `evokit export RUN --format library` wrote"
        ) from error


def parts_of(matrix: StructuredMatrix) -> dict[str, np.ndarray]:
    """The numbers of a matrix, by name: factors and scale, blocks, or all of it."""
    if isinstance(matrix, LowRank):
        return {"U": matrix.U.cpu().numpy(), "V": matrix.V.cpu().numpy(), "scale": np.array(matrix.scale)}
    if isinstance(matrix, BlockDiagonal):
        return {f"block{i}": block.cpu().numpy() for i, block in enumerate(matrix.blocks)}
    return {"W": matrix.dense().cpu().numpy()}


def matrix_of(parts: Parts) -> StructuredMatrix:
    """The matrix of which these are the parts."""
    if "U" in parts:
        return LowRank(parts["U"], parts["V"], float(parts["scale"]))
    if "W" in parts:
        return Dense(parts["W"])
    return BlockDiagonal([parts[f"block{i}"] for i in range(len(parts))])


def _understood(told: Mapping[str, Any], arrays: Parts) -> Saved:
    """What metadata and tensors of a file say; of any other file an error of whatever kind."""
    parts: list[dict[Shape, dict[str, np.ndarray]]] = [{} for _ in range(told["n_sets"])]
    for name, array in arrays.items():
        number, shape, part = name.split(".")
        n_in, n_out = map(int, shape.split("x"))
        parts[int(number)].setdefault((n_in, n_out), {})[part] = array
    sets = [{shape: matrix_of(some) for shape, some in one.items()} for one in parts]
    shapes = frozenset((n_in, n_out) for n_in, n_out in told["shapes"])
    if any(matrix.shape != shape for one in sets for shape, matrix in one.items()) or not all(sets):
        raise ValueError("matrices are missing, or not of the shapes that their names say")
    if not all(0 <= number < len(sets) for one in told["arrangements"] for number in one.values()):
        raise ValueError("an individual has sets that are not there")
    return Saved(sets, told["arrangements"], shapes, told["beside"], digest([told, _digest(arrays)]))


def _runs(layers: Mapping[str, StructuredMatrix]) -> list[list[str]]:
    """Names of layers, cut before each whose shape the run has already."""
    runs: list[list[str]] = []
    shapes: set[Shape] = set()
    for name, matrix in layers.items():
        if not runs or matrix.shape in shapes:
            runs.append([])
            shapes = set()
        runs[-1].append(name)
        shapes.add(matrix.shape)
    return runs


def _digest(arrays: Parts) -> str:
    return digest({name: [*array.shape, digest_bytes(array.tobytes())] for name, array in sorted(arrays.items())})
