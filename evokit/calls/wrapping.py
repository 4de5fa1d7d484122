"""``evokit.wrap``: the toolbox of a DEAP script, run as a recipe is."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deap import base

from evokit.calls.keywords import refuse_unknown
from evokit.calls.minimizing import problem
from evokit.calls.outcome import Run
from evokit.calls.starting import Folder, start
from evokit.common.code import Untellable
from evokit.components.declared import declared_names
from evokit.errors import UserError
from evokit.genomes.toolbox import Script, without_map
from evokit.interfaces import Goal
from evokit.plugins import load_plugins

PICKLE = "toolbox.pickle"  # in a run's artifacts


def wrap(
    toolbox: base.Toolbox,
    *,
    search: Any = None,
    population: int | None = None,
    cxpb: float = 0.5,
    mutpb: float = 0.2,
    objectives: Any = None,
    directory: str | Path | None = None,
    progress: Any = False,
    **keywords: Any,
) -> Run:
    """Run the toolbox of a DEAP script: its individuals, ``evaluate``, ``mate``, ``mutate`` and ``select``.

    The loop is one of our searches in place of ``deap.algorithms``, with all that a run has: ledger, resuming, workers,
    controls. While a function of the script runs, Python's and NumPy's global generators are seeded from the run's seed
    and put back afterwards. ``toolbox.map`` and ``toolbox.clone`` are not used.

    Args:
        toolbox: With ``individual`` or ``population``, ``evaluate``, ``mate``, ``mutate`` and, for searches that have a
            selection, ``select``.
        search: Name of a search, or what a recipe says of one; ``generational``, and ``nsga2`` for several objectives.
        population: Its size.
        cxpb: Chance that two parents are mated.
        mutpb: Chance that a child is mutated.
        objectives: Names of what ``evaluate`` returns, in its order; the weights of the script's fitness say if they
            are to be small or large.
        directory: As of ``evokit.minimize``.
        progress: Likewise.
        keywords: Of ``evokit.minimize``: ``generations``, ``work``, ``workers``, ``seed``, ``baselines``, ``stop``.

    Raises:
        UserError: Something is not registered, or does not fit.
        RunFailed: Nothing valid is left.
    """
    refuse_unknown(keywords)
    folder = Folder(directory)
    with without_map(toolbox):
        script = Script(toolbox)
        fitness = {"name": "toolbox", **_kept(script, folder), "objectives": _goals(script, objectives)}
    several = len(script.weights) > 1
    searching = {"name": search} if isinstance(search, str) else dict(search or {})
    searching = {"name": "nsga2" if several else "generational"} | searching
    if population is not None:
        searching["population"] = population
    operators: Mapping[str, Any] = {
        "selection": {"name": "toolbox"},
        "crossover": {"name": "own", "prob": cxpb},
        "mutation": {"name": "own", "prob": mutpb},
    }
    reads = _reads(searching["name"])
    keywords = {kind: section for kind, section in operators.items() if kind in reads} | keywords
    recipe = problem(fitness, "toolbox", folder=folder, search=searching, **keywords)
    object.__setattr__(recipe.fitness.options, "held", script)
    return start(recipe, folder, progress)


def _reads(search: str) -> frozenset[str]:
    try:
        return declared_names(load_plugins().find("search", search), "reads") or frozenset()
    except LookupError:
        return frozenset()  # which is told when the recipe is checked


def _goals(script: Script, objectives: Any) -> dict[str, Goal]:
    n = len(script.weights)
    names = [objectives] if isinstance(objectives, str) else list(objectives or [])
    if names and len(names) != n:
        raise UserError(f"objectives: {len(names)} names, and weights for {n} objectives in the script's fitness")
    names = names or (["value"] if n == 1 else [f"value_{place}" for place in range(n)])
    return {name: "max" if weight > 0 else "min" for name, weight in zip(names, script.weights, strict=True)}


def _kept(script: Script, folder: Folder) -> dict[str, Any]:
    """Where workers, and who goes on with the run, find the script, and what it is."""
    try:
        known = script.digest()
    except Untellable as error:
        known = uuid.uuid4().hex
        folder.unlike = str(error)
    try:
        folder.keep(PICKLE, script.dumped())
    except Exception as error:  # whatever an object that cannot be pickled raises
        folder.unsent = f"{type(error).__name__}: {error}"
        return {"digest": known}
    return {"pickle": folder.path / "artifacts" / PICKLE, "digest": known}
