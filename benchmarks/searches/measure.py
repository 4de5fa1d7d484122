"""One piece of work: all runs of a contender on a function."""

from __future__ import annotations

import time
import traceback
import warnings
from dataclasses import dataclass
from typing import Any

from threadpoolctl import threadpool_limits

from benchmarks.searches.contenders import Contender, of_kind
from benchmarks.searches.problems import Over
from benchmarks.searches.store import Key
from benchmarks.searches.suites import SUITES
from evokit.assembly.directory import now
from evokit.assembly.identity import cpu_model

DIGITS = 8  # of values; evokit keeps all, a file of improvements need not


@dataclass(frozen=True)
class Piece:
    """What a process is asked for."""

    suite: str
    contender: str
    dimension: int
    each: int  # evaluations per dimension
    function: str
    runs: int

    @property
    def key(self) -> Key:
        return self.suite, self.contender, self.dimension, self.each, self.function


def measured(piece: Piece) -> dict[str, Any]:
    """The row of a piece: run i, from 1, is on instance i with seed i."""
    suite = SUITES[piece.suite]
    contender = of_kind(suite.kind)[piece.contender]
    with threadpool_limits(1):  # seconds are those of one core, and linear algebra has one order of summing
        runs = [_run(contender, piece, number) for number in range(1, piece.runs + 1)]
    package = f"{contender.needs} {contender.version}"
    return {**vars(piece), "date": now()[:10], "processor": cpu_model(), "package": package, "runs": runs}


def _run(contender: Contender, piece: Piece, number: int) -> dict[str, Any]:
    problem = SUITES[piece.suite].problem(piece.function, piece.dimension, number)
    record = problem.record(piece.each * (piece.dimension or problem.dimension))
    started, ending = time.process_time(), "by itself"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peers speak of what their own dependencies do
        try:
            contender.run(record, number)
        except Over:
            ending = "solved" if record.solved else "spent"
        except Exception:
            ending = f"failed: {traceback.format_exc(limit=-1).strip()}"
    return {
        "seconds": round(time.process_time() - started, 4),
        "budget": record.budget,
        "evaluations": record.evaluations,
        "ending": ending,
        "at": [n for n, _ in record.improvements],
        "value": [float(f"{value:.{DIGITS}g}") for _, value in record.improvements],
        **record.figures,
    }
