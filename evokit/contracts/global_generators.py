"""The generators that a whole process shares: who uses them is noticed (C4)."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

DRAW = "draw only from the generator that is handed over, and keep no state between calls"
DRAW_IN_FITNESS = (
    "let all chance in a fitness come from context.streams, a generator made anew in each evaluation, and in a function"
    " from one with a seed that is made in it, such as np.random.default_rng(0), or random_state=0 of scikit-learn"
)
UNUSUAL = 982_451_653  # added to seeds, so that a plugin that seeds 0 or 42 does not end where it began


def global_states() -> dict[str, Any]:
    """The states of the generators that a whole process shares, by name; torch's only if somebody imported it."""
    numpy = [np.asarray(part).tobytes() for part in np.random.get_state()]  # noqa: NPY002 - to see whether it is used
    states: dict[str, Any] = {"random": random.getstate(), "numpy.random": numpy}
    if (torch := sys.modules.get("torch")) is not None:
        states["torch"] = torch.get_rng_state().numpy().tobytes()
        if torch.cuda.is_initialized():
            states["torch.cuda"] = [one.cpu().numpy().tobytes() for one in torch.cuda.get_rng_state_all()]
    return states


@contextmanager
def python_driven_by(rng: np.random.Generator) -> Iterator[None]:
    """Let Python's global generator follow ``rng`` in the block, and be as before afterwards.

    For functions of libraries that draw from nothing else. One draw of ``rng`` decides all that the block draws.
    """
    before = random.getstate()
    try:
        random.seed(int(rng.integers(2**63)))
        yield
    finally:
        random.setstate(before)


@contextmanager
def driven_by(rng: np.random.Generator) -> Iterator[None]:
    """As ``python_driven_by``, NumPy's global generator too, which takes five times as long; two draws of ``rng``."""
    numpy = np.random.get_state()  # noqa: NPY002 - to be put back
    with python_driven_by(rng):
        try:
            np.random.seed(rng.integers(2**32, size=4, dtype=np.uint32))  # noqa: NPY002 - put back below
            yield
        finally:
            np.random.set_state(numpy)  # noqa: NPY002 - as it was


@contextmanager
def other_world(seed: int) -> Iterator[list[str]]:
    """Put the global generators into another state, one that nobody else seeds, and back afterwards.

    Yields:
        A list that afterwards names those that the block drew from or seeded.
    """
    torch = sys.modules.get("torch")
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - to be put back
    torches = None if torch is None else torch.get_rng_state()
    touched: list[str] = []
    try:
        seed += UNUSUAL
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - put back below
        if torch is not None:
            torch.set_rng_state(torch.Generator().manual_seed(seed).get_state())
        before = global_states()
        yield touched
        after = global_states()
        # What was imported meanwhile began in a state of its own.
        touched += [name for name, state in after.items() if name in before and state != before[name]]
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002 - as it was
        if torch is not None and torches is not None:
            torch.set_rng_state(torches)
