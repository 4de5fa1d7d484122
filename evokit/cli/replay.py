"""``evokit replay``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from evokit.cli.plugins import name_plugins_of
from evokit.common.stops import exit_code


@click.command()
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@click.argument("key")
def replay(folder: Path, key: str) -> None:
    """Measure one individual of a run again, in the foreground.

    KEY is its key in the ledger or the beginning of it. Without workers, limits or a net: an exception, a crash or
    Ctrl-C shows where it is.
    """
    import faulthandler
    import tempfile
    import traceback

    from evokit.results.replay import replay as prepare

    name_plugins_of(folder)

    with tempfile.TemporaryDirectory() as scratch:
        one = prepare(folder, key, Path(scratch))
        then = one.row.evaluation
        click.echo(f"{one.row.key} in {one.row.phase} at budget {one.row.budget}, genes {one.genes}")
        click.echo(f"then: {then.outcome} {list(then.values) or then.message}")
        faulthandler.enable()
        try:
            now = one.measure()
        except BaseException as error:
            traceback.print_exc()
            sys.exit(exit_code(error) if isinstance(error, KeyboardInterrupt) else 1)
    click.echo(f"now:  {now.outcome} {list(now.values) or now.message}")
