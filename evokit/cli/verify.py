"""``evokit verify``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from evokit.cli.plugins import name_plugins_of


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
def verify(run: Path) -> None:
    """Measure again what a run's summary claims. Opens the test split once more, which is recorded."""
    from evokit.results.page import written_at_the_end
    from evokit.results.verify import verify as claims

    name_plugins_of(run)

    n_failed = 0
    with written_at_the_end(run):  # which tells of one more opening of the test split
        for claim in claims(run):
            n_failed += not claim.holds
            state = "holds" if claim.holds else f"DOES NOT HOLD, found {claim.found}"
            click.echo(f"{claim.what}: {claim.claimed} {state}")
    if n_failed:
        click.echo(f"{n_failed} {'claim does' if n_failed == 1 else 'claims do'} not hold", err=True)
        sys.exit(1)
