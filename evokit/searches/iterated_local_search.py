"""Iterated local search on a space: descents along its parameters, each begun near the best or at random."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Le

from evokit.common.conversation import Conversation
from evokit.genomes.individuals import make_individual, weights_of
from evokit.genomes.space.genome import Genes, Part, SpaceGenome
from evokit.genomes.space.kinds import Numeric
from evokit.interfaces import Context, Individual
from evokit.options import Count, added
from evokit.searches.archive import only_ok
from evokit.searches.stepping import AskTell

COARSE = 0.03  # step of numbers, below which a descent goes on only if it is the best so far
GAIN = 1e-4  # of a round, as a share of the value, with which a descent ends
NEAR = 1e-3  # times the tolerance, within which a vertex is where the descent is
SHRINK, LEAST = 0.25, 0.1  # of a step where nothing is better, and of one that led to a vertex

Loss = tuple[float, float]  # violation and value, lower is better; infinite of who failed
FAILED: Loss = np.inf, np.inf
Ask = Callable[[Sequence[Genes]], list[Loss]]


@dataclass(frozen=True)
class IteratedLocalSearch:
    """Descents along one parameter after the other, begun in turn near the best so far and at random.

    For a space with an exact fitness, from a dozen evaluations on: few searches need fewer where most parameters act by
    themselves; where many must change together it finds one local optimum after the other.

    A descent goes through the parameters in random order, and again until nothing is better. A choice takes the best of
    all its options; of subsets and orders all neighbours are tried. A number is moved a ``step`` up and down, at first
    that share of its range, goes on in the better direction by steps twice as long, and then to the vertex of the
    parabola through the best and those beside it; its own step follows, down to ``tolerance``. Whole numbers move by
    one at least. What begins to exist is drawn, and since that is seldom good, an option that brings it is judged once
    in each descent after all its numbers were moved so. Where a round moved several numbers and nothing else, all go on
    together in that direction. A descent ends with a round that gains less than a ten-thousandth of the value; one that
    is not the best so far also where nothing is better and steps are small.

    The first descent begins at the best of ``start`` random points, of which one has all numbers in the middle, or of
    ``init`` and, with ``seeds``, of the genome's known good individuals; later ones in turn at the best so far after
    ``kicks`` mutations and at random.

    A generation is one question of a descent, mostly one or two alternatives of a parameter, which can be measured side
    by side; with ``descents`` it is one of each of so many that are under way at once. For slow evaluations and many
    workers about half as many descents as workers keep them busy: a single descent is no sooner at its end, but more
    of them are met in the same time. Where one has ended the next begins.

    Source: Lourenço, Martin and Stützle 2003, "Iterated Local Search"; for descents Hooke and Jeeves 1961, "Direct
    Search Solution of Numerical and Statistical Problems" (steps, and the direction of a round), the parabola of Powell
    1964, "An efficient method for finding the minimum of a function of several variables without calculating
    derivatives", and the extended poll of Audet and Dennis 2001, "Pattern Search Algorithms for Mixed Variable
    Programming".
    """

    start: Count = 8
    step: Annotated[float, Gt(0), Le(0.5)] = 0.1
    tolerance: Annotated[float, Gt(0)] = 1e-7
    kicks: Annotated[int, Ge(1)] = 2
    generations: Count | None = None
    descents: Count = added(1)  # noqa: RUF009 - a field
    seeds: bool = added(False)

    reads: ClassVar[frozenset[str]] = frozenset({"init"})
    genes: ClassVar[frozenset[str]] = frozenset({"space"})

    def build(self, context: Context) -> IteratedLocalSearcher:
        if not isinstance(context.genome, SpaceGenome):
            raise ValueError("iterated_local_search works on space, for others name coordinate_descent")
        if (n := len(context.fitness.objectives)) > 1:
            raise ValueError(f"this search has one objective, the fitness has {n}: name nsga2")
        return IteratedLocalSearcher(self, context)


@dataclass
class UnderWay:
    """A descent at work.

    Args:
        number: Of all descents, counted from 0.
        starts: Where it may begin.
        best: The best loss so far when it began.
        talk: What it asks.
        answers: All that it was told.
    """

    number: int
    starts: list[Genes]
    best: Loss
    talk: Conversation
    answers: list[list[Loss]] = field(default_factory=list)

    def answer(self, losses: list[Loss]) -> None:
        self.answers.append(losses)
        self.talk.answer(losses)


class IteratedLocalSearcher(AskTell):
    """Asks what descents ask. A state holds the answers of those at work, which are repeated with them.

    ``population`` is the best so far.
    """

    breeds = False

    def __init__(self, options: IteratedLocalSearch, context: Context) -> None:
        super().__init__(context.genome, weights_of(context.fitness.objectives), options.generations)
        self._options, self._streams = options, context.streams
        self._first = [one.genes for one in self._seeds_if(options.seeds, context.init)]
        self._descents = [self._begun(number) for number in range(options.descents)]

    @property
    def at_break(self) -> bool:
        """Whether a descent has ended and the next one has yet to begin; others may be under way."""
        return not all(one.answers for one in self._descents)

    def ask(self) -> list[Individual]:
        how: dict[Genes, str] = {}  # what two descents ask for is asked for once
        for one in self._descents:
            for genes in one.talk.question:
                how.setdefault(genes, "descent" if one.answers else "start")
        return [make_individual(self._genome, genes, self._weights, born_by=born) for genes, born in how.items()]

    def tell(self, individuals: Sequence[Individual]) -> None:
        valid = only_ok(individuals)
        if valid:
            self.population = [max([*self.population, *valid], key=lambda one: one.fitness)]
        asked = dict.fromkeys(genes for one in self._descents for genes in one.talk.question)
        if len(individuals) == len(asked):  # a control whose work is spent measures only a part
            losses = {one.key: _loss(one) for one in valid}
            told = [losses.get(one.key, FAILED) for one in individuals]
            self._answer(dict(zip(asked, told, strict=True)))
        self.archive.add(self.generation, individuals, self.population)
        self.generation += 1

    def _answer(self, losses: Mapping[Genes, Loss]) -> None:
        """Let each descent go on, and others begin where some have ended."""
        for place, one in enumerate(self._descents):
            one.answer([losses[genes] for genes in one.talk.question])
            if one.talk.question is None:
                self._descents[place] = self._begun(1 + max(other.number for other in self._descents))

    def _begun(self, number: int) -> UnderWay:
        best = _loss(self.population[0]) if self.population else FAILED
        return self._under_way(number, self._starts(number), best)

    def _starts(self, number: int) -> list[Genes]:
        """Where a descent may begin."""
        rng = self._streams.at("iterated_local_search", "start", number).numpy()
        random = self._genome.random
        if not number:
            drawn = [random(rng) for _ in range(self._options.start)]
            return self._first or [_centred(self._genome, drawn[0], rng), *drawn[1:]]
        if not number % 2 or not self.population:
            return [random(rng)]
        genes = self.population[0].genes
        for _ in range(self._options.kicks):
            genes = self._genome.mutate(genes, rng)
        return [genes]

    def _under_way(self, number: int, starts: list[Genes], best: Loss) -> UnderWay:
        rng = self._streams.at("iterated_local_search", "descent", number).numpy()
        genome, step, tolerance = self._genome, self._options.step, self._options.tolerance
        talk = Conversation(lambda ask: Descent(genome, step, tolerance, rng, ask)(starts, best))
        return UnderWay(number, starts, best, talk)

    def state_dict(self) -> dict[str, Any]:
        mine = [
            {
                "number": one.number,
                "starts": [self._genome.to_json(genes) for genes in one.starts],
                "best": one.best,
                "answers": one.answers,
            }
            for one in self._descents
        ]
        return super().state_dict() | {"descents": mine}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        self._descents = []
        for saved in state["descents"]:
            starts = [self._genome.from_json(genes) for genes in saved["starts"]]
            one = self._under_way(saved["number"], starts, tuple(saved["best"]))
            for losses in saved["answers"]:
                one.answer([(violation, value) for violation, value in losses])
            self._descents.append(one)


class Descent:
    """One, along the parts of genes.

    Args:
        genome: Of the genes.
        step: Of numbers at first, as a share of their range.
        tolerance: Of numbers, as small as a step gets.
        rng: Decides the order, and what begins to exist.
        ask: Tells the losses of genes.
    """

    def __init__(self, genome: SpaceGenome, step: float, tolerance: float, rng: np.random.Generator, ask: Ask) -> None:
        self._genome, self._first, self._tolerance, self._rng, self._ask = genome, step, tolerance, rng, ask
        self._known: dict[Genes, Loss] = {}
        self._steps: dict[Part, float] = {}
        self._polled: set[tuple[Part, Any]] = set()

    def __call__(self, starts: Sequence[Genes], best: Loss) -> None:
        """Down from the best of ``starts``; as far as can be only below ``best``."""
        self._loss, self._now = min(zip(self._losses(starts), starts, strict=True), key=lambda pair: pair[0])
        order = self._rng.permutation(len(self._genome.leaves)).tolist()
        since = self._loss, self._now  # before the first round, later after the last one's single moves
        while True:
            before = self._loss
            for place in order:
                for part in [one for one in self._genome.parts(self._now) if one[0] == place]:
                    if isinstance(self._genome.kinds[place], Numeric):
                        self._line(part)
                    else:
                        self._options(part)
            if self._loss < before:
                last, since = since, (self._loss, self._now)
                self._on(*last)
                if _little(before, self._loss):
                    return
            else:
                steps = [self._steps.get(part, 0.0) for part in self._genome.parts(self._now)]
                if max(steps, default=0.0) <= (self._tolerance if self._loss <= best else COARSE):
                    return

    def _losses(self, some: Sequence[Genes]) -> list[Loss]:
        if new := [genes for genes in dict.fromkeys(some) if genes not in self._known]:
            self._known |= zip(new, self._ask(new), strict=True)
        return [self._known[genes] for genes in some]

    def _try(self, some: Sequence[Genes]) -> list[Loss]:
        """The losses of genes; the best of them are where the descent is from now on, if they are better."""
        losses = self._losses(some)
        for loss, genes in zip(losses, some, strict=True):
            if loss < self._loss:
                self._loss, self._now = loss, genes
        return losses

    def _options(self, part: Part) -> None:
        """All alternatives of what is no number; where something begins to exist, its numbers have a try each, once."""
        here, kind = self._now, self._genome.kinds[part[0]]
        some = self._with(part, kind.beside(self._genome.at(here, part), self._first))
        for loss, genes in sorted(zip(self._try(some), some, strict=True), key=lambda pair: pair[0]):
            option = part, self._genome.at(genes, part)
            parts = self._genome.parts(genes)
            if genes is self._now or option in self._polled or all(here[place] is not None for place, _ in parts):
                continue
            self._polled.add(option)
            best = self._loss, self._now
            self._loss, self._now = loss, genes
            for other in parts:
                if isinstance(self._genome.kinds[other[0]], Numeric) and self._now[other[0]] is not None:
                    self._line(other)
            self._loss, self._now = min(best, (self._loss, self._now), key=lambda pair: pair[0])

    def _with(self, part: Part, genes: Sequence[Any]) -> list[Genes]:
        """As far as they are allowed."""
        found = [self._genome.replaced(self._now, part, gene, self._rng) for gene in genes]
        return [one for one in found if self._genome.allowed(one)]

    def _line(self, part: Part) -> None:
        """Along a number: a step up and down, on where that is better, to a vertex; the part's step follows."""
        kind, genes = self._genome.kinds[part[0]], self._now
        assert isinstance(kind, Numeric)
        step, before, here = self._steps.get(part, self._first), self._loss, kind.unit(self._genome.at(genes, part))
        met = {here: before}

        def to(units: Sequence[float]) -> None:
            some = self._with(part, [kind.at(min(max(unit, 0.0), 1.0)) for unit in units])
            found = [kind.unit(self._genome.at(one, part)) for one in some]
            met.update(zip(found, self._try(some), strict=True))

        to([kind.unit(one) for one in kind.beside(self._genome.at(genes, part), step)])
        moved = min(met, key=met.__getitem__) - here
        vertex = self._further(met, to, here, 2 * moved) if moved else self._to_vertex(met, to)
        best = min(met, key=met.__getitem__)
        if vertex is None:
            after = min(max(step, abs(best - here)), 0.5) if moved else SHRINK * step
        elif self._loss < before and not kind.whole:
            after = min(max(2 * abs(vertex), LEAST * step), step)
        else:
            after = SHRINK * step
        if kind.whole and self._loss == before and step <= max((abs(unit - here) for unit in met), default=0.0):
            after = 0.0  # those next to it are no better
        self._steps[part] = after

    def _on(self, loss: Loss, since: Genes) -> None:
        """On in the direction of all numbers that moved since genes of a loss, if several did and nothing else.

        From where one round's single moves ended to where the next one's do, which is conjugate to the last of them.
        """
        genes, at = self._now, self._genome.at
        moved = [part for part in self._genome.parts(genes) if since[part[0]] is not None]
        moved = [part for part in moved if at(since, part) != at(genes, part)]
        kinds = [kind for place, _ in moved if isinstance(kind := self._genome.kinds[place], Numeric)]
        if not 1 < len(moved) == len(kinds):
            return
        met = {-1.0: loss, 0.0: self._loss}

        def to(strides: Sequence[float]) -> None:
            for stride in strides:
                there = genes
                for part, kind in zip(moved, kinds, strict=True):
                    here = kind.unit(at(genes, part))
                    unit = here + stride * (here - kind.unit(at(since, part)))
                    there = self._genome.replaced(there, part, kind.at(min(max(unit, 0.0), 1.0)), self._rng)
                if self._genome.allowed(there):
                    met[stride] = self._try([there])[0]

        self._further(met, to, 0.0, 1.0)

    def _further(
        self, met: dict[float, Loss], to: Callable[[Sequence[float]], None], here: float, stride: float
    ) -> float | None:
        """By strides twice as long as long as that is better, then to the vertex, as ``_to_vertex``."""
        loss = self._loss
        to([here + stride])
        while self._loss < loss:
            loss, stride = self._loss, 2 * stride
            to([here + stride])
        return self._to_vertex(met, to)

    def _to_vertex(self, met: dict[float, Loss], to: Callable[[Sequence[float]], None]) -> float | None:
        """To the vertex of the parabola through the best of what was met on a line; how far that was, None for none."""
        best = min(met, key=met.__getitem__)
        vertex = _vertex(met, best)
        if vertex is not None and abs(vertex - best) > NEAR * self._tolerance:
            to([vertex])
        return None if vertex is None else vertex - best


