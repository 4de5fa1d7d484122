"""What the page is written from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evokit.assembly.directory import RunDirectory, repeat_folder
from evokit.errors import RunFailed, UserError
from evokit.measuring.ledger import Ledger
from evokit.measuring.ledger_files import ledger_of
from evokit.recipe.schema import Recipe
from evokit.results.report import current
from evokit.runs.found import State, look
from evokit.runs.launch import open_recipe


@dataclass(frozen=True)
class Source:
    """A run as it is now.

    Attributes:
        folder: Its directory.
        recipe: What was run; None where that cannot be loaded any more.
        summary: As of now.
        now: Its state.
        best_so_far: Of a run under way, in words; else None.
        parts: The directories with ledgers: the run's own, or those of its repeats.
        lacking: What is not shown, and why.
    """

    folder: Path
    recipe: Recipe | None
    summary: Mapping[str, Any]
    now: State
    best_so_far: str | None
    parts: tuple[RunDirectory, ...]
    lacking: tuple[str, ...] = ()

    def ledgers(self) -> Iterator[tuple[RunDirectory, Ledger]]:
        """Each that can be read."""
        for part in self.parts:
            try:
                with ledger_of(part.ledger) as ledger:
                    yield part, ledger
            except (UserError, RunFailed):
                continue

    def recipe_text(self) -> str:
        """The resolved recipe as a file."""
        if self.recipe is not None:
            return self.recipe.to_yaml()
        kept = RunDirectory(self.folder).recipe
        return kept.read_text(encoding="utf-8", errors="replace") if kept.exists() else ""


def source(folder: Path, recipe: Recipe | None = None) -> Source:
    """Read a run.

    Args:
        folder: Its directory.
        recipe: What was run, if it is at hand.

    Raises:
        UserError: This is no run directory, or nothing was measured yet.
    """
    summary, now = look(RunDirectory(folder))
    if summary is None:
        raise UserError(f"{folder} has nothing to show yet: it has no summary.json")
    lacking = [now.problem] if now.problem else []
    try:
        recipe = recipe or open_recipe(folder)[0]
    except UserError as error:
        lacking.append(f"Without curves and sections of plugins, as the recipe cannot be loaded here: {error}")
    repeats = range(len(summary["repeats"])) if "repeats" in summary else ()
    parts = tuple(RunDirectory(repeat_folder(folder, repeat)) for repeat in repeats) or (RunDirectory(folder),)
    summary, best_so_far = current(summary, now)
    return Source(folder, recipe, summary, now, best_so_far, parts, tuple(lacking))
