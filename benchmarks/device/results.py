"""What was measured so far: one JSON file, whole at any moment, and the same as a table."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from evokit.common.files import write_atomically
from evokit.errors import UserError

JSON, TABLES = "results.json", "results.md"
FIRST, LAST = ("item", "outcome"), ("message",)


class Results:
    """Rows by step and item, written after each.

    Args:
        folder: Of both files; made if missing.
        machine: What decides whether rows may stand beside each other, JSON values.
        resume: Whether rows of an earlier call are kept; else its file is, as ``results.1.json``.

    Raises:
        UserError: Those rows are of another machine, or cannot be read; or another call writes into the folder.
    """

    def __init__(self, folder: Path, machine: Mapping[str, Any], *, resume: bool = False) -> None:
        self.folder, self.machine = folder, dict(machine)
        self.rows: list[dict[str, Any]] = []
        self.written = True
        path = folder / JSON
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(folder / "lock", timeout=0)  # the system's, which a kill gives back
            self._lock.acquire()
        except Timeout:
            raise UserError(f"another call is writing into {folder}: wait for it, or name another --out") from None
        except OSError as error:
            raise UserError(f"nothing can be written into {folder}: {error}") from None
        if not path.exists():
            return
        if not resume:
            numbers = (folder / f"results.{n}.json" for n in count(1))
            path.replace(next(one for one in numbers if not one.exists()))
            return
        try:
            before = json.loads(path.read_text())
            machine, rows = before["machine"], before["rows"]
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"{path} cannot be read ({error}): leave --resume out, which puts it aside") from None
        if machine != self.machine:
            names = [name for name in {**machine, **self.machine} if machine.get(name) != self.machine.get(name)]
            raise UserError(
                f"{path} is of another machine, version or size ({', '.join(names)} differ): leave --resume out, which "
                "puts it aside, or name another --out"
            )
        self.rows = rows

    def close(self) -> None:
        """Let another call write into the folder."""
        self._lock.release()

    def row(self, step: str, item: str) -> dict[str, Any] | None:
        """What is known of an item; None if nothing."""
        return next((row for row in self.rows if (row["step"], row["item"]) == (step, item)), None)

    def put(self, row: Mapping[str, Any]) -> None:
        """Write a row, in the place of what was known of its item."""
        old = self.row(row["step"], row["item"])
        if old is None:
            self.rows.append(dict(row))
        else:
            self.rows[self.rows.index(old)] = dict(row)
        self.write()

    def write(self) -> None:
        """Both files. On a full disk the rows are kept, said, and written with the next; measuring goes on."""
        content = {"machine": self.machine, "rows": self.rows}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self.folder / JSON, json.dumps(content, indent=1, allow_nan=False).encode())
            write_atomically(self.folder / TABLES, self.tables().encode())
            self.written = True
        except OSError as error:
            self.written = False
            print(f"{self.folder / JSON} was not written: {error}", file=sys.stderr, flush=True)

    def tables(self) -> str:
        """A Markdown table a step."""
        about = [f"- {name}: {value}" for name, value in self.machine.items()]
        parts = ["# Measured on a device", "\n".join(about)]
        for step in dict.fromkeys(row["step"] for row in self.rows):
            rows = [row for row in self.rows if row["step"] == step]
            parts += [f"## {step}", _table(rows)]
        return "\n\n".join(parts) + "\n"


def plain(value: Any) -> Any:
    """A value as JSON has it: numbers that are not finite as text."""
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and value - value != 0:
        return str(value)
    return value


def shown(value: Any) -> str:
    """A cell of a table.

    >>> [shown(one) for one in (None, True, 12, 0.00012345, 1234567.0, "-")]
    ['', 'yes', '12', '0.0001234', '1.235e+06', '-']
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value).replace("|", "/").replace("\n", " ")


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    names = dict.fromkeys(name for row in rows for name in row if name not in ("step", "what", *FIRST, *LAST))
    head = [*FIRST, *names, *LAST]
    lines = [head, ["---"] * len(head), *([shown(row.get(name)) for name in head] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
