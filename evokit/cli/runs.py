"""``evokit runs``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("runs"))
def runs(folder: Path) -> None:
    """List the runs in a folder: their state, generations, best value and verdict."""
    from evokit.common.text import table
    from evokit.progress import number
    from evokit.runs.found import find_runs

    rows = [
        (str(one.path), one.status, one.recipe, str(one.generations), number(one.best), one.verdict)
        for one in find_runs(folder)
    ]
    if rows:
        click.echo(table(("run", "status", "recipe", "generations", "best", "verdict"), rows))
    else:
        click.echo(f"No runs in {folder}.")
