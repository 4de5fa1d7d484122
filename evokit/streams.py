"""Random streams by name: derived from the run's seed at each use, never carried."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Streams:
    """A place in a tree of random streams.

    A stream is decided by the seed and the names on the way to it, so a resumed run, another worker or another
    order of calls draws the same numbers.

    >>> streams = Streams(seed=0)
    >>> a = streams.at("mutation", 3).numpy().integers(1000)
    >>> b = streams.at("mutation").at(3).numpy().integers(1000)
    >>> bool(a == b), bool(a == streams.at("mutation", 4).numpy().integers(1000))
    (True, False)
    """

    seed: int
    path: tuple[str | int, ...] = ()

    def at(self, *names: str | int) -> Streams:
        """The stream below this one under ``names``."""
        return Streams(self.seed, self.path + names)

    def entropy(self) -> int:
        """128 bits that identify this stream."""
        text = repr((self.seed, self.path)).encode()
        return int.from_bytes(hashlib.blake2b(text, digest_size=16).digest(), "little")

    def numpy(self) -> np.random.Generator:
        """A fresh NumPy generator at the start of this stream."""
        return np.random.default_rng(self.entropy())

    def torch(self, device: str = "cpu") -> torch.Generator:
        """A fresh torch generator at the start of this stream."""
        import torch

        return torch.Generator(device).manual_seed(self.entropy() % 2**63)
