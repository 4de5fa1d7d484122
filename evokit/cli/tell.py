"""Sentences whose reader may have gone away."""

from __future__ import annotations

import sys

import click

from evokit.common.nowhere import to_nowhere


def tell(text: str, err: bool = False) -> None:
    """``click.echo`` that ends nothing: whoever reads may be ``head``, or a disk may be full."""
    try:
        click.echo(text, err=err)
    except OSError:
        to_nowhere([(sys.stderr if err else sys.stdout).fileno()])
