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
from evokit_crystalline.crystals.matrices import StructuredMatrix
from evokit_crystalline.crystals.saved import matrix_of, parts_of
from evokit_crystalline.gpt2.measuring import Frame
from evokit_crystalline.gpt2.sizes import PROJECTIONS
from evokit_crystalline.learned.sets import learn_crystal_sets

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
        return {
            f"{i}.{name}.{part}": array
            for i, one in enumerate(sets)
            for name, matrix in one.items()
            for part, array in parts_of(matrix).items()
        }

    arrays, cost = prepared(f"gpt2-crystals-{digest(identity)}", make, meter)
    sets = [{matrix.shape: matrix for matrix in _of_set(arrays, i)} for i in range(n_sets)]
    return sets, cost


def _of_set(arrays: dict[str, np.ndarray], i: int) -> list[StructuredMatrix]:
    heads = [f"{i}.{name}." for name in PROJECTIONS]
    return [matrix_of({n.removeprefix(head): one for n, one in arrays.items() if n.startswith(head)}) for head in heads]
