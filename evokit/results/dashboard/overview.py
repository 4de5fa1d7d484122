"""The runs below a folder, and what is known of each at a moment."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from evokit.assembly.directory import RunDirectory
from evokit.errors import RunFailed, UserError, readable
from evokit.errors import said as worded
from evokit.progress.wording import number, of
from evokit.results import report
from evokit.runs import found

DEPTH = 4  # of folders below the first one in which runs are looked for
OF_A_RUN = {"artifacts", "ledger.sqlite", "lock", "summary.json"}  # one of them lies beside each run's recipe.yaml
WRITTEN = ("recipe.yaml", "summary.json", "metrics.jsonl", "ledger.sqlite", "ledger.sqlite-wal")


@dataclass(frozen=True)
class Row:
    """A run at a moment.

    Attributes:
        name: Its path below the folder.
        path: Its directory.
        status: As ``evokit.runs.found.Listed`` has it.
        recipe: Name of its file, empty before anything was measured.
        generations: That have ended.
        horizon: How many there will be at most, of a run under way.
        objective: What ``best`` is a value of.
        best: So far.
        told: The verdict against the best baseline in words, or what is wrong with the run; empty for neither.
        openings: Of the test split.
        written: When it last changed.
    """

    name: str
    path: Path
    status: str
    recipe: str = ""
    generations: int = 0
    horizon: int | None = None
    objective: str = ""
    best: float | None = None
    told: str = ""
    openings: int = 0
    written: datetime | None = None

    @property
    def generation(self) -> str:
        return of(self.generations, self.horizon)

    @property
    def best_shown(self) -> str:
        return "" if self.best is None else f"{self.objective} {number(self.best)}"

    @property
    def written_shown(self) -> str:
        return "" if self.written is None else f"{self.written:%Y-%m-%d %H:%M}"


@dataclass(frozen=True)
class Column:
    """A column of the table: its heading, what it is sorted by, and whether the largest is first at first."""

    heading: str
    key: Callable[[Row], Any]
    down: bool = False


COLUMNS: Mapping[str, Column] = {
    "run": Column("run", lambda row: row.name),
    "status": Column("status", lambda row: row.status),
    "recipe": Column("recipe", lambda row: row.recipe or None),
    "generation": Column("generation", lambda row: row.generations, down=True),
    "best": Column("best so far", lambda row: row.best),
    "verdict": Column("verdict", lambda row: row.told or None),
    "openings": Column("test openings", lambda row: row.openings, down=True),
    "written": Column("last written", lambda row: row.written, down=True),
}


def in_order(rows: Sequence[Row], column: str, down: bool) -> list[Row]:
    """Rows by a column of ``COLUMNS``, by name where they are equal; those that have nothing there come last."""
    key = COLUMNS[column].key
    known = [row for row in rows if key(row) is not None]
    known.sort(key=lambda row: row.name)
    known.sort(key=key, reverse=down)
    return known + sorted((row for row in rows if key(row) is None), key=lambda row: row.name)


def runs_below(folder: Path) -> Iterator[tuple[str, Path]]:
    """Name and directory of each run in a folder or below; of the folder too if it is one. Links are not followed."""
    for at, folders, files in os.walk(folder):
        here = Path(at)
        below = here.relative_to(folder)
        if "recipe.yaml" in files and OF_A_RUN & {*folders, *files}:
            folders.clear()
            yield readable(below.as_posix()), here
        elif len(below.parts) == DEPTH:
            folders.clear()
        else:
            folders[:] = [name for name in folders if not name.startswith(".")]


def refuse_links_out(run: Path, folder: Path) -> None:
    """
    Raises:
        UserError: A file of the run is a link to a place that is not below the folder.
    """
    home = folder.resolve()
    for at, folders, files in os.walk(run):
        for path in (Path(at, name) for name in (*folders, *files)):
            if path.is_symlink() and not path.resolve().is_relative_to(home):
                raise UserError(f"{path} leads out of {folder}, so nothing of this run is shown")


def row_of(name: str, run: Path, folder: Path) -> Row:
    """What is known of a run; of a damaged one, why no more is."""
    written = _written(run)
    try:
        refuse_links_out(run, folder)
        directory = RunDirectory(run)
        summary, now = found.look(directory)
        running = now.status == "running"
        horizon = found.said(directory, "search", "generations") if running else None
        return Row(
            name=name,
            path=run,
            status=now.status,
            recipe="" if summary is None else str(summary["recipe"]),
            generations=now.generations,
            horizon=None if horizon is None else int(horizon),
            objective="" if summary is None else str(summary["objective"]["name"]),
            best=now.best,
            told=now.problem or _verdict(summary),
            openings=0 if summary is None else len(summary["test_openings"]),
            written=written,
        )
    except (UserError, RunFailed) as error:
        return Row(name, run, "damaged", told=str(error), written=written)
    except Exception as error:  # files that look like those of a run may hold anything
        return Row(name, run, "damaged", told=f"its files cannot be understood ({worded(error)})", written=written)


def _verdict(summary: Mapping[str, Any] | None) -> str:
    judged = [] if summary is None else [one for one in summary["verdicts"] if one["against"] == summary["rival"]]
    said = report.said(summary, judged[0]) if summary is not None and judged else ""
    return said[:1].upper() + said[1:]


def _written(run: Path) -> datetime | None:
    """When a file that a run writes at its work last changed, in this machine's time."""
    times = []
    for name in WRITTEN:
        for path in (run / name, *run.glob(f"repeat-*/{name}")):
            try:
                times.append(path.stat().st_mtime)
            except OSError:
                continue
    return datetime.fromtimestamp(max(times)).astimezone() if times else None
