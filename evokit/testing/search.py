"""The contract of a search."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from evokit.assembly.jobs import Candidate as Keyed
from evokit.assembly.jobs import Job, Refits
from evokit.assembly.parts import Parts
from evokit.contracts.blame import raised
from evokit.contracts.global_generators import DRAW
from evokit.contracts.members import refuse_misfit
from evokit.energy import WATTS_PER_CORE, Meter
from evokit.genomes.individuals import key_of, ranked, weights_of
from evokit.interfaces import Evaluation, Individual, Score
from evokit.measuring.backends.inline import Inline
from evokit.measuring.evaluate import answered
from evokit.measuring.ledger import Ledger
from evokit.measuring.measure import LedgeredMeasure
from evokit.progress.silent import Silent
from evokit.runs.checkpoint import as_saved
from evokit.testing.rules import ANSWERS, NO_GLOBALS, UNCHANGED, Finding, Rule, asked, refuse_broken, twice
from evokit.testing.setting import Candidate, Setting, Surroundings, Unsettled, candidate, settings

STEPS, SAVED_AFTER = 5, 2  # generations that are watched, and after which the state is saved
FAILING = 3  # one in so many individuals fails where that is tried


def search_conformance(search: str | object, /, *, recipe: Surroundings = None, **options: Any) -> Callable[[], None]:
    """A test that pytest collects: ``test_replace_worst = search_conformance("replace_worst")``.

    It lets the search make a few generations and checks what a run relies on: same stream, same individuals; asked
    again, the same answer; a saved state that goes on to the same end; nobody but the measured is best, in the hall of
    fame or a parent, also where many fail; genes unchanged; a record a generation; no global generator touched.

    Args:
        search: Name under which a plugin offers it, or an instance of its options.
        recipe: What is around it: a recipe's file, or a mapping of some sections, such as ``{"genome": {...}}``. Left
            out: a genome of each kind of genes that it names, or of bits, and a made-up fitness of one objective.
        options: As in a recipe; left out, those of ``recipe``.

    Returns:
        A function without arguments. It raises ``AssertionError`` that names the first broken rule, with the method,
        its file and line, and the remedy; ``ValueError`` or ``UserError`` for what a recipe would be refused for.
    """

    def test_search() -> None:
        check_search(candidate("search", search, recipe, options))

    return test_search


def check_search(one: Candidate) -> None:
    """What the test does. Raises as it does."""
    for setting in settings(one):
        check_searching(setting, one.component.name)


def check_searching(setting: Setting, name: str) -> None:
    """The same, of a search in a setting; a baseline may be one."""
    case = _Case(setting)
    search = case.built()
    if hasattr(search, "job"):
        raise Unsettled("it measures a job of its own: evokit check tries it with its recipe")
    refuse_misfit("search", search)
    refuse_broken(case, RULES, search, name)


class Failing:
    """A fitness of which one in ``FAILING`` individuals has no value."""

    keyed = True

    def __init__(self, fitness: Any) -> None:
        self._fitness = fitness

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fitness, name)

    def evaluate(self, batch: Sequence[Keyed], budget: int) -> Iterator[Evaluation]:
        for one in batch:
            if int(one.key[:8], 16) % FAILING == 0:
                yield Evaluation(outcome="nan", work=budget)
            else:
                answer = self._fitness.evaluate([one.phenotype], budget)
                yield from answered(answer, 1, len(self._fitness.objectives), budget)


@dataclass(frozen=True)
class _Jobs:
    """The one job of a search."""

    fitness: Any
    genome: Any

    def job(self, name: str, refits: Refits = ()) -> Job:
        key, express = partial(key_of, self.genome), self.genome.express
        if getattr(self.fitness, "keyed", False):
            return Job(self.fitness, lambda genes: Keyed(key(genes), express(genes)), key)
        return Job(self.fitness, express, key)


class Trial:
    """A search with a door to measure through, in memory."""

    def __init__(self, search: Any, parts: Parts, fitness: Any) -> None:
        self.search, self.ledger, self.parts = search, Ledger(":memory:"), parts
        jobs = _Jobs(fitness, parts.genome)
        executor = Inline(jobs, Meter([], [], WATTS_PER_CORE))  # which takes no time to read
        self.measure = LedgeredMeasure(
            "search", parts.genome, fitness, self.ledger, executor, 8, Silent(), jobs=jobs, functional=False
        )

    def step(self) -> None:
        self.measure.generation = self.search.generation
        asked(self.search, "step", self.measure)

    def steps(self, n: int) -> Trial:
        for _ in range(n):
            if not self.search.done:
                self.step()
        return self

    @property
    def story(self) -> list[tuple[int, str, int]]:
        """Who was asked for, in which generation and at which budget."""
        return [(row.generation, row.key, row.budget) for row in self.ledger.rows("search")]

    def measured(self) -> dict[str, Score]:
        """Who is ok at full budget."""
        fitness, full = self.parts.fitness, self.parts.fitness.budgets[-1]
        weights = weights_of(fitness.objectives)
        return {
            row.key: Score(weights, row.evaluation.values, row.evaluation.constraints)
            for row in self.ledger.rows("search")
            if row.evaluation.ok and row.budget == full
        }


@dataclass(frozen=True)
class _Case:
    setting: Setting

    @property
    def parts(self) -> Parts:
        return self.setting.parts

    def built(self) -> Any:
        """The search itself; of a control that varies the recipe, that of its parts."""
        made = self.setting.build()
        return made.search if isinstance(made, Parts) else made

    def trial(self, failing: bool = False) -> Trial:
        fitness = self.parts.fitness
        return Trial(self.built(), self.parts, Failing(fitness) if failing else fitness)


def _answers(case: _Case) -> Finding | None:
    trial = case.trial()
    for generation in range(1, STEPS + 1):
        trial.step()
        search = trial.search
        if search.generation != generation:
            return "tell", f"leaves generation at {search.generation} after step {generation}"
        if len(search.logbook) != generation or not {"generation", "best"} <= search.logbook[-1].keys():
            return "tell", "leaves no record of the generation in logbook, with generation and best"
        if not isinstance(search.done, bool):
            return "done", f"is {search.done!r:.40}, neither True nor False"
        asked(search, "best")
        if not asked(search, "hall_of_fame"):
            return "hall_of_fame", "is empty although individuals were measured"
        asked(search, "front")
        if search.done:
            break
    if not trial.story:
        return "ask", "asks for nobody"
    return None


def _no_globals(case: _Case) -> Finding | None:
    *_, touched = twice(lambda: case.trial().steps(STEPS))
    return ("step", f"used the global generator of {' and '.join(touched)}") if touched else None


def _same_stream(case: _Case) -> Finding | None:
    first, again, _ = twice(lambda: case.trial().steps(STEPS).story)
    return None if first == again else ("ask", "asks for others in another run of the same seed")


def _asked_again(case: _Case) -> Finding | None:
    trial = case.trial()
    for _ in range(SAVED_AFTER + 1):
        if trial.search.done:
            break
        first, again = ([one.key for one in asked(trial.search, "ask")] for _ in range(2))
        if first != again:
            return "ask", "answers something else when it is asked again"
        trial.step()
    return None


def _resumed(case: _Case) -> Finding | None:
    whole = case.trial().steps(STEPS)
    begun = case.trial().steps(SAVED_AFTER)
    state = asked(begun.search, "state_dict", rule="")
    try:
        saved = as_saved(state)
    except Exception as error:
        return "state_dict", f"holds what cannot be saved: {raised(error)}"
    begun.search = case.built()
    asked(begun.search, "load_state_dict", saved, rule="")
    if begun.search.generation != min(SAVED_AFTER, whole.search.generation):
        return "load_state_dict", f"leaves generation at {begun.search.generation}"
    if begun.steps(STEPS - SAVED_AFTER).story != whole.story:
        return "state_dict", "lacks something: after it was saved and loaded the search asks for others"
    if begun.search.best().key != whole.search.best().key:
        return "state_dict", "lacks something: after it was saved and loaded the search ends with another best"
    return None


def _only_measured(case: _Case) -> Finding | None:
    trial = case.trial(failing=True)
    for _ in range(STEPS):
        if trial.search.done:
            break
        trial.step()
        if wrong := _unmeasured(trial):
            return wrong
    return None


def _unmeasured(trial: Trial) -> Finding | None:
    search, known = trial.search, trial.measured()
    if not known:
        return None
    for member in ("hall_of_fame", "front"):
        for one in asked(search, member):
            if one.key not in known or one.fitness.values != known[one.key].values:
                return member, "holds an individual whose values were not measured"
    for one in [] if search.done else asked(search, "ask"):
        if not set(one.parents) <= known.keys():
            return "ask", "makes children of an individual that failed or was not measured"
    return None


def _best(case: _Case) -> Finding | None:
    trial = case.trial(failing=True)
    for _ in range(STEPS):
        if trial.search.done:
            break
        trial.step()
        known = trial.measured()
        if not known or trial.measure.refits:
            continue
        best, hall = asked(trial.search, "best"), list(asked(trial.search, "hall_of_fame"))
        top = max(score.wvalues for score in known.values())
        if best.fitness.wvalues != top:
            return "best", f"is an individual with {best.fitness.values} where a better one was measured"
        if [one.key for one in ranked(hall)] != [one.key for one in hall]:
            return "hall_of_fame", "is not in order, best first"
    return None


def _genes_unchanged(case: _Case) -> Finding | None:
    trial = case.trial().steps(STEPS)
    seen: list[Individual] = [*trial.search.population, *asked(trial.search, "hall_of_fame")]
    if any(key_of(case.parts.genome, one.genes) != one.key for one in seen):
        return "step", "changed genes in place after their individual was made"
    return None


RULES = (
    Rule(
        ANSWERS,
        "derive from evokit.AskTell and write ask and tell; let tell call archive.add and add 1 to generation",
        _answers,
    ),
    Rule(NO_GLOBALS, DRAW, _no_globals),
    Rule("same stream, same search", "draw from context.streams.at(name, self.generation), made anew", _same_stream),
    Rule("asked again, the same answer", "let ask change nothing; what changes, tell changes", _asked_again),
    Rule(
        "a saved state goes on to the same end",
        "save in state_dict all that ask and tell depend on, as JSON values and arrays, and load it",
        _resumed,
    ),
    Rule(
        "only the measured count",
        "let tell keep those whose fitness.valid is true, and ask take parents among them",
        _only_measured,
    ),
    Rule("the best is the best measured", "let archive.add see all that tell is given; best() is the archive's", _best),
    Rule(UNCHANGED, "work on a copy of genes", _genes_unchanged),
)
