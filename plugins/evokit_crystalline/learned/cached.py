"""Learned crystals as the library asks for them, fitted once and then read from the user's cache."""

from __future__ import annotations

from importlib.metadata import version

import numpy as np

from evokit.common.keys import digest
from evokit.data.cache import prepared
from evokit.data.text import Blocks
from evokit.energy import Cost, Meter
from evokit.streams import Streams
from evokit_crystalline.closed_form.responses import working_responses
from evokit_crystalline.crystals.kinds import Shape
from evokit_crystalline.crystals.matrices import Dense, LowRank, StructuredMatrix
from evokit_crystalline.gpt2.measuring import Frame
from evokit_crystalline.gpt2.sizes import PROJECTIONS
from evokit_crystalline.learned.sets import NamedCrystals, learn_crystal_sets

EDITION = 3  # of the code that learns; part of the cache's key


def cached_crystal_sets(
    frame: Frame, blocks: Blocks, n_sets: int, streams: Streams, context: str, meter: Meter
) -> tuple[list[dict[Shape, StructuredMatrix]], Cost]:
    """What ``learn_crystal_sets`` made of ``blocks`` when it was first asked for, by shape, and what that cost.

    Args:
        frame: The continuous parts.
        blocks: Not among those that the parts were fitted to.
        n_sets: How many.
        streams: Of the library.
        context: Digest of the frame and of all that its bits depend on.
        meter: Measures what it costs.
    """
    identity = {
        "edition": EDITION,
        "context": context,
        "n_places": n_sets,
        "stream": streams.at("learned").entropy(),
        "versions": [version(name) for name in ("numpy", "torch")],
    }

    def make() -> dict[str, np.ndarray]:
        sets = learn_crystal_sets(frame, working_responses(frame, blocks), n_sets, streams)
        return {f"{i}.{name}.{part}": array for i, one in enumerate(sets) for name, part, array in _split(one)}

    arrays, cost = prepared(f"gpt2-crystals-{digest(identity)}", make, meter)
    sets = [{matrix.shape: matrix for matrix in _joined(arrays, i)} for i in range(n_sets)]
    return sets, cost


def _split(crystals: NamedCrystals) -> list[tuple[str, str, np.ndarray]]:
    parts = []
    for name, matrix in crystals.items():
        if isinstance(matrix, LowRank):
            factors = {"U": matrix.U.numpy(), "V": matrix.V.numpy(), "scale": np.array(matrix.scale)}
        else:
            factors = {"W": matrix.dense().numpy()}
        parts += [(name, part, factor) for part, factor in factors.items()]
    return parts


def _joined(arrays: dict[str, np.ndarray], i: int) -> list[StructuredMatrix]:
    made: list[StructuredMatrix] = []
    for name in PROJECTIONS:
        if f"{i}.{name}.W" in arrays:
            made.append(Dense(arrays[f"{i}.{name}.W"]))
        else:
            U, V, scale = (arrays[f"{i}.{name}.{part}"] for part in ("U", "V", "scale"))
            made.append(LowRank(U, V, float(scale)))
    return made
