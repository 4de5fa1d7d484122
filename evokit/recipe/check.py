"""From a recipe's source to a checked recipe, or to every reason why it is none."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic.errors import PydanticUserError

from evokit.common.names import listed
from evokit.components.declared import GENE_WORKERS, OPERATORS, READABLE
from evokit.components.registry import Registry, UnknownComponent
from evokit.errors import UserError
from evokit.interfaces import Component, Kind
from evokit.options import rest_of
from evokit.plugins import load_plugins
from evokit.recipe.by_name import found
from evokit.recipe.fit import (
    DEFAULT_SELECTION,
    OWN,
    brings_operators,
    fitting,
    genes_misfit,
    phenotype_misfit,
    read_by,
)
from evokit.recipe.options import Scope, validate
from evokit.recipe.paths import Anchor
from evokit.recipe.schema import LISTS, RESERVED, SECTIONS, Core, Ending, Final, Recipe, Section, names_of, walk
from evokit.recipe.source import Source, given_source, read_source
from evokit.recipe.varied import nested
from evokit.recipe.wording import known_keys, unknown_key
from evokit.recipe.yaml_source import KeyPath, RecipeError, describe

T = TypeVar("T")
CORE_KEYS = ("seed", "repeats", "stop", "confirm", "init", "execution")
KEYS = (*CORE_KEYS, "plugins", "extends", *SECTIONS, *LISTS, "final")
REQUIRED: tuple[Kind, ...] = ("fitness", "genome", "search")


def load_recipe(path: Path, overrides: Sequence[str] = (), registry: Registry | None = None) -> Recipe:
    """Read and check a recipe. Nothing is built; the only foreign code that runs is that of the plugins.

    Args:
        path: A YAML file, which messages show as given, or the name of a recipe that comes along.
        overrides: ``key.path=value`` with values in YAML, as after ``--set``.
        registry: Used instead of loading the recipe's ``plugins:`` and the installed ones.

    Raises:
        RecipeError: All that is wrong, one line per problem, with file and line.
        UserError: A plugin or an options class is at fault.
    """
    asked = (str(path), *(word for one in overrides for word in ("--set", one)))
    path = found(Path(path))
    source = read_source(path, overrides)
    plugins = _plugins(source)
    return replace(_Checker(source, registry or _load(source, plugins)).recipe(path, plugins), asked=asked)


def recipe_of(
    data: Mapping[str, Any], name: str, overrides: Sequence[str] = (), registry: Registry | None = None
) -> Recipe:
    """Check a recipe that Python holds; its path is ``name``. Arguments and errors are those of ``load_recipe``."""
    source = given_source(data, name, overrides)
    plugins = _plugins(source)
    return _Checker(source, registry or _load(source, plugins)).recipe(Path(name), plugins)


def _plugins(source: Source) -> tuple[Path, ...]:
    """The local plugin files; raises at once if one is missing, since the rest means nothing without it."""
    node = source.root.child("plugins")
    if node is not None and not node.readable:
        raise source.error()
    listed_files = node.plain() if node else None
    if listed_files is None:
        return ()
    if isinstance(listed_files, str):
        listed_files = [listed_files]
    if not isinstance(listed_files, list):
        source.report(("plugins",), f"must be a Python file or a list of them, got {describe(listed_files)}")
        raise source.error()
    for index, name in enumerate(listed_files):
        if not isinstance(name, str):
            source.report(("plugins", index), f"must be the path of a Python file, got {describe(name)}")
        elif not Path(name).is_file():
            source.report(("plugins", index), f"{name}: no such file")
    if any(problem.path[:1] == ("plugins",) for problem in source.problems):
        raise source.error()
    return tuple(map(Path, listed_files))


def _load(source: Source, plugins: Sequence[Path]) -> Registry:
    try:
        return load_plugins(plugins)
    except UserError as error:
        if not plugins:
            raise
        raise RecipeError([f"{source.root.nearest(('plugins',))}: plugins: {error}"]) from error


class _Checker:
    """Checks all sections of one source; problems are collected in the source, not raised.

    Attributes:
        data: The recipe as JSON values; a key set to null is a key left out.
        fitness, genome, search: The components named, None where there is no such component.
    """

    def __init__(self, source: Source, registry: Registry) -> None:
        self.source = source
        self.registry = registry
        self.data = {key: value for key, value in source.root.plain().items() if value is not None}
        self.fitness, self.genome, self.search = (self._component(kind, self.data.get(kind)) for kind in REQUIRED)

    def recipe(self, path: Path, plugins: tuple[Path, ...]) -> Recipe:
        """The recipe, or RecipeError with all problems of the source."""
        self._check_keys()
        self._check_reads()
        self._check_phenotype()
        self._fill_operators()
        core = self._core()
        sections = {kind: self._section((kind,), kind, self.data[kind]) for kind in SECTIONS if kind in self.data}
        lists = {key: self._list(key, kind) for key, kind in LISTS.items()}
        self._check_labels(lists["baselines"])
        self._check_exports(lists["export"])
        final = self._final()
        fitness, genome, search = map(sections.get, REQUIRED)
        if self.source.problems or not (core and fitness and genome and search and final):
            raise self.source.error()
        return Recipe(
            path=path,
            seed=core.seed,
            repeats=core.repeats,
            stop=core.stop,
            confirm=core.confirm,
            init=core.init,
            execution=core.execution,
            fitness=fitness,
            genome=genome,
            search=search,
            data=sections.get("data"),
            selection=sections.get("selection"),
            crossover=sections.get("crossover"),
            mutation=sections.get("mutation"),
            screens=lists["screens"],
            baselines=lists["baselines"],
            exports=lists["export"],
            final=final,
            plugins=plugins,
            registry=self.registry,
            source=self.source.root,
            callbacks=lists["callbacks"],
        )

    def _check_keys(self) -> None:
        for key in self.source.root.value:
            if key not in KEYS:
                self.source.report((key,), unknown_key(key, sorted(KEYS)))
        for kind in REQUIRED:
            if kind not in self.data and not self.source.unreadable((kind,)):
                self.source.report((), f"{kind} is missing (available: {listed(self.registry.names(kind))})")

    def _check_reads(self) -> None:
        searches = self._searches()
        if self.search is None or None in searches:
            return  # which is told when the section is read
        read = read_by(searches)
        for key in READABLE:
            if key not in read and self.data.get(key, []) != []:
                able = [one.name for one in self.registry.components("search") if key in read_by([one])]
                one = next((name for name in ("generational", *able) if name in able), "")
                message = f"search {self.search.name!r} does not read this section (it reads: {listed(read)})"
                self.source.report((key,), f"{message}; {one} does" if one else message)

    def _searches(self) -> list[Component | None]:
        """The search and those that are nested in it, at any depth; None where there is no such component."""
        found: list[Component | None] = []

        def noted(kind: Kind, data: Any) -> Component | None:
            component = self._component(kind, data)
            found.extend([component] if kind == "search" else [])
            return component

        with suppress(PydanticUserError, NameError, TypeError):  # an options class is at fault, which is told later
            Anchor(noted, lambda _, text: text).section("search", self.data.get("search"), ())
        return found

    def _check_phenotype(self) -> None:
        if self.fitness and self.genome:
            self._report_if(("genome", "name"), phenotype_misfit(self.fitness, self.genome, self.registry))

    def _fill_operators(self) -> None:
        """Sections that the search reads and the recipe leaves out: a default, or a problem."""
        if not (self.search and self.genome):
            return
        read = read_by(self._searches())
        for kind in OPERATORS:
            if kind in self.data or kind not in read:
                continue
            if kind == "selection":
                self.data[kind] = {"name": DEFAULT_SELECTION}
            elif brings_operators(self.genome):
                self.data[kind] = {"name": OWN}
            else:
                fit = listed(fitting(kind, self.genome, self.registry))
                message = f"{kind} is missing, search {self.search.name!r} needs one (those that fit: {fit})"
                self.source.report((), message)

    def _check_labels(self, baselines: Sequence[Section]) -> None:
        names = names_of(baselines)
        for place, section in enumerate(baselines):
            label, path = getattr(section.options, "label", ""), ("baselines", place, "label")
            if label in RESERVED:
                self.source.report(path, f"{label!r} is what results call something else; give another name")
            elif label and names.count(label) > (names[place] == label):
                self.source.report(path, f"another baseline is called {label!r}; give another name")

    def _check_exports(self, exports: Sequence[Section]) -> None:
        names = [section.name for section in exports]
        for place, name in enumerate(names):
            if name in names[:place]:
                self.source.report(("export", place), f"another one is {name!r}, which is written to the same folder")

    def _core(self) -> Core | None:
        given = {key: self.data[key] for key in CORE_KEYS if key in self.data}
        start = self.source.root.at(("init", "from"))
        if start is not None and isinstance(start.value, str):
            given["init"] = given["init"] | {"from": start.where.resolve(start.value)}
        core = self._attempt((), lambda: validate(Core, given))
        for key, message in core.execution.misfits() if core else ():
            self.source.report(("execution", key), message)
        return core

    def _section(self, path: KeyPath, kind: Kind, data: Any, fits: str = "") -> Section | None:
        scope = Scope(self.registry, fits, str(self.source.root.nearest(path)))
        if component := self._component(kind, data, fits):
            self._check_genes(path, component, self.genome)
            self._check_contested(path, kind, fits)
            data = self._anchored(component, path, data, fits)
        return self._read(path, data, functools.partial(scope.section, kind), fits)

    def _read(self, path: KeyPath, data: Any, read: Callable[[Any], Section], fits: str) -> Section | None:
        """A section by ``read``, with nested sections checked for fit."""
        section = self._attempt(path, lambda: read(data))
        if section is None:
            return None
        sections = [(below, value) for below, value in walk(section.options) if isinstance(value, Section)]
        others = ((below, value.component) for below, value in sections if value.kind == "genome")
        where, genome = next(others, ((), self.genome))
        for below, value in sections:
            self._check_genes((*path, *below), value.component, genome)
            self._check_contested((*path, *below), value.kind, fits)
        if section.kind == "baseline" and sections:
            self._check_varied(path, section, where, genome)
        return section

    def _anchored(self, component: Component, path: KeyPath, data: Any, fits: str) -> Any:
        """The data with each path starting from the folder of the file that gives it, a default from the recipe's."""

        def resolve(at: KeyPath, text: str) -> str:
            node = self.source.root.at(at)
            return (node.where if node else self.source.root.where).resolve(text)

        anchor = Anchor(lambda kind, section: self._component(kind, section, fits), resolve)
        try:
            return anchor.options(component.options_class, data, path)
        except (PydanticUserError, NameError, TypeError):
            return data  # the options class is at fault, which is told when it is read

    def _list(self, key: str, kind: Kind) -> tuple[Section, ...]:
        entries = self.data.get(key, [])
        if not isinstance(entries, list):
            self.source.report((key,), f"must be a list, got {describe(entries)}")
            return ()
        if kind in ("export", "callback"):
            entries = [{"name": entry} if isinstance(entry, str) else entry for entry in entries]
        if kind not in ("screen", "callback") and self.fitness is None:
            return ()  # the fitness is reported; what belongs to it cannot be told
        fits = self.fitness.name if self.fitness and kind != "screen" else ""
        sections = [self._section((key, index), kind, entry, fits) for index, entry in enumerate(entries)]
        return tuple(section for section in sections if section)

    def _final(self) -> Final | None:
        data = self.data.get("final", {})
        if "final" in self.source.root.plain() and "final" not in self.data:
            sealed = "final: {test: false} keeps the test split sealed"
            self.source.report(("final",), f"must not be null, as finished models are made without it too; {sealed}")
        if not isinstance(data, dict):
            self.source.report(("final",), f"must be a mapping, got {describe(data)}")
            return None
        component = self._final_component()
        own = [field.name for field in fields(Ending)]
        core = {key: value for key, value in data.items() if key in own}
        options = {key: value for key, value in data.items() if key not in own}
        if component is None and self.fitness:
            core = data  # nobody takes options, so they are unknown keys
        ending = self._attempt(("final",), lambda: validate(Ending, core))
        section = None
        if component:
            known = known_keys(component.options_class, ())
            if not rest_of(component.options_class):
                for key in [key for key in options if key not in known]:
                    self.source.report(("final", key), unknown_key(key, sorted([*known, *own])))
                    del options[key]
            scope = Scope(self.registry, component.fits, str(self.source.root.nearest(("final",))))
            options = self._anchored(component, ("final",), options, component.fits)
            section = self._read(("final",), options, functools.partial(scope.options, component), component.fits)
        return Final(**vars(ending), section=section) if ending else None

    def _final_component(self) -> Component | None:
        """The fitness's own final, else one that fits any fitness."""
        if self.fitness is None:
            return None
        components = self.registry.finals(self.fitness.name)
        if len(components) > 1:
            names = listed(component.name for component in components)
            self.source.report(("final",), f"fitness {self.fitness.name!r} must have one final, plugins offer {names}")
        return components[0] if components else None

    def _component(self, kind: Kind, data: Any, fits: str = "") -> Component | None:
        """The component that a section names, if there is one; what is wrong is told when the section is read."""
        name = data.get("name") if isinstance(data, dict) else None
        try:
            return self.registry.find(kind, name, fits) if isinstance(name, str) else None
        except UnknownComponent:
            return None

    def _check_genes(self, path: KeyPath, component: Component, genome: Component | None) -> None:
        if genome and component.kind in GENE_WORKERS:
            fits = self.fitness.name if self.fitness else ""
            self._report_if((*path, "name"), genes_misfit(component, genome, self.registry, fits))

    def _check_contested(self, path: KeyPath, kind: Kind, fits: str = "") -> None:
        """Refuse a name that the recipe itself says and a file of its own offers; a default means the built-in."""
        node = self.source.root.at((*path, "name")) or self.source.root.at(path)  # some may be a name alone
        name = node.value if node else None
        if isinstance(name, str) and (choices := self.registry.contested(kind, name, fits)):
            message = f"{kind} {name!r} is built in, and a file of this recipe offers it too; write "
            self.source.report((*path, "name"), message + " or ".join(choices))

    def _check_varied(self, path: KeyPath, control: Section, where: KeyPath, genome: Component | None) -> None:
        """A control with a genome or a search of its own: what it takes of the recipe fits, and what it reads is there.

        Args:
            path: Of the control.
            control: With its options.
            where: Its genome is, below the control; empty if it has the recipe's.
            genome: That it searches.
        """
        own = {name: value for name, value in vars(control.options).items() if value is not None}
        searches: Sequence[Component | None] = [one.component for one in nested(own.get("search"), "search")]
        read = read_by(searches) if searches else frozenset(READABLE)
        for key in READABLE:
            if own.get(key) and key not in read:
                message = f"search {own['search'].name!r} does not read this section (it reads: {listed(read)})"
                self.source.report((*path, key), message)
        kinds = [kind for kind in OPERATORS if kind in read and kind not in own]
        if searches and genome and not brings_operators(genome):
            for kind in kinds:
                if kind != "selection" and kind not in self.data:
                    fit = listed(fitting(kind, genome, self.registry))
                    message = f"{kind} is missing, search {own['search'].name!r} needs one (those that fit: {fit})"
                    self.source.report(path, message)
        if genome is None or not where:
            return
        if self.fitness:
            self._report_if((*path, *where, "name"), phenotype_misfit(self.fitness, genome, self.registry))
        workers: list[tuple[Kind, Any]] = [(kind, self.data.get(kind)) for kind in kinds]
        if "screens" in read and "screens" not in own:
            workers += [("screen", data) for data in self.data.get("screens", [])]
        found = [self._component(kind, data) for kind, data in workers]
        for worker in [*found, *([] if searches else self._searches())]:
            if worker:
                self._report_if((*path, *where, "name"), genes_misfit(worker, genome, self.registry))

    def _report_if(self, path: KeyPath, message: str) -> None:
        if message:
            self.source.report(path, message)

    def _attempt(self, path: KeyPath, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except ValidationError as error:
            for details in error.errors():
                report = self.source.report if details["loc"] else self.source.report_whole
                report((*path, *details["loc"]), details["msg"])
            return None
