"""Ledgers as files of finished and other runs: whether one is there, whose it is, whether two tell the same."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from evokit.assembly.directory import holds_a_ledger, reading
from evokit.errors import RunFailed, UserError
from evokit.measuring.ledger import EVALUATION_COLUMNS, Ledger


@contextmanager
def ledger_of(path: Path, *, writes: bool = False) -> Iterator[Ledger]:
    """The ledger of a run that has one, for as long as the block lasts.

    Args:
        path: Of the ledger.
        writes: Whether something is added, which takes the run's lock. Else the file is only read, as it is now:
            another process may be writing to it, and older ones are brought up to date in memory.

    Raises:
        UserError: There is none; it is not made.
        RunFailed: It is damaged.
    """
    if not holds_a_ledger(path):
        raise UserError(f"{path} is {'empty' if path.exists() else 'gone'}, which is what the run did; restore it")
    try:
        ledger = Ledger(path) if writes else _copied(path)
        try:
            yield ledger
        finally:
            ledger.close()
    except sqlite3.DatabaseError as error:
        raise RunFailed(f"the ledger {path} cannot be used: {error}") from error


def _copied(path: Path) -> Ledger:
    with reading(path) as source:
        return Ledger(":memory:", source)


def refuse_other_ledger(path: Path, recipe_digest: str, champion: str | None) -> None:
    """Refuse a ledger that is damaged or is not that of a run's summary.

    Args:
        path: Of the ledger.
        recipe_digest: What the summary says of the recipe.
        champion: Key of the champion; None if the run has none.

    Raises:
        UserError: It is gone, or another run's.
        RunFailed: It is damaged.
    """
    with ledger_of(path) as ledger:
        if (state := ledger.damage()) != "":
            raise RunFailed(f"the ledger {path} cannot be used: {state}")
        identity = ledger.meta("identity") or {}
        if identity.get("recipe") != recipe_digest or (champion is not None and not ledger.holds_genes(champion)):
            raise UserError(f"{path} is the ledger of another run than the summary beside it; restore it")


def same_but_for_costs(one: Path, other: Path) -> bool:
    """Whether two ledgers tell the same story, times and joules apart.

    This is what "one seed, one result" (C4) means for a ledger.
    """
    return list(_story(one)) == list(_story(other))


def _story(path: Path) -> Iterator[Any]:
    db = sqlite3.connect(path)
    columns = EVALUATION_COLUMNS.rsplit(", wall_s", 1)[0]
    yield from db.execute(f"SELECT {columns} FROM evaluations ORDER BY phase, seq")
    yield from db.execute(
        "SELECT phase, generation, slot, key, parents, operator FROM individuals ORDER BY phase, generation, slot"
    )
    yield from db.execute("SELECT * FROM refits ORDER BY phase, number")
    yield from db.execute("SELECT name, seed, digest FROM frozen ORDER BY name, seed")
    yield from db.execute("SELECT name, seed, units FROM scores ORDER BY opening, name, seed")
    db.close()
