"""Where a run from Python lies, and how it begins or goes on."""

from __future__ import annotations

import json
import logging
import shutil
import sys
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from evokit.assembly.directory import RunDirectory
from evokit.calls.listening import parted
from evokit.calls.outcome import Run, directory_of
from evokit.common.files import write_atomically
from evokit.errors import UserError
from evokit.fitnesses.told import Told
from evokit.progress import logs_as_notes, make_progress
from evokit.progress.silent import Silent
from evokit.recipe.check import load_recipe, recipe_of
from evokit.recipe.schema import Recipe, as_json
from evokit.results.page import written_at_the_end
from evokit.runs.found import BY_HAND
from evokit.runs.launch import launch

log = logging.getLogger("evokit")


class Folder:
    """The directory of a run: one that has a name, or a temporary one that goes with its ``Run``.

    Args:
        directory: Its path; None for a temporary one.
    """

    def __init__(self, directory: str | Path | None) -> None:
        self.temporary = directory is None
        self.path = directory_of(tempfile.mkdtemp(prefix="evokit-") if directory is None else directory).absolute()
        self.unlike = ""  # what a function uses that nobody can tell from another of its kind
        self.unsent = ""  # why a function cannot be pickled
        self._gone = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True) if self.temporary else None

    def keep(self, name: str, content: bytes) -> None:
        """Write a file among the artifacts of a run that has not begun; one that has keeps its own."""
        directory = RunDirectory(self.path)
        if directory.recipe.exists():
            return
        if self.path.exists() and not directory.is_run:
            raise UserError(f"{self.path} is no run directory (it has no recipe.yaml); choose another directory")
        directory.artifacts.mkdir(parents=True, exist_ok=True)
        write_atomically(directory.artifacts / name, content)


def start(recipe: Recipe, folder: Folder, progress: Any = False, callbacks: Sequence[Any] = ()) -> Run:
    """Run a recipe in a folder, or go on with the run that is there.

    Args:
        recipe: Checked.
        folder: Where.
        progress: Whether a person sees how it goes; or who is told, see ``evokit.progress.Progress``.
        callbacks: Told how it goes, see ``evokit.runs.launch.launch``.

    Raises:
        UserError: Another run is there.
        RunFailed: Nothing valid is left.
    """
    if folder.unsent and recipe.execution.backend != "inline":
        raise UserError(
            f"the function cannot be sent to workers ({folder.unsent}); put it into a module of its own and import it,"
            " or leave out workers"
        )
    if folder.unlike and not folder.temporary:
        log.warning(
            "this run cannot be gone on with: nobody can tell if the function is the same, it uses %s", folder.unlike
        )
    inside = [one.name for one in recipe.callbacks if folder.temporary and getattr(one.options, "in_run", False)]
    if inside:
        raise UserError(
            f"callback {inside[0]} writes into the run's directory, which is temporary and goes with the run; say"
            " directory="
        )
    display = make_progress(sys.stdout) if progress is True else progress or Silent()
    by_hand = isinstance(recipe.fitness.options, Told)
    recipe = replace(recipe, asked=tuple(BY_HAND) if by_hand else (str(folder.path / "recipe.yaml"),))
    try:
        page = nullcontext() if folder.temporary else written_at_the_end(folder.path, recipe)
        with nullcontext() if isinstance(display, Silent) else logs_as_notes(display), page:
            launch(recipe, folder.path, display, resume=folder.path.exists(), callbacks=callbacks)
    finally:
        display.close()
    return Run(folder.path, recipe, folder)


def run(
    recipe: str | Path | Mapping[str, Any],
    set: Mapping[str, Any] | None = None,
    *,
    directory: str | Path | None = None,
    progress: Any = False,
    callbacks: Any = (),
) -> Run:
    """Run a recipe, as ``evokit run`` does.

    Args:
        recipe: The path of a file, the name of one that comes along, or what such a file says, as a mapping.
        set: What to change, as after ``--set``: ``{"search.population": 64}``.
        directory: Where; a run that is there goes on. None for a temporary one.
        progress: Whether a person sees how it goes.
        callbacks: See ``evokit.calls.listening.parted``; beside those of the recipe.

    Raises:
        UserError: The recipe is wrong, or another run is there.
        RunFailed: Nothing valid is left.
    """
    overrides = [f"{key}={json.dumps(value)}" for key, value in (set or {}).items()]
    sections, objects = parted(callbacks)

    def read(*more: str) -> Recipe:
        if isinstance(recipe, Mapping):
            return recipe_of(recipe, "recipe", [*overrides, *more])
        return load_recipe(Path(recipe), [*overrides, *more])

    loaded = read()
    if sections:
        loaded = read(f"callbacks={json.dumps([*as_json(loaded.callbacks), *sections], default=str)}")
    return start(loaded, Folder(directory), progress, objects)
