"""``evokit check``."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a value, as in run.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of recipes instead, for editors.")
def check(recipe: Path, overrides: tuple[str, ...], schema: bool) -> None:
    """Check a recipe and estimate its time, disk and measurements by timing a few. Nothing is written."""
    import json

    from evokit.estimate import estimate
    from evokit.progress import duration
    from evokit.recipe import json_schema, load_recipe
    from evokit.report import size, table

    loaded = load_recipe(recipe, overrides)
    if schema:
        click.echo(json.dumps(json_schema(loaded.registry), indent=1))
        return
    phases, timed = estimate(loaded)
    rows = [
        (
            one.phase,
            "?" if one.measurements is None else str(one.measurements),
            "?" if one.work is None else f"{one.work:,}",
            "?" if one.seconds is None else duration(one.seconds),
            "?" if one.disk_bytes is None else size(one.disk_bytes),
        )
        for one in phases
    ]
    seconds = [one.seconds for one in phases]
    disk = [one.disk_bytes for one in phases]
    total = "?" if None in seconds else duration(sum(one for one in seconds if one is not None))
    total_disk = "?" if None in disk else size(sum(one for one in disk if one is not None))
    rows.append(("in all, at most", "", "", total, total_disk))
    click.echo(f"{recipe}: the recipe is fine.\n")
    click.echo(table(("phase", "measurements", "work", "time", "disk"), rows))
    if loaded.repeats > 1:
        click.echo(f"\nThe recipe repeats all of this {loaded.repeats} times.")
    if failed := [one for one in timed if not one.ok]:
        click.echo(f"\n{len(failed)} of {len(timed)} random individuals failed: {failed[0].message}", err=True)
        sys.exit(1)
