"""The members that each kind of component has, and what is said of one that lacks some."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence, Set
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from evokit.common.names import did_you_mean
from evokit.contracts.blame import ContractError, culprit, raised
from evokit.energy import Cost
from evokit.facts import METHODS
from evokit.interfaces import Data, Kind

MEMBERS: Mapping[Kind, Mapping[str, str]] = {
    "fitness": {
        "objectives": "a mapping of names to min or max",
        "budgets": "ascending whole numbers above 0, such as (1,)",
        "context": "a string that names all else that decides a value",
        "takes": "the kinds of phenotypes that it measures",
        "slots": "a mapping; {} if a phenotype has nothing to fill",
    },
    "genome": {
        "phenotype": "the kind that express makes",
        "random": "random(rng)",
        "crossover": "crossover(a, b, rng)",
        "mutate": "mutate(genes, rng)",
        "express": "express(genes)",
        "to_json": "to_json(genes)",
        "from_json": "from_json(data)",
    },
    "primitives": {"primitive_set": "primitive_set(n_inputs)"},
    "surrogate": {"fit": "fit(X, y, rng)", "predict": "predict(X)"},
    "screen": {
        "observe": "observe(generation, measured)",
        "expected": "expected(n, generation)",
        "summary": "summary()",
        "state_dict": "state_dict()",
        "load_state_dict": "load_state_dict(state)",
    },
    "search": {
        "generation": "steps completed",
        "done": "whether it has ended",
        "population": "a sequence of individuals",
        "logbook": "a record a generation",
        "ask": "ask()",
        "tell": "tell(individuals)",
        "step": "step(measure)",
        "best": "best()",
        "hall_of_fame": "hall_of_fame()",
        "front": "front()",
        "state_dict": "state_dict()",
        "load_state_dict": "load_state_dict(state)",
    },
    "final": {
        "budgets": "ascending whole numbers above 0, such as (1,)",
        "deterministic": "whether the seed changes nothing",
        "goal": "min or max",
        "unit": "what score returns a value for",
        "settings": "settings(best)",
        "fit": "fit(setting, seed, budget, scratch)",
        "score": "score(artifact, split)",
    },
}
OPTIONAL: Mapping[str, str] = {  # of a fitness
    "fresh": "a method, fresh()",
    "refitted": "a method, refitted(phenotype)",
    "fingerprint": "a method, fingerprint(phenotype)",
    "prepared": "a mapping of names to evokit.energy.Cost",
    "batch": "a whole number, 1 at least",
    "work_unit": "a line of text, in the plural, such as 'tokens'",
    "cases": "a whole number, 0 where there are none",
    "constraints": 'a tuple of names, such as ("weight", "volume")',
}
EASILY_MISSED = ("fingerprint", "constraints", "refitted", "prepared")  # long words
ALIKE = 0.85  # of a name's letters
MISSING = object()
METHOD_HINT = f"give it methods such as generation_ended(run, generation); known are {', '.join(METHODS)}"
MEASURING = ("evaluate", "evaluate_one")  # of which a fitness has one


class _AnyKind(frozenset[str]):
    """What a fitness takes that does not say: whatever the genome makes."""

    def __contains__(self, kind: object) -> bool:
        return True


ANY_KIND = _AnyKind()
CALLED: frozenset[Kind] = frozenset({"selection", "crossover", "mutation", "screen"})  # kinds that are functions


def refuse_misfit(kind: Kind, thing: Any) -> None:
    """Hold what a component built against what its kind promises.

    Raises:
        ContractError: A member is missing or of a wrong kind; the first one is told.
    """
    if kind == "data" and not isinstance(thing, Data):
        raise ContractError(f"{culprit(thing)} is no evokit.Data, which a data component builds")
    if kind in CALLED and not callable(thing):
        raise ContractError(f"{culprit(thing)} cannot be called, but a {kind} is called")
    if kind == "export" and not (hasattr(thing, "export") or hasattr(thing, "export_measured")):
        raise ContractError(f"{culprit(thing)} has neither export(artifact, out) nor export_measured(measured, out)")
    if (
        kind == "fitness"
        and hasattr(thing, "objectives")
        and not (hasattr(thing, "evaluate") or _suggestion("evaluate", thing))
    ):
        return  # material for a search with a job of its own, which is held against this when the search is there
    if kind == "callback" and not any(hasattr(thing, method) for method in METHODS):
        raise ContractError(f"{culprit(thing)} listens to nothing: {METHOD_HINT}")
    if kind == "baseline":
        kind = "final" if hasattr(thing, "fit") or hasattr(thing, "score") else "search"
    for name, meaning in MEMBERS.get(kind, {}).items():
        _refuse_missing(kind, thing, name, meaning)
    if kind == "fitness":
        _refuse_objectives(thing)
        _refuse_optional(thing)
    if kind in ("fitness", "final"):
        _refuse_budgets(thing)
    if kind == "final" and thing.goal not in ("min", "max"):
        raise ContractError(f"{culprit(thing)} has goal {thing.goal!r}: it must be min or max")


def refuse_unmeasurable(fitness: Any, search: str) -> None:
    """Raises ``ContractError`` for a fitness, or a search's job, that a search cannot measure anything with."""
    _refuse_missing("fitness", fitness, "evaluate", "evaluate(batch, budget)", f"search {search!r}")
    refuse_misfit("fitness", fitness)


