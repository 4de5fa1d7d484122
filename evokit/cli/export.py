"""``evokit export``."""

from __future__ import annotations

from pathlib import Path

import click

from evokit.cli.plugins import name_plugins_of


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--format", "name", help="Name of the export; by default the recipe's, or its fitness's only one.")
@click.option("--contender", default="champion", show_default=True, help="Whose model: champion or a baseline's name.")
@click.option("--out", type=click.Path(path_type=Path), help="Where to. Default: RUN/export/FORMAT.")
@click.option("--force", is_flag=True, help="Write also where --out is a file or holds some.")
def export(run: Path, name: str | None, contender: str, out: Path | None, force: bool) -> None:
    """Export a finished model, for instance as a directory that transformers loads."""
    from evokit.results.exports import export_model

    name_plugins_of(run)

    click.echo(f"Exported to {export_model(run, name, contender, out, force=force)}")
