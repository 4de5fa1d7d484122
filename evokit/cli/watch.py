"""``evokit watch``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from evokit.cli.tell import tell

ENDED_WELL = ("done", "baselines")


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--once", is_flag=True, help="Print how far it is, and end.")
@click.option("--every", "every_s", type=click.FloatRange(min=0.1), default=2.0, show_default=True, help="Seconds.")
def watch(run: Path, once: bool, every_s: float) -> None:
    """Follow a run of another process until it ends.

    Only its files are read, so any number may watch, and one that stops watching ends nothing. The exit code is 1 if
    the run ended otherwise than done.
    """
    from evokit.assembly.directory import RunDirectory
    from evokit.runs.watched import follow, told

    sights = follow(RunDirectory(run), every_s)
    if once:
        tell(told(str(run), next(sights)))
        return
    status = ""
    with _screen() as show:
        for seen in sights:
            show(told(str(run), seen), (seen.status, seen.repeats, seen.generations, seen.last))
            status = seen.status
    tell(f"Its report: evokit report {run}")
    sys.exit(0 if status in ENDED_WELL else 1)


@contextmanager
def _screen() -> Iterator[Callable[[str, Any], None]]:
    """Shows a text in the place of the last one; where that cannot be, each beside a moment of its own."""
    if sys.stdout.isatty():
        from rich.live import Live
        from rich.text import Text

        with Live() as live:
            yield lambda text, moment: live.update(Text(text), refresh=True)
        return
    shown: list[Any] = []

    def show(text: str, moment: Any) -> None:
        if shown[-1:] != [moment]:
            shown.append(moment)
            tell(f"{text}\n")

    yield show
