"""``evokit recipes``."""

from __future__ import annotations

import click


@click.command()
def recipes() -> None:
    """List the recipes that come along. Their names are taken wherever a recipe is: `evokit run onemax`."""
    from evokit.cli.wording import columns
    from evokit.recipe.by_name import headline, recipe_names

    click.echo(columns(("recipe", "what it does"), [(name, headline(name)) for name in recipe_names()]))
