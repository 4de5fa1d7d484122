"""The ledger: one SQLite file that holds everything measured, frozen and opened in a run. It is the truth (C5)."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, get_args
from uuid import uuid4

import numpy as np
import orjson

from evokit.common.json_text import json_text, number_of, quick_json
from evokit.common.keys import digest
from evokit.energy import Cost
from evokit.errors import RunFailed
from evokit.interfaces import Evaluation, Individual, Measured, Source

COMMIT_EVERY_S = 1.0
CACHE_KB = 32_000  # of rows at most that are not committed yet; beyond they are written twice
CASES = "<f8"  # numbers of a row's cases, one after the other
SOURCES: tuple[Source, ...] = get_args(Source)

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS evaluations (
    phase TEXT NOT NULL, seq INTEGER NOT NULL, generation INTEGER NOT NULL, key TEXT NOT NULL, context TEXT NOT NULL,
    budget INTEGER NOT NULL, source TEXT NOT NULL, outcome TEXT NOT NULL, value REAL, value_list TEXT NOT NULL,
    metrics TEXT NOT NULL, work INTEGER NOT NULL, artifact TEXT NOT NULL, message TEXT NOT NULL,
    wall_s REAL NOT NULL, cpu_s REAL NOT NULL, energy_j REAL NOT NULL, estimated_j REAL NOT NULL, cases BLOB,
    constraints TEXT NOT NULL DEFAULT '[]',
    PRIMARY KEY (phase, seq));
CREATE TABLE IF NOT EXISTS genomes (key TEXT PRIMARY KEY, genes TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS individuals (
    id INTEGER PRIMARY KEY, phase TEXT NOT NULL, generation INTEGER NOT NULL, slot INTEGER NOT NULL, key TEXT NOT NULL,
    parents TEXT NOT NULL, operator TEXT NOT NULL, UNIQUE (phase, generation, slot));
CREATE TABLE IF NOT EXISTS refits (
    phase TEXT NOT NULL, number INTEGER NOT NULL, generation INTEGER NOT NULL, key TEXT NOT NULL, context TEXT NOT NULL,
    PRIMARY KEY (phase, number));
CREATE TABLE IF NOT EXISTS fingerprints (
    phase TEXT NOT NULL, context TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL,
    PRIMARY KEY (phase, context, key));
CREATE TABLE IF NOT EXISTS frozen (
    name TEXT NOT NULL, seed INTEGER NOT NULL, artifact TEXT NOT NULL, digest TEXT NOT NULL,
    PRIMARY KEY (name, seed, digest));
CREATE TABLE IF NOT EXISTS openings (
    id INTEGER PRIMARY KEY, reason TEXT NOT NULL, models TEXT NOT NULL, opened_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS scores (
    opening INTEGER NOT NULL, name TEXT NOT NULL, seed INTEGER NOT NULL, units TEXT NOT NULL,
    PRIMARY KEY (opening, name, seed));
CREATE TABLE IF NOT EXISTS costs (
    phase TEXT PRIMARY KEY, wall_s REAL NOT NULL, cpu_s REAL NOT NULL, energy_j REAL NOT NULL,
    peak_memory_bytes INTEGER NOT NULL, estimated_j REAL NOT NULL, beside_s REAL NOT NULL DEFAULT 0);
"""

EVALUATION_COLUMNS = (
    "phase, seq, generation, key, context, budget, source, outcome, value, value_list, metrics, work, artifact,"
    " message, wall_s, cpu_s, energy_j, estimated_j, cases, constraints"
)
ADD = f"INSERT INTO evaluations ({EVALUATION_COLUMNS}) VALUES ({', '.join('?' * len(EVALUATION_COLUMNS.split(',')))})"
COST_COLUMNS = ", ".join(field.name for field in fields(Cost))
ADD_COST = (
    f"INSERT INTO costs (phase, {COST_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (phase) DO UPDATE SET "
    + ", ".join(f"{field.name} = excluded.{field.name}" for field in fields(Cost))
)


