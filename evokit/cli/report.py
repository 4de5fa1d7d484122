"""``evokit report``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
def report(run: Path) -> None:
    """Print what a run found: champion, baselines, verdicts, costs.

    Of one that was stopped also how to go on.
    """
    from evokit.assembly.directory import RunDirectory
    from evokit.errors import UserError
    from evokit.results.report import report as text
    from evokit.runs.found import state

    directory = RunDirectory(run)
    summary, go_on = directory.read_summary(), f"evokit run ... --resume --out {run} goes on with it"
    if summary is None:
        if not directory.recipe.exists():
            raise UserError(f"{run} is no run directory: it has no summary.json")
        at_work = directory.busy
        raise UserError(f"{run} has {'measured nothing yet' if at_work else f'crashed before it began; {go_on}'}")
    click.echo(text(summary, now := state(directory, summary)))
    if now.status in ("crashed", "failed", "interrupted"):
        click.echo(f"\n{go_on}")
