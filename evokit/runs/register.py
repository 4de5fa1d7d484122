"""The register: how often a test split, or a part of it, was opened on this machine, by any run of this user."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from platformdirs import user_state_path

from evokit.common.keys import digest

STATE = "EVOKIT_STATE"
UNSEAL = "unseal"
WAIT_S = 30.0  # for other processes that write
SCHEMA = """
CREATE TABLE IF NOT EXISTS unit_sets (digest TEXT PRIMARY KEY, n INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS units (unit TEXT NOT NULL, unit_set TEXT NOT NULL, PRIMARY KEY (unit, unit_set))
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS openings (
    id INTEGER PRIMARY KEY, opening TEXT NOT NULL UNIQUE, reason TEXT NOT NULL, unit_set TEXT NOT NULL,
    recipe TEXT NOT NULL, recipe_digest TEXT NOT NULL, run TEXT NOT NULL, opened_at TEXT NOT NULL);
"""
SHARED = """
SELECT recipe, reason, count(*), max(shared) FROM openings JOIN (
    SELECT theirs.unit_set AS unit_set, count(*) AS shared FROM units AS ours JOIN units AS theirs USING (unit)
    WHERE ours.unit_set = :unit_set GROUP BY theirs.unit_set) USING (unit_set)
WHERE id <= (SELECT id FROM openings WHERE opening = :opening)
GROUP BY recipe, reason ORDER BY min(id)
"""


@dataclass(frozen=True)
class Opening:
    """One opening of a test split or a vault.

    Args:
        identity: The same when an interrupted run goes on with an opening that it began; else of its own.
        reason: ``final``, ``verify`` or ``unseal``.
        units: A digest of each unit that was opened.
        recipe: Name of its file.
        recipe_digest: Of what it says.
        run: The run directory.
        at: Time.
    """

    identity: str
    reason: str
    units: Sequence[str]
    recipe: str
    recipe_digest: str
    run: Path
    at: str


def register_path() -> Path:
    """``register.sqlite`` in ``$EVOKIT_STATE``, else in the user's state folder."""
    return Path(os.environ.get(STATE) or user_state_path("evokit")).expanduser() / "register.sqlite"


def enter(opening: Opening) -> dict[str, Any]:
    """Count an opening, once however often it is told.

    Returns:
        JSON values: ``units``, how many were opened; ``openings`` of any of these units up to this one, itself
        included; ``recipes``, whose openings these were: ``recipe``, ``reason``, ``openings``, and the most units
        ``shared`` with one of them; ``problem``, empty, or why none were counted, and then ``openings`` is None.
    """
    found: dict[str, Any] = {"units": len(set(opening.units)), "openings": None, "recipes": [], "problem": ""}
    path = register_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=WAIT_S)) as db:
            rows = _entered(db, opening)
    except (OSError, sqlite3.Error) as error:
        return found | {"problem": f"{path} cannot be used: {getattr(error, 'strerror', None) or error}"}
    names = ("recipe", "reason", "openings", "shared")
    recipes = [dict(zip(names, row, strict=True)) for row in rows]
    return found | {"openings": sum(one["openings"] for one in recipes), "recipes": recipes}


def _entered(db: sqlite3.Connection, opening: Opening) -> list[tuple[Any, ...]]:
    """Write an opening and its units in one transaction; returns who opened any of them up to then."""
    db.executescript(SCHEMA)
    units = sorted(set(opening.units))
    unit_set = digest(units)
    with db:
        # The first write locks, so that of two processes one sees what the other wrote.
        new = db.execute("INSERT OR IGNORE INTO unit_sets VALUES (?, ?)", (unit_set, len(units)))
        if new.rowcount:
            db.executemany("INSERT INTO units VALUES (?, ?)", ((unit, unit_set) for unit in units))
        run = str(opening.run.resolve())
        db.execute(
            "INSERT OR IGNORE INTO openings (opening, reason, unit_set, recipe, recipe_digest, run, opened_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (opening.identity, opening.reason, unit_set, opening.recipe, opening.recipe_digest, run, opening.at),
        )
        return list(db.execute(SHARED, {"unit_set": unit_set, "opening": opening.identity}))


def earlier(register: Mapping[str, Any], recipe: str) -> str:
    """Who opened units of a vault before the run of ``recipe`` that was just entered; empty if nobody is known to."""
    if register["problem"]:
        return f"Who opened these units before is not known: {register['problem']}"
    others = [
        one | {"openings": one["openings"] - ((one["recipe"], one["reason"]) == (recipe, UNSEAL))}
        for one in register["recipes"]
    ]
    said = spoken({**register, "recipes": [one for one in others if one["openings"]]})
    n = register["openings"] - 1
    return f"These units, or a part of them, were opened {_times(n)} before on this machine: {said}." if n else ""


def spoken(register: Mapping[str, Any]) -> str:
    """Whose openings the register has, and how many of the units these were.

    >>> one = {"recipe": "a.yaml", "reason": "final", "openings": 2, "shared": 3}
    >>> spoken({"units": 3, "recipes": [one, one | {"reason": "verify", "openings": 1, "shared": 2}]})
    'a.yaml (final) 2 times; a.yaml (verify) 1 time, 2 of the 3 units'
    """
    return "; ".join(
        f"{one['recipe']} ({one['reason']}) {_times(one['openings'])}"
        + ("" if one["shared"] == register["units"] else f", {one['shared']:,} of the {register['units']:,} units")
        for one in register["recipes"]
    )


def _times(n: int) -> str:
    return f"{n:,} time" + ("" if n == 1 else "s")
