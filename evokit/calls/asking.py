"""Ask and tell: a laboratory, a simulator or a person is asked what to measure, and tells what it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np

from evokit.assembly.directory import RunDirectory
from evokit.assembly.jobs import Candidate
from evokit.calls.keywords import refuse_unknown
from evokit.calls.listening import parted
from evokit.calls.minimizing import problem
from evokit.calls.outcome import Run
from evokit.calls.starting import Folder, start
from evokit.common.conversation import Abandoned, Conversation
from evokit.common.files import write_atomically
from evokit.common.names import listed
from evokit.errors import UserError
from evokit.fitnesses.told import Told
from evokit.interfaces import Evaluation, Goal
from evokit.recipe.check import load_recipe
from evokit.recipe.schema import Recipe
from evokit.runs.launch import default_out

FOREVER = 10**15  # measurements of a search that ends when nobody asks any more
KEPT = "told.json"  # in a run directory: what was told of a generation of which not all was told
SHORT = 12  # signs of a key that tell it from others


class Asking:
    """A search whose fitness is somebody else; what ``evokit.search`` makes.

    With a directory all that was told is kept there, and the search goes on after the process has ended: what was told
    is not asked again. ``close`` it, or use it in a ``with``, to leave the directory to another process.

    Args:
        recipe: Of a search whose fitness is ``told``.
        folder: Of the run.
        callbacks: Told how it goes.

    Raises:
        UserError: Something else is in the folder, or another process is at work there.
    """

    def __init__(self, recipe: Recipe, folder: Folder, callbacks: Sequence[Any] = ()) -> None:
        self.directory, self._folder = folder.path, folder
        self._told: dict[str, Evaluation] = {}
        options = recipe.fitness.options
        self._objectives, self._constraints = list(options.objectives), list(options.constraints)
        self._talk = Conversation(partial(_begin, recipe, folder, callbacks))
        self._go_on(_kept(self.directory / KEPT))

    @property
    def done(self) -> bool:
        """Whether there is nothing left to ask."""
        return self._talk.question is None

    @property
    def told_names(self) -> list[str]:
        """What is told of each: names of objectives, then of constraints."""
        return [*self._objectives, *self._constraints]

    @property
    def run(self) -> Run:
        """The run so far: ``best``, ``frame()``, ``report()``."""
        return Run(self.directory, keeper=self)

    @property
    def candidates(self) -> dict[str, Any]:
        """Name to phenotype of all that a generation asks for, told or not; a name is the same in every process."""
        return {_name_of(one): one.phenotype for one in self._asked}

    @property
    def open(self) -> dict[str, Any]:
        """Those of ``candidates`` that nobody told of yet."""
        return {_name_of(one): one.phenotype for one in self._asked if one.key not in self._told}

    def ask(self) -> list[Any]:
        """Candidates that wait to be measured: phenotypes, such as arrays or mappings of parameters.

        Those of a generation, the same until they were told; none if the search is done.
        """
        return list(self.open.values())

    def tell(self, candidates: Iterable[Any], values: Iterable[Any]) -> None:
        """What was measured of candidates that ``ask`` gave, all of them or some, in any order.

        Args:
            candidates: The very objects that ``ask`` gave, or such as equal them.
            values: Of each a number, one for each objective, with constraints a pair of that and of theirs, or an
                ``Evaluation``; None or NaN where it failed.

        Raises:
            UserError: Somebody was not asked for, values and candidates are not as many, or a value is no number or
                not one for each objective and constraint. Nothing of that call is kept then.
        """
        if not isinstance(values, Iterable):
            raise UserError(f"{values!r:.60} was told; tell takes two lists, candidates and their values")
        candidates, values = list(candidates), list(values)
        if len(candidates) != len(values):
            raise UserError(f"{len(values)} values were told of {len(candidates)} candidates")
        if not candidates:
            return
        if self.done:
            raise UserError("the search is done, and asked for nobody")
        waiting = self.open
        told = {}
        for candidate, value in zip(candidates, values, strict=True):
            name = _alike(candidate, waiting)
            del waiting[name]
            told[name] = value
        self.tell_of(told)

    def tell_of(self, values: Mapping[str, Any]) -> None:
        """What was measured, by the names of ``candidates``; what was told before of the same generation is replaced.

        Args:
            values: Name to what ``tell`` takes.

        Raises:
            UserError: Somebody was not asked for.
        """
        keys = {_name_of(one): one.key for one in self._asked}
        for name in values:
            if name not in keys:
                raise UserError(f"{name!r} was not asked for")
        told = {keys[name]: self._evaluation(name, value) for name, value in values.items()}
        self._go_on(self._told | told)

    def tell_numbers(self, numbers: Mapping[str, Sequence[float] | None]) -> None:
        """As ``tell_of``, numbers in the order of ``told_names``; None where it failed."""
        n = len(self._constraints)
        self.tell_of(
            {name: one and ((one[: len(one) - n], one[len(one) - n :]) if n else one) for name, one in numbers.items()}
        )

    def close(self) -> None:
        """Let go of the directory; everything told is kept."""
        self._talk.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _evaluation(self, name: str, value: Any) -> Evaluation:
        """What was told of a candidate.

        Raises:
            UserError: It is no number, or not one for each objective and constraint.
        """
        if isinstance(value, Evaluation):
            return value
        if value is None:
            return Evaluation(outcome="raised", work=1, message="told as failed")
        values, limits = value, ()
        if self._constraints:
            try:
                values, limits = value
            except (TypeError, ValueError):
                raise UserError(
                    f"{value!r:.60} was told of {name}; with constraints it is a pair such as (cost, [weight - 1])"
                ) from None
        told = _numbers(name, values, self._objectives), _numbers(name, limits, self._constraints)
        return Evaluation(told[0], work=1, constraints=told[1])

    @property
    def _asked(self) -> list[Candidate]:
        return self._talk.question or []

    def _go_on(self, told: Mapping[str, Evaluation]) -> None:
        """Keep what was told, and go on to the next generation once it is all."""
        self._told = {one.key: told[one.key] for one in self._asked if one.key in told}
        path = self.directory / KEPT
        if self._told and not self._folder.temporary:
            kept = {key: _written(one) for key, one in self._told.items()}
            write_atomically(path, json.dumps(kept, default=float).encode())
        if self._told and len(self._told) == len(self._asked):
            self._talk.answer([self._told[one.key] for one in self._asked])
            self._told = {}  # it is in the ledger by now, as another question came, or the run is done
            path.unlink(missing_ok=True)


class Asker:
    """The fitness of a search that asks: given many candidates, it returns what somebody tells of them."""

    by_hand = True

    def __init__(self, ask: Callable[[Any], Any] | None = None) -> None:
        self._ask = ask

    def __call__(self, batch: Sequence[Candidate]) -> list[Evaluation]:
        assert self._ask is not None
        try:
            answers: list[Evaluation] = self._ask([Candidate(one.key, _own(one.phenotype)) for one in batch])
        except Abandoned:
            raise KeyboardInterrupt from None  # which a run takes for what it is: everything so far is saved
        return answers


def _begin(recipe: Recipe, folder: Folder, callbacks: Sequence[Any], ask: Callable[[Any], Any]) -> None:
    """Run a search that asks, until nobody answers any more."""
    object.__setattr__(recipe.fitness.options, "held", Asker(ask))
    with suppress(KeyboardInterrupt):
        start(recipe, folder, callbacks=callbacks)


def search(
    name: Any = "auto",
    space: Any = None,
    *,
    goal: Goal = "min",
    directory: str | Path | None = None,
    work: int | None = None,
    generations: int | None = None,
    callbacks: Any = (),
    **keywords: Any,
) -> Asking:
    """A search that is asked for candidates and told their values.

    Args:
        name: Of a search, or what a recipe says of one.
        space: As of ``evokit.minimize``.
        goal: Whether values are to be small, ``min``, or large, ``max``; ``objectives`` tells of several.
        directory: Where what is told is kept; a search that is there goes on. None for a temporary one.
        work: After how many measurements it ends; without it and ``generations`` whoever asks decides.
        generations: After how many generations it ends.
        callbacks: Told how it goes, see ``evokit.calls.listening.parted``.
        keywords: As of ``evokit.minimize``.

    Raises:
        UserError: Something does not fit.

    >>> asked = search("cma", low=-1, high=1, dimensions=2)
    >>> for _ in range(40):
    ...     candidates = asked.ask()
    ...     asked.tell(candidates, [((x - 0.5) ** 2).sum() for x in candidates])
    >>> asked.run.best.round(2).tolist()
    [0.5, 0.5]
    """
    refuse_unknown(keywords)
    folder = Folder(directory)
    given = {"search": name, "work": work if work or generations else FOREVER, "generations": generations}
    sections, objects = parted(callbacks)
    recipe = problem(Asker(), space, goal, folder=folder, callbacks=sections, **given, **keywords)
    return Asking(recipe, folder, objects)


def begun(place: Path, overrides: Sequence[str] = (), out: Path | None = None) -> Asking:
    """The search of a recipe, or of a run directory, whose fitness is ``told``.

    Args:
        place: A recipe, or the directory of a run.
        overrides: Of a recipe.
        out: Directory of the run of a recipe; by default as ``evokit run`` has it.

    Raises:
        UserError: The fitness is another one, or the directory is another run's.
    """
    directory = RunDirectory(place)
    there = directory.recipe.exists()
    if there and (overrides or out is not None):
        raise UserError(f"{place} is a run; it has its recipe and its directory")
    if there:
        recipe = load_recipe(directory.recipe)
    elif place.is_dir():
        raise UserError(f"{place} is no run directory: it has no recipe.yaml")
    else:
        recipe = load_recipe(place, [*overrides, "execution.backend=inline"])
    if not isinstance(recipe.fitness.options, Told):
        raise UserError(
            f"{place}: its fitness {recipe.fitness.name} measures by itself, evokit run does that; to be asked and to"
            " tell say fitness: {name: told, objectives: {yield: max}}"
        )
    return Asking(recipe, Folder(place if there else out or default_out(recipe)))


def _alike(candidate: Any, waiting: Mapping[str, Any]) -> str:
    """The name of a candidate among those that wait."""
    alike = [name for name, one in waiting.items() if one is candidate]
    alike = alike or [name for name, one in waiting.items() if _equal(one, candidate)]
    if alike:
        return alike[0]
    raise UserError(f"{candidate!r:.60} was not asked for, or told already")


def _name_of(one: Candidate) -> str:
    """Short, and nothing that a spreadsheet takes for a number."""
    return f"c{one.key[:SHORT]}"


def _own(phenotype: Any) -> Any:
    """One that whoever is asked may change."""
    return phenotype.copy() if isinstance(phenotype, np.ndarray | dict) else phenotype


def _equal(one: Any, other: Any) -> bool:
    try:
        return bool(np.array_equal(one, other)) if isinstance(one, np.ndarray) else bool(one == other)
    except (TypeError, ValueError):
        return False


def _numbers(name: str, told: Any, names: Sequence[str]) -> tuple[float, ...]:
    """One for each of the names."""
    given = list(np.ravel(np.asarray(told, dtype=object)))
    if len(given) != len(names):
        raise UserError(f"{told!r:.60} was told of {name}; there is to be one number for each of {listed(names)}")
    for one in given:
        if isinstance(one, str | bytes | bool | np.bool_ | complex | np.complexfloating) or not hasattr(
            one, "__float__"
        ):
            raise UserError(f"{one!r:.60} was told of {name}; it is no number")
    return tuple(map(float, given))


def _written(one: Evaluation) -> dict[str, Any]:
    """As JSON values, without what the core adds."""
    told = {name: getattr(one, name) for name in ("values", "outcome", "work", "artifact", "message", "constraints")}
    cases = None if one.cases is None else list(one.cases)
    return told | {"metrics": dict(one.metrics), "cases": cases}


def _kept(path: Path) -> dict[str, Evaluation]:
    """Key to what was told of a generation that is not complete."""
    if not path.exists():
        return {}
    try:
        kept = json.loads(path.read_text())
        return {
            key: Evaluation(**one | {name: tuple(one[name]) for name in ("values", "constraints")})
            for key, one in kept.items()
        }
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(f"{path} is damaged ({error}); remove it, and tell again what was told last") from error
