"""``evokit plot``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="A .png or .svg file. Default: plot.png in the first RUN.")
def plot(runs: tuple[Path, ...], out: Path | None) -> None:
    """Draw value against CPU seconds for search, controls and trained baselines, and write the values as CSV beside it.

    Where a baseline was tuned for several horizons, it is told how much of its training the champion is worth. Nothing
    is measured, and the test split stays closed: test values are those on record.
    """
    from evokit.common.figures import require_matplotlib
    from evokit.results.plot import check_suffix, plotted, told, write

    path = runs[0] / "plot.png" if out is None else out
    check_suffix(path)
    require_matplotlib()
    one = plotted(runs)
    values = write(one, path)
    click.echo(told(one))
    click.echo(f"\nDrawn to {path}, with the values in {values}")
