"""The contracts of crossovers, mutations and selections."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from evokit.contracts.global_generators import DRAW
from evokit.contracts.in_place import state_of
from evokit.genomes.individuals import canonical, constraints_of, key_of, make_individual, weights_of
from evokit.interfaces import Individual, Kind
from evokit.testing.rules import ANSWERS, NO_GLOBALS, UNCHANGED, Broken, Finding, Rule, asked, refuse_broken, twice
from evokit.testing.setting import MADE_UP, Candidate, Setting, Surroundings, candidate, settings

N_SAMPLES = 16
DRAWS = 400  # of a selection, by which it is seen whom it prefers
WORSE = 5.0  # standard errors


def crossover_conformance(
    crossover: str | object, /, *, recipe: Surroundings = None, **options: Any
) -> Callable[[], None]:
    """A test that pytest collects: ``test_blend = crossover_conformance("blend")``.

    It checks what a run relies on: two children that are genes; parents unchanged; same stream, same children; no state
    between calls; no global generator touched; with ``rows``, whole populations likewise.

    Args:
        crossover: Name under which a plugin offers it, or an instance of its options.
        recipe: What is around it: a recipe's file, or a mapping of some sections, such as ``{"genome": {...}}``. Left
            out: a genome of each kind of genes that it works on.
        options: As in a recipe; left out, those of ``recipe``.

    Returns:
        A function without arguments. It raises ``AssertionError`` that names the first broken rule, with the function,
        its file and line, and the remedy; ``ValueError`` or ``UserError`` for what a recipe would be refused for.
    """
    return _test("crossover", crossover, recipe, options)


def mutation_conformance(
    mutation: str | object, /, *, recipe: Surroundings = None, **options: Any
) -> Callable[[], None]:
    """As ``crossover_conformance``, of a mutation: one child, and now and then a new one."""
    return _test("mutation", mutation, recipe, options)


def selection_conformance(
    selection: str | object, /, *, recipe: Surroundings = None, **options: Any
) -> Callable[[], None]:
    """As ``crossover_conformance``, of a selection.

    As many members of the population as were asked for, also of a small one; the population unchanged; the worse not
    preferred, whether less is better or more.
    """
    return _test("selection", selection, recipe, options)


def _test(kind: Kind, thing: str | object, recipe: Surroundings, options: dict[str, Any]) -> Callable[[], None]:
    def test_operator() -> None:
        check_operator(candidate(kind, thing, recipe, options))

    return test_operator


def check_operator(one: Candidate) -> None:
    """What the tests do. Raises as they do."""
    for setting in _settings(one):
        if one.kind == "selection":
            selecting = _Selecting(setting)
            refuse_broken(selecting, SELECTING, selecting.operator, one.component.name)
        else:
            case = _Varying(setting, 2 if one.kind == "crossover" else 1)
            refuse_broken(case, VARYING, case.operator, one.component.name)


def _settings(one: Candidate) -> list[Setting]:
    if one.kind != "selection" or "fitness" in one.around:
        return settings(one)
    goals = [dict(one.around) | {"fitness": {"name": MADE_UP, "goal": goal}} for goal in ("min", "max")]
    return [
        setting for around in goals for setting in settings(Candidate(one.component, one.options, one.registry, around))
    ]


@dataclass(frozen=True)
class _Operator:
    setting: Setting

    @cached_property
    def operator(self) -> Any:
        return self.setting.build()

    @property
    def genome(self) -> Any:
        return self.setting.parts.genome

    def rng(self, *names: str | int) -> np.random.Generator:
        return self.setting.parts.context.streams.at("conformance", *names).numpy()

    @cached_property
    def drawn(self) -> list[Any]:
        """Genes as a run holds them: canonical, arrays read-only."""
        return [canonical(self.genome, self.genome.random(self.rng("random", i))) for i in range(N_SAMPLES)]

    def key(self, genes: Any) -> str:
        return key_of(self.genome, genes)


@dataclass(frozen=True)
class _Varying(_Operator):
    """A crossover or a mutation; ``n`` parents have as many children."""

    n: int

    @cached_property
    def parents(self) -> list[list[Any]]:
        return [[*self.drawn[i:], *self.drawn[:i]][: self.n] for i in range(N_SAMPLES)]

    def children(self, number: int, operator: Any = None) -> list[Any]:
        answer = asked(operator or self.operator, "", *self.parents[number], self.rng("children", number))
        if self.n == 1:
            answer = (answer,)
        if not isinstance(answer, tuple | list) or len(answer) != self.n or any(one is None for one in answer):
            raise Broken(ANSWERS, "", f"returned {_described(answer, self.n)}")
        return list(answer)

    def keys(self, number: int, operator: Any = None) -> list[str]:
        return [self.key(genes) for genes in self.children(number, operator)]


def _described(answer: Any, n: int) -> str:
    if n == 1 or answer is None:
        return "nothing"
    if not isinstance(answer, tuple | list):
        return f"{type(answer).__name__} where a pair of children was expected"
    return f"{len(answer)} children instead of two" if len(answer) != n else "a child that is nothing"


def _varies(case: _Varying) -> Finding | None:
    for number in range(N_SAMPLES):
        case.children(number)
    return None


def _parents_unchanged(case: _Varying) -> Finding | None:
    for number, parents in enumerate(case.parents):
        before = state_of(parents, case.key)
        case.children(number)
        if before != state_of(parents, case.key):
            return "", "changed the genes that it was given"
    return None


def _varies_alone(case: _Varying) -> Finding | None:
    for number in range(N_SAMPLES):
        *_, touched = twice(lambda number=number: case.children(number))  # type: ignore[misc]
        if touched:
            return "", f"used the global generator of {' and '.join(touched)}"
    return None


def _varies_alike(case: _Varying) -> Finding | None:
    first = [case.keys(number) for number in range(N_SAMPLES)]
    if first != [case.keys(number) for number in reversed(range(N_SAMPLES))][::-1]:
        return "", "made different genes from two generators in the same state"
    anew = case.setting.build()
    if first != [case.keys(number, anew) for number in range(N_SAMPLES)]:
        return "", "makes different genes when it is built again"
    return None


def _makes_genes(case: _Varying) -> Finding | None:
    for number in range(N_SAMPLES):
        for genes in case.children(number):
            try:
                text = json.dumps(case.genome.to_json(canonical(case.genome, genes)), allow_nan=False)
                back = case.genome.from_json(json.loads(text))
                same = case.key(back) == case.key(genes)
            except Exception as error:
                return "", f"made genes that the genome refuses: {type(error).__name__}: {error}"
            if not same:
                return "", f"made genes that are others once written and read: {text:.80}"
            if wrong := _misshapen(case.genome, case.drawn[0], genes):
                return "", f"made genes {wrong}"
    return None


def _misshapen(genome: Any, model: Any, genes: Any) -> str:
    """Why these are no genes of an array genome like ``model``; empty if they may be."""
    if not isinstance(model, np.ndarray):
        return ""
    if not isinstance(genes, np.ndarray) or genes.shape != model.shape:
        return f"of shape {np.shape(genes)} where {model.shape} was given"
    if genes.dtype != model.dtype:
        return f"of dtype {genes.dtype} where {model.dtype} was given"
    if hasattr(genome, "low") and not ((genes >= genome.low) & (genes <= genome.high)).all():
        return f"beyond the bounds: {genes.tolist()!r:.60}"
    return ""


def _makes_new(case: _Varying) -> Finding | None:
    if case.n > 1:
        return None
    if all(case.keys(number) == [case.key(case.parents[number][0])] for number in range(N_SAMPLES)):
        return "", f"left all of {N_SAMPLES} individuals as they were"
    return None


def _rows_agree(case: _Varying) -> Finding | None:
    if not hasattr(case.operator, "rows"):
        return None
    arrays = [np.stack([parents[i] for parents in case.parents]) for i in range(case.n)]
    for array in arrays:
        array.flags.writeable = False

    def rows() -> list[np.ndarray]:
        answer = asked(case.operator, "rows", *arrays, case.rng("rows"), rule="")
        return list(answer) if isinstance(answer, tuple) else [answer]

    first, again, touched = twice(rows)
    shapes = [np.shape(one) for one in first]
    if shapes != [one.shape for one in arrays]:
        return "rows", f"returned {shapes} where {[one.shape for one in arrays]} was given"
    if touched:
        return "rows", f"used the global generator of {' and '.join(touched)}"
    if not all(np.array_equal(one, other) for one, other in zip(first, again, strict=True)):
        return "rows", "made different genes from two generators in the same state"
    for row in np.concatenate(first):
        if wrong := _misshapen(case.genome, case.drawn[0], row):
            return "rows", f"made genes {wrong}"
    return None


VARYING = (
    Rule(ANSWERS, "return a pair of children of a crossover, new genes of a mutation", _varies),
    Rule(UNCHANGED, "work on a copy and return new genes", _parents_unchanged),
    Rule(NO_GLOBALS, DRAW, _varies_alone),
    Rule(
        "children are genes",
        "return genes of the genome that the operator was built with: same kind, same shape, within the bounds",
        _makes_genes,
    ),
    Rule("same stream, same genes", DRAW, _varies_alike),
    Rule("a mutation makes new genes", "let a mutation change something now and then", _makes_new),
    Rule("rows agree", "let rows do with each row of (n, n_genes) arrays what a call does with one", _rows_agree),
)


@dataclass(frozen=True)
class _Selecting(_Operator):
    @cached_property
    def population(self) -> list[Individual]:
        """Measured individuals, the best first; the last two have equal values."""
        fitness = self.setting.parts.fitness
        weights, n_cases = weights_of(fitness.objectives), getattr(fitness, "cases", 0)
        members = []
        for place, genes in enumerate(self.drawn):
            one = make_individual(self.genome, genes, weights)
            worst = float(min(place, N_SAMPLES - 2))
            values = tuple(-weight * worst for weight in weights)
            one.fitness.hold(values, (0.0,) * len(constraints_of(fitness)))
            one.cases = np.full(n_cases, values[0]) if n_cases else None
            members.append(one)
        return members

    def picked(self, n: int, members: Sequence[Individual] | None = None, operator: Any = None) -> list[int]:
        """The places of ``n`` whom the selection takes from some members, all if that is not said."""
        known = list(self.population if members is None else members)
        answer = asked(operator or self.operator, "", list(known), n, self.rng("selection", n, len(known)))
        if not isinstance(answer, tuple | list):
            raise Broken(ANSWERS, "", f"returned {type(answer).__name__}")
        if len(answer) != n:
            raise Broken(ANSWERS, "", f"returned {len(answer)} individuals where {n} were asked for")
        places = {id(one): place for place, one in enumerate(known)}
        if not all(id(one) in places for one in answer):
            raise Broken(ANSWERS, "", "returned somebody who is no member of the population")
        return [places[id(one)] for one in answer]


def _selects(case: _Selecting) -> Finding | None:
    for n in (1, 2, N_SAMPLES, 2 * N_SAMPLES + 1):
        case.picked(n)
    case.picked(3, case.population[:1])
    return None


def _population_unchanged(case: _Selecting) -> Finding | None:
    members = list(case.population)
    before = [(one.key, one.fitness.values) for one in members]
    asked(case.operator, "", members, 5, case.rng("selection"))
    if len(members) != len(before) or [(one.key, one.fitness.values) for one in members] != before:
        return "", "changed the population that it was given"
    return None


def _selects_alone(case: _Selecting) -> Finding | None:
    *_, touched = twice(lambda: case.picked(N_SAMPLES))
    return ("", f"used the global generator of {' and '.join(touched)}") if touched else None


def _selects_alike(case: _Selecting) -> Finding | None:
    first = case.picked(N_SAMPLES)
    if first != case.picked(N_SAMPLES):
        return "", "took others with a generator in the same state"
    if first != case.picked(N_SAMPLES, operator=case.setting.build()):
        return "", "takes others when it is built again"
    return None


def _not_the_worse(case: _Selecting) -> Finding | None:
    mean = float(np.mean(case.picked(DRAWS)))
    chance, error = (N_SAMPLES - 1) / 2, N_SAMPLES / np.sqrt(12 * DRAWS)
    if mean > chance + WORSE * error:
        return "", f"takes the worse: of {N_SAMPLES} members, the best in place 0, those in place {mean:.1f} on average"
    return None


def _picks(case: _Selecting) -> Finding | None:
    if not hasattr(case.operator, "pick"):
        return None
    scores = np.array([one.fitness.wvalues for one in case.population], float)
    scores.flags.writeable = False
    n = 2 * N_SAMPLES
    first, again, touched = twice(lambda: asked(case.operator, "pick", scores, n, case.rng("pick"), rule=""))
    places = np.asarray(first)
    if places.shape != (n,) or places.dtype.kind not in "iu" or places.min() < 0 or places.max() >= N_SAMPLES:
        return "pick", f"returned {places.dtype} of shape {places.shape} where {n} places were asked for"
    if touched or not np.array_equal(places, again):
        return "pick", "picks others from a generator in the same state"
    return None


SELECTING = (
    Rule(
        ANSWERS,
        "return as many members of the population as are asked for, one of them several times if there are too few",
        _selects,
    ),
    Rule(UNCHANGED, "sort a copy, and let the members be", _population_unchanged),
    Rule(NO_GLOBALS, DRAW, _selects_alone),
    Rule("same stream, same choice", DRAW, _selects_alike),
    Rule(
        "the worse are not preferred",
        "compare individuals by fitness or fitness.wvalues, of which more is better whatever the goal; not by values",
        _not_the_worse,
    ),
    Rule("pick agrees", "let pick return (n,) int places of rows of the scores", _picks),
)
