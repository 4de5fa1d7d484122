"""``evokit.minimize`` and ``evokit.maximize``: a recipe made of a function and run."""

from __future__ import annotations

import inspect
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from typing import Any

import numpy as np

from evokit.calls.declaring import Declared
from evokit.calls.keywords import refuse_unknown
from evokit.calls.listening import parted
from evokit.calls.offered import offered
from evokit.calls.outcome import Run
from evokit.calls.starting import Folder, start
from evokit.common.code import Untellable, code_digest, importable
from evokit.components.declared import declared_names
from evokit.components.registry import Registry
from evokit.errors import UserError
from evokit.fitnesses.function import Constrained
from evokit.genomes.bits import Bits
from evokit.genomes.permutation import Permutation
from evokit.genomes.real_vector import RealVector
from evokit.genomes.space.space import space_of
from evokit.interfaces import WORK, Goal, Kind
from evokit.plugins import load_plugins
from evokit.recipe.check import recipe_of
from evokit.recipe.schema import LISTS, SECTIONS, Recipe, as_json

CROSSING = ("crossover", "mutation")
PICKLE = "function.pickle"  # in a run's artifacts
LENGTH = "say how long to search: work=200 for 200 evaluations, or generations=, or stop={'seconds': 60}"


def minimize(function: Any, space: Any = None, **keywords: Any) -> Run:
    """Search for the phenotype of which a function returns the least.

    Args:
        function: Of one phenotype, or of phenotype and budget; or a fitness: an object that has its members, options
            of a component, or what a recipe says of one. It may take the parameters of a space by their names.
        space: A mapping of names to parameters, or a genome: options of a component, its name, or what a recipe says
            of it. For a function of numbers ``low``, ``high`` and ``dimensions`` are enough.
        keywords: See ``problem`` for those that say what is asked, and ``start`` for ``directory``, ``progress`` and
            ``callbacks``.

    Raises:
        UserError: Something does not fit; one sentence a problem.
        RunFailed: Nothing valid is left.

    >>> run = minimize(lambda x: ((x - 0.25) ** 2).sum(), low=-1, high=1, dimensions=3, work=200)
    >>> round(run.best_value, 6), run.best.round(3).tolist()
    (0.0, [0.25, 0.25, 0.25])
    """
    return _searched(function, space, "min", keywords)


def maximize(function: Any, space: Any = None, **keywords: Any) -> Run:
    """Search for the phenotype of which a function returns the most; otherwise as ``minimize``."""
    return _searched(function, space, "max", keywords)


def _searched(function: Any, space: Any, goal: Goal, keywords: Mapping[str, Any]) -> Run:
    refuse_unknown(keywords)
    about = {name: keywords[name] for name in ("directory", "progress", "callbacks") if name in keywords}
    sections, callbacks = parted(about.get("callbacks", ()))
    folder = Folder(about.get("directory"))
    rest = {name: value for name, value in keywords.items() if name not in about}
    recipe = problem(function, space, goal, folder=folder, callbacks=sections, **rest)
    return start(recipe, folder, about.get("progress", False), callbacks)


def problem(
    function: Any,
    space: Any = None,
    goal: Goal = "min",
    *,
    folder: Folder,
    low: Any = None,
    high: Any = None,
    dimensions: int | None = None,
    search: Any = "auto",
    work: int | None = None,
    generations: int | None = None,
    workers: int = 1,
    seed: int = 0,
    objectives: Any = None,
    constraints: Any = (),
    budgets: Sequence[int] = (1,),
    vectorized: bool = False,
    work_unit: str = WORK,
    **sections: Any,
) -> Recipe:
    """The recipe of a function.

    Args:
        function: As of ``minimize``.
        space: Likewise.
        goal: Of objectives that do not say.
        folder: Where the run will be; a function that cannot be imported is kept there.
        low: Lower bounds of a vector of numbers, one or one for each.
        high: Upper bounds.
        dimensions: How many numbers; bounds that are lists say it.
        search: Name of a search, or what a recipe says of one.
        work: Evaluations, or units of ``budgets``, after which it ends; the generation at work is finished, be it the
            first.
        generations: After which it ends.
        workers: Processes that evaluate; one means this one. They change no number.
        seed: Of all that is drawn.
        objectives: Names of what the function returns, a mapping of them to ``min`` and ``max``, or how many.
        constraints: Names of numbers that the function returns beside its value, ``(value, [a, b])``, or how many;
            or functions of the phenotype. None above 0 is kept to.
        budgets: Ascending units of work, given to the function as its second argument.
        vectorized: Whether the function takes many phenotypes, arrays as rows of one, and answers for each.
        work_unit: What budgets and work count, such as ``epochs``, for displays and reports.
        sections: All else that a recipe may say, in its words: ``screens``, ``baselines``, ``confirm``, ``stop``,
            ``selection``, ``crossover``, ``mutation``, ``data``, ``init``, ``repeats``, ``execution``.

    Raises:
        UserError: Something does not fit.
    """
    _refuse_wrong(budgets, sections.get("stop"), dimensions)
    if isinstance(function, Declared):
        space = function.takes if space is None and low is None else space
        if goal not in function.goals.values():
            raise UserError(f"{function.__name__} says it is to be {_verbs(function.goals)}; call that")  # type: ignore[attr-defined]
        objectives = function.goals if objectives is None else objectives
        constraints = constraints or function.keywords["constraints"]
        budgets = budgets if tuple(budgets) != (1,) else function.keywords["budgets"]
        vectorized = vectorized or function.keywords["vectorized"]
        work_unit = function.keywords["work_unit"] if work_unit == WORK else work_unit
    asked = {"budgets": list(budgets), "vectorized": vectorized, "work_unit": work_unit}
    fitness, held = _fitness(function, goal, objectives, constraints, asked, folder)
    stop = dict(sections.pop("stop", None) or {})
    if work is not None:
        if "work" in stop:
            raise UserError(f"work: {work}, but stop says work: {stop['work']}; say one of them")
        stop["work"] = work
    recipe = {
        "seed": seed,
        "fitness": fitness,
        "genome": _genome(space, low, high, dimensions),
        "search": _named("search", search) | ({} if generations is None else {"generations": generations}),
        **({"stop": stop} if stop else {}),
        "execution": _placed(workers) | {"batch": 1} | dict(sections.pop("execution", None) or {}),
        **{key: _section(key, value) for key, value in sections.items() if value is not None and value != ()},
    }
    if not (stop or len(recipe["search"]) > 1):
        raise UserError(LENGTH)
    registry = load_plugins()
    made = recipe_of(recipe | _operators(recipe, registry), _name_of(function), registry=registry)
    if held is None:
        return made
    object.__setattr__(made.fitness.options, "held", held)
    return made


