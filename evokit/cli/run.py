"""``evokit run``."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evokit.cli.plugins import name_plugins
from evokit.cli.tell import tell, tell_namesake
from evokit.common.stops import exit_code

if TYPE_CHECKING:
    from evokit.recipe import Recipe
    from evokit.runs.run import Only


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
    from evokit.progress import logs_as_notes, make_progress
    from evokit.recipe import load_recipe
    from evokit.results.page import written_at_the_end
    from evokit.results.report import report
    from evokit.runs.launch import default_out, launch

    tell_namesake(recipe)
    loaded = load_recipe(recipe, overrides)
    folder = default_out(loaded) if out is None else out
    part: Only | None = "baselines" if only else None
    name_plugins(loaded)
    progress = make_progress(sys.stdout, False if plain else None)
    try:
        with logs_as_notes(progress), written_at_the_end(folder, loaded):
            summary = launch(loaded, folder, progress, resume=resume, only=part)
    except KeyboardInterrupt as stop:
        progress.close()
        tell(f"\n{_interrupted(loaded, folder, part)}", err=True)
        sys.exit(exit_code(stop))
    finally:
        progress.close()
    tell(report(summary))
    tell(f"\nRun directory: {folder}")


def _interrupted(recipe: Recipe, folder: Path, only: Only | None) -> str:
    """What to say of a run that a signal ended."""
    from evokit.assembly.directory import RunDirectory
    from evokit.runs.found import go_on
    from evokit.runs.launch import asked_for, is_done

    if not folder.exists():
        return "Interrupted before anything was measured."
    if is_done(recipe, folder):
        return f"Interrupted, but the run is done: {shlex.join(['evokit', 'report', str(folder)])} tells what it found."
    saved = (
        "; everything measured is saved" if RunDirectory(folder).summary.exists() else " before anything was measured"
    )
    return f"Interrupted{saved}. Go on with: {go_on(asked_for(recipe, only), folder)}"
