"""``evokit run``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from evokit.cli.plugins import name_plugins
from evokit.cli.tell import tell
from evokit.common.stops import exit_code


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a value: search.population=64.")
@click.option("--out", type=click.Path(path_type=Path), help="Run directory. Default: runs/NAME for NAME.yaml.")
@click.option("--resume", is_flag=True, help="Go on with the run in that directory.")
@click.option("--only", type=click.Choice(["baselines"]), help="Run this part alone.")
@click.option("--plain", is_flag=True, help="Plain lines instead of the live display.")
def run(
    recipe: Path, overrides: tuple[str, ...], out: Path | None, resume: bool, only: str | None, plain: bool
) -> None:
    """Run a recipe.

    Ctrl-C, SIGTERM and SIGHUP save everything measured so far; --resume goes on where it stopped. A second
    one ends at once.
    """
    import shlex

    from evokit.progress import logs_as_notes, make_progress
    from evokit.recipe import load_recipe
    from evokit.results.report import report
    from evokit.runs.launch import default_out, launch

    loaded = load_recipe(recipe, overrides)
    folder = default_out(loaded) if out is None else out
    name_plugins(loaded)
    progress = make_progress(sys.stdout, False if plain else None)
    try:
        with logs_as_notes(progress):
            summary = launch(loaded, folder, progress, resume=resume, only="baselines" if only else None)
    except KeyboardInterrupt as stop:
        progress.close()
        if not folder.exists():
            tell("\nInterrupted before anything was measured.", err=True)
            sys.exit(exit_code(stop))
        words = ["evokit", "run", str(recipe)]
        for override in overrides:
            words += ["--set", override]
        words += ["--out", str(folder), *(["--only", only] if only else []), "--resume"]
        tell(f"\nInterrupted; everything measured is saved. Go on with: {shlex.join(words)}", err=True)
        sys.exit(exit_code(stop))
    finally:
        progress.close()
    tell(report(summary))
    tell(f"\nRun directory: {folder}")
