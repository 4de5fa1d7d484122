"""One individual through all that a run will ask, before anything is written: what is not kept is told in one sentence.

Contracts C1, C4 and C6 rest on what plugins promise. A promise that is broken in the first minute costs a minute.
"""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from evokit.assembly.directory import RunDirectory
from evokit.assembly.parts import Parts, build_part, named
from evokit.assembly.workplace import Workplace
from evokit.contracts.blame import ContractError, blamed, culprit
from evokit.contracts.global_generators import DRAW, DRAW_IN_FITNESS, other_world
from evokit.contracts.in_place import COPY, state_of
from evokit.genomes.individuals import canonical, constraints_of, key_of
from evokit.interfaces import Evaluation, Fitness, Individual
from evokit.measuring.backends import make_executor
from evokit.measuring.evaluate import evaluate_batch
from evokit.measuring.execution import LOST, Task
from evokit.measuring.executors import Executor
from evokit.runs.checkpoint import as_saved
from evokit.searches.cells import untold

log = logging.getLogger("evokit")

DRAWN = 3  # individuals that go through genome and operators
MEASURED = 8  # individuals of which one must not fail
MOST = 10_000  # individuals a generation of a search that is rehearsed
TOGETHER = 2  # of them, in the batch that is compared with an individual alone


def rehearse(parts: Parts) -> None:
    """Genome, operators and search, in this process; controls that vary the recipe too.

    Raises:
        RecipeError: The first promise that is not kept, with file, line and remedy.
    """
    varied = [part for part in map(parts.build, parts.recipe.baselines) if isinstance(part, Parts)]
    for one in [parts, *varied]:
        with named(one.recipe.genome):
            _Genome(one).rehearse()
        if not hasattr(one.search, "job"):  # one with a job of its own asks for what only a measurement can give
            with named(one.recipe.search):
                _rehearse_search(one)
    if left_out := getattr(parts.search, "left_out", 0):
        log.warning(
            "%s: search.population has no room for the last %d of the individuals that the genome begins with;"
            " raise it by as many, or let the genome have fewer seeds",
            parts.recipe.path,
            left_out,
        )


def rehearse_measuring(parts: Parts, executor: Executor) -> str:
    """Random individuals at the lowest budget, where the run will measure them.

    Returns:
        Why all of them failed, in words; empty if one did not.

    Raises:
        RecipeError: The fitness broke a promise, or raised whatever it was given.
    """
    genome, budget = parts.genome, parts.fitness.budgets[0]
    rng = parts.context.streams.at("rehearsal", "measured").numpy()
    drawn = [*parts.context.init[:1], *getattr(genome, "seeds", list)()[:1]]
    drawn += [genome.random(rng) for _ in range(MEASURED - len(drawn))]
    genes = [canonical(genome, one) for one in drawn]
    with named(parts.recipe.fitness):
        found = _answers(executor, Task(genes[:TOGETHER], budget, rehearsal=True))
        if not any(one.ok or one.outcome in LOST for one in found):
            found += _answers(executor, Task(genes[TOGETHER:], budget))
        if found[0].ok:
            _refuse_luck(parts, genes[0], found[0])
            if budget == parts.fitness.budgets[-1]:
                _refuse_untold(parts, found[0])
            if hasattr(parts.fitness, "fingerprint"):
                _refuse_useless_fingerprints(parts.fitness, executor, genes[:TOGETHER])
        if any(one.ok for one in found):
            return ""
        first = found[0]
        told = (
            f"{culprit(parts.fitness, 'evaluate')} fails on all of {len(found)} random individuals, on the first one"
            f" {first.outcome}: {' '.join(first.message.split())}"
        )
        if all(one.outcome == "raised" for one in found):
            raise ContractError(told)
    return told


def _refuse_untold(parts: Parts, found: Evaluation) -> None:
    """Metrics that the search cannot do without are told by the fitness."""
    if said := untold(getattr(parts.search, "metrics_read", ()), found.metrics):
        raise parts.recipe.error(("search",), said)


def _refuse_useless_fingerprints(fitness: Fitness, executor: Executor, genes: Sequence[Any]) -> None:
    """A fingerprint that fails, or is another one the next time, would spare nothing and never be heard of."""
    once, again = (_answers(executor, Task(genes, 0, fingerprints=True)) for _ in range(2))
    who = culprit(fitness, "fingerprint")
    if not any(one.ok or one.outcome in LOST for one in once):
        raise ContractError(f"{who} fails on all of {len(genes)} individuals: {' '.join(once[0].message.split())}")
    if any(one.ok and other.ok and one.message != other.message for one, other in zip(once, again, strict=True)):
        raise ContractError(f"{who} says something else when the same individual is asked for again; {DRAW_IN_FITNESS}")


