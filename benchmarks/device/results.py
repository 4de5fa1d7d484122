"""What was measured so far: one JSON file, whole at any moment, and the same as a table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evokit.common.files import write_atomically
from evokit.errors import UserError

JSON, TABLES = "results.json", "results.md"
FIRST, LAST = ("item", "outcome"), ("message",)


class Results:
    """Rows by step and item, written after each.

    Args:
        folder: Of both files; made if missing.
        machine: What decides whether rows may stand beside each other, JSON values.
        resume: Whether rows of an earlier call are kept.

    Raises:
        UserError: Those rows are of another machine.
    """

    def __init__(self, folder: Path, machine: Mapping[str, Any], *, resume: bool = False) -> None:
        self.folder, self.machine = folder, dict(machine)
        self.rows: list[dict[str, Any]] = []
        path = folder / JSON
        if resume and path.exists():
            before = json.loads(path.read_text())
            if before["machine"] != self.machine:
                raise UserError(
                    f"{path} is of another machine, version or size: leave --resume out, or name another --out"
                )
            self.rows = before["rows"]

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
        """Both files."""
        self.folder.mkdir(parents=True, exist_ok=True)
        content = {"machine": self.machine, "rows": self.rows}
        write_atomically(self.folder / JSON, json.dumps(content, indent=1, allow_nan=False).encode())
        write_atomically(self.folder / TABLES, self.tables().encode())

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
