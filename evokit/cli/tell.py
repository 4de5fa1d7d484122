"""Sentences whose reader may have gone away."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from evokit.common.nowhere import to_nowhere


def tell(text: str, err: bool = False) -> None:
    """``click.echo`` that ends nothing: whoever reads may be ``head``, or a disk may be full."""
    try:
        click.echo(text, err=err)
    except OSError:
        to_nowhere([(sys.stderr if err else sys.stdout).fileno()])


def tell_namesake(recipe: Path) -> None:
    """Say that a name means the recipe that comes along where a file beside it seems to be meant."""
    from evokit.recipe.by_name import namesake

    if own := namesake(recipe):
        tell(f"{recipe} is the recipe that comes along; ./{own} is another file.", err=True)
