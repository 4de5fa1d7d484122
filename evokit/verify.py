"""``evokit verify``: measure again what a summary claims."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evokit.assembly import Parts, assemble, set_threads
from evokit.errors import UserError
from evokit.evaluate import evaluate_batch
from evokit.individuals import key_of
from evokit.interfaces import Contender
from evokit.launch import open_recipe
from evokit.ledger import Ledger
from evokit.rundir import RunDirectory, file_digest, now

TOLERANCE = 1e-6  # relative


@dataclass(frozen=True)
class Claim:
    """One claim of a summary beside what was found now."""

    what: str
    claimed: Any
    found: Any

    @property
    def holds(self) -> bool:
        if isinstance(self.claimed, float) and isinstance(self.found, float):
            return math.isclose(self.claimed, self.found, rel_tol=TOLERANCE)
        return bool(self.claimed == self.found)


def verify(folder: Path) -> Iterator[Claim]:
    """Check a finished run's champion and models, one claim after the other.

    The champion is measured again on validation. Every frozen model's file is digested and scored on the test split
    again, which is an opening of its own in the ledger.

    Raises:
        UserError: There is no finished run.
    """
    recipe, directory = open_recipe(folder)
    summary = directory.read_summary()
    if summary is None or summary.get("best") is None:
        raise UserError(
            f"{folder} has no finished run to verify; evokit run ... --resume --out {folder} goes on with it"
        )
    if "repeats" in summary:
        for repeat in range(len(summary["repeats"])):
            yield from verify(folder / f"repeat-{repeat}")
        return
    parts = assemble(recipe)
    set_threads(recipe.execution.threads)
    yield from _champion(parts, summary["best"])
    if summary["test_openings"]:
        yield from _models(parts, directory, summary)


def _champion(parts: Parts, best: dict[str, Any]) -> Iterator[Claim]:
    genes = parts.genome.from_json(best["genes"])
    yield Claim("key of the champion", best["key"], key_of(parts.genome, genes))
    fitness = parts.fitness
    (evaluation,) = evaluate_batch(fitness, parts.genome.express, [genes], fitness.budgets[-1])
    for name, claimed, found in zip(fitness.objectives, best["values"], evaluation.values, strict=True):
        yield Claim(f"{name} of the champion", claimed, found)


def _models(parts: Parts, directory: RunDirectory, summary: dict[str, Any]) -> Iterator[Claim]:
    assert parts.data is not None
    contenders = _contenders(parts)
    ledger = Ledger(directory.ledger)
    opening = ledger.opening("verify", "", now())
    digests = {(name, artifact): digest for name, _, artifact, digest in ledger.frozen()}
    for entry in [summary["final"], *summary["baselines"]]:
        scores = []
        for seed, artifact in zip(entry["seeds"], entry["artifacts"], strict=True):
            path = directory.path / artifact
            yield Claim(f"digest of {artifact}", digests[entry["name"], artifact], file_digest(path))
            units = np.asarray(contenders[entry["name"]].score(path, parts.data.test), dtype=float)
            ledger.add_score(opening, entry["name"], seed, units.tolist())
            scores.append(units)
        if scores:
            yield Claim(f"test value of {entry['name']}", entry["test"], float(np.mean(scores)))
    ledger.close()


def _contenders(parts: Parts) -> dict[str, Contender]:
    """Who scores whose models: a trained baseline its own, the fitness's final all others."""
    final = parts.final()
    contenders = {"champion": final}
    for name, section in parts.named_baselines():
        part = parts.build(section)
        contenders[name] = part if hasattr(part, "fit") else final
    return {name: one for name, one in contenders.items() if one is not None}