def _refuse_wrong(budgets: Any, stop: Any, dimensions: Any) -> None:
    """What would else fail where nobody knows its name, or mean something else."""
    if not isinstance(budgets, Sequence | np.ndarray) or isinstance(budgets, str):
        raise UserError(f"budgets: must be ascending units of work, such as (1, 3, 9), got {budgets!r:.60}")
    if not isinstance(stop, Mapping | None):
        raise UserError(f'stop: must say what ends the search, such as {{"seconds": 60}}, got {stop!r:.60}')
    if dimensions is not None and (not isinstance(dimensions, int | np.integer) or dimensions < 1):
        raise UserError(f"dimensions: must be a whole number, at least 1, got {dimensions!r:.60}")


def _placed(workers: int) -> dict[str, Any]:
    return {"backend": "inline"} if workers == 1 else {"backend": "processes", "workers": workers}


def _verbs(goals: Mapping[str, Goal]) -> str:
    return " and ".join(f"evokit.{goal}imize" for goal in dict.fromkeys(goals.values()))


def _name_of(function: Any) -> str:
    name = getattr(function, "__name__", None) or (function if isinstance(function, str) else type(function).__name__)
    return "function" if name == "<lambda>" else str(name)


def _fitness(
    function: Any,
    goal: Goal,
    objectives: Any,
    constraints: Any,
    asked: Mapping[str, Any],
    folder: Folder,
) -> tuple[dict[str, Any], Any]:
    """The section of a fitness, and the function itself if it is one."""
    if isinstance(function, str | Mapping):
        return _named("fitness", function), None
    is_fitness = hasattr(function, "objectives") and (
        hasattr(function, "evaluate") or hasattr(function, "evaluate_one")
    )
    if is_dataclass(function) and not isinstance(function, type) and (section := offered("fitness", function)):
        return section, None
    if not is_fitness and not callable(function):
        raise UserError(f"{function!r:.60} is neither a function nor a fitness")
    names: Sequence[str] = ()
    if callable(constraints):
        constraints = (constraints,)
    if isinstance(constraints, int):
        names = [f"constraint_{number}" for number in range(constraints)]
    elif constraints and all(map(callable, constraints)):
        names = [
            f"constraint_{n}" if _name_of(one) == "function" else _name_of(one) for n, one in enumerate(constraints)
        ]
        function = Constrained(function, tuple(constraints))
    else:
        names = [constraints] if isinstance(constraints, str) else list(constraints)
    if hasattr(function, "by_hand"):
        return {"name": "told", "objectives": _goals(objectives, goal), "constraints": names}, function
    options = {
        "objectives": dict(function.objectives) if is_fitness else _goals(objectives, goal),
        "constraints": names,
        **asked,
    }
    return {"name": "function", **_kept(function, folder), **options}, function


def _goals(objectives: Any, goal: Goal) -> dict[str, Goal]:
    match objectives:
        case None:
            return {"value": goal}
        case int():
            return {f"value_{number}": goal for number in range(objectives)}
        case str():
            return {objectives: goal}
        case Mapping():
            return {str(name): one for name, one in objectives.items()}
        case _:
            names = list(map(str, objectives))
            if len(set(names)) < len(names):
                raise UserError(f"objectives: each needs a name of its own, got {names}")
            return dict.fromkeys(names, goal)


