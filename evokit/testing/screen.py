"""The contract of a screen."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from evokit.contracts.blame import raised
from evokit.contracts.global_generators import DRAW
from evokit.genomes.individuals import key_of
from evokit.interfaces import Individual, Measure
from evokit.runs.checkpoint import as_saved
from evokit.testing.rules import ANSWERS, NO_GLOBALS, UNCHANGED, Broken, Finding, Rule, asked, refuse_broken, twice
from evokit.testing.search import Failing, Trial
from evokit.testing.setting import Candidate, Setting, Surroundings, built, candidate, settings

STEPS, SAVED_AFTER = 9, 6  # generations that are watched, and after which the state is saved
CALL = "__call__"
SOME_FAIL = "those that fail end nothing"


def screen_conformance(screen: str | object, /, *, recipe: Surroundings = None, **options: Any) -> Callable[[], None]:
    """A test that pytest collects: ``test_coarse = screen_conformance("coarse", share=0.5)``.

    It lets a search with the screen make a few generations and checks what a run relies on: some of the candidates, in
    their order, none where there is none; candidates that keep genes and values; an estimate that may be; a summary of
    JSON values; same stream, same choice; a saved state that goes on to the same end; no end where many fail; no
    global generator touched.

    Args:
        screen: Name under which a plugin offers it, or an instance of its options.
        recipe: What is around it: a recipe's file, or a mapping of some sections, such as ``{"genome": {...}}``. Left
            out: a generational search over bits, and a made-up fitness with two budgets.
        options: As in a recipe; left out, those of ``recipe``.

    Returns:
        A function without arguments. It raises ``AssertionError`` that names the first broken rule, with the method,
        its file and line, and the remedy; ``ValueError`` or ``UserError`` for what a recipe would be refused for.
    """

    def test_screen() -> None:
        check_screen(candidate("screen", screen, recipe, options))

    return test_screen


def check_screen(one: Candidate) -> None:
    """What the test does. Raises as it does."""
    for setting in settings(one):
        refuse_broken(_Case(setting), RULES, setting.build(), one.component.name)


@dataclass
class _Watched:
    """A screen, what it chose, and a look at what it was given."""

    screen: Any
    genome: Any
    chosen: list[list[str]] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.screen, name)

    def __call__(self, candidates: Sequence[Individual], measure: Measure) -> list[Individual]:
        given = list(candidates)
        before = [(one.genes, one.fitness.values, one.parents) for one in given]
        chosen = asked(self.screen, "", candidates, measure)
        if not isinstance(chosen, list):
            raise Broken(ANSWERS, CALL, f"returned {type(chosen).__name__} instead of a list of candidates")
        places = [place for one in chosen for place, other in enumerate(given) if one is other]
        if len(places) < len(chosen) or places != sorted(set(places)):
            raise Broken(ANSWERS, CALL, "returned others than candidates, one twice, or not in their order")
        after = [(one.genes, one.fitness.values, one.parents) for one in given]
        same = len(candidates) == len(given) and all(
            old is new and values == now and parents == still
            for (old, values, parents), (new, now, still) in zip(before, after, strict=True)
        )
        if not same or any(key_of(self.genome, one.genes) != one.key for one in given):
            raise Broken(UNCHANGED, CALL, "changed genes, values or parents of candidates, or their list")
        self.chosen.append([one.key for one in chosen])
        return chosen


@dataclass(frozen=True)
class _Case:
    setting: Setting

    def search(self, watched: _Watched) -> Any:
        parts = self.setting.parts
        return built(parts.recipe.search, replace(parts.context, screens=[watched]))

    def watched(self) -> _Watched:
        return _Watched(self.setting.build(), self.setting.parts.genome)

    def trial(self, watched: _Watched, failing: bool = False) -> Trial:
        parts = self.setting.parts
        return Trial(self.search(watched), parts, Failing(parts.fitness) if failing else parts.fitness)

    def story(self) -> list[list[str]]:
        watched = self.watched()
        _go(self.trial(watched), STEPS)
        return watched.chosen


def _go(trial: Trial, n: int, rule: str = ANSWERS) -> None:
    """Generations; what breaks a rule is told, whoever called the screen."""
    for _ in range(n):
        if trial.search.done:
            return
        trial.measure.generation = trial.search.generation
        try:
            trial.search.step(trial.measure)
        except Broken as broken:
            broken.rule = rule if broken.rule == ANSWERS else broken.rule
            raise
        except Exception as error:  # of the search, which found an answer that it cannot use
            raise Broken(rule, "", f"makes a search fail: it raised {raised(error)}") from error


def _answers(case: _Case) -> Finding | None:
    watched = case.watched()
    trial = case.trial(watched)
    _go(trial, STEPS)
    if watched([], trial.measure):
        return CALL, "returned somebody where there was no candidate"
    for n, generation in ((0, 0), (10, 0), (10, 50)):
        let, work = asked(watched.screen, "expected", n, generation)
        if not (0 <= let <= n and 0 <= work < math.inf):
            return "expected", f"({n}, {generation}) returned {let:g} of {n} and {work:g} units of work"
    told = asked(watched.screen, "summary")
    try:
        json.dumps(told)
    except (TypeError, ValueError) as error:
        return "summary", f"returned what JSON cannot hold: {error}"
    if not isinstance(told, dict) or not isinstance(told.get("screen"), str):
        return "summary", 'returned no mapping with its name, {"screen": ...}'
    return None


def _no_globals(case: _Case) -> Finding | None:
    *_, touched = twice(case.story)
    return (CALL, f"used the global generator of {' and '.join(touched)}") if touched else None


def _same_stream(case: _Case) -> Finding | None:
    first, again, _ = twice(case.story)
    return None if first == again else (CALL, "chooses others in another run of the same seed")


def _resumed(case: _Case) -> Finding | None:
    begun, later = case.watched(), case.watched()
    trial = case.trial(begun)
    _go(trial, SAVED_AFTER)
    try:
        saved = as_saved(asked(trial.search, "state_dict", rule=""))
    except Broken:
        raise
    except Exception as error:  # of whatever encodes it
        return "state_dict", f"holds what cannot be saved: {raised(error)}"
    trial.search = case.search(later)
    asked(trial.search, "load_state_dict", saved, rule="")
    _go(trial, STEPS - SAVED_AFTER)
    if [*begun.chosen, *later.chosen] != case.story():
        return "state_dict", "lacks something: after it was saved and loaded others are chosen"
    return None


def _many_fail(case: _Case) -> Finding | None:
    _go(case.trial(case.watched(), failing=True), STEPS, SOME_FAIL)
    return None


RULES = (
    Rule(
        ANSWERS,
        "return from the call a list of candidates in their order, from expected (at most as many, work), from summary"
        ' {"screen": its name, ...}',
        _answers,
    ),
    Rule(UNCHANGED, "leave genes, fitness and parents of candidates; set predicted or audited alone", _answers),
    Rule(NO_GLOBALS, DRAW, _no_globals),
    Rule("same stream, same choice", "draw from context.streams.at(name, measure.generation), made anew", _same_stream),
    Rule(
        "a saved state goes on to the same end",
        "save in state_dict all that later choices depend on, as JSON values and arrays, and load it",
        _resumed,
    ),
    Rule(SOME_FAIL, "expect evaluations that are not ok, and candidates without values", _many_fail),
)