def _vertex(met: Mapping[float, Loss], best: float) -> float | None:
    """Where the parabola through the best point and its neighbours is lowest; None if it is nowhere.

    >>> _vertex({0.0: (0.0, 4.0), 0.5: (0.0, 1.0), 1.0: (0.0, 2.0)}, 0.5)
    0.625
    """
    below, above = [unit for unit in met if unit < best], [unit for unit in met if unit > best]
    if not below or not above:
        return None
    a, b, c = max(below), best, min(above)
    (wrong, u), (_, v), (wrong_too, w) = met[a], met[b], met[c]
    if wrong or wrong_too or met[b][0] or not np.isfinite([u, w]).all():
        return None  # values of the infeasible say little, of the failed nothing
    left, right = (v - u) / (b - a), (w - v) / (c - b)
    curvature = (right - left) / (c - a)
    return float(np.clip((a + b) / 2 - left / (2 * curvature), a, c)) if curvature > 0 else None


def _little(before: Loss, after: Loss) -> bool:
    """Whether a round that was no step towards the feasible gained so little that the next is hardly worth it."""
    return before[0] == after[0] and before[1] - after[1] <= GAIN * abs(after[1])


def _centred(genome: SpaceGenome, genes: Genes, rng: np.random.Generator) -> Genes:
    """The same with all its numbers in the middle, unless that is forbidden."""
    centred = genes
    for part in genome.parts(genes):
        kind = genome.kinds[part[0]]
        if isinstance(kind, Numeric) and centred[part[0]] is not None:
            centred = genome.replaced(centred, part, kind.at(0.5), rng)
    return centred if genome.allowed(centred) else genes


def _loss(one: Individual) -> Loss:
    return one.fitness.violation, -one.fitness.wvalues[0]
