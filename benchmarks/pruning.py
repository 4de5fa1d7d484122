"""What pruning with two objectives is worth: the recipe ``pruned_networks`` with and without its race, and random ones.

    python benchmarks/pruning.py [--runs 11] [--work 2700] [--json FILE]

All have the same work, in epochs, what the rungs took included; what a last generation spent beyond it is cut off. The
hypervolume is a share of one box around all networks that any search trained in full, as far as they do better than
guessing: others would stretch the box until nothing else is seen in it. A front's members are the best of many by the
images that chose them, so the same settings are trained again from other weights and judged by images that no search
saw. Differences are paired by seed, intervals Student's.

Then what the rungs know, of random settings that are trained on each: the rank correlation of the cross-entropy there
with that of the whole training, and which share of the front of whole trainings each rung would have kept.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from benchmarks.searches.score import interval
from evokit.assembly.directory import RunDirectory, now
from evokit.assembly.identity import cpu_model
from evokit.assembly.parts import assemble
from evokit.common.text import table
from evokit.interfaces import Score
from evokit.measuring.ledger import Ledger
from evokit.progress import LineProgress
from evokit.recipe import Recipe, load_recipe
from evokit.runs.launch import launch
from evokit.screens.share import count_of
from evokit.statistics.pareto import hypervolumes, preferred, standings

RECIPE = Path(__file__).parents[1] / "recipes" / "pruned_networks.yaml"
ALONE = ("baselines=[]", "confirm=null", "search.generations=1000", "execution.backend=inline")
WITHOUT_OPERATORS = ("crossover=null", "mutation=null", "screens=[]")
CONTENDERS: Mapping[str, Sequence[str]] = {
    "nsga2": ("screens=[]",),
    "nsga2 with the race": (),
    "random": ("search={name: random_search}", *WITHOUT_OPERATORS),
    "random with a race": ("search={name: halving, brackets: one, finalists: 4}", *WITHOUT_OPERATORS),
}
REFERENCE = "nsga2"  # which the others are compared with
SHARES = (1 / 3, 2 / 3, 1.0)  # of the work, at which fronts are looked at
KEEP = 0.5  # the recipe's
GUESSING = math.log(10)  # cross-entropy of ten equal chances


@dataclass
class Searched:
    """One search: what it trained in full, in this order."""

    spent: list[int]  # work up to and with each
    genes: list[Any]
    values: list[tuple[float, ...]]
    cpu_s: float

    def within(self, work: float) -> list[int]:
        return [place for place, spent in enumerate(self.spent) if spent <= work]


def recipe_of(name: str, seed: int, work: int) -> Recipe:
    return load_recipe(RECIPE, (*CONTENDERS[name], *ALONE, f"seed={seed}", f"stop.work={work}"))


def searched(recipe: Recipe, full: int) -> Searched:
    with tempfile.TemporaryDirectory() as folder:
        started = time.process_time()
        launch(recipe, out := Path(folder) / "run", LineProgress(StringIO()))
        cpu_s = time.process_time() - started
        with closing(Ledger(RunDirectory(out).ledger)) as ledger:
            rows, genes = ledger.rows("search"), ledger.genes()
    spent = np.cumsum([row.evaluation.work for row in rows]).tolist()
    whole = [(at, row) for at, row in zip(spent, rows, strict=True) if row.budget == full and row.evaluation.ok]
    return Searched(
        [at for at, _ in whole],
        [genes[row.key] for _, row in whole],
        [row.evaluation.values for _, row in whole],
        cpu_s,
    )


def judged_again(one: Searched, parts: Any, full: int, weights: Sequence[float]) -> list[tuple[float, ...]]:
    """The front of a search, trained anew and judged by fresh images."""
    scores = [Score(weights, values) for values in one.values]
    front = [place for place, standing in enumerate(standings(scores)) if standing.front == 0]
    genes = [parts.genome.from_json(one.genes[place]) for place in front]
    return [answer.values for answer in parts.fitness.fresh().evaluate(genes, full)]


def rungs_of(one: Searched, parts: Any, weights: Sequence[float]) -> list[dict[str, Any]]:
    """Of random settings, for each rung: rank correlation, and shares of the final front that are among the kept."""
    *rungs, _ = parts.fitness.budgets
    genes = [parts.genome.from_json(genes) for genes in one.genes]
    standing = standings([Score(weights, values) for values in one.values])
    front = {place for place, among in enumerate(standing) if among.front == 0}
    final = [values[0] for values in one.values]
    found = []
    for number, rung in enumerate(rungs, 1):
        values = [answer.values for answer in parts.fitness.evaluate(genes, rung)]
        kept = count_of(KEEP**number, len(values))
        by_front = set(preferred([Score(weights, each) for each in values])[:kept])
        by_loss = set(np.argsort([each[0] for each in values], kind="stable")[:kept].tolist())
        found.append(
            {
                "rung": rung,
                "kept": kept / len(values),
                "rank_correlation": float(spearmanr([each[0] for each in values], final).statistic),
                "by_front": len(front & by_front) / len(front),
                "by_loss": len(front & by_loss) / len(front),
            }
        )
    return found


def volumes(fronts: Mapping[str, Sequence[tuple[float, ...]]], weights: Sequence[float]) -> dict[str, float]:
    return hypervolumes({name: [one for one in front if one[0] < GUESSING] for name, front in fronts.items()}, weights)


def with_interval(values: Sequence[float]) -> dict[str, Any]:
    return {"mean": float(np.mean(values)), "interval": interval(np.asarray(values))}


def measured(n_runs: int, work: int) -> dict[str, Any]:
    seeds = range(n_runs)
    parts = {seed: assemble(recipe_of(REFERENCE, seed, work)) for seed in seeds}
    fitness = parts[0].fitness
    full, weights = fitness.budgets[-1], (-1.0,) * len(fitness.objectives)
    found: dict[tuple[str, int], Searched] = {}
    for name in CONTENDERS:
        for seed in seeds:
            found[name, seed] = searched(recipe_of(name, seed, work), full)
            print(f"{name}, seed {seed}: {found[name, seed].cpu_s:.1f} CPU s", flush=True)
    fronts = {
        f"{name}/{seed}/{share}": [one.values[place] for place in one.within(share * work)]
        for (name, seed), one in found.items()
        for share in SHARES
    }
    volume = volumes(fronts, weights)
    cut = {key: cut_at(one, work) for key, one in found.items()}
    again = volumes(
        {f"{name}/{seed}": judged_again(one, parts[seed], full, weights) for (name, seed), one in cut.items()}, weights
    )
    contenders = []
    for name in CONTENDERS:
        at = {share: np.array([volume[f"{name}/{seed}/{share}"] for seed in seeds]) for share in SHARES}
        base = np.array([volume[f"{REFERENCE}/{seed}/{SHARES[-1]}"] for seed in seeds])
        fresh = np.array([again[f"{name}/{seed}"] for seed in seeds])
        fresh_base = np.array([again[f"{REFERENCE}/{seed}"] for seed in seeds])
        contenders.append(
            {
                "name": name,
                "in_full": float(np.mean([len(cut[name, seed].values) for seed in seeds])),
                "volume": [with_interval(values) for values in at.values()],
                "less": with_interval(at[SHARES[-1]] - base),
                "fresh": with_interval(fresh),
                "fresh_less": with_interval(fresh - fresh_base),
                "cpu_s": float(np.mean([found[name, seed].cpu_s for seed in seeds])),
            }
        )
    by_seed = [rungs_of(cut["random", seed], parts[seed], weights) for seed in seeds]
    rungs = [
        {
            "rung": each[0]["rung"],
            **{key: with_interval([one[key] for one in each]) for key in each[0] if key != "rung"},
        }
        for each in zip(*by_seed, strict=True)
    ]
    return {
        "command": f"python benchmarks/pruning.py --runs {n_runs} --work {work}",
        "date": now()[:10],
        "processor": cpu_model(),
        "runs": n_runs,
        "work": work,
        "full": full,
        "reference": REFERENCE,
        "contenders": contenders,
        "rungs": rungs,
    }


def cut_at(one: Searched, work: float) -> Searched:
    places = one.within(work)
    return Searched(
        [one.spent[place] for place in places],
        [one.genes[place] for place in places],
        [one.values[place] for place in places],
        one.cpu_s,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=11)
    parser.add_argument("--work", type=int, default=2700)
    parser.add_argument("--json", type=Path, help="docs/results/pruning.json is what the page on pruning shows")
    options = parser.parse_args()
    result = measured(options.runs, options.work)
    rows = [
        (
            one["name"],
            f"{one['in_full']:.0f}",
            *(f"{each['mean']:.3f}" for each in one["volume"]),
            f"{one['less']['mean']:+.3f} {one['less']['interval']}",
            f"{one['fresh']['mean']:.3f}",
            f"{one['fresh_less']['mean']:+.3f} {one['fresh_less']['interval']}",
        )
        for one in result["contenders"]
    ]
    print(table(("search", "in full", "at 1/3", "at 2/3", "at 1", "less", "fresh", "less"), rows))
    print(json.dumps(result["rungs"], indent=1))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
