"""What sections of the page are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from evokit.common.charts import Figure
from evokit.common.text import Table

Kind = Literal["lines", "table", "figures", "explorer", "text", "folded", "html"]


class Block(NamedTuple):
    """A piece of a section.

    Attributes:
        kind: How the template shows it.
        content: Sentences, a table, figures, a figure of which points are chosen, or a text whose lines stay.
        title: Above it; empty for none.
    """

    kind: Kind
    content: Any
    title: str = ""


@dataclass(frozen=True)
class Section:
    """A heading and what is below it; left out where that is nothing."""

    title: str
    blocks: Sequence[Block]


def lines(*sentences: str) -> list[Block]:
    """A paragraph for each sentence that there is."""
    kept = [one[:1].upper() + one[1:] for one in sentences if one]
    return [Block("lines", kept)] if kept else []


def tables(several: Iterable[Table], title: str = "") -> list[Block]:
    """Tables without the columns that say nothing; none without rows."""
    return [Block("table", one.used, title) for one in several if one.rows]


def figures(*several: Figure | None) -> list[Block]:
    """Figures beside each other, as far as there is room."""
    kept = [one for one in several if one is not None]
    return [Block("figures", kept)] if kept else []


def text(content: str, title: str = "") -> list[Block]:
    """Text whose lines stay as they are."""
    return [Block("text", content, title)] if content else []
