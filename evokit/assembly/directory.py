"""The run directory: its files, its identity, and who may write to it."""

from __future__ import annotations

import errno
import hashlib
import json
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import lock_descriptor

from evokit.common.files import write_atomically
from evokit.common.json_text import finite_or_none, json_text
from evokit.errors import RunFailed, UserError
from evokit.recipe.schema import Recipe

LOCK_WAIT_S = 0.5  # a look at the lock, as ``evokit runs`` takes, is no reason to refuse a run
LOOK_S = 0.01  # after which such a look is over; a run holds the lock longer
BEGINNING = {"artifacts", "lock", "recipe.yaml.part"}  # names that a run makes before its recipe.yaml
IN_A_SUMMARY = ("status", "recipe", "seed", "objective", "best", "search", "baselines", "final", "verdicts", "energy")
REMEDY = "restore it, or start a new run with another --out"


class RunDirectory:
    """Where things are in a run directory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.recipe = path / "recipe.yaml"
        self.ledger = path / "ledger.sqlite"
        self.metrics = path / "metrics.jsonl"
        self.checkpoints = path / "checkpoint"
        self.artifacts = path / "artifacts"
        self.summary = path / "summary.json"
        self._lock = path / "lock"

    @property
    def is_run(self) -> bool:
        """Whether this is a run directory, or the beginning of one that was killed while it was made."""
        if not self.path.is_dir():
            return False
        return self.recipe.exists() or not {entry.name for entry in self.path.iterdir()} - BEGINNING

    def create(self, recipe: Recipe) -> None:
        """Make the directory of a new run, or finish making one.

        Raises:
            UserError: It cannot be made.
        """
        try:
            self.artifacts.mkdir(parents=True, exist_ok=True)
            self.keep_recipe(recipe)
        except OSError as error:
            raise UserError(f"{self.path} cannot be made: {error.strerror}") from error

    def keep_recipe(self, recipe: Recipe) -> None:
        """Write the resolved recipe."""
        write_atomically(self.recipe, recipe.to_yaml().encode())

    def read_summary(self) -> dict[str, Any] | None:
        """The summary, None if there is none yet.

        Raises:
            UserError: The file is damaged.
        """
        try:
            summary: dict[str, Any] = json.loads(self.summary.read_text())
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, OSError) as error:
            raise self._damaged(str(error)) from error
        if not isinstance(summary, dict) or (lacks := [key for key in IN_A_SUMMARY if key not in summary]):
            raise self._damaged(f"it lacks {lacks[0]!r}" if isinstance(summary, dict) else "it is no mapping")
        return summary

    def noted(self) -> list[dict[str, Any]]:
        """The records of generations in metrics.jsonl; what else somebody left there is none."""
        records = []
        for line in self.metrics.read_bytes().splitlines() if self.metrics.exists() else ():
            with suppress(ValueError):
                records.append(json.loads(line))
        return [one for one in records if isinstance(one, dict)]

    def _damaged(self, why: str) -> UserError:
        return UserError(f"{self.summary} is damaged ({why}); evokit run ... --resume writes it anew")

    def refuse_lost_ledger(self, begun: bool = False) -> None:
        """Refuse to go on with a run, or with a repeat of it, that has begun and whose ledger is gone.

        Args:
            begun: Whether that is known; else what lies here tells.

        Raises:
            UserError: Names the file. Nothing is touched.
        """
        if holds_a_ledger(self.ledger):
            return
        try:
            repeats = (self.read_summary() or {}).get("repeats", ())
        except UserError:
            repeats = ()
        for number in range(len(repeats)):
            RunDirectory(repeat_folder(self.path, number)).refuse_lost_ledger(begun=True)
        begun = begun or any(one.exists() for one in (self.summary, self.metrics, self.checkpoints))
        if begun and not repeats and not repeat_folder(self.path, 0).exists():
            state = "empty" if self.ledger.exists() else "gone"
            raise UserError(f"{self.ledger} is {state}, which is what the run did; {REMEDY}")

    def write_summary(self, summary: Mapping[str, Any]) -> dict[str, Any]:
        """Write the summary and return what was written: JSON has no NaN, so that becomes null."""
        plain: dict[str, Any] = finite_or_none(summary)
        write_atomically(self.summary, (json_text(plain, indent=1) + "\n").encode())
        return plain

    def relative(self, path: str | Path) -> str:
        """``path`` as seen from the run directory, so that the directory can be moved.

        Raises:
            ValueError: It lies elsewhere.
        """
        path = Path(path)
        if not path.is_absolute() and not path.exists():
            return str(path)
        full, home = path.resolve(), self.path.resolve()
        if not full.is_relative_to(home):
            raise ValueError(f"the artifact {path} does not lie in the run directory {self.path}")
        return str(full.relative_to(home))

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only one that writes here. The system opens the lock when the process ends, however it ends.

        Raises:
            UserError: Another process is at work here.
        """
        with self._lock.open("a") as file:
            deadline = time.monotonic() + LOCK_WAIT_S
            while not _locked(file.fileno()):
                if time.monotonic() > deadline:
                    raise UserError(f"another process is at work in {self.path}; wait for it, or choose another --out")
                time.sleep(0.05)
            yield

    @property
    def busy(self) -> bool:
        """Whether a process is at work here."""
        if not self._lock.exists():
            return False
        with self._lock.open() as file:
            if _locked(file.fileno()):
                return False
            time.sleep(LOOK_S)
            return not _locked(file.fileno())

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn what goes wrong with the directory itself into one sentence; errors of components pass.

        Raises:
            RunFailed: A file here is damaged, or cannot be written.
        """
        try:
            yield
        except sqlite3.IntegrityError as error:  # two writers, though the lock should keep them apart
            raise RunFailed(
                f"another process is at work in {self.path}, whose lock was removed; wait for it"
            ) from error
        except sqlite3.DatabaseError as error:
            raise RunFailed(f"the ledger {self.ledger} cannot be used: {error}") from error
        except OSError as error:
            name = error.filename
            ours = isinstance(name, str | Path) and Path(name).resolve().is_relative_to(self.path.resolve())
            if not ours and error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise RunFailed(f"{name or self.path} cannot be used: {error.strerror}") from error


def holds_a_ledger(path: Path) -> bool:
    """Whether a ledger was begun in this file: an empty one is none."""
    return path.is_file() and path.stat().st_size > 0


@contextmanager
def reading(ledger: Path) -> Iterator[sqlite3.Connection]:
    """A ledger for one who only looks; another process may be writing to it."""
    # Where nobody writes, a reader that says so needs no files beside the ledger and leaves none.
    alone = "" if ledger.with_name(f"{ledger.name}-wal").exists() else "&immutable=1"
    with closing(sqlite3.connect(f"{ledger.resolve().as_uri()}?mode=ro{alone}", uri=True)) as db:
        yield db


def repeat_folder(folder: Path, repeat: int) -> Path:
    """Where a repeat of the run in ``folder`` lies."""
    return folder / f"repeat-{repeat}"


def file_digest(path: Path) -> str:
    """blake2b of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def now() -> str:
    """UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _locked(descriptor: int) -> bool:
    """Take a lock without waiting; a file system that knows no locks has nobody to wait for."""
    try:
        return lock_descriptor(descriptor, blocking=False)
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):
            raise
        return True
