"""The runs in a folder: what is known of each, whether it ended, is under way or was killed."""

from __future__ import annotations

import json
import math
import re
import shlex
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evokit.assembly.directory import RunDirectory, reading, repeat_folder
from evokit.errors import UserError
from evokit.recipe.source import read_source
from evokit.runs.repeats import combine
from evokit.runs.summary import best_value

BY_HAND = ["ask"]  # what a run was begun with whose fitness is told by somebody
SPENT = ("wall_s", "cpu_s", "energy")  # keys of a summary


@dataclass(frozen=True)
class Listed:
    """A line of ``evokit runs``; ``status`` is as ``State`` has it, and ``damaged`` if the summary cannot be read."""

    path: Path
    status: str
    recipe: str = ""
    generations: int = 0
    best: float | None = None
    verdict: str = ""


@dataclass(frozen=True)
class State:
    """How far a run came.

    ``status`` is that of the summary, but ``running`` for a run at which a process is at work, ``crashed`` for one
    that says it is running and whose process is gone, killed perhaps, and ``damaged``, with the ``problem``, for one
    whose ledger is gone. ``best`` is None before there is one.
    """

    status: str
    generations: int = 0
    best: float | None = None
    problem: str = ""


def find_runs(folder: Path) -> Iterator[Listed]:
    """The run directories directly below ``folder``, by name."""
    for path in sorted(folder.glob("*/recipe.yaml")):
        yield _listed(RunDirectory(path.parent))


def look(directory: RunDirectory) -> tuple[Mapping[str, Any] | None, State]:
    """The summary of a run, None before it has written one, and its state. Looking changes nothing.

    A summary of a run that is under way or was killed is from its beginning, so what the run spent is then told by its
    ledger, NaN if that cannot be known; one with repeats is put together from theirs.

    Raises:
        UserError: The summary is damaged.
    """
    summary: Mapping[str, Any] | None = directory.read_summary()
    busy = directory.busy
    unfinished = busy or summary is None or summary["status"] == "running"
    if unfinished:
        summary = _now(directory, summary)
    if summary is None:
        return None, State("running" if busy else "crashed")
    status = summary["status"] if not unfinished else "running" if busy else "crashed"
    problem = ""
    try:
        if not busy:
            directory.refuse_lost_ledger()
    except UserError as error:
        status, problem = "damaged", str(error)
    generations, best = summary["generations"], best_value(summary)
    if unfinished or best is None:  # a search names its champion at its end
        last = [directory, *repeats_begun(directory)][-1]
        noted = so_far(directory) or (so_far(last) if best is None else None)
        generations, best = noted or (generations, best)
    return summary, State(status, generations, best, problem)


def repeats_begun(directory: RunDirectory) -> list[RunDirectory]:
    """The repeats that have begun, in their order."""
    folders = (repeat_folder(directory.path, number) for number in range(repeats_planned(directory)))
    return [RunDirectory(folder) for folder in folders if folder.is_dir()]


def repeats_planned(directory: RunDirectory) -> int:
    """Repeats that the run's recipe asks for."""
    return int(said(directory, "repeats") or 1)


def so_far(directory: RunDirectory) -> tuple[int, float | None] | None:
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


def said(directory: RunDirectory, *path: str) -> float | None:
    """A number that the run's recipe says, such as ``search``, ``generations``; None if it says none."""
    try:
        node = read_source(directory.recipe).root.at(path)
    except UserError:
        return None
    return node.value if node is not None and isinstance(node.value, int | float) else None


def go_on(asked: Sequence[str], out: Path) -> str:
    """The command that goes on with a run.

    Args:
        asked: What followed ``evokit run`` when it began, without the place.
        out: Its directory.

    >>> go_on(["onemax", "--set", "stop={work: 9}"], Path("my run"))
    "evokit run onemax --set 'stop={work: 9}' --out 'my run' --resume"
    """
    if re.fullmatch(r"repeat-\d+", out.name) and RunDirectory(out.parent).recipe.exists():
        out = out.parent  # whoever asked, asked for all repeats
    if list(asked) == BY_HAND:
        return shlex.join(["evokit", "ask", str(out)])
    return shlex.join(["evokit", "run", *asked, "--out", str(out), "--resume"])


def _now(directory: RunDirectory, summary: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The summary as it would be now."""
    repeats = [one for one, _ in map(look, repeats_begun(directory)) if one is not None]
    if repeats:
        combined = combine(repeats, repeats_planned(directory))
        return combined if summary is None else {**summary, **{key: combined[key] for key in SPENT}}
    if summary is None:
        return None
    wall_s, cpu_s, joules, estimated_j = _spent(directory)
    energy = summary["energy"] | {"joules": joules, "estimated_j": estimated_j}
    return {**summary, "wall_s": wall_s, "cpu_s": cpu_s, "energy": energy}


def _spent(directory: RunDirectory) -> tuple[float, ...]:
    """Seconds, CPU seconds, joules and estimated joules by the ledger; NaN if it cannot be read or has none yet."""
    try:
        with reading(directory.ledger) as db:
            columns = {name for _, name, *_ in db.execute("PRAGMA table_info(costs)")}
            wall_s = "wall_s - beside_s" if "beside_s" in columns else "wall_s"  # runs before 2026-11-30 lack it
            row = db.execute(f"SELECT sum({wall_s}), sum(cpu_s), sum(energy_j), sum(estimated_j) FROM costs").fetchone()
    except sqlite3.Error:
        row = (None,)
    return tuple(row) if row[0] else (math.nan,) * 4


def _listed(directory: RunDirectory) -> Listed:
    try:
        summary, now = look(directory)
    except UserError:
        return Listed(directory.path, "damaged")
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
