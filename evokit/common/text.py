"""Text for a terminal: tables, wrapped sentences, sizes in bytes."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import Any, NamedTuple

WIDTH = 100


class Table(NamedTuple):
    """A heading for each column, and rows of as many entries."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    @property
    def used(self) -> Table:
        """Without the columns in which no row says anything."""
        used = [column for column in range(len(self.head)) if any(row[column] for row in self.rows)]
        head, *rows = ([line[column] for column in used] for line in (self.head, *self.rows))
        return Table(head, rows)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns of text, as wide as their widest entry; no line ends in spaces, no column is empty.

    >>> print(table(("a", "b", "c"), [("1", "", "22")]))
    a  c
    -  --
    1  22
    """
    used = Table(head, rows).used
    lines = [used.head, *used.rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "  ".join(entry.ljust(width) for entry, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def size(n_bytes: float) -> str:
    """
    >>> size(12_300), size(5_400_000), size(2_100_000_000)
    ('12 kB', '5.4 MB', '2.1 GB')
    """
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if n_bytes >= factor:
            return f"{n_bytes / factor:.1f} {unit}"
    return f"{n_bytes / 1e3:.0f} kB"


def wrapped(line: str) -> str:
    """At most ``WIDTH`` wide, and no wider than the terminal, if it is told to one."""
    is_terminal = getattr(sys.stdout, "isatty", bool)()
    width = min(WIDTH, shutil.get_terminal_size().columns) if is_terminal else WIDTH
    return textwrap.fill(line, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def described(value: Any) -> str:
    """What a value is, in a few words.

    >>> described(None), described({"loss": 3})
    ('nothing', "dict {'loss': 3}")
    """
    return "nothing" if value is None else f"{type(value).__name__} {value!r:.40}"


def counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}" + ("" if n == 1 else "s")
