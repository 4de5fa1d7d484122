"""``evokit new``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("kind", type=click.Choice(["genome"]))
@click.argument("name")
@click.option("--out", type=click.Path(path_type=Path), default=Path(), help="Folder. Default: the current one.")
def new(kind: str, name: str, out: Path) -> None:
    """Begin a plugin: NAME.py with a genome that works, and test_NAME.py with its conformance test.

    Prints the pyproject.toml that makes it a distribution, once others are to install it.
    """
    from evokit.cli.scaffold import new_genome, project_of

    module, test = new_genome(name, out)
    click.echo(f"Wrote {module} and {test}.")
    click.echo(f"Test it:     pytest {test}")
    click.echo("Evolve it:   evokit run RECIPE, with a recipe such as the one at the top of the module")
    click.echo(
        f"\nThis pyproject.toml beside it makes it a distribution (pip install .):\n\n{project_of(name)}", nl=False
    )
