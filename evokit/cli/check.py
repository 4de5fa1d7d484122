"""``evokit check``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import click

from evokit.cli.plugins import name_plugins
from evokit.cli.tell import tell_namesake

T = TypeVar("T", int, float)


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path), required=False)
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a value, as in run.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of recipes instead, for editors.")
def check(recipe: Path | None, overrides: tuple[str, ...], schema: bool) -> None:
    """Check a recipe and estimate its time, disk and measurements by timing a few. Nothing is written.

    With --schema a recipe is needed only for the local plugins that it names.
    """
    if recipe is None and not schema:
        raise click.UsageError("Missing argument 'RECIPE'.")
    if schema:
        _print_schema(recipe, overrides)
        return

    from evokit.common.text import size, table, wrapped
    from evokit.progress import LineProgress, duration, logs_as_notes
    from evokit.recipe import load_recipe
    from evokit.runs.estimate import estimate

    assert recipe is not None
    tell_namesake(recipe)
    loaded = load_recipe(recipe, overrides)
    name_plugins(loaded)
    with ExitStack() as shown:
        if sys.stderr.isatty():  # a person waits for as long as fits, workers and a few measurements take
            click.echo("Building all parts and measuring a few individuals ...", err=True)
            shown.enter_context(logs_as_notes(LineProgress(sys.stderr)))
        phases, timed, overlap = estimate(loaded)
    rows = [
        (
            one.phase,
            "?" if one.measurements is None else f"{one.measurements:,}",
            "?" if one.work is None else f"{one.work:,}",
            _sum([one.seconds], duration),
            _sum([one.disk_bytes], size),
        )
        for one in phases
    ]
    seconds = _sum([one.seconds for one in phases], duration)
    rows.append(("in all, about", "", "", seconds, _sum([one.disk_bytes for one in phases], size)))
    failed = [one for one in timed if not one.ok]
    verdict = "the recipe is fine" if len(failed) < len(timed) or not timed else "the recipe can be run"
    click.echo(f"{recipe}: {verdict}.\n")
    click.echo(table(("phase", "measurements", "work", "time", "disk"), rows))
    if loaded.repeats > 1:
        click.echo(f"\nThe recipe repeats all of this {loaded.repeats} times.")
    if overlap:
        click.echo(f"\n{wrapped(f'{overlap}.')}")
    if failed:
        message = f"{failed[0].outcome}: {failed[0].message}"
        click.echo(f"\n{len(failed)} of {len(timed)} random individuals failed, the first one {message}", err=True)
        if len(failed) == len(timed):
            sys.exit(1)


def _print_schema(recipe: Path | None, overrides: Sequence[str]) -> None:
    import json

    from evokit.plugins import load_plugins
    from evokit.recipe import json_schema, load_recipe

    registry = load_plugins() if recipe is None else load_recipe(recipe, overrides).registry
    click.echo(json.dumps(json_schema(registry), indent=1))


def _sum(values: Sequence[T | None], text: Callable[[T], str]) -> str:
    """The sum of what is known, and whether anything is not."""
    known = [value for value in values if value is not None]
    if not known:
        return "?"
    return text(sum(known)) + (" + ?" if len(known) < len(values) else "")