def _refuse_missing(kind: Kind, thing: Any, name: str, meaning: str, who: str = "") -> None:
    function = meaning.startswith(f"{name}(")
    try:
        value = getattr(thing, name)
    except AttributeError:
        hint = _suggestion(name, thing)
        raise ContractError(
            f"{culprit(thing)} has no {name}, which {who or f'a {kind}'} needs: {meaning}{hint}"
        ) from None
    except Exception as error:
        raise ContractError(f"{culprit(thing)} cannot tell its {name}: {raised(error, thing)}") from error
    if function and not callable(value):
        raise ContractError(f"{culprit(thing)} has a {name} that is no method: {value!r:.60}; define {meaning}")
    if not function and inspect.ismethod(value):
        raise ContractError(
            f"{culprit(thing, name)} is a method, but a {kind}'s {name} is a value ({meaning}); decorate it with"
            " @property"
        )


def _suggestion(name: str, thing: Any) -> str:
    """Which member may be meant to have that name, to append to an error; empty if none resembles it."""
    return did_you_mean(name, [one for one in dir(thing) if one[0] != "_"])


def resembles(name: str, fitness: Any) -> bool:
    """Whether another attribute of a fitness seems to be meant to have that name, such as ``evalute``."""
    options = [one.name for one in fields(fitness)] if is_dataclass(fitness) else []
    known = {*MEMBERS["fitness"], *OPTIONAL, *MEASURING, *options}
    return bool(did_you_mean(name, [one for one in dir(fitness) if one[0] != "_" and one not in known]))


def _refuse_objectives(fitness: Any) -> None:
    goals = fitness.objectives
    if not isinstance(goals, Mapping) or not goals or not set(map(str, goals.values())) <= {"min", "max"}:
        raise ContractError(
            f"{culprit(fitness)} has objectives {goals!r:.60}: they must be a mapping of names to min or max, such"
            ' as {"loss": "min"}'
        )
    if not isinstance(fitness.context, str):
        raise ContractError(f"{culprit(fitness)} has context {fitness.context!r:.60}: it must be a string")
    if not isinstance(fitness.takes, Set | Sequence):
        raise ContractError(
            f"{culprit(fitness)} takes {fitness.takes!r:.60}: it must be a set of words, such as"
            ' frozenset({"vector"})'
        )
    if not isinstance(fitness.slots, Mapping):
        raise ContractError(f"{culprit(fitness)} has slots {fitness.slots!r:.60}: they must be a mapping, such as {{}}")


def _refuse_optional(fitness: Any) -> None:
    """What a fitness may have is what it must be, and what resembles its name is not passed over."""
    own = [name for name in dir(fitness) if name[0] != "_" and name not in (*MEMBERS["fitness"], *OPTIONAL)]
    for name, meaning in OPTIONAL.items():
        value = getattr(fitness, name, MISSING)
        if value is MISSING or (value is None and name == "refitted"):  # there is nothing to fit
            near = get_close_matches(name, own, n=1, cutoff=ALIKE) if name in EASILY_MISSED else []
            if near:
                raise ContractError(
                    f"{culprit(fitness)} has {near[0]!r}, which nobody asks for; did you mean {name!r}?"
                )
        elif not _is_as_meant(name, value):
            raise ContractError(f"{culprit(fitness)} has {name} {value!r:.60}: it must be {meaning}")
    constraints = list(getattr(fitness, "constraints", ()))
    if len({*constraints, *fitness.objectives}) < len(constraints) + len(fitness.objectives):
        raise ContractError(
            f"{culprit(fitness)} has constraints {constraints!r:.60}: each needs a name of its own, and none of an"
            " objective"
        )


def _is_as_meant(name: str, value: Any) -> bool:
    if name in ("fresh", "refitted", "fingerprint"):
        return callable(value)
    if name == "prepared":
        return isinstance(value, Mapping) and all(isinstance(one, Cost) for one in value.values())
    if name == "work_unit":
        return _is_name(value) and value == value.strip() and value.isprintable()
    if name == "constraints":
        return isinstance(value, Sequence) and not isinstance(value, str) and all(_is_name(one) for one in value)
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(value >= (name == "batch"))


def _is_name(one: Any) -> bool:
    return isinstance(one, str) and one != ""


def _refuse_budgets(thing: Any) -> None:
    budgets = list(thing.budgets) if isinstance(thing.budgets, Sequence | np.ndarray) else []
    whole = all(isinstance(one, int | np.integer) and not isinstance(one, bool) and one > 0 for one in budgets)
    if not budgets or not whole or sorted(set(budgets)) != budgets:
        raise ContractError(
            f"{culprit(thing)} has budgets {thing.budgets!r:.60}: they must be ascending whole numbers above 0, the"
            " last of them full, such as (1,)"
        )
