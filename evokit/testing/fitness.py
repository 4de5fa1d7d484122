"""The contract of a fitness."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from evokit.contracts.blame import ContractError, culprit, raised
from evokit.contracts.global_generators import DRAW_IN_FITNESS
from evokit.errors import readable
from evokit.genomes.individuals import canonical, key_of
from evokit.interfaces import Evaluation
from evokit.measuring.evaluate import evaluate_batch
from evokit.measuring.functional import fingerprint_text
from evokit.testing.rules import ANSWERS, NO_GLOBALS, UNCHANGED, Broken, Finding, Rule, asked, refuse_broken, twice
from evokit.testing.setting import Candidate, Setting, Surroundings, candidate, settings

N_SAMPLES = 8


def fitness_conformance(fitness: str | object, /, *, recipe: Surroundings = None, **options: Any) -> Callable[[], None]:
    """A test that pytest collects: ``test_constants = fitness_conformance("constants")``.

    It checks what a run relies on: the same value alone, again, in a batch, in any order, after a lower budget and when
    the fitness is built anew; phenotypes unchanged; no global generator touched; equal fingerprints, equal values;
    another context on fresh data.

    Args:
        fitness: Name under which a plugin offers it, or an instance of its options.
        recipe: What is around it: a recipe's file, or a mapping of some sections, such as ``{"genome": {...}}``. Left
            out: a genome that expresses what it takes, and no data.
        options: As in a recipe; left out, those of ``recipe``.

    Returns:
        A function without arguments. It raises ``AssertionError`` that names the first broken rule, with the method,
        its file and line, and the remedy; ``ValueError`` or ``UserError`` for what a recipe would be refused for.
    """

    def test_fitness() -> None:
        check_fitness(candidate("fitness", fitness, recipe, options))

    return test_fitness


def check_fitness(one: Candidate) -> None:
    """What the test does. Raises as it does."""
    for setting in settings(one):
        case = _Case(setting)
        refuse_broken(case, RULES, case.fitness, type(case.fitness).__name__)


@dataclass(frozen=True)
class _Case:
    setting: Setting

    @cached_property
    def fitness(self) -> Any:
        return self.setting.parts.fitness

    @cached_property
    def genes(self) -> list[Any]:
        genome, streams = self.setting.parts.genome, self.setting.parts.context.streams
        drawn = [genome.random(streams.at("conformance", i).numpy()) for i in range(N_SAMPLES)]
        return [canonical(genome, one) for one in drawn]

    def values(self, genes: Sequence[Any], budget: int | None = None, fitness: Any = None) -> list[Evaluation]:
        """As a run measures them, at the lowest budget if that is not said."""
        asked_one, genome = fitness or self.fitness, self.setting.parts.genome
        try:
            return evaluate_batch(
                asked_one,
                genome.express,
                genes,
                budget or asked_one.budgets[0],
                partial(key_of, genome),
                told=lambda error: readable(raised(error, asked_one)),
                strict=len(genes) > 1,
            )
        except ContractError as error:
            rule = UNCHANGED if "in place" in str(error) else ANSWERS
            told = str(error).removeprefix(culprit(asked_one, "evaluate")).lstrip(" :")  # the kit says who and where
            raise Broken(rule, "evaluate", told) from error

    def anew(self) -> Any:
        """The fitness as another worker builds it."""
        return self.setting.build(fitness=None, genome=None, operators={}, screens=(), init=(), build=None, vary=None)


def _unlike(told: str, ones: Sequence[Evaluation], others: Sequence[Evaluation]) -> Finding | None:
    for one, other in zip(ones, others, strict=True):
        if not one.says_as(other):
            return "evaluate", f"answers {_said(one)} for an individual and {_said(other)} {told}"
    return None


def _said(one: Evaluation) -> str:
    return ", ".join(map(repr, one.values)) if one.ok else f"{one.outcome}: {one.message}"


def _answers(case: _Case) -> Finding | None:
    here = os.getcwd()
    for budget in case.fitness.budgets:
        found = case.values(case.genes, budget)
        if not any(one.ok for one in found):
            return "evaluate", f"fails on all of {len(found)} individuals at budget {budget}; {_said(found[0])}"
    if os.getcwd() != here:
        os.chdir(here)
        return "evaluate", "changes the working directory"
    return None


def _unchanged(case: _Case) -> Finding | None:
    case.values(case.genes)  # which looks for it
    return None


def _alone(case: _Case) -> Finding | None:
    genes = case.genes
    for budget in case.fitness.budgets[-2:]:
        alone = [case.values([one], budget)[0] for one in genes]
        for told, order in (("in a batch", genes), ("in a batch in another order", genes[::-1])):
            found = case.values(order, budget)
            if wrong := _unlike(told, alone, found if order is genes else found[::-1]):
                return wrong
    return None


def _again(case: _Case) -> Finding | None:
    first, again, touched = twice(lambda: case.values(case.genes))
    return _unlike(f"the next time{_drawing(touched)}", first, again)


def _drawing(touched: Sequence[str]) -> str:
    return f", drawing from the global generator of {' and '.join(touched)}" if touched else ""


def _no_globals(case: _Case) -> Finding | None:
    *_, touched = twice(lambda: case.values(case.genes))
    return ("evaluate", f"used the global generator of {' and '.join(touched)}") if touched else None


def _budgets(case: _Case) -> Finding | None:
    budgets = case.fitness.budgets
    if len(budgets) < 2:
        return None
    alone = case.values(case.genes, budgets[-1], case.anew())
    other = case.anew()
    for budget in budgets:
        climbed = case.values(case.genes, budget, other)
    return _unlike("after it was measured at lower budgets", alone, climbed)


def _built_anew(case: _Case) -> Finding | None:
    first, again = case.anew(), case.anew()
    if first.context != again.context:
        return "context", f"is {first.context!r:.40}, and {again.context!r:.40} when the fitness is built again"
    return _unlike("when the fitness is built again", case.values(case.genes), case.values(case.genes, None, again))


def _fingerprints(case: _Case) -> Finding | None:
    if not hasattr(case.fitness, "fingerprint"):
        return None
    genome, known = case.setting.parts.genome, dict[str, Evaluation]()
    for genes, value in zip(case.genes, case.values(case.genes), strict=True):
        ask = partial(asked, case.fitness, "fingerprint", genome.express(genes), rule="")
        text, again = map(fingerprint_text, twice(ask)[:2])
        if text != again:
            return "fingerprint", "says something else of the same individual the next time"
        if text and value.ok and not known.setdefault(text, value).says_as(value):
            return "fingerprint", f"is the same for individuals with values {_said(known[text])} and {_said(value)}"
    return None


def _fresh(case: _Case) -> Finding | None:
    if not hasattr(case.fitness, "fresh"):
        return None
    other, again, _ = twice(lambda: asked(case.fitness, "fresh", rule=""))
    if other is None or not hasattr(other, "evaluate"):
        return "fresh", f"returned {type(other).__name__}, which is no fitness"
    if other.context == case.fitness.context and _unlike(
        "", case.values(case.genes), case.values(case.genes, None, other)
    ):
        return "fresh", "gives other values under the same context, so that those of the search would be taken for them"
    if other.context != again.context:
        return "fresh", "gives another context the next time"
    told = "by what fresh gives the next time"
    return _unlike(told, case.values(case.genes, None, other), case.values(case.genes, None, again))


EVERY_TIME = "the same value each time"
RULES = (
    Rule(
        ANSWERS,
        "return an array (n,) or (n, n_objectives), a list of numbers, or an Evaluation for each individual",
        _answers,
    ),
    Rule(UNCHANGED, "work on a copy of genes and phenotypes", _unchanged),
    Rule(EVERY_TIME, DRAW_IN_FITNESS, _again),
    Rule(NO_GLOBALS, f"{DRAW_IN_FITNESS}; for a library that draws, put its generator back afterwards", _no_globals),
    Rule(
        "the same value in any company",
        "answer in the order of the batch, and let no value depend on the rest of it, not in its last digit",
        _alone,
    ),
    Rule(
        "the same fitness in every worker",
        "let options, data and context.streams alone decide what build makes: no clock and no counter",
        _built_anew,
    ),
    Rule(
        "the same value after a lower budget",
        "let phenotype and budget alone decide; keep nothing of a lower budget that changes a higher one",
        _budgets,
    ),
    Rule(
        "equal fingerprints, equal values",
        "let the fingerprint hold all that decides a value, such as the outputs on more inputs, or give it up",
        _fingerprints,
    ),
    Rule(
        "fresh is fresh", "let fresh return the same question on other data or replicates, with its own context", _fresh
    ),
)