@dataclass(slots=True)  # to make a frozen one takes three times as long
class Row:
    """One slot of a phase: who was asked for, at which budget, and the answer."""

    phase: str
    seq: int
    generation: int
    key: str
    context: str
    budget: int
    evaluation: Evaluation


@dataclass(slots=True)
class Tally:
    """What rows add up to."""

    sources: Counter[str] = field(default_factory=Counter)
    failed: int = 0  # of the measured
    work: int = 0

    def add(self, source: str, ok: bool, work: int, n: int = 1) -> None:
        self.sources[source] += n
        self.failed += n * (source == "measured" and not ok)
        self.work += work

    def take(self, evaluations: Sequence[Evaluation]) -> None:
        self.sources.update([one.source for one in evaluations])
        self.failed += sum([one.source == "measured" and not one.ok for one in evaluations])
        self.work += sum([one.work for one in evaluations])

    def counts(self) -> dict[str, int]:
        """Evaluations by source, and how many of the measured failed."""
        return {source: self.sources[source] for source in SOURCES} | {"failed": self.failed}


class Ledger:
    """Rows are committed as results come, grouped by up to a second; a SIGKILL loses at most the open group.

    What a run asks for in every generation, counts, work and costs, is added up in memory, so that a generation costs
    the same whatever the number of rows. One ledger at a time may write to a file.

    Args:
        path: The SQLite file; created when missing. ``:memory:`` serves rehearsals such as ``evokit check``.
        source: A ledger that is copied there first, as it is now.
    """

    def __init__(self, path: Path | str, source: sqlite3.Connection | None = None) -> None:
        self._path = str(path)
        self._db = sqlite3.connect(path)
        if source is not None:
            source.backup(self._db)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute(f"PRAGMA cache_size=-{CACHE_KB}")
        self._db.executescript(SCHEMA)
        self._tell_estimates()
        self._make_room()
        self._committed_at = time.monotonic()
        self._files = self._present()
        self._dearer: dict[str, Cost] = {}  # phases whose costs are written with the next commit

    def _present(self) -> dict[str, int]:
        """The files that rows are in, by their number in the file system; the journal beside it holds the last ones."""
        found = {}
        for name in (self._path, f"{self._path}-wal"):
            try:
                found[name] = os.stat(name).st_ino
            except OSError:
                continue
        return found

    def _tell_estimates(self) -> None:
        """In a ledger from before estimated joules had a column, nothing tells which were read: all are estimates."""
        for table in ("evaluations", "costs"):
            if "estimated_j" not in {name for _, name, *_ in self._db.execute(f"PRAGMA table_info({table})")}:
                self._db.execute(f"ALTER TABLE {table} ADD COLUMN estimated_j REAL NOT NULL DEFAULT 0")
                self._db.execute(f"UPDATE {table} SET estimated_j = energy_j")
                self._db.commit()

    def _make_room(self) -> None:
        """In an older ledger nobody tells cases and constraints, and nothing ran aside."""
        for table, name, kind in (
            ("evaluations", "cases", "BLOB"),
            ("evaluations", "constraints", "TEXT NOT NULL DEFAULT '[]'"),
            ("costs", "beside_s", "REAL NOT NULL DEFAULT 0"),
        ):
            if name not in {column for _, column, *_ in self._db.execute(f"PRAGMA table_info({table})")}:
                self._db.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")

    def close(self) -> None:
        self._commit()
        self._db.close()

    def damage(self) -> str:
        """What is wrong with the file; empty if nothing is."""
        (state,) = self._db.execute("PRAGMA quick_check(1)").fetchone()
        return "" if state == "ok" else str(state)

    def holds_genes(self, key: str) -> bool:
        """Whether an individual of that key was born."""
        return self._db.execute("SELECT 1 FROM genomes WHERE key = ?", (key,)).fetchone() is not None

    def select(self, query: str, values: Mapping[str, Any] | Sequence[Any] = ()) -> sqlite3.Cursor:
        """Rows of the tables of ``SCHEMA``."""
        return self._db.execute(query, values)

    def flush(self) -> None:
        """Commit what is open.

        Raises:
            RunFailed: The file was deleted or replaced, so that what is committed is in no place that can be read.
        """
        self._commit()
        self._committed_at = time.monotonic()
        present = self._present()
        for name, number in self._files.items():
            if present.get(name) != number:
                raise RunFailed(
                    f"{name} was deleted or replaced while the run was at work; what was measured since is lost: "
                    "restore the file and go on with --resume, or start a new run with another --out"
                )

    def _commit(self) -> None:
        self._db.executemany(ADD_COST, [(phase, *asdict(cost).values()) for phase, cost in self._dearer.items()])
        self._dearer.clear()
        self._db.commit()

    def _write(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        self._db.executemany(statement, rows)
        self._commit_if_due()

    def _commit_if_due(self) -> None:
        if time.monotonic() - self._committed_at >= COMMIT_EVERY_S:
            self.flush()

    # --- what a run says about itself

    def meta(self, name: str) -> Any:
        """The JSON value stored under ``name``, or None."""
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else json.loads(row[0])

    def set_meta(self, name: str, value: Any) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, json.dumps(value)))
        self.flush()

    # --- measurements

    def add(self, rows: Sequence[Row]) -> None:
        tallies = self._tallies  # read before the rows are in the file, which would count them twice
        self._write(ADD, map(_to_sql, rows))
        for phase, some in groupby(rows, attrgetter("phase")):
            tallies.setdefault(phase, Tally()).take([row.evaluation for row in some])

    def rows(self, phase: str) -> list[Row]:
        """All slots of a phase, in their order."""
        query = f"SELECT {EVALUATION_COLUMNS} FROM evaluations WHERE phase = ? ORDER BY seq"
        return [_from_sql(row) for row in self._db.execute(query, (phase,))]

    def measured(self, key: str) -> list[Row]:
        """All measured slots of every phase whose key begins with ``key``."""
        query = f"SELECT {EVALUATION_COLUMNS} FROM evaluations WHERE source = 'measured' AND substr(key, 1, ?) = ?"
        return [_from_sql(row) for row in self._db.execute(query, (len(key), key))]

    def present_rows(self, phase: str) -> list[Row]:
        """Slots of a phase since the last refit of its fitness: values of another context answer another question."""
        rows, refits = self.rows(phase), self.refits(phase)
        return [row for row in rows if row.context == refits[-1][2]] if refits else rows

    def measured_at(self, budget: int) -> list[Measured]:
        """What the search measured at a budget and did not fail, in the order of measurement."""
        genes = self.genes()
        measured = (row for row in self.present_rows("search") if row.evaluation.source == "measured")
        rows = [row for row in measured if row.budget == budget]
        return [Measured(genes[row.key], row.evaluation) for row in rows if row.evaluation.ok]

    @cached_property
    def _tallies(self) -> dict[str, Tally]:
        """Of every phase; what is added later is added here too."""
        tallies: dict[str, Tally] = {}
        query = (
            "SELECT phase, source, outcome = 'ok', coalesce(sum(work), 0), count(*) FROM evaluations GROUP BY 1, 2, 3"
        )
        for phase, source, ok, work, n in self._db.execute(query):
            tallies.setdefault(phase, Tally()).add(source, bool(ok), work, n)
        return tallies

    def counts(self, phase: str) -> dict[str, int]:
        """Evaluations by source, and how many of the measured failed."""
        return self._tallies.get(phase, Tally()).counts()

    def by_budget(self, phase: str) -> dict[int, int]:
        """Measured rows of a phase at each budget."""
        query = (
            "SELECT budget, count(*) FROM evaluations WHERE phase = ? AND source = 'measured'"
            " GROUP BY budget ORDER BY budget"
        )
        return dict(self._db.execute(query, (phase,)))

    def failures(self, phase: str) -> list[tuple[str, str, int]]:
        """Outcome, message and number of what failed in a phase, the commonest first."""
        query = (
            "SELECT outcome, message, count(*) FROM evaluations WHERE phase = ? AND source = 'measured'"
            " AND outcome != 'ok' GROUP BY 1, 2 ORDER BY 3 DESC, min(seq)"
        )
        return list(self._db.execute(query, (phase,)))

    def work(self, phase: str) -> int:
        """Counted work that a phase really spent."""
        return self._tallies.get(phase, Tally()).work

    # --- lineage

    def add_born(
        self, phase: str, generation: int, individuals: Sequence[Individual], genes: Sequence[Any], first: int = 0
    ) -> None:
        """Record a generation's new individuals, or those from ``first`` on; asking twice changes nothing."""
        self._write(
            "INSERT OR IGNORE INTO individuals (phase, generation, slot, key, parents, operator)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                (phase, generation, slot, one.key, quick_json(one.parents), one.born_by)
                for slot, one in enumerate(individuals, first)
            ),
        )
        self._write(
            "INSERT OR IGNORE INTO genomes VALUES (?, ?)",
            ((one.key, quick_json(data)) for one, data in zip(individuals, genes, strict=True)),
        )

    def genes(self) -> dict[str, Any]:
        """Key to genes as JSON values."""
        return {key: json.loads(genes) for key, genes in self._db.execute("SELECT key, genes FROM genomes")}

    def born(self, phase: str, key: str) -> int | None:
        """The generation in which a key first appeared."""
        query = "SELECT min(generation) FROM individuals WHERE phase = ? AND key = ?"
        generation: int | None = self._db.execute(query, (phase, key)).fetchone()[0]
        return generation

    # --- what individuals do, where a fitness tells

    def add_fingerprints(self, phase: str, context: str, fingerprints: Mapping[str, str]) -> None:
        """Record the fingerprint of each key; empty where there is none."""
        rows = ((phase, context, key, text) for key, text in fingerprints.items())
        self._write("INSERT OR IGNORE INTO fingerprints VALUES (?, ?, ?, ?)", rows)

    def fingerprints(self, phase: str) -> dict[tuple[str, str], str]:
        """(context, key) to fingerprint, of a phase."""
        query = "SELECT context, key, fingerprint FROM fingerprints WHERE phase = ?"
        return {(context, key): text for context, key, text in self._db.execute(query, (phase,))}

    # --- refits of the fitness

    def add_refit(self, phase: str, number: int, generation: int, key: str, context: str) -> None:
        """Record to whom the fitness was refitted before a generation; asking twice, as a resume does, changes nothing.

        Args:
            phase: Of the search.
            number: Refits of the phase so far.
            generation: Whose measurements are the first with it.
            key: Of the individual.
            context: Of the refitted fitness.
        """
        self._write("INSERT OR REPLACE INTO refits VALUES (?, ?, ?, ?, ?)", [(phase, number, generation, key, context)])

    def refits(self, phase: str) -> list[tuple[int, str, str]]:
        """(generation, key, context) of every refit of a phase, in their order."""
        query = "SELECT generation, key, context FROM refits WHERE phase = ? ORDER BY number"
        return list(self._db.execute(query, (phase,)))

    # --- the seal of the test split

    def freeze(self, name: str, seed: int, artifact: str, digest: str) -> None:
        """Record that a model is finished, before the seal is opened."""
        self._db.execute("INSERT OR IGNORE INTO frozen VALUES (?, ?, ?, ?)", (name, seed, artifact, digest))
        self.flush()

    def frozen(self) -> list[tuple[str, int, str, str]]:
        """(name, seed, artifact, digest) of every finished model."""
        return list(self._db.execute("SELECT name, seed, artifact, digest FROM frozen ORDER BY rowid"))

    def opening(self, reason: str, models: str, at: str) -> int:
        """Record an opening of the test split or of the vault and return its number.

        A resumed run that opens it for the same models goes on with the opening that it began.

        Args:
            reason: ``final`` or ``verify``; ``unseal`` for the vault.
            models: Digest of the set of frozen models.
            at: Time.
        """
        last = self._db.execute(
            "SELECT id, models FROM openings WHERE reason = ? ORDER BY id DESC", (reason,)
        ).fetchone()
        if reason != "verify" and last is not None and last[1] == models:
            return int(last[0])
        row = self._db.execute(
            "INSERT INTO openings (reason, models, opened_at) VALUES (?, ?, ?)", (reason, models, at)
        )
        self.flush()
        assert row.lastrowid is not None
        return row.lastrowid

    def openings(self) -> list[tuple[int, str, str]]:
        """(number, reason, time) of every opening, of the vault too."""
        return list(self._db.execute("SELECT id, reason, opened_at FROM openings ORDER BY id"))

    def identity_of(self, opening: int) -> str:
        """Of an opening among those of all runs; a new run in the place of this one has others."""
        if (own := self.meta("ledger")) is None:
            self.set_meta("ledger", own := uuid4().hex)
        (at,) = self._db.execute("SELECT opened_at FROM openings WHERE id = ?", (opening,)).fetchone()
        return digest([own, opening, at])

    def add_score(self, opening: int, name: str, seed: int, units: Sequence[float]) -> None:
        row = (opening, name, seed, json_text([float(unit) for unit in units]))
        self._db.execute("INSERT OR REPLACE INTO scores VALUES (?, ?, ?, ?)", row)
        self.flush()

    def scores(self, opening: int) -> dict[tuple[str, int], list[float]]:
        """(name, seed) to one value per test unit."""
        query = "SELECT name, seed, units FROM scores WHERE opening = ?"
        found = self._db.execute(query, (opening,))
        return {(name, seed): list(map(number_of, json.loads(units))) for name, seed, units in found}

    # --- costs

    def add_cost(self, phase: str, cost: Cost) -> None:
        """Add seconds and joules to a phase; its peak memory is the largest seen."""
        self._costs[phase] = self._dearer[phase] = self._costs.get(phase, Cost.none()) + cost
        self._commit_if_due()

    def costs(self) -> dict[str, Cost]:
        """Every phase's cost so far."""
        return dict(self._costs)

    @cached_property
    def _costs(self) -> dict[str, Cost]:
        rows = self._db.execute(f"SELECT phase, {COST_COLUMNS} FROM costs ORDER BY rowid")
        names = COST_COLUMNS.split(", ")
        return {phase: Cost(**dict(zip(names, numbers, strict=True))) for phase, *numbers in rows}