def _refuse_luck(parts: Parts, genes: Any, found: Evaluation) -> None:
    """A plugin's fitness is the same each time that it is built: workers and resumed runs build it anew."""
    section, registry = parts.recipe.fitness, parts.recipe.registry
    foreign = any(one.component is section.component and not one.built_in for one in registry.offers)
    if not foreign or hasattr(parts.search, "job") or section.maker is None:
        return
    bare = replace(parts.context, fitness=None, genome=None, operators={}, screens=(), init=(), build=None, vary=None)
    with other_world(3):
        twin = build_part(section, bare)
        (again,) = evaluate_batch(twin, parts.genome.express, [genes], twin.budgets[0])
    if twin.context != parts.fitness.context or not again.says_as(found):
        raise ContractError(
            f"{culprit(section.maker)} builds a fitness that answers {list(again.values)} where the first"
            f" one answered {list(found.values)}, or has another context; {DRAW_IN_FITNESS}"
        )


def rehearse_all(parts: Parts) -> str:
    """Everything, as ``rehearse`` and ``rehearse_measuring`` do, in a directory that is gone afterwards."""
    rehearse(parts)
    if getattr(parts.fitness, "by_hand", False):
        return ""  # nobody is there to answer
    with tempfile.TemporaryDirectory() as folder:
        directory = RunDirectory(Path(folder) / "run")
        directory.create(parts.recipe)
        with closing(make_executor(Workplace(parts.recipe, directory, parts), parts.context.meter)) as executor:
            return rehearse_measuring(parts, executor)


def _answers(executor: Executor, task: Task) -> list[Evaluation]:
    return [one for answer in executor.map([task]) for one in answer]


class _Genome:
    """A genome and the operators that work on it.

    Args:
        parts: Of the recipe.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts, self._genome = parts, parts.genome

    def rehearse(self) -> None:
        """Raises ``ContractError`` for the first promise that is not kept."""
        recipe, genome = self._parts.recipe, self._genome
        drawn, texts = [], []
        for i in range(DRAWN):
            drawn.append(self._form(self._made(genome.random, i)[0]))
            texts.append(self._text(drawn[-1]))
        for genes in drawn:
            self._refuse_lost(genes)
        for section, n_parents in ((recipe.crossover, 2), (recipe.mutation, 1)):
            if section is not None:
                operator = self._parts.context.operators[section.kind]
                with named(section if recipe.source.child(section.kind) else recipe.genome):  # own, if left out
                    for i in range(DRAWN):
                        parents = [*drawn[i:], *drawn[:i]][:n_parents]
                        for child in self._made(operator, i, *parents):
                            self._refuse_lost(self._form(child))
        if texts != [self._text(genes) for genes in drawn]:
            raise ContractError(f"{culprit(genome.random)} gives genes that change later; give new ones each time")
        self._ask(drawn)
        for genes in self._known()[:DRAWN]:
            self._refuse_lost(self._form(genes))

    def _made(self, make: Callable[..., Any], number: int, *parents: Any) -> Sequence[Any]:
        """The genes that a method or operator makes, the same of the same generator, whatever the world is like."""
        answers: list[Sequence[Any]] = []
        for seed in (1, 2):
            rng = self._parts.context.streams.at("rehearsal", len(parents), number).numpy()
            with other_world(seed) as touched, blamed(make):
                answer = make(*parents, rng)
            answers.append(answer if len(parents) == 2 else [answer])
        if touched:  # the second time: the first may import a module that does
            raise ContractError(f"{culprit(make)} uses the global generator of {' and '.join(touched)}; {DRAW}")
        if any(genes is None for genes in answers[0]):
            raise ContractError(f"{culprit(make)} returned nothing; return the genes")
        first, again = ([self._key(genes) for genes in answer] for answer in answers)
        if first != again:
            raise ContractError(f"{culprit(make)} makes other genes of the same generator; {DRAW}")
        return answers[0]

    def _form(self, genes: Any) -> Any:
        """The canonical form, which is its own."""
        with blamed(getattr(self._genome, "canonical", self._genome)):
            form = canonical(self._genome, genes)
            again = canonical(self._genome, form)
        if self._text(form) != self._text(again):
            raise ContractError(
                f"{culprit(self._genome, 'canonical')} changes what is canonical already, {self._text(form):.60}; let"
                " canonical(canonical(genes)) equal canonical(genes)"
            )
        return form

    def _text(self, genes: Any) -> str:
        with blamed(self._genome.to_json):
            data = self._genome.to_json(genes)
        try:
            return json.dumps(data, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ContractError(
                f"{culprit(self._genome.to_json)} returned what JSON cannot hold ({error}): {data!r:.60}; return lists,"
                " mappings, strings, finite numbers, booleans or None, such as genes.tolist()"
            ) from error

    def _key(self, genes: Any) -> str:
        self._text(self._form(genes))
        return key_of(self._genome, genes)

    def _refuse_lost(self, genes: Any) -> None:
        """Genes come back from JSON with the key that they had."""
        text = self._text(genes)
        with blamed(self._genome.from_json):
            back = self._genome.from_json(json.loads(text))
            same = back is not None and self._key(back) == self._key(genes)
        if not same:
            raise ContractError(
                f"{culprit(self._genome.from_json)} makes other genes of what to_json gave, {text:.60}; let it rebuild"
                " the same"
            )

    def _ask(self, drawn: Sequence[Any]) -> None:
        """What a run asks about individuals leaves them as they are."""
        for member in ("express", "encode", "show", "to_json"):
            if (method := getattr(self._genome, member, None)) is None:
                continue
            before = state_of(drawn, self._key)
            for seed in (1, 2):  # the first time may import a module that draws
                with other_world(seed) as touched, blamed(method):
                    answers = [method(genes) for genes in drawn]
            if before != state_of(drawn, self._key):
                raise ContractError(f"{culprit(method)} changes the genes that it was given, in place; {COPY}")
            if touched:
                used = " and ".join(touched)
                raise ContractError(
                    f"{culprit(method)} uses the global generator of {used}; let it depend on genes alone"
                )
            for answer in answers:
                if wrong := _wrong(member, answer):
                    raise ContractError(f"{culprit(method)} returned {wrong}")

    def _known(self) -> Sequence[Any]:
        if (seeds := getattr(self._genome, "seeds", None)) is None:
            return []
        with blamed(seeds):
            return list(seeds())


def _wrong(member: str, answer: Any) -> str:
    """Why a method's answer is not what is promised; empty if it is."""
    if member == "express" and answer is None:
        return "nothing; return what a fitness of that kind measures"
    if member == "show" and not isinstance(answer, str):
        return f"{type(answer).__name__}; return a string for people"
    if member == "encode":
        array = np.asarray(answer)
        if array.ndim != 1 or array.dtype.kind not in "biuf" or not np.isfinite(array).all():
            return f"{array.dtype} of shape {array.shape}; return finite float32 of shape (n_features,)"
    return ""


