"""Learned crystals as the library asks for them: from which documents, kept where, at which cost."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version

import numpy as np

from evokit.common.keys import digest
from evokit.data.cache import prepared
from evokit.data.text import Blocks, Documents, full_blocks
from evokit.energy import Cost, Meter
from evokit.streams import Streams
from evokit_crystalline.learned import NAMES, Place, learn_places
from evokit_crystalline.library import Shape
from evokit_crystalline.matrices import Dense, LowRank, StructuredMatrix
from evokit_crystalline.measuring import Frame
from evokit_crystalline.responses import working_responses

EVERY = 10  # training documents, of which one is left to the crystals
EXERCISES = 0.3  # share of their blocks that is left to refits
MOST_BLOCKS = 2048  # of lessons
EDITION = 3  # of the code that learns; part of the cache's key


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Blocks of the training documents that no bigram is counted in, in an order drawn once and for all runs.

    Args:
        lessons: For crystals to learn from.
        exercises: For refits of the continuous parts; no crystal saw them.
    """

    lessons: Blocks
    exercises: Blocks


def held_out(train: Documents, block: int) -> tuple[Documents, HeldOut]:
    """The documents that bigrams are counted in, and blocks of the others."""
    places = np.arange(len(train))
    chosen = places % EVERY == min(EVERY, len(train)) - 1
    blocks = full_blocks(train.select(places[chosen]), block)
    order = Streams(0).at("gpt2_loss", "lessons").numpy().permutation(len(blocks))
    n = round(EXERCISES * len(blocks))
    return train.select(places[~chosen]), HeldOut(blocks.take(order[n:][:MOST_BLOCKS]), blocks.take(order[:n]))


def kept_places(
    frame: Frame, blocks: Blocks, n_places: int, streams: Streams, context: str, meter: Meter
) -> tuple[list[dict[Shape, StructuredMatrix]], Cost]:
    """What ``learn_places`` made of ``blocks`` when it was first asked for, by shape, and what that cost.

    Args:
        frame: The continuous parts.
        blocks: Not among those that the parts were fitted to.
        n_places: How many.
        streams: Of the library.
        context: Digest of the frame and of all that its bits depend on.
        meter: Measures what it costs.
    """
    identity = {
        "edition": EDITION,
        "context": context,
        "n_places": n_places,
        "stream": streams.at("learned").entropy(),
        "versions": [version(name) for name in ("numpy", "torch")],
    }

    def make() -> dict[str, np.ndarray]:
        places = learn_places(frame, working_responses(frame, blocks), n_places, streams)
        return {f"{i}.{name}.{part}": array for i, place in enumerate(places) for name, part, array in _split(place)}

    arrays, cost = prepared(f"gpt2-crystals-{digest(identity)}", make, meter)
    places = [{matrix.shape: matrix for matrix in _joined(arrays, i)} for i in range(n_places)]
    return places, cost


def _split(place: Place) -> list[tuple[str, str, np.ndarray]]:
    parts = []
    for name, matrix in place.items():
        if isinstance(matrix, LowRank):
            factors = {"U": matrix.U.numpy(), "V": matrix.V.numpy(), "scale": np.array(matrix.scale)}
        else:
            factors = {"W": matrix.dense().numpy()}
        parts += [(name, part, factor) for part, factor in factors.items()]
    return parts


def _joined(arrays: dict[str, np.ndarray], i: int) -> list[StructuredMatrix]:
    made: list[StructuredMatrix] = []
    for name in NAMES:
        if f"{i}.{name}.W" in arrays:
            made.append(Dense(arrays[f"{i}.{name}.W"]))
        else:
            U, V, scale = (arrays[f"{i}.{name}.{part}"] for part in ("U", "V", "scale"))
            made.append(LowRank(U, V, float(scale)))
    return made
