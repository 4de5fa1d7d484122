"""``evokit unseal``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from evokit.cli.plugins import name_plugins_of
from evokit.common.stops import exit_code


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
def unseal(run: Path) -> None:
    """Open a run's vault, once: score its frozen models on the test units that no run opens.

    Asked again, or of a run whose vault was opened, it tells what was found then. An interrupted one goes on.
    """
    import shlex

    from evokit.progress import make_progress
    from evokit.results.page import written_at_the_end
    from evokit.results.report import report
    from evokit.results.unseal import unseal as opened

    name_plugins_of(run)
    progress = make_progress(sys.stdout, False)
    try:
        with written_at_the_end(run):
            summary = opened(run, progress)
    except KeyboardInterrupt as stop:
        again = shlex.join(["evokit", "unseal", str(run)])
        click.echo(f"\nInterrupted; what was scored is kept. Go on with: {again}", err=True)
        sys.exit(exit_code(stop))
    finally:
        progress.close()
    click.echo(report(summary))
