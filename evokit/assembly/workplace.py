"""What whoever evaluates has: the recipe's parts, built once, and the jobs that can be asked of them."""

from __future__ import annotations

import json
from functools import cached_property, partial
from typing import Any

from evokit.assembly.directory import RunDirectory
from evokit.assembly.jobs import AGAIN, CHAMPION, EVOLVED, FRESH, OF, RENEWED, SEARCH, Candidate, Job, Refits
from evokit.assembly.parts import Parts, assemble
from evokit.assembly.trials import TrialGenome, Trials
from evokit.common.cores import set_threads
from evokit.common.keys import digest
from evokit.genomes.individuals import key_of
from evokit.interfaces import Contender
from evokit.recipe.schema import Recipe

BASELINE = "baseline/"  # prefix of a baseline's job


def of_control(job: str, name: str, part: Any) -> str:
    """The name of ``search``, ``fresh`` or ``again`` for a control, which may vary the recipe."""
    return f"{job}{OF}{name}" if isinstance(part, Parts) else job


def contender_of(part: Any, final: Contender | None) -> Contender | None:
    """Who makes models of a baseline: a trained one itself, of a control's best the final of its recipe."""
    if isinstance(part, Parts):
        return part.final()
    contender: Contender | None = part if hasattr(part, "fit") else final
    return contender


def after_refit(parts: Parts, refit: str) -> Parts:
    """The parts after one of ``Refits``.

    Raises:
        RecipeError: The fitness is to be renewed and has too little that is fresh.
    """
    if refit == RENEWED:
        return parts.renewed()
    return parts.refitted(parts.genome.from_json(json.loads(refit)))


class Workplace:
    """The run's process and every worker have one each, made of the same recipe, so that they cannot drift apart.

    Args:
        recipe: Of the run.
        directory: Of the run; contenders put their models there.
        parts: Those of the recipe if they are built already.
    """

    def __init__(self, recipe: Recipe, directory: RunDirectory, parts: Parts | None = None) -> None:
        self.recipe, self.directory = recipe, directory
        self.parts = assemble(recipe, directory.path) if parts is None else parts
        self._jobs: dict[tuple[str, Refits], Job] = {}
        self._baselines: dict[str, Any] = {}
        self._refitted: dict[tuple[str, Refits], Parts] = {}

    @cached_property
    def final(self) -> Contender | None:
        """The contender that makes a finished model of a champion, if the fitness has one."""
        return self.parts.final()

    def baseline(self, name: str) -> Any:
        """The baseline of that name: a contender, a search, or the parts of a varied recipe; the last two are controls.

        Raises:
            LookupError: The recipe has no such baseline.
        """
        if name not in self._baselines:
            sections = dict(self.parts.named_baselines())
            if name not in sections:
                raise LookupError(f"the recipe has no baseline {name!r}")
            self._baselines[name] = self.parts.build(sections[name])
        return self._baselines[name]

    def refitted(self, refits: Refits, control: str = "") -> Parts:
        """The recipe's parts, or those of a control that varies it, with the fitness after some refits."""
        if not refits:
            parts: Parts = self.baseline(control) if control else self.parts
            return parts
        if (control, refits) not in self._refitted:
            before = self.refitted(refits[:-1], control)
            self._refitted[control, refits] = after_refit(before, refits[-1])
        return self._refitted[control, refits]

    def job(self, name: str, refits: Refits = ()) -> Job:
        """What can be measured under that name, built when it is first asked for.

        Args:
            name: ``search``; ``fresh`` for data or replicates that the search never saw, ``again`` for such as
                ``fresh`` has not seen either; ``search@NAME`` and the like for those of a control that varies the
                recipe; ``champion`` and ``baseline/NAME`` for the fits of a contender.
            refits: What the fitness was refitted to.

        Raises:
            LookupError: There is no such job.
        """
        if (name, refits) not in self._jobs:
            self._jobs[name, refits] = self._build(name, refits)
            set_threads(self.recipe.execution.threads)  # building it may have been what imported torch
        return self._jobs[name, refits]

    def _build(self, name: str, refits: Refits) -> Job:
        job, _, control = name.partition(OF)
        if job not in EVOLVED:
            return Job(self._trials(name.removeprefix(BASELINE), name == CHAMPION, refits), TrialGenome().express)
        parts = self.refitted(refits, control)
        makers = {SEARCH: lambda: parts.fitness, FRESH: parts.fresh_fitness, AGAIN: parts.fresh_again}
        fitness = makers[job]()
        if fitness is None:
            raise LookupError("nothing is left to measure again on")
        key, express = partial(key_of, parts.genome), parts.genome.express
        if getattr(fitness, "keyed", False):
            return Job(fitness, lambda genes: Candidate(key(genes), express(genes)), key)
        return Job(fitness, express, key)

    def _trials(self, entry: str, of_champion: bool, refits: Refits) -> Trials:
        """A trained baseline fits its own models, the final those of the champion and of control searches."""
        part = self.final if of_champion else self.baseline(entry)
        fitness = self.parts.fitness
        if refits:  # which only a search has
            parts = self.refitted(refits, entry if isinstance(part, Parts) else "")
            part, fitness = parts.final(), parts.fitness
        contender = contender_of(part, self.final)
        if contender is None:
            raise LookupError(f"nothing makes models for {entry!r}")
        return Trials(entry, contender, digest([fitness.context, entry]), self.directory)
