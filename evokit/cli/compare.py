"""``evokit compare``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN RUN...", type=click.Path(path_type=Path))
def compare(runs: tuple[Path, ...]) -> None:
    """Put runs beside each other: how their recipes differ, what they found, what it took.

    The first is held against each other one by paired differences, where the test units are the same.
    """
    from evokit.errors import UserError
    from evokit.results.compare import compared, comparison

    if len(runs) < 2:
        raise UserError("compare needs at least two run directories")
    click.echo(comparison([compared(run) for run in runs]))
