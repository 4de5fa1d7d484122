"""Ask and tell: a laboratory, a simulator or a person is asked what to measure, and tells what it was."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evokit.calls.listening import parted
from evokit.calls.minimizing import problem
from evokit.calls.outcome import Run
from evokit.calls.starting import Folder, start
from evokit.common.conversation import Abandoned, Conversation
from evokit.errors import UserError
from evokit.interfaces import Evaluation, Goal

FOREVER = 10**15  # measurements of a search that ends when nobody asks any more


class Asking:
    """A search whose fitness is somebody else; what ``evokit.search`` makes.

    With a directory all that was told is in its ledger, and the search goes on there after the process has ended: what
    was told is not asked again. Kept are whole answers, so tell all that was asked.

    Args:
        begin: Runs the search with a function that is given candidates and returns what was told of them.
        folder: Of the run.
        n_constraints: How many numbers are told beside values.
    """

    def __init__(self, begin: Callable[[Callable[[Any], Any]], None], folder: Folder, n_constraints: int) -> None:
        self.directory = folder.path
        self._folder, self._n_constraints = folder, n_constraints
        self._talk = Conversation(begin)
        self._told: dict[int, Evaluation] = {}

    @property
    def done(self) -> bool:
        """Whether there is nothing left to ask."""
        return self._talk.question is None

    @property
    def run(self) -> Run:
        """The run so far: ``best``, ``frame()``, ``report()``."""
        return Run(self.directory, keeper=self)

    def ask(self) -> list[Any]:
        """Candidates that wait to be measured: phenotypes, such as arrays or mappings of parameters.

        Those of a generation, the same until they were told; none if the search is done.
        """
        batch = [] if self.done else self._talk.question
        return [one for place, one in enumerate(batch) if place not in self._told]

    def tell(self, candidates: Iterable[Any], values: Iterable[Any]) -> None:
        """What was measured of candidates that ``ask`` gave, all of them or some, in any order.

        Args:
            candidates: The very objects that ``ask`` gave, or such as equal them.
            values: Of each a number, one for each objective, with constraints a pair of that and of theirs, or an
                ``Evaluation``; None or NaN where it failed.

        Raises:
            UserError: Somebody was not asked for, or values and candidates are not as many.
        """
        candidates, values = list(candidates), list(values)
        if len(candidates) != len(values):
            raise UserError(f"{len(values)} values were told of {len(candidates)} candidates")
        if not candidates:
            return
        if self.done:
            raise UserError("the search is done, and asked for nobody")
        told = dict(self._told)
        for candidate, value in zip(candidates, values, strict=True):
            told[self._place(candidate, told)] = _evaluation(value, self._n_constraints)
        self._told = told
        if len(told) == len(self._talk.question):
            self._told = {}
            self._talk.answer([told[place] for place in sorted(told)])

    def _place(self, candidate: Any, told: dict[int, Evaluation]) -> int:
        batch = self._talk.question
        open_places = [place for place in range(len(batch)) if place not in told]
        alike = [place for place in open_places if batch[place] is candidate]
        alike = alike or [place for place in open_places if _equal(batch[place], candidate)]
        if alike:
            return alike[0]
        raise UserError(f"{candidate!r:.60} was not asked for, or told already")


class Asker:
    """The function of a search that asks: given many candidates, it returns what somebody tells of them."""

    by_hand = True
    ask: Callable[[Sequence[Any]], list[Evaluation]]

    def __call__(self, batch: Any, budget: int = 0) -> list[Evaluation]:
        try:
            return self.ask([dict(one) if isinstance(one, dict) else one for one in batch])
        except Abandoned:
            raise KeyboardInterrupt from None  # which a run takes for what it is: everything so far is saved


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
    folder, asker = Folder(directory), Asker()
    given = {"search": name, "work": work if work or generations else FOREVER, "generations": generations}
    sections, objects = parted(callbacks)
    recipe = problem(asker, space, goal, folder=folder, vectorized=True, callbacks=sections, **given, **keywords)

    def begin(ask: Callable[[Any], Any]) -> None:
        asker.ask = ask
        try:
            start(recipe, folder, callbacks=objects)
        except KeyboardInterrupt:
            return  # nobody asks any more

    return Asking(begin, folder, len(recipe.fitness.options.constraints))


def _equal(one: Any, other: Any) -> bool:
    try:
        return bool(np.array_equal(one, other)) if isinstance(one, np.ndarray) else bool(one == other)
    except (TypeError, ValueError):
        return False


def _evaluation(value: Any, n_constraints: int) -> Evaluation:
    """What was told of a candidate."""
    if isinstance(value, Evaluation):
        return value
    if value is None:
        return Evaluation(outcome="raised", work=1, message="told as failed")
    values, limits = value if n_constraints else (value, ())
    return Evaluation(tuple(np.ravel(values)), work=1, constraints=tuple(np.ravel(limits)))