def _to_sql(row: Row) -> tuple[Any, ...]:
    one = row.evaluation
    return (
        row.phase, row.seq, row.generation, row.key, row.context, row.budget, one.source, one.outcome,
        one.values[0] if one.values else None, orjson.dumps(one.values).decode(),
        json_text(dict(one.metrics)) if one.metrics else "{}", one.work,
        one.artifact, one.message, one.wall_s, one.cpu_s, one.energy_j, one.estimated_j,
        None if one.cases is None else one.cases.astype(CASES).tobytes(),
        orjson.dumps(one.constraints).decode() if one.constraints else "[]",
    )  # fmt: skip


def _from_sql(row: Sequence[Any]) -> Row:
    (
        phase, seq, generation, key, context, budget, source, outcome, _, values, metrics, work, artifact, message,
        wall_s, cpu_s, energy_j, estimated_j, cases, constraints,
    ) = row  # fmt: skip
    evaluation = Evaluation(
        values=tuple(map(number_of, json.loads(values))), outcome=outcome, work=work,
        metrics={name: number_of(value) for name, value in json.loads(metrics).items()}, artifact=artifact,
        message=message, source=source, wall_s=wall_s, cpu_s=cpu_s, energy_j=energy_j,
        estimated_j=estimated_j, cases=None if cases is None else np.frombuffer(cases, CASES),
        constraints=() if constraints == "[]" else tuple(json.loads(constraints)),
    )  # fmt: skip
    return Row(phase, seq, generation, key, context, budget, evaluation)