def _kept(function: Any, folder: Folder) -> dict[str, Any]:
    """Where workers, and who goes on with the run, find a function, and what it is."""
    bare = function.__wrapped__ if isinstance(function, Declared) else function  # type: ignore[attr-defined]
    try:
        digest = code_digest(_plain(bare))
    except Untellable as error:
        digest = uuid.uuid4().hex
        folder.unlike = str(error)
    if place := importable(function) or (_place_of_declared(function) if isinstance(function, Declared) else ""):
        return {"function": place, "digest": digest}
    try:
        import cloudpickle

        folder.keep(PICKLE, cloudpickle.dumps(function))
    except Exception as error:  # whatever an object that cannot be pickled raises
        folder.unsent = f"{type(error).__name__}: {error}"
        return {"digest": digest}
    return {"pickle": folder.path / "artifacts" / PICKLE, "digest": digest}


def _plain(function: Any) -> Any:
    """What decides what an object of ours does, as functions and values."""
    if isinstance(function, Constrained):
        return lambda: (function.function, function.limits)
    return function


def _place_of_declared(function: Declared) -> str:
    """Where a module has it, in place of the function that it decorates."""
    found: Any = inspect.getmodule(function.__wrapped__)  # type: ignore[attr-defined]
    module, name = getattr(found, "__name__", "__main__"), function.__qualname__  # type: ignore[attr-defined]
    for part in name.split("."):
        found = getattr(found, part, None)
    return f"{module}:{name}" if found is function and module != "__main__" else ""


def _genome(space: Any, low: Any, high: Any, dimensions: int | None) -> dict[str, Any]:
    if space is None:
        if low is None or high is None:
            raise UserError(
                "say where to search: a space or genome, or low, high and dimensions for a vector of numbers"
            )
        length = max(dimensions or 1, np.size(low), np.size(high))
        bounds = {name: np.asarray(one, float).tolist() for name, one in (("low", low), ("high", high))}
        return {"name": "real_vector", "length": length, **bounds}
    if low is not None or high is not None or dimensions is not None:
        raise UserError(
            "low, high and dimensions belong to a vector of numbers; leave them out beside a space or genome"
        )
    match space:
        case Bits():
            return {"name": "bits", "length": space.n_genes}
        case Permutation():
            return {"name": "permutation", "length": space.n_genes}
        case RealVector():
            bounds = {"low": space.low, "high": space.high, "dtype": np.dtype(space.dtype).name}
            return {"name": "real_vector", "length": space.n_genes, **bounds}
        case Mapping() if not isinstance(space.get("name"), str):
            try:
                return {"name": "space", **as_json(space_of(space))}
            except ValueError as error:
                raise UserError(f"the space: {error}") from error
        case str() | Mapping():
            return _named("genome", space)
        case _ if section := offered("genome", space):
            return section
    raise UserError(
        f"{space!r:.60} is no space and no genome; give a mapping of names to parameters, the name of a genome, or what"
        " a recipe says of it"
    )


def _operators(recipe: Mapping[str, Any], registry: Registry) -> dict[str, Any]:
    """Crossover and mutation for a search that needs them where none is said, as ``auto`` takes them."""
    try:
        read = declared_names(registry.find("search", recipe["search"]["name"]), "reads") or ()
    except (LookupError, KeyError):
        return {}  # which is told when the recipe is checked
    real = recipe["genome"].get("name") == "real_vector"
    names = {"crossover": "simulated_binary", "mutation": "polynomial"} if real else dict.fromkeys(CROSSING, "own")
    return {kind: {"name": name} for kind, name in names.items() if kind in read and kind not in recipe}


def _named(kind: Kind, value: Any) -> dict[str, Any]:
    """A section of a recipe from its name, its mapping or its options."""
    if isinstance(value, str):
        return {"name": value}
    if isinstance(value, Mapping):
        return dict(value)
    if section := offered(kind, value):
        return section
    raise UserError(f"{kind}: {value!r:.60} is no name, and nothing that a recipe says of a {kind}")


def _as_read(points: Any) -> Any:
    """Points as a recipe would have them: numbers and lists for what NumPy has."""
    try:
        return json.loads(json.dumps(points, default=lambda one: one.tolist()))
    except (TypeError, ValueError, AttributeError) as error:
        raise UserError(
            f"init.points: must be numbers, texts, lists and mappings of them, got {points!r:.60}"
        ) from error


def _section(key: str, value: Any) -> Any:
    """A section in the recipe's words; of a component without options its name is enough."""
    if isinstance(value, str) and key in SECTIONS:
        return {"name": value}
    if key == "init" and isinstance(value, Mapping) and "points" in value:
        return {**value, "points": _as_read(value["points"])}
    if isinstance(value, list | tuple) and key in LISTS:
        return [{"name": one} if isinstance(one, str) else one for one in value]
    return value
