"""A run as somebody sees it from another process: by the files that it leaves on its way, which are only read."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from evokit.assembly.directory import RunDirectory, reading
from evokit.common.text import table
from evokit.errors import UserError
from evokit.progress.wording import duration, left, number, of
from evokit.runs.found import look, repeats_begun, repeats_planned, said, so_far

GOES = {"min": "lower is better", "max": "higher is better"}
FAILED = "failed"  # beside the sources of rows: those of the measured that have no value
COUNTS = (
    "SELECT phase, source, outcome = 'ok', count(*), sum(work) FROM evaluations GROUP BY 1, 2, 3 ORDER BY min(rowid)"
)
LAST = "SELECT phase FROM evaluations ORDER BY rowid DESC LIMIT 1"


@dataclass(frozen=True)
class _Looked:
    """What a ledger says: rows by phase and source, the phase of the last one, seconds and CPU seconds by phase."""

    rows: Mapping[str, Counter[str]] = field(default_factory=dict)
    last: str = ""
    costs: Mapping[str, Sequence[float]] = field(default_factory=dict)
    work: int = 0  # of the search


@dataclass(frozen=True)
class Sight:
    """A run at a moment.

    Attributes:
        status: As ``evokit.runs.found.State`` has it.
        repeats: How many have begun, and how many there will be; all below but ``best`` is of the last one.
        generations: That have ended, and the horizon if there is one.
        best: So far, of ``objective``, which is to be ``goal``.
        last: The phase of the last measurement.
        rows: How many the ledger has, by phase and source, and how many of the measured failed.
        cpu_s: So far.
        left_s: What the search has left at most, by what it took so far; None where nothing tells.
        problem: Of a damaged run.
    """

    status: str
    repeats: tuple[int, int]
    generations: tuple[int, int | None]
    best: float | None
    objective: str
    goal: str
    last: str
    rows: Mapping[str, Mapping[str, int]]
    cpu_s: float
    left_s: float | None
    problem: str

    @property
    def ended(self) -> bool:
        return self.status != "running"


def follow(directory: RunDirectory, every_s: float) -> Iterator[Sight]:
    """What is to be seen of a run, again and again until it has ended.

    Raises:
        UserError: There is no run, or it is damaged.
    """
    if not directory.recipe.exists():
        raise UserError(
            f"{directory.path} is no run directory: it has no recipe.yaml; a run that is starting has one in a moment"
        )
    while True:
        seen = sight(directory)
        yield seen
        if seen.ended:
            return
        time.sleep(every_s)


def sight(directory: RunDirectory) -> Sight:
    """What is to be seen of a run now.

    Raises:
        UserError: Its summary is damaged.
    """
    summary, state = look(directory)
    begun = repeats_begun(directory)
    at_work = begun[-1] if begun else directory
    looked = _look_up(at_work)
    generations, _ = so_far(at_work) or (0, None)
    horizon = said(directory, "search", "generations")
    objective = (summary or at_work.read_summary() or {}).get("objective", {"name": "", "goal": "min"})
    wall_s, _ = looked.costs.get("search", (0.0, 0.0))
    limits = [
        (generations, horizon),
        (looked.work, said(directory, "stop", "work")),
        (wall_s, said(directory, "stop", "seconds")),
    ]
    share = max((done / limit for done, limit in limits if limit), default=0.0)
    stopped = (at_work.read_summary() or {}).get("stopped")
    searching = state.status == "running" and looked.last == "search" and not stopped and 0 < share < 1
    return Sight(
        status=state.status,
        repeats=(max(len(begun), 1), repeats_planned(directory)),
        generations=(generations, None if horizon is None else int(horizon)),
        best=state.best,
        objective=objective["name"],
        goal=objective["goal"],
        last=looked.last,
        rows=looked.rows,
        cpu_s=sum(cpu_s for _, cpu_s in looked.costs.values()),
        left_s=wall_s * (1 - share) / share if searching and wall_s else None,
        problem=state.problem,
    )


def told(run: str, seen: Sight) -> str:
    """A sight in a few lines.

    Args:
        run: What the run is called.
        seen: Of it.
    """
    begun, planned = seen.repeats
    lines = [f"{run}: {seen.status}" + (f", repeat {begun} of {planned}" if planned > 1 else "")]
    lines.append(f"Generation {of(*seen.generations)}{left(seen.left_s, ', the search has at most ')}")
    if seen.objective:
        lines.append(f"Best so far: {seen.objective} {number(seen.best)} ({GOES[seen.goal]})")
    if seen.last and not seen.ended:
        lines.append(f"Last measured: {seen.last}")
    if seen.rows:
        head = ("phase", "measured", "known", "predicted", FAILED)
        lines.append(table(head, [(phase, *map(str, _row(counts))) for phase, counts in seen.rows.items()]))
    if seen.cpu_s:
        lines.append(f"CPU time: {duration(seen.cpu_s)}")
    return "\n".join([*lines, *([seen.problem] if seen.problem else [])])


def _row(counts: Mapping[str, int]) -> tuple[int, ...]:
    known = counts["cached"] + counts["reused"]
    return counts["measured"], known, counts["predicted"], counts[FAILED]


def _look_up(directory: RunDirectory) -> _Looked:
    rows: dict[str, Counter[str]] = {}
    work = 0
    try:
        with reading(directory.ledger) as db:
            for phase, source, ok, n, spent in db.execute(COUNTS):
                counts = rows.setdefault(phase, Counter())
                counts[source] += n
                counts[FAILED] += 0 if ok or source != "measured" else n
                work += spent if phase == "search" else 0
            last = db.execute(LAST).fetchone()
            costs = {phase: spent for phase, *spent in db.execute("SELECT phase, wall_s, cpu_s FROM costs")}
    except sqlite3.Error:  # not begun
        return _Looked()
    return _Looked(rows, last[0] if last else "", costs, work)
