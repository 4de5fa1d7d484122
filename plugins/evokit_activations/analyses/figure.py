"""An analysis taken home: its figure, and the values behind it."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from evokit.common.figures import save
from evokit.common.files import write_atomically
from evokit.interfaces import Context, Measured
from evokit_activations.analyses.options import FigureFiles
from evokit_activations.analyses.points import Analysis


class FigureExport:
    """Draws what an analysis measured.

    Args:
        analysis: Knows how.
    """

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis

    def export_measured(self, measured: Sequence[Measured], out: Path) -> None:
        """Write ``figure.png``, ``figure.svg`` and ``values.csv``.

        Args:
            measured: Of the run; at least one.
            out: A directory, made if missing.
        """
        out.mkdir(parents=True, exist_ok=True)
        write_atomically(out / "values.csv", table(measured).encode())
        figure = self._analysis.draw(measured)
        for suffix in ("png", "svg"):
            save(figure, out / f"figure.{suffix}")


def table(measured: Sequence[Measured]) -> str:
    """CSV with a row for each point: its settings, then what was noted, exact."""
    rows = [{**one.genes, **one.evaluation.metrics} for one in measured]
    settings = sorted({name for one in measured for name in one.genes})
    noted = dict.fromkeys(name for one in measured for name in one.evaluation.metrics)
    text = io.StringIO()
    writer = csv.DictWriter(text, [*settings, *noted], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def build_export(options: FigureFiles, context: Context) -> FigureExport:
    """The export of what a run's analysis measured."""
    return FigureExport(context.fitness)
