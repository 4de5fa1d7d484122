"""Jobs: what can be measured, by the names under which back ends and ledgers know it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from evokit.interfaces import Fitness

SEARCH, FRESH, AGAIN, CHAMPION = "search", "fresh", "again", "champion"  # jobs; a baseline's is baseline/NAME
EVOLVED = (SEARCH, FRESH, AGAIN)  # jobs whose genes are the genome's; those of all others are JSON values already
OF = "@"  # what follows is the control that a job of search or fresh belongs to

Refits = tuple[str, ...]  # JSON texts of the genes that a fitness was refitted to, or ``RENEWED``, in this order
RENEWED = '{"evokit": "fresh"}'  # the fitness was not refitted but asks on fresh data or replicates


class Candidate(NamedTuple):
    """What a fitness is handed that is ``keyed``: somebody is told of whom an answer is."""

    key: str
    phenotype: Any


@dataclass(frozen=True, slots=True)
class Job:
    """Something that can be measured: a fitness, and what makes its phenotypes of genes."""

    fitness: Fitness
    express: Callable[[Any], Any]
    key: Callable[[Any], str] | None = None  # of genes


class Jobs(Protocol):
    """Where the jobs are; a ``Workplace``."""

    def job(self, name: str, refits: Refits = ()) -> Job: ...
