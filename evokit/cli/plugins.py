"""Local plugins are code, so a person is told when one was loaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from evokit.recipe import Recipe


def name_plugins(recipe: Recipe) -> None:
    """Name the local plugins that were loaded with a recipe."""
    for plugin in recipe.plugins:
        click.echo(f"Loaded the plugin {plugin}, which is code.", err=True)


def name_plugins_of(folder: Path) -> None:
    """The same for the recipe of a run."""
    from evokit.launch import open_recipe

    recipe, _ = open_recipe(folder)
    name_plugins(recipe)
