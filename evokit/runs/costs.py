"""What a contender cost, everything that led to its models included; the one place where that is added up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from evokit.assembly.jobs import CHAMPION
from evokit.assembly.workplace import BASELINE
from evokit.common.keys import digest
from evokit.energy import Cost, Reading, share
from evokit.measuring.aside import Took
from evokit.measuring.ledger import Ledger, Row

PREPARE = "prepare/"  # prefix of the phases of what a fitness did before its first measurement
PARTS = ("preparation", "search", "confirmation", "tuning", "models")


@dataclass(frozen=True, slots=True)
class Spent:
    """Counted work, and the seconds and joules that went with it."""

    work: int
    cost: Cost

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.work + other.work, self.cost + other.cost)


NOTHING = Spent(0, Cost.none())


@dataclass(frozen=True)
class Payer:
    """Whose costs are asked for: the champion, a control search or a trained baseline, with certain finished models.

    Args:
        name: ``champion``, or the baseline's.
        builds_on: Of a training, the names of the preparations that it needs; None is a search, which needs all.
        setting: Of its models, JSON values; None if it has none, so that all its fits count.
        seeds: Of its models.
        settings_tried: 1 is untuned.
    """

    name: str
    builds_on: Sequence[str] | None
    setting: Mapping[str, Any] | None
    seeds: Sequence[int]
    settings_tried: int


def spent(ledger: Ledger, who: Payer) -> dict[str, Spent]:
    """What each of ``PARTS`` took, those that are there; together everything that led to the models.

    Refits of the fitness are in the search, in whose steps they happen. Other models that were fitted beside these,
    such as longer trained ones, are in none; nor is the test. A phase has overheads, so a part of its fits has its
    share of the phase by CPU seconds.
    """
    costs = ledger.costs()
    trained = who.builds_on is not None
    home = CHAMPION if who.name == CHAMPION else BASELINE + who.name
    search, confirm = ("search", "confirm") if who.name == CHAMPION else (home, f"{home}/confirm")
    parts = {
        "preparation": [Spent(0, cost) for phase, cost in costs.items() if _prepares(phase, who.builds_on)],
        "search": [] if trained or search not in costs else [Spent(ledger.work(search), costs[search])],
        "confirmation": [Spent(ledger.work(phase), cost) for phase, cost in costs.items() if below(phase, confirm)],
    }
    fits = [phase for phase in costs if below(phase, home) and not below(phase, confirm)]
    for phase in fits if trained else [one for one in fits if one != search]:
        rows = [row for row in ledger.rows(phase) if row.evaluation.source == "measured"]
        for part, own in _divided(rows, ledger.genes(), who).items():
            parts.setdefault(part, []).append(_share(costs[phase], own, rows))
    return {part: sum(parts[part], NOTHING) for part in PARTS if parts.get(part)}


def divided(phase: str, reading: Reading, peak_memory_bytes: int, aside: Mapping[str, Took]) -> dict[str, Cost]:
    """What a block took, by phase: its own, and those that ran aside meanwhile.

    Each of those has its CPU seconds, and joules are shared by them (C7). The clock's seconds are the block's, which
    the others count a second time.
    """
    others = {name: took for name, took in aside.items() if name != phase}
    cpu_s = [took.cpu_s for took in others.values()]
    cpu_s = [max(0.0, reading.cpu_s - sum(cpu_s)), *cpu_s]
    shares = zip((phase, *others), cpu_s, share(reading.joules, cpu_s), share(reading.estimated_j, cpu_s), strict=True)
    return {
        name: Cost(
            wall_s=others[name].wall_s if name in others else reading.wall_s,
            cpu_s=seconds,
            energy_j=joules,
            estimated_j=estimated_j,
            peak_memory_bytes=0 if name in others else peak_memory_bytes,
            beside_s=others[name].wall_s if name in others else 0.0,
        )
        for name, seconds, joules, estimated_j in shares
    }


def between_blocks(aside: Mapping[str, Took], watts_per_core: float) -> dict[str, Cost]:
    """What ran aside while nothing else was measured and no meter read; the first counts the clock's seconds."""
    return {
        name: replace(Cost.unmetered(*took, watts_per_core), beside_s=took.wall_s if at else 0.0)
        for at, (name, took) in enumerate(aside.items())
    }


def total(parts: Iterable[Spent]) -> Spent:
    """All parts together."""
    return sum(parts, NOTHING)


def told_cost(one: Spent) -> dict[str, Any]:
    """As a summary has it."""
    return {"work": one.work, **asdict(one.cost)}


def below(phase: str, prefix: str) -> bool:
    """
    >>> below("confirm/8", "confirm"), below("confirmed", "confirm")
    (True, False)
    """
    return phase == prefix or phase.startswith(f"{prefix}/")


def _prepares(phase: str, names: Sequence[str] | None) -> bool:
    return phase.startswith(PREPARE) and (names is None or phase.removeprefix(PREPARE) in names)


def _divided(rows: Sequence[Row], trials: Mapping[str, Any], who: Payer) -> dict[str, list[Row]]:
    """Rows of fits that tuned and of those that made the models, among them a winner's that is finished when tuned."""
    parts: dict[str, list[Row]] = {}
    setting = None if who.setting is None else digest(who.setting)
    for row in rows:
        trial = trials[row.key]
        races = who.settings_tried > 1 and row.generation == 0
        wins = setting is None or digest(trial["setting"]) == setting
        if wins and (not races or trial["seed"] in who.seeds):
            parts.setdefault("models", []).append(row)
        elif races:
            parts.setdefault("tuning", []).append(row)
    return parts


def _share(cost: Cost, own: Sequence[Row], rows: Sequence[Row]) -> Spent:
    """The share that some rows have of a phase."""
    mine, all_s = (sum(row.evaluation.cpu_s for row in some) for some in (own, rows))
    part = mine / all_s if all_s else len(own) / len(rows)
    return Spent(sum(row.evaluation.work for row in own), cost * part)
