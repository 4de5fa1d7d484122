"""``evokit export``."""

from __future__ import annotations

from pathlib import Path

import click

from evokit.cli.plugins import name_plugins_of

FORMAT = (
    "Name of the export, or archive: all elites of a search that keeps such. Default: the recipe's, or its fitness's"
    " only one."
)


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--format", "name", help=FORMAT)
@click.option("--contender", default="champion", show_default=True, help="Whose model: champion or a baseline's name.")
@click.option("--out", type=click.Path(path_type=Path), help="Where to. Default: RUN/export/FORMAT.")
@click.option("--force", is_flag=True, help="Write also where --out is a file or holds some.")
def export(run: Path, name: str | None, contender: str, out: Path | None, force: bool) -> None:
    """Export a finished model, for instance as a directory that transformers loads."""
    from evokit.assembly.directory import RunDirectory
    from evokit.results.exports import export_model

    name_plugins_of(run)
    where = export_model(run, name, contender, out, force=force)
    summary = RunDirectory(run).read_summary() or {}
    n = len(summary.get("repeats", ()))
    of = f", of the repeat with seed {summary['seed']}, whose champion has the best value of {n}" if n > 1 else ""
    click.echo(f"Exported to {where}{of}")
