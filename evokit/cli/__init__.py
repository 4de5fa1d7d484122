"""The command line: each command is one thin function over one Python call. Imports inside, so that help is fast.

Imports whatever it calls; nothing imports it.
"""

from __future__ import annotations

import multiprocessing
import sys
from io import TextIOWrapper
from typing import Any

from evokit.common.stops import exit_code, stops

INTERRUPTED = "\nInterrupted."

try:
    with stops():  # a person may have second thoughts while all this is imported
        import click

        from evokit.cli.asking import ask
        from evokit.cli.asking import tell as tell_results
        from evokit.cli.check import check
        from evokit.cli.check_plugin import check_plugin
        from evokit.cli.compare import compare
        from evokit.cli.dashboard import dashboard
        from evokit.cli.doctor import doctor
        from evokit.cli.export import export
        from evokit.cli.list import list_
        from evokit.cli.new import new
        from evokit.cli.plot import plot
        from evokit.cli.recipes import recipes
        from evokit.cli.replay import replay
        from evokit.cli.report import report
        from evokit.cli.run import run
        from evokit.cli.runs import runs
        from evokit.cli.show import show
        from evokit.cli.tell import tell
        from evokit.cli.unseal import unseal
        from evokit.cli.verify import verify
        from evokit.cli.watch import watch
        from evokit.common.version import VERSION
        from evokit.errors import RunFailed, UserError
except KeyboardInterrupt as stop:
    if multiprocessing.parent_process() is None:  # a worker that is ended while it begins has nobody to tell
        print(INTERRUPTED, file=sys.stderr)
    sys.exit(exit_code(stop))


class Evokit(click.Group):
    """Turns the errors that a user can act on, and signals to end, into one message and an exit code."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if any("\0" in one for one in args):
            raise click.UsageError("a NUL character is no part of a path or name")
        if "" in args:
            raise click.UsageError("an empty text is no path and no name")
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        if isinstance(sys.stdout, TextIOWrapper):  # a letter that a terminal lacks must not end what was long at work
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            with stops():
                return super().invoke(ctx)
        except UserError as error:
            _say(error, 2)
        except RunFailed as error:
            _say(error, 1)
        except KeyboardInterrupt as stop:
            tell(INTERRUPTED, err=True)
            sys.exit(exit_code(stop))


def _say(error: Exception, code: int) -> None:
    tell(str(error), err=True)
    sys.exit(code)


@click.group(cls=Evokit, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="evokit")
def main() -> None:
    """Evolve parts of neural networks, and anything else, with numbers that can be trusted.

    A run is one recipe, a file or the name of one that comes along: `evokit run clso_quick`. Exit codes: 0 done, 1 the
    run failed, 2 the input is wrong, 128 + N ended by signal N: 130 by Ctrl-C, 143 by SIGTERM, 129 by SIGHUP.
    """


for command in (
    run,
    ask,
    tell_results,
    check,
    recipes,
    list_,
    show,
    runs,
    watch,
    dashboard,
    report,
    compare,
    plot,
    export,
    verify,
    unseal,
    replay,
    new,
    check_plugin,
    doctor,
):
    main.add_command(command)
