"""The runs in a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evokit.ledger import Ledger
from evokit.rundir import RunDirectory


@dataclass(frozen=True)
class Listed:
    """A line of ``evokit runs``. A run that says it is running but whose process is gone is ``crashed``."""

    path: Path
    status: str
    recipe: str
    generations: int
    best: float | None
    verdict: str


def find_runs(folder: Path) -> Iterator[Listed]:
    """The run directories directly below ``folder``, by name."""
    for path in sorted(folder.glob("*/summary.json")):
        directory = RunDirectory(path.parent)
        summary = directory.read_summary()
        assert summary is not None
        status = summary["status"]
        if status == "running" and not _alive(directory):
            status = "crashed"
        rival = next((one for one in summary["verdicts"] if one["against"] == summary["rival"]), None)
        yield Listed(
            path=path.parent,
            status=status,
            recipe=summary["recipe"],
            generations=summary["generations"],
            best=summary["best"]["values"][0] if summary["best"] else None,
            verdict=f"{rival['verdict']} against {rival['against']}" if rival else "",
        )


def _alive(directory: RunDirectory) -> bool:
    if not directory.ledger.exists():
        return True  # the summary of repeats, whose parts tell for themselves
    ledger = Ledger(directory.ledger)
    pid = ledger.meta("pid")
    ledger.close()
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's process has that number
    return True
