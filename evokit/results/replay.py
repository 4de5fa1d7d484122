"""``evokit replay``: one measurement of a run once more, in the foreground and with nothing caught."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evokit.assembly.directory import RunDirectory
from evokit.assembly.jobs import AGAIN, CHAMPION, EVOLVED, FRESH, OF, RENEWED, SEARCH, Job, Refits
from evokit.assembly.workplace import BASELINE, Workplace, contender_of, of_control
from evokit.errors import UserError
from evokit.interfaces import Evaluation
from evokit.measuring.evaluate import evaluate_together
from evokit.measuring.ledger import Row
from evokit.measuring.ledger_files import ledger_of
from evokit.runs.found import repeats_begun
from evokit.runs.launch import open_recipe


@dataclass(frozen=True)
class Replay:
    """A row of a ledger, ready to be measured again.

    Attributes:
        row: What the run wrote down.
        genes: Of the individual, or setting and seed of a fit.
    """

    row: Row
    genes: Any
    _job: Job = field(repr=False)

    def measure(self) -> Evaluation:
        """Measure at the row's budget, in this process: no limit holds and nothing is caught."""
        (evaluation,) = evaluate_together(self._job.fitness, self._job.express, [self.genes], self.row.budget)
        return evaluation


def _measured_in(folder: Path, key: str) -> Path:
    """The first repeat that measured the key; of a run without repeats, or where none did, the last place to look."""
    places = [one.path for one in repeats_begun(open_recipe(folder)[1])] or [folder]
    for place in places:
        with ledger_of(RunDirectory(place).ledger) as ledger:
            if ledger.measured(key):
                return place
    return places[-1]


def replay(folder: Path, key: str, scratch: Path) -> Replay:
    """What a run measured of one key: a failure if there is one.

    Args:
        folder: The run directory; nothing in it is changed.
        key: Of an individual or a fit; its beginning is enough.
        scratch: Where fits of contenders put their models meanwhile.

    Raises:
        UserError: There is no such run, nothing of that key was measured, or several keys begin like this.
    """
    recipe, directory = open_recipe(_measured_in(folder, key))
    with ledger_of(directory.ledger) as ledger:
        rows, genes = ledger.measured(key), ledger.genes()
        keys = sorted({row.key for row in rows})
        if len(keys) != 1:
            found = f"several begin with it: {', '.join(keys)}" if keys else "nothing that was measured has it"
            raise UserError(f"{folder}: {key!r} is not the key of one individual; {found}")
        row = min(rows, key=lambda row: row.evaluation.ok)
        refits = tuple(json.dumps(genes[key]) if key else RENEWED for _, key, _ in ledger.refits(_search_of(row)))
        refits += (RENEWED,) * sum(not key for _, key, _ in ledger.refits(SEARCH))  # which a control is confirmed after
    workplace = Workplace(recipe, RunDirectory(scratch))
    name, job = _job_of(row, workplace, refits)
    data = genes[row.key]
    if name.partition(OF)[0] not in EVOLVED:
        return Replay(row, data, job)
    control = name.partition(OF)[2]
    genome = (workplace.baseline(control) if control else workplace.parts).genome
    return Replay(row, genome.from_json(data), job)


def _search_of(row: Row) -> str:
    """The phase of the search that a row belongs to: its own, or that of the control which it confirms or finishes."""
    kind, _, rest = row.phase.partition("/")
    return BASELINE + rest.partition("/")[0] if kind == BASELINE.rstrip("/") else SEARCH


def _job_of(row: Row, workplace: Workplace, refits: Refits) -> tuple[str, Job]:
    """The job that a row's phase asked for, after as many of its search's refits as its context says."""
    names = list(_jobs_of(row, workplace))
    for n in range(len(refits) + 1):
        for name in names:
            job = workplace.job(name, refits[:n])
            if job.fitness.context == row.context:
                return name, job
    raise UserError(f"nothing that this recipe measures has the context of {row.key[:8]} in phase {row.phase}")


def _jobs_of(row: Row, workplace: Workplace) -> Iterator[str]:
    """Those that a row's phase may have asked for. A control search asks for what the search does, or its own part."""
    search, fresh = _search_of(row), AGAIN if row.phase.endswith(f"/{AGAIN}") else FRESH
    if search == SEARCH:
        yield {"confirm": fresh, CHAMPION: CHAMPION}.get(row.phase.partition("/")[0], SEARCH)
        return
    name = search.removeprefix(BASELINE)
    part = workplace.baseline(name)
    if not hasattr(part, "fit"):
        yield of_control(SEARCH, name, part)
        if workplace.recipe.confirm is not None:
            yield of_control(fresh, name, part)
    if contender_of(part, workplace.final) is not None:
        yield search