class _AnyMetrics(Mapping[str, float]):
    """Made-up metrics: whatever is asked for has the same value."""

    def __init__(self, value: float) -> None:
        self._value = value

    def __getitem__(self, name: str) -> float:
        return self._value

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _rehearse_search(parts: Parts) -> None:
    """One generation with made-up values, on a search that is thrown away; what it saves goes on like it."""
    section, context = parts.recipe.search, parts.context
    sizes = [getattr(section.options, name, 0) for name in ("population", "batch")]
    if any(isinstance(size, int) and size > MOST for size in sizes):
        return  # which would take longer than it is worth
    search, other = build_part(section, context), build_part(section, context)
    n_cases = getattr(parts.fitness, "cases", 0)
    n_constraints = len(constraints_of(parts.fitness))
    for generation in (1, 2):
        with blamed(search.ask):
            asked = list(search.ask())
        if not all(isinstance(one, Individual) for one in asked):
            raise ContractError(f"{culprit(search.ask)} returned something else than individuals; use make_individual")
        for one in asked:
            value = int(one.key[:8], 16) / 2**32
            one.fitness.hold(tuple(value for _ in one.fitness.weights), (0.5 - value,) * n_constraints)
            one.cases = np.full(n_cases, value) if n_cases else None
            one.metrics = _AnyMetrics(value)
        with blamed(search.tell):
            search.tell(asked)
        if search.generation != generation:
            raise ContractError(f"{culprit(search.tell)} leaves generation at {search.generation}; add 1 to it")
        if asked and not search.hall_of_fame():
            raise ContractError(
                f"{culprit(search)} has nobody in its hall of fame after a generation; let tell call archive.add with"
                " all measured"
            )
        if len(search.logbook) != generation or not {"generation", "best"} <= search.logbook[-1].keys():
            raise ContractError(
                f"{culprit(search)} has no record of the generation in its logbook, with generation and best"
            )
        with blamed(search.best):
            search.best()
        if search.done:
            return
    with blamed(search.state_dict):
        saved = as_saved(search.state_dict())
    with blamed(other.load_state_dict):
        other.load_state_dict(saved)
    first, again = ([one.key for one in one_search.ask()] for one_search in (search, other))
    if first != again:
        raise ContractError(
            f"{culprit(search)} asks for others after its state was saved and loaded, so that a resumed run would end"
            " otherwise; save in state_dict all that ask and tell depend on, and let ask answer the same when it is"
            " asked again"
        )
