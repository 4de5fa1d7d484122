"""What was measured so far: a file for each contender and suite, a line for each function, dimension and budget."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Key = tuple[str, str, int, int, str]  # suite, contender, dimension, evaluations per dimension, function
Row = Mapping[str, Any]


class Store:
    """Rows below a folder; the last one of a key counts.

    Args:
        folder: Made when something is put into it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: dict[Key, Row] = {}
        for path in sorted(folder.glob("*/*.jsonl")):
            for row in _lines(path):
                self.rows[key_of(row)] = row

    def put(self, row: Row) -> None:
        """Append a row to its file."""
        path = self.folder / row["suite"] / f"{row['contender']}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(row, allow_nan=False, separators=(",", ":"))
        with path.open("ab") as file:
            # What a kill left of a line ends before this one begins.
            file.write((b"\n" if file.tell() and not _ends(path) else b"") + text.encode() + b"\n")
        self.rows[key_of(row)] = row

    def has(self, key: Key, runs: int) -> bool:
        """Whether a key has as many runs."""
        return key in self.rows and len(self.rows[key]["runs"]) >= runs


def key_of(row: Row) -> Key:
    return row["suite"], row["contender"], row["dimension"], row["each"], row["function"]


def _lines(path: Path) -> Iterator[Row]:
    """The whole lines of a file; what a kill left of one is passed over."""
    for line in path.read_text().splitlines():
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            continue


def _ends(path: Path) -> bool:
    """Whether a file ends with a whole line."""
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) == b"\n"
