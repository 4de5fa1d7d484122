"""From a recipe to its parts, built in the order data, fitness, genome, operators, screens, search."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from evokit.assembly.defaults import completed
from evokit.assembly.warm_start import first_genes, settled
from evokit.common.cores import set_threads
from evokit.common.extras import DISTRIBUTION, with_extra
from evokit.common.keys import digest
from evokit.common.names import listed
from evokit.contracts.blame import PASSED, ContractError, blame, blamed, culprit, raised
from evokit.contracts.members import refuse_misfit, refuse_unmeasurable
from evokit.contracts.watched import Watched
from evokit.data.vault import unit_keys
from evokit.energy import best_meter
from evokit.errors import UserError
from evokit.genomes.individuals import key_of
from evokit.interfaces import Contender, Context, Data, Fitness, Search
from evokit.recipe.schema import Recipe, Section, Stop, names_of
from evokit.recipe.varied import varied
from evokit.recipe.yaml_source import RecipeError
from evokit.streams import Streams


@dataclass(frozen=True)
class Parts:
    """Everything a run needs, but for the test split, which ``data`` holds and nobody here is given."""

    recipe: Recipe
    data: Data | None
    context: Context
    fitness: Fitness
    genome: Any
    search: Search

    def build(self, section: Section) -> Any:
        """A baseline, final or export, which sees all parts built before it."""
        return build_part(section, self.context)

    def final(self) -> Contender | None:
        """The contender that makes a finished model of a champion, if the fitness has one."""
        section = self.recipe.final.section
        return None if section is None else self.build(section)

    def fresh_fitness(self) -> Fitness:
        """The same question on data or replicates that the search never saw.

        Raises:
            RecipeError: The fitness has none, so there is nothing to confirm on.
        """
        if getattr(self.fitness, "fresh", None) is None:
            name = self.recipe.fitness.name
            message = f"{name} has no fresh data or replicates to confirm on; remove this section"
            raise self.recipe.error(("confirm",), message)
        try:
            with named(self.recipe.fitness):
                return self._another(self.fitness, "fresh")
        except ValueError as error:
            raise self.recipe.error(("confirm",), str(error)) from error

    def fresh_again(self) -> Fitness | None:
        """The same question on what neither the search nor ``fresh_fitness`` saw; None if there is no more of it."""
        fresh = self.fresh_fitness()
        if not hasattr(fresh, "fresh"):
            return None
        try:
            again = self._another(fresh, "fresh")
        except ContractError:
            raise
        except (ValueError, UserError):
            return None
        return None if again.context == fresh.context else again

    def refitted(self, genes: Any) -> Parts:
        """The same parts with the fitness refitted to an individual, for all that is built from now on."""
        with named(self.recipe.fitness):
            return self._asking(self._another(self.fitness, "refitted", self.genome.express(genes)))

    def renewed(self) -> Parts:
        """The same parts with the fitness on fresh data or replicates, for all that is built from now on.

        Raises:
            RecipeError: There are none, or none would be left for ``confirm``.
        """
        parts = self._asking(self.fresh_fitness())
        parts.fresh_fitness()
        return parts

    def _another(self, fitness: Fitness, member: str, *arguments: Any) -> Fitness:
        """The fitness that a method of a fitness makes.

        Raises:
            ContractError: It makes none, or raised something.
            UserError, ValueError: There is none, as the method itself says.
        """
        method = getattr(fitness, member)
        try:
            other: Fitness | None = method(*arguments)
        except (ValueError, *PASSED):
            raise
        except BaseException as error:
            raise blame(error, fitness, member) from error
        if other is None or isinstance(other, type):
            told = "nothing" if other is None else f"the class {other.__name__}"
            raise ContractError(f"{culprit(method)} returned {told}; return a fitness")
        refuse_unmeasurable(other, self.recipe.search.name)
        return other

    def _asking(self, fitness: Fitness) -> Parts:
        return replace(self, fitness=fitness, context=replace(self.context, fitness=fitness))

    def named_baselines(self) -> list[tuple[str, Section]]:
        """Baselines with their names in the results."""
        return list(zip(names_of(self.recipe.baselines), self.recipe.baselines, strict=True))


def assemble(recipe: Recipe, directory: Path | None = None) -> Parts:
    """Build what the recipe names.

    Args:
        recipe: Checked.
        directory: Of the run, if there is one.

    Raises:
        RecipeError: A part refused its options, parts do not fit, or packages that one needs are not installed; with
            file and line.
    """
    refuse_lacking(recipe, recipe.components())
    _refuse_missing_device(recipe)
    recipe = settled(recipe)
    execution = recipe.execution
    meter = best_meter(execution.device, execution.watts_per_core)
    context = Context(Streams(recipe.seed), execution.device, execution.threads, directory, meter=meter)
    data: Data | None = None
    if recipe.data is not None:
        data = build_part(recipe.data, context)
        if data.vault is not None:  # another share is another test split, whatever the component digested
            data = replace(data, digest=digest([data.digest, unit_keys(data.test)]))
        context = replace(context, train=data.train, validation=data.validation, data_digest=data.digest)
    set_threads(execution.threads)
    fitness = build_part(recipe.fitness, context)
    return _with_search(recipe, data, replace(context, fitness=fitness))


def refuse_lacking(recipe: Recipe, sections: Iterable[Section]) -> None:
    """Refuse components whose packages are not installed, before anything is built.

    Raises:
        RecipeError: A sentence for each extra, with its command.
    """
    needing: dict[tuple[str, tuple[str, ...]], list[Section]] = {}
    for section in sections:
        offer = recipe.registry.offer(section.component)
        if offer.lacks:
            needing.setdefault((offer.remedy, offer.lacks), []).append(section)
    problems = []
    for (remedy, lacks), sections in needing.items():
        first, *others = dict.fromkeys(f"{section.kind} {section.name}" for section in sections)
        also = f" (and {', '.join(others)})" if others else ""
        extra = sections[0].component.extra
        problems.append(
            f"{sections[0].where}: {first}{also} needs the extra {extra}, of which {listed(lacks)} "
            f"{'is' if len(lacks) == 1 else 'are'} not installed: {remedy}"
        )
    if problems:
        raise RecipeError(problems)


def _refuse_missing_device(recipe: Recipe) -> None:
    """Refuse a card that is not there, also where no part would notice. Of a cluster the workers have the cards."""
    device = recipe.execution.device
    if device == "cpu" or recipe.execution.backend == "ray":
        return
    try:
        import torch
    except ImportError:
        why = f"torch is not installed: {with_extra(DISTRIBUTION, 'neural')}"
    else:
        n_cards, index = torch.cuda.device_count(), int(device.partition(":")[2] or 0)
        if index < n_cards:
            return
        sees = f"{n_cards} CUDA device{'' if n_cards == 1 else 's'}" if n_cards else "no CUDA device"
        why = f"torch sees {sees} here (evokit doctor tells why)"
    raise recipe.error(("execution", "device"), f"{device} cannot be used, {why}; or write cpu")


def _with_search(recipe: Recipe, data: Data | None, bare: Context, control: bool = False) -> Parts:
    """Add genome, operators, screens and search to a context that has data and fitness; a control needs no end."""

    def vary(**sections: Any) -> Parts:
        for key, section in sections.items():
            if isinstance(section, Mapping):
                raise ValueError(
                    f"vary({key}=...) takes a checked section, not a mapping: let the option be"
                    f' Annotated[Mapping[str, Any], Nested("{key}")]'
                )
        return _with_search(varied(recipe, sections), data, bare, control=True)

    def build(section: Section, **changes: Any) -> Any:
        return _nested(section, replace(context, **changes))  # with all that is there by then

    fitness, context = bare.fitness, replace(bare, vary=vary, build=build)
    genome = build_part(recipe.genome, context)
    _draw_one(recipe, genome, context)
    init = first_genes(recipe, genome)
    context = replace(context, genome=genome, init=init)
    operators: dict[str, Any] = {
        section.kind: Watched(section.kind, build_part(section, context), partial(key_of, genome))
        for section in (recipe.selection, recipe.crossover, recipe.mutation)
        if section is not None
    }
    context = replace(context, operators=operators)
    context = replace(context, screens=tuple(build_part(section, context) for section in recipe.screens))
    search = build_part(recipe.search, context)
    fitness = getattr(search, "job", fitness)
    with named(recipe.fitness):
        refuse_unmeasurable(fitness, recipe.search.name)
    if genome.phenotype not in fitness.takes:  # of those whose options do not say
        takes = f"{recipe.fitness.name} takes {listed(sorted(fitness.takes))}"
        raise recipe.error(("genome",), f"{recipe.genome.name} expresses {genome.phenotype}, {takes}")
    context = replace(context, fitness=fitness)
    parts = Parts(recipe, data, context, fitness, genome, search)
    if recipe.confirm is not None:
        parts.fresh_fitness()
    if getattr(recipe.search.options, "reevaluate", None) is not None and recipe.confirm is None:
        message = "needs confirm, such as {top: 1}: champion and controls are compared on what confirms them"
        raise recipe.error(("search", "reevaluate"), message)
    endless = getattr(search, "endless", getattr(search, "horizon", 0) is None) and not control
    if endless and recipe.stop == Stop():
        message = f"{recipe.search.name} has no end; give it generations, or the recipe a stop rule such as stop.work"
        raise recipe.error(("search",), message)
    return parts


def build_part(section: Section, context: Context) -> Any:
    """The real thing behind a section; what it refuses or does wrong becomes an error with file and line."""
    try:
        make = section.maker
    except Exception as error:
        named_so = f"{section.kind}.{section.name}: nothing can be built by build={section.component.build!r}"
        raise RecipeError(
            [f"{section.where}: {named_so}: {raised(error)}; it must be a function of (options, context)"]
        ) from error
    with named(section), blamed(make or section.options):
        try:
            part = make(context) if make else section.options
        except (ValueError, OverflowError, MemoryError) as error:
            raise RecipeError([f"{section.where}: {section.kind}.{section.name}: {error}"]) from error
        if part is None:
            raise ContractError(f"{culprit(make)} returned nothing; return the {section.kind}")
        if section.kind == "fitness":
            part = completed(part, section.options, context)
        if not isinstance(part, Parts):
            refuse_misfit(section.kind, part)
        return part


def _nested(section: Any, context: Context) -> Any:
    if not isinstance(section, Section):
        raise ValueError(
            f"context.build takes a checked section, got {type(section).__name__}: let the option be"
            ' Annotated[Mapping[str, Any], Nested("surrogate")] or of the kind that it is'
        )
    within = replace(context, build=lambda below, **changes: _nested(below, replace(within, **changes)))
    return build_part(section, within)


@contextmanager
def named(section: Section) -> Iterator[None]:
    """Say in which section of the recipe a promise was broken.

    Raises:
        RecipeError: The block found a broken promise.
    """
    try:
        yield
    except ContractError as error:
        raise RecipeError([f"{section.where}: {section.kind}.{section.name}: {error}"]) from error


def _draw_one(recipe: Recipe, genome: Any, context: Context) -> None:
    """Draw an individual, so that a genome beyond the machine's memory is the recipe's error and not the search's."""
    with named(recipe.genome), blamed(genome, "random"):
        try:
            genome.random(context.streams.at("assembly").numpy())
        except (ValueError, OverflowError, MemoryError) as error:
            message = f"{recipe.genome.where}: genome.{recipe.genome.name}: no individual can be drawn: {error}"
            raise RecipeError([message]) from error
