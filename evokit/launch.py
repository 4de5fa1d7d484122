"""Starting, resuming and repeating runs; finished ones are opened again from their directory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from evokit.assembly import assemble
from evokit.errors import UserError
from evokit.progress import Progress
from evokit.recipe import Recipe, load_recipe
from evokit.run import Only, Run
from evokit.rundir import RunDirectory
from evokit.summary import combine, summarise


def default_out(recipe: Recipe) -> Path:
    """``runs/NAME`` for ``NAME.yaml``, so that ``--resume`` finds what the same command began."""
    return Path("runs") / recipe.path.stem


def launch(
    recipe: Recipe, out: Path, progress: Progress, *, resume: bool = False, only: Only | None = None
) -> dict[str, Any]:
    """Run a recipe in a directory and return its summary.

    A finished run that is resumed under the same recipe is left as it is; under a longer horizon it goes on.

    Raises:
        UserError: The directory exists and ``resume`` is False, or it holds a run of another identity.
        RunFailed: Nothing valid is left.
        KeyboardInterrupt: After everything measured so far was saved.
    """
    if out.exists() and not resume:
        raise UserError(f"{out} exists already; add --resume to go on with it, or --out for another place")
    if recipe.repeats > 1:
        return _launch_repeats(recipe, out, progress, only)
    directory = RunDirectory(out)
    finished = _finished(directory, recipe, only)
    if finished is not None:
        return finished
    parts = assemble(recipe)  # first, so that a recipe with errors leaves no directory
    if out.exists():
        directory.artifacts.mkdir(exist_ok=True)
    else:
        directory.create(recipe)
    run = Run(recipe, directory, progress, parts)
    directory.keep_recipe(recipe)  # after the run has checked that it may go on with this directory
    directory.write_summary(summarise(run, "running"))
    status = "failed"
    try:
        run.execute(only)
        status = "done" if only is None else only
        _export(run)
    except KeyboardInterrupt:
        status = "interrupted"
        raise
    finally:
        summary = summarise(run, status)
        directory.write_summary(summary)
        run.close()
    return summary


def open_recipe(folder: Path) -> tuple[Recipe, RunDirectory]:
    """The resolved recipe of a run.

    Raises:
        UserError: This is no run directory.
    """
    directory = RunDirectory(folder)
    if not directory.recipe.exists():
        raise UserError(f"{folder} is no run directory: it has no recipe.yaml")
    return load_recipe(directory.recipe), directory


def _finished(directory: RunDirectory, recipe: Recipe, only: Only | None) -> dict[str, Any] | None:
    summary = directory.read_summary()
    if summary is None or only is not None or summary["status"] != "done":
        return None
    return summary if directory.recipe.read_text() == recipe.to_yaml() else None


def _export(run: Run) -> None:
    champion = run.contest.champion
    for section in run.recipe.exports:
        if champion is None or not champion.models:
            continue
        exporter = run.parts.build(section)
        artifact = run.directory.path / champion.models[0].evaluation.artifact
        exporter.export(artifact, run.directory.path / "export" / section.name)


def _launch_repeats(recipe: Recipe, out: Path, progress: Progress, only: Only | None) -> dict[str, Any]:
    """The whole pipeline once per seed, each in a directory of its own that resumes by itself."""
    directory = RunDirectory(out)
    summaries = []
    for repeat in range(recipe.repeats):
        one = replace(recipe, seed=recipe.seed + repeat, repeats=1)
        if not out.exists():
            assemble(one)  # a recipe with errors leaves no directory
            directory.create(recipe)
        progress.note(f"Repeat {repeat + 1}/{recipe.repeats}, seed {one.seed}", keep=True)
        folder = out / f"repeat-{repeat}"
        summaries.append(launch(one, folder, progress, resume=folder.exists(), only=only))
        directory.write_summary(combine(summaries, recipe.repeats))
    return combine(summaries, recipe.repeats)
