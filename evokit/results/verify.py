"""``evokit verify``: measure again what a summary claims."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from evokit.assembly.directory import RunDirectory, file_digest, now, repeat_folder
from evokit.assembly.jobs import AGAIN
from evokit.assembly.parts import Parts, assemble
from evokit.assembly.workplace import after_refit, contender_of
from evokit.common.cores import set_threads
from evokit.genomes.individuals import constraints_of, key_of
from evokit.interfaces import Contender, Fitness
from evokit.measuring.evaluate import evaluate_batch
from evokit.measuring.ledger_files import ledger_of
from evokit.runs.launch import open_finished
from evokit.runs.openings import registered, test_openings
from evokit.runs.repeats import last_register
from evokit.statistics.averages import mean

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

    The champion is measured again on validation, and where it was confirmed on fresh data. Every frozen model's file
    is digested and scored on the test split again, which is an opening of its own in the ledger and the summary.

    Raises:
        UserError: There is no finished run.
    """
    recipe, directory, summary = open_finished(folder, "verify")
    if "repeats" in summary:
        folders = [repeat_folder(folder, repeat) for repeat in range(len(summary["repeats"]))]
        for one in folders:
            yield from (replace(claim, what=f"{one.name}: {claim.what}") for claim in verify(one))
        summaries = [found for one in folders if (found := RunDirectory(one).read_summary())]
        openings = [opening for one in summaries for opening in one["test_openings"]]
        with directory.lock():
            directory.write_summary(summary | {"test_openings": openings, "register": last_register(summaries)})
        return
    parts = assemble(recipe, directory.path)
    set_threads(recipe.execution.threads)
    yield Claim("digest of the recipe", summary["recipe_digest"], recipe.digest)
    yield from _champion(parts, summary["best"])
    if summary["test_openings"]:
        yield from _models(parts, directory, summary)


def _champion(parts: Parts, best: dict[str, Any]) -> Iterator[Claim]:
    genes = parts.genome.from_json(best["genes"])
    for one in best.get("refits", []):
        parts = after_refit(parts, json.dumps(one))
    yield Claim("key of the champion", best["key"], key_of(parts.genome, genes))
    values = _measured(parts, parts.fitness, genes)
    names, told = list(parts.fitness.objectives), best.get("constraints") or {}
    claims = [*zip(names, best["values"], strict=True), *told.items()]
    for (name, claimed), found in zip(claims, values, strict=True):
        yield Claim(f"{name} of the champion", claimed, found)
    if best["confirmed"] is not None:
        fresh = parts.fresh_again() if best.get("confirmed_on") == AGAIN else parts.fresh_fitness()
        assert fresh is not None  # it was there when the run measured on it
        found = _measured(parts, fresh, genes)[0]
        yield Claim(f"{names[0]} of the champion on fresh data", best["confirmed"], found)


def _measured(parts: Parts, fitness: Fitness, genes: Any) -> Sequence[Any]:
    """Values at full budget, then those of constraints; or for each why there is none."""
    (evaluation,) = evaluate_batch(fitness, parts.genome.express, [genes], fitness.budgets[-1])
    failure = f"{evaluation.outcome}: {evaluation.message}"
    n = len(fitness.objectives) + len(constraints_of(fitness))
    return (*evaluation.values, *evaluation.constraints) if evaluation.ok else [failure] * n


def _models(parts: Parts, directory: RunDirectory, summary: dict[str, Any]) -> Iterator[Claim]:
    assert parts.data is not None
    contenders = contenders_of(parts)
    with directory.lock(), ledger_of(directory.ledger, writes=True) as ledger:
        opening = ledger.opening("verify", "", now())
        register = registered(ledger, opening, parts.data.test, parts, summary["recipe"], directory.path)
        directory.write_summary(summary | {"test_openings": test_openings(ledger), "register": register})
        digests = {(name, artifact): digest for name, _, artifact, digest in ledger.frozen()}
        entered = [(entry["name"], entry) for entry in [summary["final"], *summary["baselines"]]]
        entered += [(name, variant) for name, entry in entered for variant in entry["variants"]]
        for maker, entry in entered:
            scores = []
            for seed, artifact in zip(entry["seeds"], entry["artifacts"], strict=True):
                path = directory.path / artifact
                found = file_digest(path) if path.exists() else "no such file"
                yield Claim(f"digest of {artifact}", digests[entry["name"], artifact], found)
                if not path.exists():
                    continue
                units = np.asarray(contenders[maker].score(path, parts.data.test), dtype=float)
                ledger.add_score(opening, entry["name"], seed, units.tolist())
                scores.append(units)
            if entry["test"] is not None:
                found_value = float(mean(scores)) if scores else "no model to score"
                yield Claim(f"test value of {entry['name']}", entry["test"], found_value)


def contenders_of(parts: Parts) -> dict[str, Contender]:
    """Who scores whose models: a trained baseline its own, the fitness's final all others."""
    final = parts.final()
    contenders = {"champion": final}
    for name, section in parts.named_baselines():
        contenders[name] = contender_of(parts.build(section), final)
    return {name: one for name, one in contenders.items() if one is not None}
