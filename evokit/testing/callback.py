"""The contract of a callback."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evokit.callbacks.listeners import function_of
from evokit.errors import RunFailed
from evokit.facts import METHODS, StopSearch
from evokit.progress.silent import Silent
from evokit.runs.launch import launch
from evokit.testing.rules import ANSWERS, Broken, Finding, Rule, asked, refuse_broken
from evokit.testing.setting import MADE_UP, SEARCH, Candidate, Setting, Surroundings, candidate, settings

SHORT, LONG = 2, 4  # generations of a run, and of the same when it is gone on with


def callback_conformance(
    callback: str | object, /, *, recipe: Surroundings = None, **options: Any
) -> Callable[[], None]:
    """A test that pytest collects: ``test_log = callback_conformance("log", every=5)``.

    It lets small runs tell it what happens and checks what makes it silent in real ones, where an error of a callback
    ends nothing: an answer to everything in a whole run, in one that is gone on with, of which it hears from the first
    generation, and in one in which nothing is valid, which has no champion; and that nothing is written before a run
    starts.

    Args:
        callback: Name under which a plugin offers it, or an instance of its options.
        recipe: A recipe's file, or a mapping of some sections, that says its options; the runs are the kit's own.
        options: As in a recipe; left out, those of ``recipe``.

    Returns:
        A function without arguments. It raises ``AssertionError`` that names the first broken rule, with the method,
        its file and line, and the remedy; ``ValueError`` or ``UserError`` for what a recipe would be refused for.
    """

    def test_callback() -> None:
        check_callback(candidate("callback", callback, recipe, options))

    return test_callback


def check_callback(one: Candidate) -> None:
    """What the test does. Raises as it does."""
    case = _Case(replace(one, around={}))
    refuse_broken(case, RULES, case.setting().build(), one.component.name)


class _Told:
    """A callback that tells another one, and keeps the first rule that this breaks."""

    def __init__(self, callback: Any) -> None:
        self.broken: Broken | None = None
        for method in METHODS:
            if function := function_of(callback, method):
                setattr(self, method, self._asking(method, function))

    def _asking(self, method: str, function: Callable[..., Any]) -> Callable[..., None]:
        def ask(*facts: Any) -> None:
            try:
                with suppress(StopSearch):  # so that all is heard
                    function(*facts)
            except Exception:  # of any kind; asked anew, it is told with file and line
                try:
                    asked(function, "", *facts, rule="")
                except Broken as broken:
                    broken.method = method
                    self.broken = self.broken or broken

        return ask


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the warning of a run that its fitness fails, as it is meant to."""
    log = logging.getLogger("evokit")
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before


@dataclass(frozen=True)
class _Case:
    one: Candidate

    def setting(self, generations: int = SHORT, fails: bool = False) -> Setting:
        around: Mapping[str, Any] = {
            "fitness": {"name": MADE_UP, "fails": fails},
            "search": {**SEARCH, "generations": generations},
        }
        (found,) = settings(replace(self.one, around=around))
        return found

    def heard(self, folder: Path, setting: Setting, resume: bool = False) -> None:
        """Let it hear of a run. Raises ``Broken`` where it could not."""
        told = _Told(setting.build())
        with suppress(RunFailed), _quiet():
            launch(setting.parts.recipe, folder, Silent(), resume=resume, callbacks=[told])
        if told.broken:
            raise told.broken


def _built(case: _Case) -> Finding | None:
    with tempfile.TemporaryDirectory() as folder:
        case.setting().build(directory=Path(folder))
        return ("build", "wrote into the run directory before a run started") if any(Path(folder).iterdir()) else None


def _answers(case: _Case) -> Finding | None:
    with tempfile.TemporaryDirectory() as folder:
        case.heard(Path(folder) / "run", case.setting())
    return None


def _goes_on(case: _Case) -> Finding | None:
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        case.heard(run, case.setting())
        case.heard(run, case.setting(LONG), resume=True)
    return None


def _nothing_valid(case: _Case) -> Finding | None:
    with tempfile.TemporaryDirectory() as folder:
        case.heard(Path(folder) / "run", case.setting(fails=True))
    return None


RULES = (
    Rule("nothing happens before a run starts", "let build make it alone, and open files in run_started", _built),
    Rule(ANSWERS, "take run, and what is told beside it: evaluation, generation or end", _answers),
    Rule(
        "a run that is gone on with is told again",
        "begin anew, or know what is there: replayed tells what was before, of which a generation has no solution",
        _goes_on,
    ),
    Rule(
        "a run may find nothing valid",
        "expect None: an evaluation that failed has no value, a generation perhaps no best, the end no values",
        _nothing_valid,
    ),
)
