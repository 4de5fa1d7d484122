"""The runs in a folder."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evokit.assembly.directory import RunDirectory
from evokit.errors import UserError


@dataclass(frozen=True)
class Listed:
    """A line of ``evokit runs``.

    ``status`` is as ``state`` tells it, and ``damaged`` for one whose summary cannot be read or whose ledger is gone.
    """

    path: Path
    status: str
    recipe: str = ""
    generations: int = 0
    best: float | None = None
    verdict: str = ""


def find_runs(folder: Path) -> Iterator[Listed]:
    """The run directories directly below ``folder``, by name."""
    for path in sorted(folder.glob("*/recipe.yaml")):
        yield _listed(RunDirectory(path.parent))


@dataclass(frozen=True)
class State:
    """How far a run came.

    ``status`` is that of the summary, but ``running`` for a run at which a process is at work, and ``crashed`` for one
    that says it is running and whose process is gone, killed perhaps. ``best`` is None before there is one.
    """

    status: str
    generations: int = 0
    best: float | None = None


def state(directory: RunDirectory, summary: Mapping[str, Any] | None) -> State:
    """The state of a run, by its lock and its metrics where its summary cannot know.

    Args:
        directory: Of the run.
        summary: What it says, None before the run has written one.
    """
    unfinished = "running" if directory.busy else "crashed"
    if summary is None:
        return State(unfinished)
    status = unfinished if unfinished == "running" or summary["status"] == "running" else summary["status"]
    generations, best = summary["generations"], summary["best"] and summary["best"]["values"][0]
    if status == unfinished or best is None:
        # The summary of a run under way is from its beginning, and a search names its champion at its end.
        generations, best = _so_far(directory) or (generations, best)
    return State(status, generations, best)


def _listed(directory: RunDirectory) -> Listed:
    try:
        summary = directory.read_summary()
        if not directory.busy:
            directory.refuse_lost_ledger()
    except UserError:
        return Listed(directory.path, "damaged")
    now = state(directory, summary)
    if summary is None:
        return Listed(directory.path, now.status)
    rival = next((one for one in summary["verdicts"] if one["against"] == summary["rival"]), None)
    return Listed(
        path=directory.path,
        status=now.status,
        recipe=summary["recipe"],
        generations=now.generations,
        best=now.best,
        verdict=f"{rival['verdict']} against {rival['against']}" if rival else "",
    )


def _so_far(directory: RunDirectory) -> tuple[int, float | None] | None:
    """Generations and best value of the last whole line of the metrics, None if there is none."""
    if not directory.metrics.exists():
        return None
    for line in reversed(directory.metrics.read_bytes().splitlines()):
        try:
            record: dict[str, Any] = json.loads(line)
            return record["generation"] + 1, record["best"]
        except (ValueError, LookupError, TypeError):
            continue  # torn by a kill, or no line of ours
    return None
