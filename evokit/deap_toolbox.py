"""A DEAP toolbox made from a recipe, for those who write their own loop."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from deap import base, tools

from evokit.assembly.parts import assemble
from evokit.errors import UserError
from evokit.genomes.individuals import make_individual, weights_of
from evokit.interfaces import Individual, Score
from evokit.measuring.evaluate import evaluate_batch
from evokit.recipe import Recipe, load_recipe
from evokit.recipe.check import recipe_of


def toolbox(
    recipe: Recipe | Path | str | Mapping[str, Any],
    set: Mapping[str, Any] | None = None,
    **functions: Callable[..., Any],
) -> base.Toolbox:
    """A ``deap.base.Toolbox`` on which ``deap.algorithms`` run unchanged.

    Registered are ``individual``, ``population(n=)``, ``mate``, ``mutate``, ``select``, ``evaluate`` and ``clone``.
    The operators draw from streams of the recipe's seed that advance with each call; only DEAP's own loops draw from
    Python's global generator. Screens, ledger and confirmation belong to ``evokit run``, not to a toolbox. A failed
    evaluation becomes the worst value there is, since DEAP has no other word for it, and an infeasible one a value that
    is worse than all feasible ones, the more it violates.

    Args:
        recipe: The path of one, its name, what it says as a mapping, or a checked one. Its search may be any that has
            crossover and mutation; where it selects by itself, as ``nsga2`` does, ``select`` is DEAP's ``selNSGA2``,
            which with one objective takes the best.
        set: What to change of it, as after ``--set``: ``{"crossover.prob": 0.7}``.
        functions: In place of ours, by the name under which they are registered: ``select=my_selection``.

    Raises:
        RecipeError: The recipe is wrong, or its search has no operators.
        UserError: ``set`` is given for a recipe that is checked already.
    """
    loaded = _checked(recipe, set or {})
    parts = assemble(loaded)
    for kind in ("crossover", "mutation"):
        if kind not in parts.context.operators:
            raise loaded.error(("search",), f"{loaded.search.name} has no {kind}, which a toolbox needs")
    weights = weights_of(parts.fitness.objectives)
    worst = tuple(-math.inf * weight for weight in weights)
    operators, genome, fitness = parts.context.operators, parts.genome, parts.fitness
    streams = parts.context.streams.at("toolbox")
    rng = {name: streams.at(name).numpy() for name in ("individual", "mate", "mutate", "select")}

    def individual() -> Individual:
        return make_individual(genome, genome.random(rng["individual"]), weights)

    def population(n: int) -> list[Individual]:
        return [individual() for _ in range(n)]

    def mate(a: Individual, b: Individual) -> tuple[Individual, Individual]:
        first, second = operators["crossover"](a.genes, b.genes, rng["mate"])
        parents = (a.key, b.key)
        return (
            make_individual(genome, first, weights, parents, "crossover"),
            make_individual(genome, second, weights, parents, "crossover"),
        )

    def mutate(one: Individual) -> tuple[Individual]:
        genes = operators["mutation"](one.genes, rng["mutate"])
        return (make_individual(genome, genes, weights, (one.key,), "mutation"),)

    def select(individuals: Sequence[Individual], k: int) -> list[Individual]:
        selection = operators.get("selection")
        chosen: list[Individual] = (
            tools.selNSGA2(individuals, k) if selection is None else selection(individuals, k, rng["select"])
        )
        return chosen

    def evaluate(one: Individual) -> tuple[float, ...]:
        (evaluation,) = evaluate_batch(fitness, genome.express, [one.genes], fitness.budgets[-1])
        if not evaluation.ok:
            return worst
        score = Score(weights, evaluation.values, evaluation.constraints)
        return tuple(gain * weight for gain, weight in zip(score.wvalues, weights, strict=True))

    box = base.Toolbox()
    for function in (individual, population, mate, mutate, select, evaluate):
        box.register(function.__name__, function)
    box.register("clone", deepcopy)
    for name, own in functions.items():
        box.register(name, own)
    return box


def _checked(recipe: Recipe | Path | str | Mapping[str, Any], set: Mapping[str, Any]) -> Recipe:
    overrides = [f"{key}={json.dumps(value)}" for key, value in set.items()]
    if isinstance(recipe, Recipe):
        if overrides:
            raise UserError(
                "evokit.toolbox: set changes a path, a name or a mapping, and this recipe is checked already"
            )
        return recipe
    return (
        recipe_of(recipe, "recipe", overrides) if isinstance(recipe, Mapping) else load_recipe(Path(recipe), overrides)
    )
