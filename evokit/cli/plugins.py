"""Local plugins are code, so a person is told when one was loaded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evokit.cli.tell import tell

if TYPE_CHECKING:
    from evokit.components.registry import Registry
    from evokit.recipe import Recipe

plugins_option = click.option(
    "--plugins",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="A local file with components, which is code and runs; may be repeated.",
)


def loaded_plugins(files: Sequence[Path]) -> Registry:
    """What local files and installed plugins offer, with the files named."""
    from evokit.plugins import load_plugins

    registry = load_plugins(files)
    _name(files)
    return registry


def name_plugins(recipe: Recipe) -> None:
    """Name the local plugins that were loaded with a recipe."""
    _name(recipe.plugins)


def name_plugins_of(folder: Path) -> None:
    """The same for the recipe of a run."""
    from evokit.runs.launch import open_recipe

    recipe, _ = open_recipe(folder)
    name_plugins(recipe)


def _name(files: Sequence[Path]) -> None:
    for file in files:
        tell(f"Loaded the plugin {file}, which is code.", err=True)
