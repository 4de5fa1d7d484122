"""What is kept of a run whose figures the pages show: one small JSON file, from the run directory."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evokit.assembly.directory import RunDirectory, repeat_folder
from evokit.assembly.identity import cpu_model, differences
from evokit.common.cores import usable_cores
from evokit.errors import UserError
from evokit.measuring.ledger import Ledger
from evokit.recipe import Recipe, load_recipe
from evokit.recipe.schema import PLACEMENT
from evokit.results.cost_text import unit_of
from evokit.runs.launch import open_recipe

ROOT = Path(__file__).parents[1]
RECIPES = ROOT / "recipes"
KEPT = ROOT / "docs" / "results"
CODE = ("evokit", "plugins")  # what decides numbers, beside recipes and data
# Keys in which a run may differ from its recipe; the genes that it began with are those of the run that this names.
OF_NO_NUMBER = ("export", "init.from", "init.genes", *(f"execution.{key}" for key in PLACEMENT))
CONTENDER = (
    "name", "goal", "trained", "validation", "test", "test_by_seed", "interval", "n_units", "confirmed", "confirmed_of",
    "settings", "settings_tried", "at_edge", "work", "cpu_s", "wall_s", "beside_s", "energy_j", "parts", "skipped",
)  # fmt: skip
POINTS = 100  # of a front at most, for it to be kept
ENERGY = ("joules", "estimated_j", "method")
SUMMARY = (
    "seed", "data", "objective", "objectives", "evaluations", "generations", "stopped", "best_measured",
    "would_have_reported", "hypervolume", "rival", "verdicts", "wall_s", "cpu_s", "versions",
)  # fmt: skip


def file_of(name: str, folder: Path = KEPT) -> Path:
    return folder / f"{name}.json"


def all_results(folder: Path = KEPT) -> dict[str, dict[str, Any]]:
    """Every kept result by its name."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}


def write(result: Mapping[str, Any], path: Path) -> None:
    """Sorted and indented, so that two versions compare line by line."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def result_of(folder: Path, overrides: Sequence[str] = (), recipes: Path = RECIPES) -> dict[str, Any]:
    """All that the pages may say of a finished run.

    Args:
        folder: The run directory.
        overrides: What the run was told by ``--set``.
        recipes: Where its recipe is looked for, below this folder.

    Raises:
        UserError: The run is not finished or of an earlier version, no recipe with these overrides repeats
            it, or the code is not committed.
    """
    recipe, directory = open_recipe(folder)
    summary = directory.read_summary()
    if summary is None or summary["status"] != "done":
        raise UserError(f"{folder} holds no finished run")
    if "parts" not in summary["final"]:
        raise UserError(
            f"{folder} is of an earlier version, which told less of costs and too much of verdicts: run it anew"
        )
    path = _file_of_recipe(summary["recipe"], recipe, overrides, recipes)
    told = " ".join(f"--set {shlex.quote(one)}" for one in overrides)
    name = path.relative_to(recipes.parent).as_posix()
    seeds = [one["seed"] for one in summary.get("repeats", ())]
    folders = [repeat_folder(folder, repeat) for repeat in range(len(seeds))] or [folder]
    ledgers = [RunDirectory(one).ledger for one in folders]
    return {
        **{key: summary[key] for key in SUMMARY},
        "recipe": {"file": name, "digest": _digest(recipe), "overrides": list(overrides)},
        "command": f"evokit run {name} {told}".rstrip(),
        "fitness": recipe.resolved["fitness"]["name"],
        "commit": _commit(recipes.parent),
        "date": _date(summary, directory.summary),
        "machine": _machine(ledgers[0]),
        "seeds": seeds or [summary["seed"]],
        "repeats": len(seeds),
        "champion": _champion(summary),
        "baselines": [_contender(one) for one in summary["baselines"]],
        "vault": _vault(summary["vault"]),
        "energy": {key: summary["energy"][key] for key in ENERGY},
        "test_openings": len(summary["test_openings"]),
        "openings_on_machine": (summary["register"] or {}).get("openings"),
        "phases": _phases(ledgers),
        "work_unit": unit_of(summary),
        "search_verdicts": summary.get("search_verdicts", []),
        "fronts": [front for one in folders if (front := _fronts(RunDirectory(one)))],
        "points": _points(ledgers[0], summary["objective"]["name"])
        if recipe.resolved["search"]["name"] == "grid"
        else [],
    }


def _fronts(directory: RunDirectory) -> dict[str, list[list[float]]]:
    """Values on the fronts of a run's search and of its controls; nothing with one objective, or of too many points."""
    summary = directory.read_summary()
    assert summary is not None  # the run is finished
    fronts = {"search": [one["values"] for one in summary["front"]]}
    fronts |= {one["name"]: one["front"] for one in summary["baselines"] if one.get("front")}
    return fronts if 0 < max(map(len, fronts.values())) <= POINTS else {}


def default_name(result: Mapping[str, Any]) -> str:
    """``clso_gpt2`` of ``recipes/clso_gpt2.yaml``, ``paper_clso_gpt2`` of the one in ``recipes/paper``."""
    return "_".join(Path(result["recipe"]["file"]).with_suffix("").parts[1:])


