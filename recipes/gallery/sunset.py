"""A picture of a few triangles: a sunset, painted by some lines of NumPy, is drawn again with see-through triangles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evokit import Component, Goal, hookimpl

HEIGHT, WIDTH = 24, 32
PER_TRIANGLE = 10  # three corners, three colours, opacity


@dataclass(frozen=True)
class Sunset:
    """Mean squared difference between a picture of triangles and the sunset, colours from 0 to 1.

    Genes are between 0 and 1: of each triangle, from the back to the front, the corners' places as shares of width and
    height, red, green, blue, opacity.
    """

    objectives: ClassVar[Mapping[str, Goal]] = {"difference": "min"}
    takes: ClassVar[frozenset[str]] = frozenset({"vector"})
    slots: ClassVar[Mapping[str, object]] = {}
    budgets: ClassVar[Sequence[int]] = (1,)
    context: ClassVar[str] = "sunset, version 1"

    def evaluate(self, batch: Sequence[np.ndarray], budget: int) -> list[float]:
        return ((painted(np.stack(batch)) - SUNSET) ** 2).reshape(len(batch), -1).mean(1).tolist()


def triangles(genes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of ``(n, n_genes)`` the corners in pixels, which may lie a little outside, the colours, and the opacities.

    They are ``(n, n_triangles, 3, 2)``, ``(n, n_triangles, 3)`` and ``(n, n_triangles)``.
    """
    each = genes.reshape(len(genes), -1, PER_TRIANGLE).astype(np.float32)
    corners = (1.4 * each[..., :6].reshape(*each.shape[:2], 3, 2) - 0.2) * np.array([WIDTH, HEIGHT], np.float32)
    return corners, each[..., 6:9], each[..., 9]


def painted(genes: np.ndarray) -> np.ndarray:
    """``(n, HEIGHT, WIDTH, 3)``"""
    down, right = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32) + np.float32(0.5)
    corners, colours, opacities = triangles(genes)
    ahead = np.roll(corners, -1, 2) - corners
    sides = ahead / np.maximum(np.hypot(ahead[..., 0], ahead[..., 1])[..., None], np.float32(1e-6))
    turns = np.sign(ahead[..., 0, 0] * ahead[..., 1, 1] - ahead[..., 0, 1] * ahead[..., 1, 0])
    sides = sides * turns[..., None, None]
    pictures = np.full((len(genes), HEIGHT, WIDTH, 3), 0.5, np.float32)
    for at in range(corners.shape[1]):
        x, y = (corners[:, at, :, place, None, None] for place in (0, 1))
        dx, dy = (sides[:, at, :, place, None, None] for place in (0, 1))
        inside = (dx * (down - y) - dy * (right - x)).min(1)  # pixels from the nearest side, below 0 outside
        cover = np.clip(inside + np.float32(0.5), 0, 1) * opacities[:, at, None, None]
        pictures += cover[..., None] * (colours[:, at, None, None] - pictures)
    return pictures


def _sunset() -> np.ndarray:
    """Sky, sun, hills, and a sea that shines."""
    down, right = (np.mgrid[0:HEIGHT, 0:WIDTH] + 0.5) / np.array([HEIGHT, WIDTH])[:, None, None]

    def mixed(share: np.ndarray, *colours: str) -> np.ndarray:
        stops = np.array([[int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)] for colour in colours])
        return np.stack([np.interp(share, np.linspace(0, 1, len(stops)), one) for one in stops.T], axis=-1)

    horizon = 0.62
    picture = mixed(down / horizon, "2b2f6b", "8b4789", "e8725a", "fdc266")
    far = np.hypot((right - 0.62) * WIDTH / HEIGHT, down - 0.5)
    glow = np.exp(-((far / 0.28) ** 2))[:, :, None]
    picture = picture * (1 - 0.5 * glow) + 0.5 * glow * mixed(glow[:, :, 0], "fdc266", "fff2c0")
    picture[far < 0.13] = mixed(np.ones(1), "fff6d8", "fffbe8")[0]
    sea = mixed((down - horizon) / (1 - horizon), "d9695f", "5a3a72", "1d2350")
    shine = np.clip(1 - np.abs(right - 0.62) / (0.05 + 0.25 * (down - horizon)), 0, 1)[:, :, None]
    sea = sea * (1 - 0.7 * shine) + 0.7 * shine * mixed(down, "fff2c0", "f7a860")
    picture = np.where((down > horizon)[:, :, None], sea, picture)
    ridge = horizon - 0.16 * np.exp(-(((right - 0.1) / 0.16) ** 2)) - 0.1 * np.exp(-(((right - 0.33) / 0.1) ** 2))
    picture[(down > ridge) & (down < horizon) & (right < 0.5)] = mixed(np.zeros(1), "3a2350", "3a2350")[0]
    return picture.astype(np.float32)


SUNSET = _sunset()


@hookimpl
def evokit_components() -> list[Component]:
    return [Component("fitness", "sunset", Sunset)]
