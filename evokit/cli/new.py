"""``evokit new``."""

from __future__ import annotations

from pathlib import Path

import click

KINDS = (
    "genome", "primitives", "fitness", "operator", "surrogate", "screen", "search", "data", "baseline", "export",
    "callback",
)  # fmt: skip


@click.command()
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("name")
@click.option("--out", type=click.Path(path_type=Path), help="Folder. Default: NAME, with dashes.")
def new(kind: str, name: str, out: Path | None) -> None:
    """Begin a plugin: a folder with a component that works, its recipe, its test, a README and a pyproject.toml.

    The recipe runs and the test passes as they stand; `pip install -e FOLDER` makes it a plugin that every recipe may
    name. An operator is a crossover, a mutation and a selection.
    """
    from evokit.cli.scaffold import new_plugin

    folder = Path(name.replace("_", "-")) if out is None else out
    paths = new_plugin(kind, name, folder)
    click.echo(f"Wrote {', '.join(path.name for path in paths)} to {folder}.")
    click.echo(f"Run its recipe:  evokit run {folder / name}.yaml")
    click.echo(f"Test it:         pytest {folder}")
    click.echo(f"Install it:      pip install -e {folder}")
