"""How a population fared: how diverse it was, what each operator brought, and where the champion comes from."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from evokit.common.charts import Figure, Series, line_chart
from evokit.common.text import Table
from evokit.measuring.history import Born, full_values, lineage
from evokit.measuring.ledger import Ledger
from evokit.progress import number
from evokit.results.page.blocks import Block, Section, figures, lines, tables
from evokit.results.page.sources import Source

ANCESTORS = 30  # of the champion that are shown at most
OWN = ("generation", "best", "mean", "min", "max", "measured", "evaluations")  # of a record; the rest is the search's
CHARTS = 6


def population(source: Source) -> Section:
    """Diversity, operators and the champion's ancestors, the last two of the ledger that has the champion."""
    best = source.summary["best"]
    blocks: list[Block] = []
    for part, ledger in source.ledgers():
        born = lineage(ledger, "search")
        if best is not None and best["key"] not in born:
            continue
        values = full_values(ledger, "search")
        if len(source.parts) > 1:
            blocks += lines(f"Of the repeat with seed {source.summary['seed']}.")
        blocks += figures(_diversity(ledger, born), *_records(part.noted()))
        blocks += tables([credit(born, values, source.summary["objective"])])
        if best is not None:
            blocks += _ancestry(best["key"], born, values, source.summary["objective"])
        break
    return Section("Population", blocks)


def credit(born: Mapping[str, Born], values: Mapping[str, float], objective: Mapping[str, str]) -> Table:
    """How many children each operator made, and how many of the measured were better than their better parent.

    Args:
        born: By key.
        values: At full budget, by key.
        objective: Its ``name`` and ``goal``.
    """
    sign = 1 if objective["goal"] == "min" else -1
    counts: dict[str, Counter[str]] = {}
    for key, one in born.items():
        of = counts.setdefault(one.operator, Counter())
        of["n"] += 1
        parents = [sign * values[parent] for parent in one.parents if parent in values]
        if key in values:
            of["measured"] += 1
            of["compared"] += bool(parents)
            of["better"] += bool(parents) and sign * values[key] < min(parents)
    rows = [
        (operator, f"{of['n']:,}", f"{of['measured']:,}", *_better(of["better"], of["compared"]))
        for operator, of in counts.items()
    ]
    better = f"better in {objective['name']} than their parents"
    return Table(("born by", "individuals", "measured at full budget", better, "share"), rows)


def _better(n: int, compared: int) -> tuple[str, str]:
    return (f"{n:,}", f"{n / compared:.1%}") if compared else ("", "")


def ancestors(key: str, born: Mapping[str, Born], values: Mapping[str, float], goal: str) -> Iterator[tuple[str, Born]]:
    """An individual and those it comes from, by the better parent each time; of parents without a value the first."""
    sign = 1 if goal == "min" else -1
    while key in born:
        one = born[key]
        yield key, one
        older = [parent for parent in one.parents if parent in born and born[parent].generation < one.generation]
        if not older:
            return
        key = min(older, key=lambda parent: sign * values[parent] if parent in values else np.inf)


def _ancestry(
    key: str, born: Mapping[str, Born], values: Mapping[str, float], objective: Mapping[str, Any]
) -> list[Block]:
    line = list(ancestors(key, born, values, objective["goal"]))
    rows = []
    for (one, came), (parent, _) in itertools.pairwise([*line, ("", None)]):
        assert came is not None
        gained = values[one] - values[parent] if one in values and parent in values else None
        if gained != 0 or one == key:  # who is no better and no worse than the parent is passed over
            value = number(values[one]) if one in values else ""
            told = "" if gained is None else f"{gained:+.4g}"
            rows.append((f"{came.generation + 1:,}", one[:8], came.operator, value, told))
    shown = rows if len(rows) <= ANCESTORS else [*rows[: ANCESTORS - 1], rows[-1]]
    left_out = len(line) - len(shown)
    same = f"{left_out:,} between them are left out, mostly as good as their parents." if left_out else ""
    head = ("generation", "key", "born by", objective["name"], "against the better parent")
    title = "The champion's line of better parents, back to where it began"
    return [*tables([Table(head, shown)], title), *lines(same)]


def _diversity(ledger: Ledger, born: Mapping[str, Born]) -> Figure | None:
    """The spread of numbers that are genes, among those that were born in each generation."""
    genes = ledger.genes()
    by_generation: dict[int, list[Sequence[float]]] = {}
    for key, one in born.items():
        data = genes[key]
        if not isinstance(data, list) or not data or not all(isinstance(gene, int | float) for gene in data):
            return None
        by_generation.setdefault(one.generation, []).append(data)
    points = [
        (generation + 1, float(np.std(np.array(rows, float), axis=0).mean()))
        for generation, rows in by_generation.items()
        if len(rows) > 1 and len({len(row) for row in rows}) == 1
    ]
    y = "mean standard deviation of genes"
    return line_chart("Diversity of those born", [Series("diversity", points)], x="generation", y=y)


def _records(records: Sequence[Mapping[str, Any]]) -> Iterator[Figure | None]:
    """What else the search noted of its generations, such as the size of a front."""
    names = dict.fromkeys(name for one in records for name, value in one.items() if name not in OWN and _plain(value))
    for name in list(names)[:CHARTS]:
        points = [(one["generation"] + 1, one[name]) for one in records if _plain(one.get(name))]
        if len({value for _, value in points}) > 1:
            word = name.replace("_", " ")
            yield line_chart(f"{word} by generation", [Series(word, points)], x="generation", y=word)


def _plain(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
