"""What a fitness need not say: the one place where its members are completed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from pathlib import PurePath
from typing import Any

from evokit.common.code import Untellable, code_digest
from evokit.common.keys import digest
from evokit.contracts.blame import ContractError, culprit
from evokit.contracts.members import ANY_KIND, resembles
from evokit.interfaces import Context
from evokit.recipe.schema import as_json, walk

COMPLETES = "_completes"  # of a class made here, the one that it completes
RENEWING = ("fresh", "refitted")  # methods whose fitnesses are told apart by their contexts


def completed(fitness: Any, options: Any, context: Context) -> Any:
    """A fitness with all members that its class lacks.

    ``slots`` {}, ``budgets`` (1,), ``takes`` whatever the genome makes; ``evaluate`` asks ``evaluate_one(phenotype,
    budget)`` of each; ``context`` is a digest of the source of the module that its class is in, of its options, of the
    data and of the run's seed. A member that seems to be misspelt is not completed.

    Args:
        fitness: What a component built; it stays an instance of its class. Where that is the options themselves, or
            what was completed for another run, a copy is completed, so that no run meets the context of another.
        options: Of the component.
        context: What it was built with.

    Raises:
        ContractError: It has no context, and none can be made for it.
    """
    if fitness is options or COMPLETES in vars(type(fitness)):
        fitness = copy(fitness)
    if kind := vars(type(fitness)).get(COMPLETES):
        object.__setattr__(fitness, "__class__", kind)
    kind = type(fitness)
    lacks = {
        name
        for name in ("slots", "budgets", "takes", "context", "evaluate")
        if not hasattr(kind, name) and name not in _own(fitness) and not resembles(name, fitness)
    }
    members: dict[str, Any] = {}
    if hasattr(fitness, "evaluate_one") and "evaluate" in lacks:
        members["evaluate"] = _each(kind)
    if not (members or hasattr(kind, "evaluate")) or not hasattr(fitness, "objectives"):
        return fitness  # no fitness, or material for a search with a job of its own: what it lacks is told
    given = {"slots": {}, "budgets": (1,), "takes": ANY_KIND}
    members |= {name: value for name, value in given.items() if name in lacks}
    if "context" in lacks:
        members["context"] = _context(fitness, options, context)
    if not members:
        return fitness
    # A class of its own, so that copies that the fitness makes of itself are complete as well.
    names = {"__slots__": (), "__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__}
    object.__setattr__(fitness, "__class__", type(kind.__name__, (kind,), names | members | {COMPLETES: kind}))
    return fitness


def _own(fitness: Any) -> Mapping[str, Any]:
    return getattr(fitness, "__dict__", {})


def _each(kind: type) -> Any:
    def evaluate(self: Any, batch: Sequence[Any], budget: int) -> list[Any]:
        return [self.evaluate_one(phenotype, budget) for phenotype in batch]

    evaluate.__wrapped__ = kind.evaluate_one  # type: ignore[attr-defined] # the place that messages name
    return evaluate


def _context(fitness: Any, options: Any, context: Context) -> str:
    who = culprit(fitness)
    if renewing := next((name for name in RENEWING if hasattr(fitness, name)), ""):
        raise ContractError(f"{who} has {renewing} and no context: give it one that differs after {renewing}")
    if known := getattr(options, "digest", ""):  # of the function or object that a run from Python holds
        return digest([known, context.data_digest, str(context.streams.entropy())])
    if path := next((value for _, value in walk(options) if isinstance(value, PurePath)), None):
        raise ContractError(
            f"{who} has no context, and what lies at its option {path} would be in none: give it a context with a"
            " digest of what it reads"
        )
    kind = type(fitness)
    try:
        sources = [code_digest(one) for one in dict.fromkeys((kind, type(options)))]
        told = as_json(options) if hasattr(options, "__dataclass_fields__") else None
        return digest([sources, told, context.data_digest, str(context.streams.entropy())])
    except (Untellable, OSError, TypeError) as error:
        raise ContractError(
            f"{who} has no context, and none can be made of its source ({error}): give it one, such as"
            ' context = "version 1"'
        ) from error
