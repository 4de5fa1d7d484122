"""``evokit check-plugin``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from evokit.cli.tell import tell

READ = "docs/plugins.md, The contract of each kind"


@click.command("check-plugin")
@click.argument("name")
@click.option(
    "--recipe",
    "recipes",
    multiple=True,
    metavar="RECIPE",
    type=click.Path(path_type=Path),
    help="A recipe that uses its components: says their options and what is around them. May be repeated.",
)
def check_plugin(name: str, recipes: tuple[Path, ...]) -> None:
    """Hold all components of a plugin to the contract of their kind, one line each.

    NAME is an installed plugin, its distribution or a Python file. Exit code 1: one breaks a rule. One that was not
    tried is told with the reason.
    """
    from evokit.testing.plugin import check_plugin as checked
    from evokit.testing.setting import own_name

    if name.endswith(".py"):
        if not Path(name).is_file():
            from evokit.errors import UserError

            raise UserError(f"{name}: no such file")
        tell(f"Loaded the plugin {name}, which is code.", err=True)
    broken = False
    for one in checked(name, recipes):
        label = f"{one.component.kind} {own_name(one.component)}"
        if one.broken:
            broken = True
            click.echo(f"BAD   {label}: {one.broken[0]}")
            click.echo("".join(f"      {line.strip()}\n" for line in one.broken[1:]), nl=False)
            click.echo(f"      read: {READ}")
        elif one.unchecked:
            click.echo(f"note  {label}: not tried: {one.unchecked}")
        else:
            click.echo(f"ok    {label}")
    if broken:
        sys.exit(1)
