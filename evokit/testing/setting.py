"""What is around a component under test: the parts of a recipe, or what goes with it where no recipe says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, is_dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

from evokit.assembly.parts import Parts, assemble, build_part
from evokit.common.names import listed
from evokit.components.declared import OPERATORS, declared, declared_names
from evokit.components.registry import SEPARATOR, Offer, Registry
from evokit.contracts.blame import ContractError
from evokit.errors import UserError
from evokit.interfaces import Component, Context, Kind
from evokit.plugins import load_plugins
from evokit.recipe.check import recipe_of
from evokit.recipe.fit import OWN, reads
from evokit.recipe.options import Scope
from evokit.recipe.schema import LISTS, SECTIONS, Section, as_json
from evokit.recipe.source import read_source
from evokit.recipe.yaml_source import RecipeError
from evokit.testing.made_up import MadeUp

Surroundings = str | PathLike[str] | Mapping[str, Any] | None  # a recipe's file, or some of its sections

UNDER_TEST, MADE_UP = "under_test", "made_up"
GENOMES: Mapping[str, dict[str, Any]] = {  # one of each kind of genes, by what it expresses
    "bits": {"name": "bits", "length": 12},
    "vector": {"name": "real_vector", "length": 4, "low": -2, "high": 2},
    "indices": {"name": "index_vector", "sizes": [2, 3, 4, 5, 3, 2]},
    "order": {"name": "permutation", "length": 7},
}
EXPRESSED = {"bits": "bits", "real_vector": "vector", "index_vector": "indices", "permutation": "order"}  # by genes
WITH_GENES: Mapping[str, dict[str, dict[str, Any]]] = {  # operators, of other genes their own
    "bits": {"crossover": {"name": "uniform"}, "mutation": {"name": "bit_flip"}},
    "real_vector": {"crossover": {"name": "uniform"}, "mutation": {"name": "gaussian"}},
    "index_vector": {"crossover": {"name": "uniform"}, "mutation": {"name": "reset"}},
}
OWN_OPERATORS = {"crossover": {"name": OWN}, "mutation": {"name": OWN}}
MOST_WORK = 10_000  # for searches that have no end
SEARCH = {"name": "generational", "population": 8, "generations": 9}


class Unsettled(UserError):  # noqa: N818 - what it is not
    """A component cannot be tried: what it needs around it, or options without a default, were not said."""


@dataclass(frozen=True)
class Setting:
    """A component under test with the parts of a recipe around it."""

    section: Section
    parts: Parts

    def build(self, **changes: Any) -> Any:
        """The real thing, made anew, in the context of the parts or one that differs by ``changes``."""
        anew = replace(self.section, options=replace(self.section.options))  # which may be the real thing themselves
        return built(anew, replace(self.parts.context, **changes))


@dataclass(frozen=True)
class Candidate:
    """A component under test, its options as JSON values, and where others are looked for."""

    component: Component
    options: dict[str, Any]
    registry: Registry
    around: Mapping[str, Any]  # sections of a recipe

    @property
    def kind(self) -> Kind:
        return self.component.kind


def candidate(kind: Kind, thing: str | object, recipe: Surroundings, options: Mapping[str, Any]) -> Candidate:
    """Find a component as a recipe does.

    Args:
        kind: Of it.
        thing: Its name, or an instance of its options.
        recipe: What is around it. Options that it says of the component are taken, where ``options`` are none.
        options: As in a recipe; with an instance there are none.

    Raises:
        UserError: There is no such component, or the recipe cannot be read.
    """
    around, plugins = read(recipe)
    registry = load_plugins(plugins)
    if not isinstance(thing, str):
        if options or not is_dataclass(thing) or isinstance(thing, type):
            raise TypeError(f"give a component's name and options, or an instance of its options; got {thing!r:.80}")
        component = Component(kind, UNDER_TEST, type(thing))
        registry = replace(registry, offers=(*registry.offers, Offer(component, UNDER_TEST)))
        return Candidate(component, as_json(thing), registry, around)
    component = registry.find(kind, thing, _fitness_of(kind, thing, around, registry))
    return candidate_of(component, registry, around, options)


def candidate_of(
    component: Component, registry: Registry, around: Mapping[str, Any], options: Mapping[str, Any] | None = None
) -> Candidate:
    """A component that was found, with the options that are given, or else those that the recipe around it says."""
    return Candidate(component, dict(options or said_of(component, around) or {}), registry, around)


def read(recipe: Surroundings) -> tuple[dict[str, Any], list[Path]]:
    """The sections that a recipe has, those that it extends included, and its local plugins."""
    if recipe is None:
        return {}, []
    values = dict(recipe) if isinstance(recipe, Mapping) else dict(read_source(Path(recipe)).root.plain())
    plugins = values.pop("plugins", None) or []
    return values, [Path(one) for one in ([plugins] if isinstance(plugins, str) else plugins)]


def said_of(component: Component, around: Mapping[str, Any]) -> dict[str, Any] | None:
    """The options of a component in a recipe; None if it does not name it."""
    key = next((key for key, kind in LISTS.items() if kind == component.kind), component.kind)
    if component.kind == "final":
        return {name: value for name, value in (around.get("final") or {}).items() if name != "seeds"}
    top = (*SECTIONS, *LISTS, "final")
    inside = [around.get(key)] if key in top else list(around.values())
    for section in _mappings(inside):
        if section.get("name") in (component.name, own_name(component)):
            return {name: value for name, value in section.items() if name != "name"}
    return None


def own_name(component: Component) -> str:
    """The name that its plugin gives it, whatever others call theirs."""
    return component.name.rpartition(SEPARATOR)[2]


def _mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield value
        yield from _mappings(list(value.values()))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _mappings(one)


def settings(one: Candidate) -> list[Setting]:
    """The component in each setting that it is to be tried in: one, or one for each kind of genes that it works on.

    Raises:
        ContractError: It, or what is around it, broke a promise while it was built.
        UserError: Options are wrong, parts do not fit, or something that it needs is not said.
    """
    whole = all(key in one.around for key in ("fitness", "genome", "search"))
    return [_settled(one, around) for around in ([one.around] if whole else _completed(one))]


def _completed(one: Candidate) -> Iterator[dict[str, Any]]:
    """The sections that are given and, for those that are not, what goes with the component."""
    fitness = {"name": MADE_UP, "levels": 2 if one.kind == "screen" else 1}  # which a race needs
    for genome in _genomes(one):
        around = (
            {"fitness": fitness, "search": SEARCH, "stop": {"work": MOST_WORK}} | dict(one.around) | {"genome": genome}
        )
        genes = declared(_component(one, "genome", genome), "genes")
        yield dict(WITH_GENES.get(genes, OWN_OPERATORS)) | around


def _genomes(one: Candidate) -> Iterator[dict[str, Any]]:
    if "genome" in one.around:
        yield one.around["genome"]
        return
    if one.kind == "genome":
        yield {"name": one.component.name, **one.options}
        return
    fitness = one.component if one.kind == "fitness" else _component(one, "fitness", one.around.get("fitness"))
    takes = declared_names(fitness, "takes") if fitness else None
    kinds = takes or {EXPRESSED.get(genes, genes) for genes in declared_names(one.component, "genes") or ()}
    chosen = [GENOMES[kind] for kind in sorted(kinds) if kind in GENOMES]
    if kinds and not chosen:
        own = [c.name for kind in sorted(kinds) for c in one.registry.components("genome") if _expresses(c, kind)]
        if not own:
            raise Unsettled(f"it works on {listed(sorted(kinds))}: say in a recipe which genome it goes with")
        chosen = [{"name": own[0]}]
    if fitness and not chosen:
        raise Unsettled("it goes with whatever a genome makes: say in a recipe which genome it goes with")
    yield from chosen[:1] if fitness else chosen or [GENOMES["bits"]]


def _expresses(genome: Component, kind: str) -> bool:
    return kind in (declared(genome, "phenotype"), declared(genome, "genes"))


def _component(one: Candidate, kind: Kind, section: Any) -> Any:
    """The component that a section names; None without one."""
    if not isinstance(section, Mapping) or section.get("name") == MADE_UP:
        return None
    return one.registry.find(kind, str(section.get("name")))


def _settled(one: Candidate, around: Mapping[str, Any]) -> Setting:
    sections = dict(around) | {"execution": {"backend": "inline"}, "callbacks": [], "export": []}
    if one.kind in SECTIONS:
        sections[one.kind] = {"name": one.component.name, **one.options}
    if one.kind == "screen":
        sections["screens"] = [{"name": one.component.name, **one.options}]
    if one.kind not in ("baseline", "final"):
        sections["baselines"] = []
    made_up = Offer(Component("fitness", MADE_UP, MadeUp), MADE_UP)
    registry = replace(one.registry, offers=(*one.registry.offers, made_up))
    if one.kind == "search" or around is not one.around:
        read = reads(registry.find("search", str(sections["search"].get("name"))))
        sections = {key: value for key, value in sections.items() if key not in {*OPERATORS, "screens"} - read}
    with _told_apart():
        parts = assemble(recipe_of(sections, "recipe", registry=registry))
        return Setting(_section(one, parts, registry), parts)


def _section(one: Candidate, parts: Parts, registry: Registry) -> Section:
    if one.kind == "final":
        if parts.recipe.final.section is None:
            raise Unsettled(f"it finishes what {one.component.fits or 'a fitness'} measured: say in a recipe what")
        return parts.recipe.final.section
    options = checked_options(registry, one.component, one.options, parts.recipe.fitness.name)
    return Section(one.kind, one.component, options)


def checked_options(registry: Registry, component: Component, options: Mapping[str, Any], fits: str = "") -> Any:
    """The options of a component, checked as those of a recipe.

    Raises:
        ValueError: All that is wrong with them.
    """
    from pydantic import ValidationError

    try:
        return Scope(registry, fits).options(component, as_json(options)).options
    except ValidationError as error:
        name = component.name
        problems = [".".join(map(str, (name, *one["loc"]))) + f": {one['msg']}" for one in error.errors()]
        raise ValueError("; ".join(problems)) from error


def built(section: Section, context: Context) -> Any:
    """The real thing behind a section.

    Raises:
        ContractError: It broke a promise while it was built.
    """
    with _told_apart():
        return build_part(section, context)


@contextmanager
def _told_apart() -> Iterator[None]:
    """Let a broken promise be one again, where a recipe's line was added to it."""
    try:
        yield
    except RecipeError as error:
        if isinstance(error.__cause__, ContractError):
            raise error.__cause__ from error.__cause__.__cause__
        raise


def _fitness_of(kind: Kind, name: str, around: Mapping[str, Any], registry: Registry) -> str:
    """The fitness that a component belongs to: the recipe's, or else the first that has one of that name."""
    if isinstance(said := around.get("fitness"), Mapping):
        return str(said.get("name"))
    owners = [
        one.fits for one in (offer.component for offer in registry.offers) if (one.kind, one.name) == (kind, name)
    ]
    return "" if not owners or "" in owners else owners[0]
