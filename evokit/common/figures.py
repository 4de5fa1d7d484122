"""Plots as files: drawn by matplotlib without a display and without its global state."""

from __future__ import annotations

import io
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from evokit.common.extras import DISTRIBUTION, with_extra
from evokit.common.files import write_atomically
from evokit.errors import UserError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL_INCHES = (5.0, 3.6)
STYLE = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "axes.prop_cycle": "cycler(color=['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#56B4E9', '#E69F00', '#666666'])",
    "svg.hashsalt": "evokit",  # the same figure is the same bytes
}
"""The colours are those of Okabe and Ito, told apart by readers of every colour vision."""


def require_matplotlib() -> None:
    """Refuse to draw where nothing draws.

    Raises:
        UserError: matplotlib is not installed.
    """
    if find_spec("matplotlib") is None:
        raise UserError(f"figures are drawn by matplotlib, which is not installed: {with_extra(DISTRIBUTION, 'plot')}")


def panels(n: int, rows: int = 1) -> tuple[Figure, list[Axes]]:
    """A figure of ``n`` panels side by side, in so many rows, and all of them row by row."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    class Shown(Figure):
        """Notebooks show it, though nobody has told them to show matplotlib's figures."""

        def _repr_png_(self) -> bytes:
            return _written(self, "png", 100)

    width, height = PANEL_INCHES
    with rc_context(STYLE):
        figure = Shown(figsize=(n * width, rows * height), layout="constrained")
        return figure, list(figure.subplots(rows, n, squeeze=False).flat)


def save(figure: Figure, path: Path) -> None:
    """Write ``figure`` as the format that the suffix of ``path`` names, png or svg, whole or not at all."""
    write_atomically(path, _written(figure, path.suffix[1:], 150))


def _written(figure: Figure, suffix: str, dpi: int) -> bytes:
    from matplotlib import rc_context

    content = io.BytesIO()
    with rc_context(STYLE):
        figure.savefig(content, format=suffix, dpi=dpi, metadata={"Date": None} if suffix == "svg" else None)
    return content.getvalue()
