"""``evokit dashboard``."""

from __future__ import annotations

import signal
from pathlib import Path

import click

from evokit.cli.plugins import name_plugins
from evokit.cli.tell import tell


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("runs"))
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="Where it answers. Default: 8321, or one that is free if that is taken.",
)
def dashboard(folder: Path, port: int | None) -> None:
    """Show the runs in a folder, and below it, in a browser: how far each is, and its report.

    Table and reports follow runs that are at work. Files are only read, and only this machine is answered. Ctrl-C
    ends it.
    """
    from evokit.common.stops import exit_code
    from evokit.errors import UserError
    from evokit.results.dashboard import listening, require_server, server

    if not folder.is_dir():
        raise UserError(f"{folder} is no folder")
    require_server()
    with listening(port) as on:
        host, at, *_ = on.getsockname()
        tell(f"Runs in {folder}: http://{host}:{at}/\nCtrl-C ends it.")
        try:
            server(folder, name_plugins).run(sockets=[on])
        except KeyboardInterrupt as stop:
            if exit_code(stop) != 128 + signal.SIGINT:
                raise
