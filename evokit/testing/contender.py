"""The contract of baselines and finals."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from evokit.assembly.directory import file_digest
from evokit.assembly.parts import Parts
from evokit.contracts.global_generators import DRAW
from evokit.contracts.in_place import phenotype_state
from evokit.data.vault import unit_keys
from evokit.genomes.individuals import constraints_of, make_individual, weights_of
from evokit.interfaces import Evaluation, Individual
from evokit.testing.rules import ANSWERS, NO_GLOBALS, UNCHANGED, Broken, Finding, Rule, asked, refuse_broken, twice
from evokit.testing.search import check_searching
from evokit.testing.setting import Candidate, Setting, Surroundings, candidate, settings


def baseline_conformance(
    baseline: str | object, /, *, recipe: Surroundings = None, **options: Any
) -> Callable[[], None]:
    """A test that pytest collects: ``test_mine = baseline_conformance("least_squares", recipe="curves.yaml")``.

    It checks what a contest relies on, of one that makes models: settings that are JSON; the same seed, the same
    model, also after a lower budget and by a contender that is built anew; a score that is a finite number for each
    unit and is the same each time; setting, model and split unchanged; no global generator touched. One that is a
    search is held to ``search_conformance``.

    Args:
        baseline: Name under which a plugin offers it, or an instance of its options.
        recipe: What is around it: a recipe's file, or a mapping of some sections, such as data, fitness and genome.
        options: As in a recipe; left out, those of ``recipe``.

    Returns:
        A function without arguments. It raises ``AssertionError`` that names the first broken rule, with the method,
        its file and line, and the remedy; ``ValueError`` or ``UserError`` for what a recipe would be refused for.
    """

    def test_baseline() -> None:
        check_contender(candidate("baseline", baseline, recipe, options))

    return test_baseline


def check_contender(one: Candidate) -> None:
    """What the test does, of a final too. Raises as it does."""
    for setting in settings(one):
        made = setting.build()
        if isinstance(made, Parts) or not hasattr(made, "fit"):
            check_searching(setting, one.component.name)
            continue
        with tempfile.TemporaryDirectory() as folder:
            case = _Case(setting, Path(folder), one.kind == "final")
            refuse_broken(case, RULES, case.contender, type(made).__name__)


def somebody(parts: Parts) -> Individual:
    """An individual that stands for a champion."""
    genes = parts.genome.random(parts.context.streams.at("conformance").numpy())
    one = make_individual(parts.genome, genes, weights_of(parts.fitness.objectives))
    one.fitness.hold((0.0,) * len(one.fitness.weights), (0.0,) * len(constraints_of(parts.fitness)))
    return one


@dataclass(frozen=True)
class _Case:
    setting: Setting
    folder: Path
    of_champion: bool

    @cached_property
    def contender(self) -> Any:
        return self.setting.build()

    @property
    def champion(self) -> Individual | None:
        """Somebody who was measured, for a final; a baseline is told of nobody."""
        return somebody(self.setting.parts) if self.of_champion else None

    @cached_property
    def setting_tried(self) -> Mapping[str, Any]:
        tried = list(asked(self.contender, "settings", self.champion))
        if not tried:
            raise Broken(ANSWERS, "settings", "returned none; return one, such as {}, if there is nothing to tune")
        try:
            texts = [json.dumps(one, allow_nan=False) for one in tried]
        except (TypeError, ValueError) as error:
            raise Broken(ANSWERS, "settings", f"returned what JSON cannot hold: {error}") from error
        if not all(isinstance(one, Mapping) for one in tried):
            raise Broken(ANSWERS, "settings", f"returned {type(tried[0]).__name__}, not mappings of names to values")
        first: Mapping[str, Any] = json.loads(texts[0])
        return first

    def fit(self, scratch: str, seed: int = 0, budget: int = 0, contender: Any = None) -> Evaluation:
        """A fit in a folder of its own, at full budget unless it is said."""
        one = contender or self.contender
        place = self.folder / scratch
        place.mkdir(exist_ok=True)
        made = asked(one, "fit", deepcopy(self.setting_tried), seed, budget or one.budgets[-1], place)
        if not isinstance(made, Evaluation):
            raise Broken(ANSWERS, "fit", f"returned {type(made).__name__} instead of an Evaluation")
        if made.ok and (len(made.values) != 1 or not np.isfinite(made.values[0])):
            raise Broken(ANSWERS, "fit", f"returned values {made.values}; return one finite number, of validation")
        return made

    def score(self, made: Evaluation, contender: Any = None) -> np.ndarray:
        """Of a model on the validation split, whose units nobody need hide."""
        units = asked(contender or self.contender, "score", Path(made.artifact), self.split)
        scores = np.asarray(units)
        if scores.ndim != 1 or scores.dtype.kind not in "biuf" or not np.isfinite(scores).all():
            told = f"{scores.dtype} of shape {scores.shape}"
            raise Broken(ANSWERS, "score", f"returned {told}; return (n_units,) finite numbers")
        return scores

    @property
    def split(self) -> Any:
        return self.setting.parts.context.validation


def _answers(case: _Case) -> Finding | None:
    made = case.fit("first")
    if not made.ok:
        return "fit", f"ended {made.outcome}: {made.message}"
    if not made.artifact or not Path(made.artifact).resolve().is_relative_to(case.folder.resolve()):
        return "fit", f"left its model at {made.artifact!r}, not below scratch"
    if not Path(made.artifact).exists():
        return "fit", f"names a model that is not there: {made.artifact}"
    if made.work < 1:
        return "fit", "tells no work, as if it were free"
    scores = case.score(made)
    try:
        n_units = len(unit_keys(case.split))
    except (TypeError, AttributeError):
        return None
    return None if len(scores) == n_units else ("score", f"returned {len(scores)} values for {n_units} units")


def _unchanged(case: _Case) -> Finding | None:
    given = deepcopy(dict(case.setting_tried))
    before = phenotype_state([case.split, case.setting.parts.context.train])
    place = case.folder / "unchanged"
    place.mkdir()
    made = asked(case.contender, "fit", given, 0, case.contender.budgets[-1], place)
    if given != case.setting_tried:
        return "fit", "changed the setting that it was given"
    model = contents(Path(made.artifact))
    if phenotype_state([case.split, case.setting.parts.context.train]) != before:
        return "fit", "changed the data"
    case.score(made)
    if phenotype_state([case.split, case.setting.parts.context.train]) != before:
        return "score", "changed the split that it was given"
    return None if contents(Path(made.artifact)) == model else ("score", "changed the model, which is frozen")


def contents(path: Path) -> dict[str, str]:
    """Digests of a file, or of all files in a folder, by their places."""
    files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    return {one.relative_to(path).as_posix(): file_digest(one) for one in files}


def _no_globals(case: _Case) -> Finding | None:
    *_, touched = twice(lambda: case.score(case.fit("globals")))
    return ("fit", f"used the global generator of {' and '.join(touched)}") if touched else None


def _same_seed(case: _Case) -> Finding | None:
    anew = case.setting.build()
    first, again = case.fit("one"), case.fit("other", contender=anew)
    if first.values != again.values:
        return "fit", f"answers {first.values[0]!r} and then {again.values[0]!r} for the same setting and seed"
    if not np.array_equal(case.score(first), case.score(again, anew)):
        return "score", "answers something else of the model of the same setting and seed"
    if not np.array_equal(case.score(first), case.score(first, case.setting.build())):
        return "score", "does not go by the model in its file alone"
    if case.contender.deterministic and case.fit("seed", seed=1).values != first.values:
        return "fit", "depends on the seed, and deterministic is True"
    return None


def _budgets(case: _Case) -> Finding | None:
    budgets = case.contender.budgets
    if len(budgets) < 2:
        return None
    alone = case.fit("alone")
    for budget in budgets:
        climbed = case.fit("climbed", budget=budget)
    if climbed.values != alone.values:
        return "fit", f"answers {climbed.values[0]!r} after lower budgets and {alone.values[0]!r} without them"
    return None


RULES = (
    Rule(
        ANSWERS,
        "return from fit an Evaluation with the value on validation, work, and the path of a model below scratch; from"
        " score a number for each unit",
        _answers,
    ),
    Rule(UNCHANGED, "work on a copy", _unchanged),
    Rule(NO_GLOBALS, DRAW, _no_globals),
    Rule(
        "same seed, same model",
        "let setting, seed and training data alone decide the model, and its file the score",
        _same_seed,
    ),
    Rule("the same model after a lower budget", "go on from scratch exactly, or begin anew", _budgets),
)
