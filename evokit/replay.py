"""``evokit replay``: one measurement of a run once more, in the foreground and with nothing caught."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evokit.errors import UserError
from evokit.evaluate import evaluate_together
from evokit.execution import CHAMPION, FRESH, SEARCH, Job, Refits
from evokit.interfaces import Evaluation
from evokit.launch import open_recipe
from evokit.ledger import Ledger, Row
from evokit.rundir import RunDirectory
from evokit.workplace import BASELINE, Workplace


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


def replay(folder: Path, key: str, scratch: Path) -> Replay:
    """What a run measured of one key: a failure if there is one.

    Args:
        folder: The run directory; nothing in it is changed.
        key: Of an individual or a fit; its beginning is enough.
        scratch: Where fits of contenders put their models meanwhile.

    Raises:
        UserError: There is no such run, nothing of that key was measured, or several keys begin like this.
    """
    recipe, directory = open_recipe(folder)
    if not directory.ledger.exists():
        raise UserError(f"{folder} has no ledger.sqlite, so nothing was measured")
    with closing(Ledger(directory.ledger)) as ledger:
        rows, genes = ledger.measured(key), ledger.genes()
        refits = tuple(json.dumps(genes[refitted]) for _, refitted, _ in ledger.refits(SEARCH))
    keys = sorted({row.key for row in rows})
    if len(keys) != 1:
        found = f"several begin with it: {', '.join(keys)}" if keys else "nothing that was measured has it"
        raise UserError(f"{folder}: {key!r} is not the key of one individual; {found}")
    row = min(rows, key=lambda row: row.evaluation.ok)
    workplace = Workplace(recipe, RunDirectory(scratch))
    name, job = _job_of(row, workplace, refits)
    genome = workplace.parts.genome
    return Replay(row, genome.from_json(genes[row.key]) if name in (SEARCH, FRESH) else genes[row.key], job)


def _job_of(row: Row, workplace: Workplace, refits: Refits) -> tuple[str, Job]:
    """The job that a row's phase asked for, after as many of the search's refits as its context says.

    A control search asks for what the search does.
    """
    kind, _, rest = row.phase.partition("/")
    own = {"confirm": FRESH, CHAMPION: CHAMPION}.get(kind, BASELINE + rest.partition("/")[0])
    for n in range(len(refits) + 1):
        for name in (SEARCH, own) if kind != SEARCH else (SEARCH,):
            job = workplace.job(name, refits[:n])
            if job.fitness.context == row.context:
                return name, job
    raise UserError(f"nothing that this recipe measures has the context of {row.key[:8]} in phase {row.phase}")
