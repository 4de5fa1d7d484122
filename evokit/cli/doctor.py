"""``evokit doctor``."""

from __future__ import annotations

import sys

import click


@click.command()
def doctor() -> None:
    """Tell what is missing, mismatched or slow on this machine."""
    from evokit.cli.diagnosis import checks

    marks = {True: "ok  ", None: "note", False: "BAD "}
    bad = False
    for one in checks():
        bad = bad or one.ok is False
        click.echo(f"{marks[one.ok]}  {one.name}: {one.detail}")
        if one.ok is not True and one.remedy:
            click.echo(f"      {one.remedy}")
    if bad:
        sys.exit(1)
