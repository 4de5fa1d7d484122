"""Finding plugins and what they offer: local files, then entry points of group ``evokit``."""

from __future__ import annotations

import importlib.util
import inspect
import os
import sys
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from difflib import get_close_matches
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pluggy

from evokit import hookspecs
from evokit.errors import UserError
from evokit.interfaces import Component, Kind
from evokit.keys import digest_bytes

GROUP = "evokit"  # of entry points
RESTRICT = "EVOKIT_PLUGINS"  # comma-separated entry-point names; if set, no others load


class UnknownComponent(UserError, LookupError):  # noqa: N818 - the name says what happened
    """No plugin offers what was asked for."""


@dataclass(frozen=True)
class Offer:
    """A component and where it comes from; a local file has no distribution."""

    component: Component
    plugin: str
    distribution: str = ""
    version: str = ""


@dataclass(frozen=True)
class Broken:
    """An installed plugin that could not be loaded, and why."""

    plugin: str
    distribution: str
    error: str


@dataclass(frozen=True)
class Registry:
    """What the loaded plugins offer. Made by ``load_plugins``, owned by one run."""

    offers: tuple[Offer, ...]
    broken: tuple[Broken, ...] = ()

    def components(self, kind: Kind, fits: str = "") -> tuple[Component, ...]:
        """Components of a kind that belong to ``fits`` or to anything, in the order they were offered."""
        offered = (offer.component for offer in self.offers)
        return tuple(c for c in offered if c.kind == kind and c.fits in ("", fits))

    def names(self, kind: Kind, fits: str = "") -> list[str]:
        return sorted({component.name for component in self.components(kind, fits)})

    def find(self, kind: Kind, name: str, fits: str = "") -> Component:
        """The component of that name; one that belongs to ``fits`` goes before one that fits anything.

        Raises:
            UnknownComponent: No plugin offers it; the message says what comes near.
        """
        found = [component for component in self.components(kind, fits) if component.name == name]
        if found:
            return max(found, key=lambda component: component.fits)
        raise UnknownComponent(self._unknown(kind, name, fits))

    def _unknown(self, kind: Kind, name: str, fits: str) -> str:
        offered = (offer.component for offer in self.offers)
        owners = sorted({c.fits for c in offered if (c.kind, c.name) == (kind, name)})
        if owners:
            return f"{kind} {name!r} belongs to {' and '.join(owners)}" + (f", not to {fits}" if fits else "")
        names = self.names(kind, fits)
        lost = ", ".join(broken.plugin for broken in self.broken)
        return (
            f"unknown {kind} {name!r}{did_you_mean(name, names)} (available: {', '.join(names) or 'none'})"
            + (f"; plugins that failed to load: {lost}" if lost else "")
        )  # fmt: skip


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A suggestion to append to an error, empty if nothing comes near.

    >>> did_you_mean("lenght", ["length", "name"])
    "; did you mean 'length'?"
    """
    near = get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def load_plugins(local: Sequence[Path] = ()) -> Registry:
    """Load local plugin files, then all installed plugins, and collect what they offer.

    Args:
        local: Python files, in the order of the recipe. They are trusted: they run.

    Returns:
        All offers. An installed plugin that cannot be loaded is in ``broken`` and harms no other.

    Raises:
        UserError: A local file is broken or listed twice, two plugins offer the same thing, or the environment
            variable ``EVOKIT_PLUGINS`` names a plugin that is not installed.
    """
    manager = pluggy.PluginManager("evokit")
    manager.add_hookspecs(hookspecs)
    offers: list[Offer] = []
    broken: list[Broken] = []
    for path in local:
        try:
            components = _register(manager, _import_file(path), path.name)
        except Exception as error:
            raise UserError(f"plugin {path}: {_reason(error, path)}") from error
        offers += [Offer(component, path.name) for component in components]
    for entry in _entry_points():
        distribution, version = (entry.dist.name, entry.dist.version) if entry.dist else ("", "")
        try:
            components = _register(manager, entry.load(), entry.name)
        except Exception as error:
            broken.append(Broken(entry.name, distribution, _reason(error)))
        else:
            offers += [Offer(component, entry.name, distribution, version) for component in components]
    _refuse_twins(offers)
    return Registry(tuple(offers), tuple(broken))


def _entry_points() -> list[metadata.EntryPoint]:
    entries = sorted(metadata.entry_points(group=GROUP), key=lambda entry: entry.name)
    if RESTRICT not in os.environ:
        return entries
    wanted = [name.strip() for name in os.environ[RESTRICT].split(",") if name.strip()]
    installed = [entry.name for entry in entries]
    for name in wanted:
        if name not in installed:
            raise UserError(
                f"{RESTRICT}: no plugin {name!r} is installed{did_you_mean(name, installed)} "
                f"(installed: {', '.join(installed) or 'none'})"
            )
    return [entry for entry in entries if entry.name in wanted]


def _import_file(path: Path) -> ModuleType:
    full = path.resolve(strict=True)
    # The place decides the name, so that files of one name do not meet and another process finds the same classes.
    name = f"evokit_local_{full.stem}_{digest_bytes(str(full).encode(), 6)}"
    spec = importlib.util.spec_from_file_location(name, full)
    if spec is None or spec.loader is None:
        raise ImportError("not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their annotations up there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _register(manager: pluggy.PluginManager, plugin: Any, name: str) -> list[Component]:
    """Register a plugin and ask it for its components; a plugin that is refused is not left behind."""
    try:
        manager.register(plugin, name)
    except ValueError as error:
        raise ValueError(f"a plugin {name!r} is loaded already: {_origin(manager, plugin, name)}") from error
    try:
        manager.check_pending()
        _refuse_unmarked(manager, plugin)
        others = [other for other in manager.get_plugins() if other is not plugin]
        answers = manager.subset_hook_caller("evokit_components", others)()
        return [_checked(component) for answer in answers for component in _items(answer)]
    except Exception:
        manager.unregister(plugin)
        raise


def _origin(manager: pluggy.PluginManager, plugin: Any, name: str) -> str:
    other = manager.get_plugin(name) or plugin
    return str(getattr(other, "__file__", other))


def _refuse_unmarked(manager: pluggy.PluginManager, plugin: Any) -> None:
    for name, value in vars(plugin).items():
        if name.startswith("evokit_") and inspect.isfunction(value) and not hasattr(value, "evokit_impl"):
            raise TypeError(f"{name} is never called: it lacks the decorator @hookimpl")
    if not manager.get_hookcallers(plugin):
        raise TypeError("it has no function marked @hookimpl, so it offers nothing")


def _items(answer: Any) -> Iterable[Any]:
    if isinstance(answer, str) or not isinstance(answer, Iterable):
        raise TypeError(f"evokit_components() must return a list of Components, got {type(answer).__name__}")
    return answer


def _checked(component: Any) -> Component:
    if not isinstance(component, Component):
        raise TypeError(f"evokit_components() returned {component!r:.80}, which is not a Component")
    label = f"{component.kind} {component.name!r}"
    if component.kind not in get_args(Kind):
        raise TypeError(f"{label}: unknown kind{did_you_mean(str(component.kind), get_args(Kind))}")
    options = component.options
    if not (isinstance(options, type) and is_dataclass(options)):
        raise TypeError(f"{label}: options must be a frozen dataclass, got {options!r:.80}")
    if not options.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        raise TypeError(f"{label}: options {options.__name__} must be frozen: @dataclass(frozen=True)")
    reserved = {"name", "seeds"} if component.kind == "final" else {"name"}
    for taken in sorted(reserved & {field.name for field in fields(options)}):
        raise TypeError(f"{label}: options {options.__name__} must not have a field {taken!r}, the recipe uses it")
    return component


def _refuse_twins(offers: Iterable[Offer]) -> None:
    owners: dict[tuple[str, str, str], Offer] = {}
    for offer in offers:
        component = offer.component
        first = owners.setdefault((component.kind, component.fits, component.name), offer)
        if first is not offer:
            raise UserError(
                f"{component.kind} {component.name!r} is offered twice, by {_source(first)} and by {_source(offer)}"
            )


def _source(offer: Offer) -> str:
    return f"plugin {offer.plugin!r}" + (f" of {offer.distribution}" if offer.distribution else "")


def _reason(error: Exception, path: Path | None = None) -> str:
    """The error on one line or more, with the line of ``path`` where it happened, if it did."""
    if isinstance(error, OSError) and path is not None and not path.exists():
        return "no such file"
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if path is not None and Path(frame.filename) == path.resolve()
    ]
    place = f"line {lines[-1]}: " if lines else ""
    return f"{place}{type(error).__name__}: {error}"


def raised_in(error: BaseException, registry: Registry) -> str:
    """Where a plugin that is not evokit's own raised an error, ``file.py:17``; empty if the error is ours."""
    modules = {offer.component.options.__module__.partition(".")[0]: offer.distribution for offer in registry.offers}
    foreign = {module for module, distribution in modules.items() if distribution != modules.get("evokit")}
    places = [
        f"{frame.f_code.co_filename}:{line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__", "").partition(".")[0] in foreign
    ]
    return places[-1] if places else ""
