"""The contract of an export."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from evokit.contracts.blame import raised
from evokit.contracts.global_generators import DRAW
from evokit.interfaces import Measured
from evokit.testing.contender import contents, somebody
from evokit.testing.rules import ANSWERS, NO_GLOBALS, UNCHANGED, Finding, Rule, asked, refuse_broken, twice
from evokit.testing.search import Trial
from evokit.testing.setting import Candidate, Setting, Surroundings, Unsettled, candidate, settings

GENERATIONS = 2  # of which an export of what was measured gets the measurements


def export_conformance(export: str | object, /, *, recipe: Surroundings = None, **options: Any) -> Callable[[], None]:
    """A test that pytest collects: ``test_table = export_conformance("table", recipe="curves.yaml")``.

    It makes a model as a run makes its champion's, or measures some individuals, and checks what ``evokit export``
    relies on: files where they were asked for, whose folder is made if it is not there, and nowhere else; the same ones
    each time, also over those that are there; model and measurements unchanged; no global generator touched.

    Args:
        export: Name under which a plugin offers it, or an instance of its options.
        recipe: What is around it: a recipe's file, or a mapping of some sections, the fitness among them.
        options: As in a recipe; left out, those of ``recipe``.

    Returns:
        A function without arguments. It raises ``AssertionError`` that names the first broken rule, with the method,
        its file and line, and the remedy; ``ValueError`` or ``UserError`` for what a recipe would be refused for.
    """

    def test_export() -> None:
        check_export(candidate("export", export, recipe, options))

    return test_export


def check_export(one: Candidate) -> None:
    """What the test does. Raises as it does."""
    if "fitness" not in one.around:
        raise Unsettled("it writes what a run leaves: say in a recipe of which fitness")
    for setting in settings(one):
        with tempfile.TemporaryDirectory() as folder:
            exporter = setting.build()
            refuse_broken(_Case(setting, Path(folder)), RULES, exporter, type(exporter).__name__)


@dataclass(frozen=True)
class _Case:
    setting: Setting
    folder: Path

    @cached_property
    def method(self) -> str:
        return "export_measured" if hasattr(self.setting.build(), "export_measured") else "export"

    @cached_property
    def given(self) -> Path | Sequence[Measured]:
        """What there is to export."""
        return self._measured() if self.method == "export_measured" else self._model()

    def _model(self) -> Path:
        parts = self.setting.parts
        contender = parts.final()
        if contender is None:
            raise Unsettled("its fitness makes no finished models here: say in a recipe what does")
        (self.folder / "model").mkdir()
        try:
            setting = next(iter(contender.settings(somebody(parts))))
            made = contender.fit(setting, 0, contender.budgets[-1], self.folder / "model")
        except Exception as error:  # of another component
            raise Unsettled(f"the model that it was to export could not be made: {raised(error)}") from error
        if not made.ok:
            raise Unsettled(f"the model that it was to export ended {made.outcome}: {made.message}")
        return Path(made.artifact)

    def _measured(self) -> Sequence[Measured]:
        parts = self.setting.parts
        if hasattr(parts.search, "job"):
            raise Unsettled("its search measures a job of its own: evokit export tries it with a run")
        trial = Trial(parts.search, parts, parts.fitness).steps(GENERATIONS)
        found: Sequence[Measured] = trial.ledger.measured_at(parts.fitness.budgets[-1])
        if not found:
            raise Unsettled("nothing could be measured that it might export")
        return found

    @property
    def state(self) -> Any:
        """What differs after model or measurements were changed."""
        given = self.given
        return contents(given) if isinstance(given, Path) else deepcopy(given)

    def written(self, place: str) -> Path:
        """Where it wrote, in a folder that is not there before the first time."""
        out = self.folder / "made" / "anew" / place
        asked(self.setting.build(), self.method, self.given, out)
        return out


def _answers(case: _Case) -> Finding | None:
    out = case.written("out")
    return None if out.exists() and contents(out) else (case.method, "left no file where it was asked for one")


def _at_out_alone(case: _Case) -> Finding | None:
    before = set(contents(case.folder))
    out = case.written("alone").relative_to(case.folder).as_posix()
    others = [one for one in contents(case.folder) if one not in before and not f"{one}/".startswith(f"{out}/")]
    return (case.method, f"wrote {others[0]} beside {out}, where it was asked to write") if others else None


def _unchanged(case: _Case) -> Finding | None:
    before = case.state
    case.written("unchanged")
    if case.state == before:
        return None
    what = "the model, which is frozen" if case.method == "export" else "the measurements"
    return case.method, f"changed {what}"


def _no_globals(case: _Case) -> Finding | None:
    *_, touched = twice(lambda: case.written("globals"))
    return (case.method, f"used the global generator of {' and '.join(touched)}") if touched else None


def _same_files(case: _Case) -> Finding | None:
    first = contents(case.written("same"))
    if contents(case.written("other")) != first:
        return case.method, "writes other files the next time"
    if contents(case.written("same")) != first:
        return case.method, "leaves other files where it has written before"
    return None


RULES = (
    Rule(UNCHANGED, "work on a copy", _unchanged),  # first, since the next time a change may change nothing more
    Rule(ANSWERS, "write a file, or files into a folder, at out; make its folders if they are not there", _answers),
    Rule("nothing is written elsewhere", "write at out, or below it, alone", _at_out_alone),
    Rule(NO_GLOBALS, DRAW, _no_globals),
    Rule(
        "the same files each time",
        "let model or measurements alone decide them, no clock and no name of a folder, and write over what is there",
        _same_files,
    ),
)
