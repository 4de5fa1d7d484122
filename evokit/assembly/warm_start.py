"""Warm start: the first population of a search begins with known points or the best genes of another run."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

from evokit.assembly.directory import RunDirectory, reading
from evokit.errors import UserError
from evokit.genomes.individuals import canonical
from evokit.interfaces import Goal
from evokit.recipe.by_name import recipe_names
from evokit.recipe.schema import Init, Recipe
from evokit.recipe.source import read_source

_BEST = """
SELECT genes, min(seq) FROM evaluations JOIN genomes USING (key)
WHERE phase = 'search' AND source = 'measured' AND outcome = 'ok'
    AND budget = (SELECT max(budget) FROM evaluations WHERE phase = 'search' AND source = 'measured')
GROUP BY key ORDER BY key != ?, {sign}value, seq LIMIT ?
"""


def settled(recipe: Recipe, directory: RunDirectory | None = None) -> Recipe:
    """The recipe with the genes of its ``init`` in it, if it has one.

    Args:
        recipe: Whose ``init`` names points or a run, or has its genes already.
        directory: Of the recipe's own run. One that has begun keeps its genes there, so that the run that they come
            from may go on or be gone.

    Raises:
        RecipeError: There is no such run, or it has measured nothing valid.
    """
    init = recipe.init
    if init is None or init.genes is not None:
        return recipe
    if init.from_ is None:
        return replace(recipe, init=replace(init, genes=tuple(map(json.dumps, init.points or ()))))
    genes = None if directory is None else _kept(init, directory)
    if genes is None:
        try:
            genes = best_genes(init.from_, init.top)
        except UserError as error:
            name = init.from_.name
            first = f"; evokit run {name} makes it" if name in recipe_names() and not init.from_.exists() else ""
            raise recipe.error(("init", "from"), f"{error}{first}") from error
    return replace(recipe, init=replace(init, genes=genes))


def first_genes(recipe: Recipe, genome: Any) -> list[Any]:
    """The genes of a settled recipe's ``init`` as this genome has them; none without an ``init``.

    Raises:
        RecipeError: They are no genes of this genome.
    """
    if recipe.init is None:
        return []
    genes = []
    for number, text in enumerate(recipe.init.genes or ()):
        try:
            genes.append(_parsed(text, genome))
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            name, reason = recipe.genome.name, str(error) or type(error).__name__
            if (run := recipe.init.from_) is None:
                raise recipe.error(("init", "points", number), f"does not fit genome {name!r}: {reason}") from error
            message = f"genes {number} of {run} do not fit genome {name!r}: {reason}"
            raise recipe.error(("init", "from"), message) from error
    return genes


def best_genes(run: Path, top: int) -> tuple[str, ...]:
    """JSON texts of the best distinct genes that a run's search measured at full budget, best first; at most ``top``.

    A champion comes before all others: where it was confirmed the best of the search may owe its value to luck.

    The run may be finished or interrupted. It is only read: none of its code or plugins runs, nothing is written.

    Raises:
        UserError: There is no such run, or it has measured nothing valid.
    """
    directory = RunDirectory(run)
    summary = directory.read_summary()
    if summary is None:
        raise UserError(f"{run} is no run directory: it has no summary.json")
    if "repeats" in summary:
        raise UserError(f"{run} holds repeats; name one of them, such as {run / 'repeat-0'}")
    try:
        champion = (summary.get("best") or {}).get("key", "")
        genes = _best(directory.ledger, summary["objective"]["goal"], champion, top)
    except (sqlite3.DatabaseError, KeyError, TypeError) as error:
        raise UserError(f"the ledger of {run} cannot be read: {error}") from error
    if not genes:
        raise UserError(f"{run} has measured nothing valid at full budget yet")
    return genes


def _best(ledger: Path, goal: Goal, champion: str, top: int) -> tuple[str, ...]:
    with reading(ledger) as db:
        rows = db.execute(_BEST.format(sign="-" if goal == "max" else ""), (champion, top))
        return tuple(str(genes) for genes, _ in rows)


def _kept(init: Init, directory: RunDirectory) -> tuple[str, ...] | None:
    """The genes that the run in ``directory`` began with, if it began with this ``init``."""
    if not directory.recipe.exists():
        return None
    try:
        node = read_source(directory.recipe).root.at(("init",))
    except UserError:
        return None  # a damaged recipe.yaml is refused elsewhere
    kept = node.plain() if node else None
    if not isinstance(kept, dict) or (kept.get("from"), kept.get("top")) != (str(init.from_), init.top):
        return None
    return tuple(kept["genes"])


def _parsed(text: str, genome: Any) -> Any:
    """Genes that are written as they were read: a genome may take what it would misunderstand."""
    data = json.loads(text)
    genes = genome.from_json(data)
    written = json.loads(json.dumps(genome.to_json(canonical(genome, genes))))
    groups = isinstance(data, dict) and any(isinstance(one, dict) for one in data.values())  # which are written flat
    if written != data and not groups:
        raise ValueError(f"{text:.60} would become {json.dumps(written):.60}")
    return genes
