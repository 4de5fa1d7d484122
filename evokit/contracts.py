"""What plugins promise: who broke it, in words, and the members that each kind of component has."""

from __future__ import annotations

import functools
import inspect
import os
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, MethodType
from typing import Any

import numpy as np

from evokit.errors import RunFailed, UserError, said
from evokit.in_place import COPY
from evokit.interfaces import Data, Kind
from evokit.names import did_you_mean

CORE = Path(__file__).parent
LOCAL = "evokit_local_"  # begins the module names of local plugin files

PASSED = (UserError, RunFailed, KeyboardInterrupt, GeneratorExit)  # errors that are no broken promises


class ContractError(UserError):
    """A component broke a promise of its interface, so its numbers could not be trusted; names who, where, remedy."""


# --- who it was


def culprit(thing: Any, member: str = "") -> str:
    """A member of an object, or a function, as messages name it: ``Lists.mutate (plugin lists.py, ./lists.py:17)``."""
    if isinstance(thing, MethodType):
        return culprit(thing.__self__, thing.__name__)
    function = _unwrapped(getattr(thing, member, None) if member else thing)
    code = getattr(function, "__code__", None)
    if member:
        name = f"{thing.__name__ if isinstance(thing, type) else type(thing).__name__}.{member}"
    else:
        name = getattr(function, "__qualname__", type(thing).__name__).replace("<locals>.", "")
    where = _place_of(code) if isinstance(code, CodeType) else _place_of_class(thing)
    told = ", ".join(part for part in (_plugin(function if code else thing), where) if part)
    return f"{name} ({told})" if told else name


def raised(error: BaseException, thing: Any = None) -> str:
    """An error in a line, with the last place in the code of ``thing``, or else in code that is not evokit's own."""
    frames = [(Path(frame.filename), frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    places = [one for one in frames if one[0] == _file_of(thing)] or [
        one for one in frames if CORE not in one[0].parents
    ]
    where = f" ({_shown(places[-1][0])}:{places[-1][1]})" if places else ""
    return " ".join(said(error).split()) + where  # in one line


def _file_of(thing: Any) -> Path | None:
    """The file that a function or the class of an object is written in."""
    function = _unwrapped(thing)
    if isinstance(code := getattr(function, "__code__", None), CodeType):
        return Path(code.co_filename)
    try:
        return Path(inspect.getfile(thing if isinstance(thing, type) else type(thing)))
    except (OSError, TypeError):
        return None


def _unwrapped(function: Any) -> Any:
    while True:
        if isinstance(function, functools.partial):
            function = function.func
        elif hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        else:
            return function


def _plugin(thing: Any) -> str:
    module = getattr(thing, "__module__", "") or ""
    if module.startswith(LOCAL):
        return f"plugin {Path(sys.modules[module].__file__ or '').name}" if module in sys.modules else ""
    top = module.partition(".")[0]
    return f"plugin {top}" if top and top not in ("evokit", "builtins") else ""


def _place_of(code: CodeType) -> str:
    return f"{_shown(Path(code.co_filename))}:{code.co_firstlineno}"


def _place_of_class(thing: Any) -> str:
    kind = thing if isinstance(thing, type) else type(thing)
    try:
        return f"{_shown(Path(inspect.getfile(kind)))}:{inspect.getsourcelines(kind)[1]}"
    except (OSError, TypeError):
        return ""


def _shown(path: Path) -> str:
    """A file as a person finds it from where the command was typed."""
    near = os.path.relpath(path)
    return str(path) if near.startswith("..") else near


@contextmanager
def blamed(thing: Any, member: str = "") -> Iterator[None]:
    """Let what a part raises become a broken promise that says where.

    Raises:
        ContractError: The block raised anything but a ``UserError`` or Ctrl-C; ``SystemExit`` too, since a plugin must
            not end the process.
    """
    try:
        yield
    except PASSED:
        raise
    except BaseException as error:
        raise blame(error, thing, member) from error


def blame(error: BaseException, thing: Any, member: str = "") -> ContractError:
    """The broken promise that an error is."""
    if wrote_to_readonly(error):
        where = raised(error, thing)
        return ContractError(f"{culprit(thing, member)} changes an array that it was given, in place: {where}; {COPY}")
    return ContractError(f"{culprit(thing, member)} raised {raised(error, thing)}")


def wrote_to_readonly(error: BaseException) -> bool:
    """Whether somebody tried to change an array that is shared, in NumPy's words."""
    return isinstance(error, ValueError) and str(error) in (
        "assignment destination is read-only",
        "output array is read-only",
    )


# --- members

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
    if kind == "fitness" and not (hasattr(thing, "evaluate") or _suggestion("evaluate", thing)):
        return  # material for a search with a job of its own, which is held against this when the search is there
    if kind == "baseline":
        kind = "final" if hasattr(thing, "fit") or hasattr(thing, "score") else "search"
    for name, meaning in MEMBERS.get(kind, {}).items():
        _refuse_missing(kind, thing, name, meaning)
    if kind == "fitness":
        _refuse_objectives(thing)
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


def _refuse_budgets(thing: Any) -> None:
    budgets = list(thing.budgets) if isinstance(thing.budgets, Sequence | np.ndarray) else []
    whole = all(isinstance(one, int | np.integer) and not isinstance(one, bool) and one > 0 for one in budgets)
    if not budgets or not whole or sorted(set(budgets)) != budgets:
        raise ContractError(
            f"{culprit(thing)} has budgets {thing.budgets!r:.60}: they must be ascending whole numbers above 0, the"
            " last of them full, such as (1,)"
        )
