"""``evokit report``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
def report(run: Path) -> None:
    """Print what a run found: champion, baselines, verdicts, costs."""
    from evokit.errors import UserError
    from evokit.report import report as text
    from evokit.rundir import RunDirectory

    summary = RunDirectory(run).read_summary()
    if summary is None:
        raise UserError(f"{run} is no run directory: it has no summary.json")
    click.echo(text(summary))
