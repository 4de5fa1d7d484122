"""What a ledger tells of a run that is over: who came from whom, how they fared, and what failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import orjson

from evokit.measuring.ledger import Ledger


class Born(NamedTuple):
    """An individual as its phase first had it: when, the keys of its parents, and what made it."""

    generation: int
    parents: Sequence[str]
    operator: str


class Failure(NamedTuple):
    """Failures of one kind, and the key of the first one."""

    phase: str
    outcome: str
    message: str
    n: int
    key: str


def all_failures(ledger: Ledger) -> list[Failure]:
    """What failed in all phases, by kind, the commonest first."""
    query = (
        "SELECT phase, outcome, message, count(*), key, min(seq) FROM evaluations WHERE source = 'measured'"
        " AND outcome != 'ok' GROUP BY 1, 2, 3 ORDER BY 4 DESC, min(rowid)"
    )
    return [Failure(*row[:5]) for row in ledger.select(query)]


def measured_by_generation(ledger: Ledger, phase: str) -> dict[int, list[tuple[int, int]]]:
    """Budget to (generation, how many were measured at it), both ascending."""
    query = (
        "SELECT budget, generation, count(*) FROM evaluations WHERE phase = ? AND source = 'measured'"
        " GROUP BY 1, 2 ORDER BY 1, 2"
    )
    found: dict[int, list[tuple[int, int]]] = {}
    for budget, generation, n in ledger.select(query, (phase,)):
        found.setdefault(budget, []).append((generation, n))
    return found


Values = dict[int, dict[int, dict[str, float | None]]]


def values_by_generation(ledger: Ledger, phase: str) -> Values:
    """Generation, budget and key to the first objective as measured or known; None of who failed."""
    query = (
        "SELECT generation, budget, key, CASE outcome WHEN 'ok' THEN value END FROM evaluations"
        " WHERE phase = ? AND source != 'predicted' ORDER BY seq"
    )
    found: Values = {}
    for generation, budget, key, value in ledger.select(query, (phase,)):
        found.setdefault(generation, {}).setdefault(budget, {})[key] = value
    return found


def measuring_time(ledger: Ledger) -> list[tuple[str, int, float]]:
    """Each phase that measured: how many, and the seconds that they took one after the other."""
    query = "SELECT phase, count(*), sum(wall_s) FROM evaluations WHERE source = 'measured' GROUP BY 1"
    return list(ledger.select(query))


def lineage(ledger: Ledger, phase: str) -> dict[str, Born]:
    """Key to where it came from, of all that were born in a phase, in the order of their births."""
    query = "SELECT key, generation, parents, operator FROM individuals WHERE phase = ? ORDER BY generation, slot"
    found: dict[str, Born] = {}
    for key, generation, parents, operator in ledger.select(query, (phase,)):
        found.setdefault(key, Born(generation, orjson.loads(parents), operator))
    return found


def full_values(ledger: Ledger, phase: str) -> dict[str, float]:
    """Key to first objective, of all that have a value at the highest budget, since the last refit if there was."""
    refits = ledger.refits(phase)
    query = (
        "SELECT key, value FROM evaluations WHERE phase = :phase AND outcome = 'ok' AND source != 'predicted'"
        " AND budget = (SELECT max(budget) FROM evaluations WHERE phase = :phase)"
        " AND (:context = '' OR context = :context) ORDER BY seq"
    )
    return dict(ledger.select(query, {"phase": phase, "context": refits[-1][2] if refits else ""}))