def unchanged(result: Mapping[str, Any], root: Path = ROOT) -> bool:
    """Whether the recipe of a result is still the one that was run."""
    path = root / result["recipe"]["file"]
    return path.exists() and _digest(load_recipe(path, result["recipe"]["overrides"])) == result["recipe"]["digest"]


def _digest(recipe: Recipe) -> str:
    """Of the recipe as it is written: a run has the genes that it began with in its own."""
    return (replace(recipe, init=replace(recipe.init, genes=None)) if recipe.init else recipe).digest


def _file_of_recipe(name: str, ran: Recipe, overrides: Sequence[str], recipes: Path) -> Path:
    """The recipe below ``recipes`` that, with the overrides, is the one that ran."""
    nearest: list[str] = []
    for path in sorted(recipes.rglob(name)):
        found = differences(load_recipe(path, overrides), ran)
        changed = [text for key, text in found if not key.startswith(OF_NO_NUMBER)]
        if not changed:
            return path
        nearest = min(nearest, changed, key=len) if nearest else changed
    why = f"it differs in {'; '.join(nearest)}" if nearest else f"there is no {name}"
    raise UserError(f"no recipe in {recipes.name}/ repeats this run ({why}); say by --set what it was told")


def _commit(root: Path) -> str:
    """Of the checkout, which is taken to be what ran."""
    git = ("git", "-C", str(root))
    changed = subprocess.run([*git, "status", "--porcelain", *CODE], capture_output=True, text=True, check=True).stdout
    if changed:
        raise UserError(f"commit what is changed in {' and '.join(CODE)} first, or nobody can repeat the run")
    head = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True)
    return head.stdout.strip()


def _date(summary: Mapping[str, Any], path: Path) -> str:
    if summary["test_openings"]:
        return str(summary["test_openings"][-1]["at"])[:10]
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).date().isoformat()


def _machine(ledger: Path) -> dict[str, Any]:
    """What the run wrote down of its processor; the number of cores if that is this machine's."""
    with closing(Ledger(ledger)) as opened:
        identity = opened.meta("identity")
    _, _, processor = identity["machine"].split(" ", 2)
    cores = usable_cores() if processor == cpu_model() else None
    return {"processor": processor, "cores": cores, "device": identity["device"], "threads": identity["threads"]}


def _champion(summary: Mapping[str, Any]) -> dict[str, Any]:
    """The champion's finished models; where there are none, the search's value."""
    best, found = summary["best"], _contender(summary["final"])
    if found["validation"] is None:
        found["validation"] = best["values"][0]
    return found | {key: best[key] for key in ("confirmed", "confirmed_of")}


def _contender(entry: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: entry[key] for key in CONTENDER if key in entry}  # the vault's have no costs
    if sample := entry.get("inspection", {}).get("sample"):
        kept["sample"] = sample
    return kept | {"variants": [_contender(one) for one in entry["variants"]]}


def _vault(vault: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What the kept part of the test split says, for headlines; None while it is closed."""
    if vault is None:
        return None
    kept = {key: vault[key] for key in ("rival", "verdicts", "opened_at")}
    return {
        **kept,
        "champion": _contender(vault["final"]),
        "baselines": [_contender(one) for one in vault["baselines"]],
    }


def _phases(ledgers: Sequence[Path]) -> list[dict[str, Any]]:
    """What each phase measured and took, preparation and confirmation included, summed over repeats."""
    phases: dict[str, dict[str, Any]] = {}
    for path in ledgers:
        with closing(Ledger(path)) as ledger:
            for phase, cost in ledger.costs().items():
                nothing = {"cpu_s": 0.0, "wall_s": 0.0, "beside_s": 0.0, "work": 0, "by_budget": {}}
                kept = phases.setdefault(_phase(phase), nothing)
                kept["cpu_s"] += cost.cpu_s
                kept["wall_s"] += cost.wall_s
                kept["beside_s"] += cost.beside_s
                kept["work"] += ledger.work(phase)
                for budget, n in ledger.by_budget(phase).items():
                    kept["by_budget"][str(budget)] = kept["by_budget"].get(str(budget), 0) + n
    return [{"phase": name, **kept} for name, kept in phases.items()]


def _points(path: Path, objective: str) -> list[dict[str, Any]]:
    """Of a grid search each point with all that its fitness noted at full budget."""
    with closing(Ledger(path)) as ledger:
        measured = ledger.measured_at(max(map(int, ledger.by_budget("search"))))
    return [{"settings": one.genes, objective: one.evaluation.values[0], **one.evaluation.metrics} for one in measured]


def _phase(name: str) -> str:
    """A baseline's name, a preparation's after what it is, else what the phase does.

    >>> _phase("baseline/closed_form/confirm/6"), _phase("prepare/closed_form"), _phase("champion/85cef42d")
    ('closed_form', 'prepare closed_form', 'champion')
    """
    first, *rest = name.split("/")
    if first == "prepare":
        return " ".join([first, *rest])
    return rest[0] if first == "baseline" else first
