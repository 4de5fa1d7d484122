"""What plugins promise, noticed where it is not kept: members, genes that stay as they are, no global generator."""

from __future__ import annotations

import functools
import inspect
import marshal
import os
import pickle
import random
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from io import BytesIO
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np

from evokit.errors import RunFailed, UserError, said
from evokit.interfaces import Data, Kind
from evokit.names import did_you_mean

CORE = Path(__file__).parent
LOCAL = "evokit_local_"  # begins the module names of local plugin files
COPY = "work on a copy and return it"
DRAW = "draw only from the generator that is handed over, and keep no state between calls"
DRAW_IN_FITNESS = "let all chance in a fitness come from context.streams, a generator made anew in each evaluation"

PASSED = (UserError, RunFailed, KeyboardInterrupt, GeneratorExit)  # errors that are no broken promises


class ContractError(UserError):
    """A component broke a promise of its interface, so its numbers could not be trusted; names who, where, remedy."""


# --- who it was


def culprit(thing: Any, member: str = "") -> str:
    """A member of an object, or a function, as messages name it: ``Lists.mutate (plugin lists.py, ./lists.py:17)``."""
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
        elif isinstance(function, Watched):
            function = function.function
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


# --- genes and phenotypes stay as they are


def state_of(genes: Sequence[Any], key: Callable[[Any], str]) -> Any:
    """What differs after any of several genes were changed in place; None if all are locked arrays, which cannot be.

    Args:
        genes: One entry per individual.
        key: Asked for genes that are more than lists, mappings, numbers and arrays.
    """
    seen = [one for one in genes if not _locked(one)]
    if not seen:
        return None
    try:
        return marshal.dumps(seen, 2)  # a tenth of what JSON takes; version 2 knows no references, which may differ
    except ValueError:
        return [key(one) for one in seen]


def phenotype_state(phenotypes: Sequence[Any]) -> Any:
    """What differs after phenotypes were changed in place; None for those that cannot be told.

    Arrays count by content, unless they are locked, tensors by the number of times that they were written to,
    dataclasses by the fields that they are compared by. What is inside other objects is not seen.
    """
    state = state_of(phenotypes, _unread)
    if not isinstance(state, list):
        return state
    written = BytesIO()
    try:
        _States(written, protocol=5).dump([one for one in phenotypes if not _locked(one)])
    except Exception:  # whatever an object that nobody knows does when it is looked at
        return None
    return written.getvalue()


def _locked(value: Any) -> bool:
    return isinstance(value, np.ndarray) and not value.flags.writeable


def _unread(phenotype: Any) -> str:
    """Phenotypes have no key."""
    return ""


class _States(pickle.Pickler):
    """Writes what may be changed in place; nobody reads it back."""

    def reducer_override(self, thing: Any) -> Any:
        torch = sys.modules.get("torch")
        if torch is not None and isinstance(thing, torch.Tensor):
            return int, (thing._version,)
        if isinstance(thing, np.ndarray):
            return NotImplemented if thing.flags.writeable else (int, ())
        if is_dataclass(thing) and not isinstance(thing, type):
            return tuple, ([getattr(thing, field.name) for field in fields(thing) if field.compare],)
        if thing is int or thing is tuple or isinstance(thing, dict | list | set | bytearray | np.generic):
            return NotImplemented
        return int, ()


# --- global generators

UNUSUAL = 982_451_653  # added to seeds, so that a plugin that seeds 0 or 42 does not end where it began


def global_states() -> dict[str, Any]:
    """The states of the generators that a whole process shares, by name; torch's only if somebody imported it."""
    numpy = [np.asarray(part).tobytes() for part in np.random.get_state()]  # noqa: NPY002 - to see whether it is used
    states: dict[str, Any] = {"random": random.getstate(), "numpy.random": numpy}
    if (torch := sys.modules.get("torch")) is not None:
        states["torch"] = torch.get_rng_state().numpy().tobytes()
        if torch.cuda.is_initialized():
            states["torch.cuda"] = [one.cpu().numpy().tobytes() for one in torch.cuda.get_rng_state_all()]
    return states


@contextmanager
def other_world(seed: int) -> Iterator[list[str]]:
    """Put the global generators into another state, one that nobody else seeds, and back afterwards.

    Yields:
        A list that afterwards names those that the block drew from or seeded.
    """
    torch = sys.modules.get("torch")
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    torches = None if torch is None else torch.get_rng_state()
    touched: list[str] = []
    try:
        seed += UNUSUAL
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        if torch is not None:
            torch.set_rng_state(torch.Generator().manual_seed(seed).get_state())
        before = global_states()
        yield touched
        after = global_states()
        # What was imported meanwhile began in a state of its own.
        touched += [name for name, state in after.items() if name in before and state != before[name]]
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
        if torch is not None and torches is not None:
            torch.set_rng_state(torches)


# --- operators


FIRST = 1000  # calls of an operator that are all watched
AFTER = 16  # of so many calls after them, one is; whoever is reported has its key made again at the end


class Watched:
    """An operator that is held to its promise.

    Args:
        kind: selection, crossover or mutation.
        function: What the component built.
        key: Of genes.
    """

    def __init__(self, kind: Kind, function: Callable[..., Any], key: Callable[[Any], str]) -> None:
        self.kind, self.function, self._key = kind, function, key
        self._n_genes, self._wrong = _OPERATORS[kind]
        self._calls = 0

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = getattr(self.function, name)
        if name != "at":  # a mutation that anneals: the one of a generation
            return value
        return lambda generation: Watched(self.kind, value(generation), self._key)

    def __call__(self, *arguments: Any) -> Any:
        """What the operator answers.

        Raises:
            ContractError: It raised, changed what it was given, or answered something else than its kind does.
        """
        self._calls += 1
        watched = self._calls <= FIRST or self._calls % AFTER == 0
        genes = arguments[: self._n_genes] if watched else ()
        before = state_of(genes, self._key) if watched else None
        try:
            answer = self.function(*arguments)
        except PASSED:
            raise
        except BaseException as error:
            raise blame(error, self.function) from error
        if before is not None and before != state_of(genes, self._key):
            raise ContractError(f"{culprit(self.function)} changes the genes that it was given, in place; {COPY}")
        if wrong := self._wrong(answer, arguments):
            raise ContractError(f"{culprit(self.function)} returned {wrong}")
        return answer


def _wrong_children(answer: Any, arguments: Sequence[Any]) -> str:
    if not isinstance(answer, tuple | list):
        return f"{type(answer).__name__}; return a pair of children"
    if len(answer) == 2 and answer[0] is not None and answer[1] is not None:
        return ""
    if len(answer) == 2:
        return "a child that is nothing; return a pair of genes"
    return f"a {type(answer).__name__} of {len(answer)} instead of a pair of children"


def _wrong_mutant(answer: Any, arguments: Sequence[Any]) -> str:
    return "nothing; return the new genes" if answer is None else ""


def _wrong_selected(answer: Any, arguments: Sequence[Any]) -> str:
    if not isinstance(answer, tuple | list):
        return f"{type(answer).__name__}; return a list of individuals"
    return "" if len(answer) == arguments[1] else f"{len(answer)} individuals where {arguments[1]} were asked for"


_OPERATORS: Mapping[str, tuple[int, Callable[[Any, Sequence[Any]], str]]] = {  # how many arguments are genes, the rule
    "selection": (0, _wrong_selected),
    "crossover": (2, _wrong_children),
    "mutation": (1, _wrong_mutant),
}
