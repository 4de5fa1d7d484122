"""Arrays of numbers as small pictures in a figure of a page.

A picture is a PNG within the figure's SVG. What is zero is not painted at all, so that it looks alike on light and on
dark ground.
"""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple

import numpy as np
from PIL import Image

from evokit.common.charts import LETTER, WIDTH, Figure

ABOVE, BELOW = (42, 140, 210), (230, 110, 30)  # colours of numbers above and below zero
COLOURS_TOLD = "Blue is above zero, orange below, the stronger the further; where nothing is painted there is zero."
GAP = 10.0
LINE = 15.0  # of captions
CLIPPED = 99.0  # percentile of absolute values that has the strongest colour


class Picture(NamedTuple):
    """An array with what is written below it.

    Attributes:
        values: ``(height, width)``; what is not finite is not painted.
        caption: Lines.
        scale: The absolute value with the strongest colour; by default ``scale_of`` the array.
    """

    values: np.ndarray
    caption: Sequence[str]
    scale: float | None = None


def pictures(title: str, several: Sequence[Picture], *, columns: int, tall: float = 100.0) -> Figure | None:
    """Pictures in rows.

    Args:
        title: What they show.
        several: From the left, row by row.
        columns: Pictures of a row.
        tall: How high a picture is at most, where 400 is the width of the figure.

    Returns:
        The figure; None if there is no picture.
    """
    if not several:
        return None
    room, y = (WIDTH - GAP * (columns - 1)) / columns, 0.0
    inner: list[str] = []
    for start in range(0, len(several), columns):
        row = several[start : start + columns]
        sizes = [_fitting(one.values.shape, room, tall) for one in row]
        below = y + max(height for _, height in sizes)
        for column, (one, size) in enumerate(zip(row, sizes, strict=True)):
            inner += _drawn(one, column * (room + GAP), below, size, room)
        y = below + LINE * max(len(one.caption) for one in row) + GAP
    about = "; ".join(", ".join(one.caption) for one in several)
    label = escape(f"{title}. {about}")
    svg = f'<svg viewBox="0 0 {WIDTH} {y:.0f}" role="img" aria-label="{label}">{"".join(inner)}</svg>'
    return Figure(title, about, svg)


def scale_of(values: np.ndarray) -> float:
    """The largest absolute value but for a few, beside which all others would be pale."""
    known = np.abs(values[np.isfinite(values)])
    return (float(np.percentile(known, CLIPPED)) or float(known.max())) if known.size else 0.0


def pooled(values: np.ndarray, most: int) -> np.ndarray:
    """An array of at most ``most`` rows and columns: of each square patch the value that is furthest from zero.

    >>> pooled(np.array([[0, 1, 0, 0], [0, -3, 0, 0]]), 2)
    array([[-3,  0]])
    """
    high, low = values, values
    patch = -(-max(values.shape) // most)
    for axis, n in enumerate(values.shape):
        starts = np.arange(0, n, patch)
        high, low = np.maximum.reduceat(high, starts, axis), np.minimum.reduceat(low, starts, axis)
    return np.where(-low > high, low, high)


def png(values: np.ndarray, scale: float) -> bytes:
    """A file of ``(height, width)`` numbers, a pixel each.

    Args:
        values: What is not finite is not painted.
        scale: The absolute value with the strongest colour; if it is 0, nothing is painted.
    """
    known = np.nan_to_num(np.asarray(values, float), nan=0.0, posinf=0.0, neginf=0.0)
    strength = np.clip(np.abs(known) / scale, 0.0, 1.0) if scale > 0 else np.zeros_like(known)
    colours = np.where(known[..., None] > 0, ABOVE, BELOW)
    pixels = np.concatenate([colours, np.rint(255 * strength)[..., None]], axis=2).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG", optimize=True)
    return file.getvalue()


def _drawn(one: Picture, x: float, below: float, size: tuple[float, float], room: float) -> Iterator[str]:
    """A picture that stands at ``below``, in a frame, which shows where it ends, and its caption."""
    (width, height), scale = size, scale_of(one.values) if one.scale is None else one.scale
    y, data = below - height, f"data:image/png;base64,{b64encode(png(one.values, scale)).decode()}"
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    yield (
        f'<image {place} preserveAspectRatio="none" style="image-rendering: pixelated" href="{data}">'
        f"<title>{escape(', '.join(one.caption))}</title></image>"
    )
    yield f'<path class="axis" style="fill: none" d="M{x:.1f} {y:.1f} h{width:.1f} v{height:.1f} h{-width:.1f} z"/>'
    most = int(room / LETTER)
    for number, line in enumerate(one.caption, 1):
        told = line if len(line) <= most else f"{line[: most - 1]}…"
        yield f'<text x="{x:.1f}" y="{below + LINE * number:.1f}">{escape(told)}</text>'


def _fitting(shape: Sequence[int], room: float, tall: float) -> tuple[float, float]:
    """Width and height of the largest picture that keeps its proportions, within reason."""
    rows, columns = shape
    ratio = min(max(rows / columns, 0.1), 2.0)
    width = min(room, tall / ratio)
    return width, width * ratio
