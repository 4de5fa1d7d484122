"""``evokit report``."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import click

from evokit.cli.plugins import name_plugins_of


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--html", is_flag=True, help="Write it as a page instead, RUN/report.html, as runs do at their end.")
def report(run: Path, html: bool) -> None:
    """Print what a run found: champion, baselines, verdicts, costs.

    Of one that was stopped also how to go on.
    """
    from evokit.assembly.directory import RunDirectory
    from evokit.errors import UserError
    from evokit.results.report import report as text
    from evokit.runs.found import go_on, look

    directory = RunDirectory(run)
    summary, now = look(directory)
    # Before there is a summary, and for runs before 2026-11-28, the recipe that was kept is as good.
    asked = (summary or {}).get("asked", [str(directory.recipe)])
    if summary is None:
        if not directory.recipe.exists():
            raise UserError(f"{run} is no run directory: it has no summary.json")
        if now.status == "running":
            raise UserError(f"{run} has measured nothing yet")
        raise UserError(f"{run} was stopped before anything was measured. Go on with: {go_on(asked, run)}")
    if html:
        from evokit.results.page import write_page

        with suppress(UserError):  # a page can do without the recipe, and says so
            name_plugins_of(run)
        click.echo(f"Written to {write_page(run)}")
        return
    click.echo(text(summary, now))
    if now.problem:
        click.echo(f"\n{now.problem}")
    elif now.status in ("crashed", "failed", "interrupted"):
        click.echo(f"\nGo on with: {go_on(asked, run)}")
