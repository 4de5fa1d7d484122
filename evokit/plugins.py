"""Finding plugins and what they offer: local files, then entry points of group ``evokit``."""

from __future__ import annotations

import functools
import importlib.util
import inspect
import logging
import multiprocessing
import os
import re
import sys
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import redirect_stdout
from functools import partial
from importlib import metadata
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, NamedTuple, get_args

import pluggy

from evokit import hookspecs
from evokit.common.extras import DISTRIBUTION
from evokit.common.keys import digest_bytes
from evokit.common.names import did_you_mean, listed
from evokit.common.stops import Stopped
from evokit.components.declared import refuse_wrong_options
from evokit.components.registry import SEPARATOR, Broken, Offer, Registry, named
from evokit.errors import UserError, readable
from evokit.facts import METHODS
from evokit.interfaces import Component, Kind

GROUP = "evokit"  # of entry points
PLACE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")  # of a class or function, ``module:name``
REPORT = "evokit_report_sections"
TEXT = "_evokit_text"  # of a module that was a file, the file's content
RESTRICT = "EVOKIT_PLUGINS"  # comma-separated entry-point names; if set, no others load

log = logging.getLogger("evokit")


class Entry(NamedTuple):
    """An entry point with the name and the version of the distribution that brings it."""

    point: metadata.EntryPoint
    distribution: str
    version: str


def load_plugins(local: Sequence[Path] = ()) -> Registry:
    """Load local plugin files, then all installed plugins, and collect what they offer.

    What they print goes to standard error, so that the output of a command stays its own.

    Args:
        local: Python files, in the order of the recipe. They are trusted: they run.

    Returns:
        All offers. An installed plugin that cannot be loaded is in ``broken`` and harms no other. Of names that several
        plugins offer a warning is logged, once in a process.

    Raises:
        UserError: A local file is broken or listed twice, or the environment variable ``EVOKIT_PLUGINS`` names a plugin
            that is not installed.
        KeyboardInterrupt: A person pressed Ctrl-C meanwhile.
    """
    manager = pluggy.PluginManager("evokit")
    manager.add_hookspecs(hookspecs)
    offers: list[Offer] = []
    broken: list[Broken] = []
    loaded: dict[str, str] = {}
    twins: list[str] = []
    with redirect_stdout(sys.stderr):
        for path in local:
            try:
                module = import_file(path)
                components = _register(manager, module, path.name)
            except BaseException as error:
                _let_ctrl_c_pass(error)
                raise UserError(f"plugin {path}: {_reason(error, path)}") from error
            offers += [Offer(component, path.name, file=_file(module)) for component in components]
        for point, distribution, version in _entry_points():
            try:
                module = point.load()
                components = _register(manager, module, point.name, ours=distribution == DISTRIBUTION)
            except BaseException as error:
                _let_ctrl_c_pass(error)
                broken.append(Broken(point.name, distribution, _reason(error)))
                if first := loaded.get(point.name):
                    twins.append(
                        f"{first} and {distribution} both install a plugin {point.name!r}; that of {first} is used"
                    )
            else:
                loaded[point.name] = distribution
                file = _file(module)
                offers += [Offer(component, point.name, distribution, version, file) for component in components]
    called, shared = named(offers)
    callbacks = [(manager.get_name(one) or "", Hooked(manager, one)) for one in manager.get_plugins()]
    remarks = (*twins, *shared)
    for remark in remarks:
        _warn_once(remark)
    heard = sorted(((name, one) for name, one in callbacks if vars(one)), key=lambda named: named[0])
    reporting = tuple(_reporting(manager))
    return Registry(called, tuple(broken), remarks, tuple(heard), _listening(offers, local), reporting)


class Hooked:
    """A plugin that listens to runs, as a callback with a method for each of its hooks."""

    def __init__(self, manager: pluggy.PluginManager, plugin: Any) -> None:
        others = [other for other in manager.get_plugins() if other is not plugin]
        mine = {caller.name for caller in manager.get_hookcallers(plugin) or ()}
        for method, word in METHODS.items():
            if (hook := f"evokit_{method}") in mine:
                setattr(self, method, partial(_called, manager.subset_hook_caller(hook, others), word))


def _called(caller: pluggy.HookCaller, word: str, run: Any, fact: Any = None) -> bool:
    return any(answer is True for answer in caller(run=run, **({word: fact} if word else {})))


def _reporting(manager: pluggy.PluginManager) -> Iterator[tuple[str, pluggy.HookCaller]]:
    """Each plugin that adds sections to reports, alone, so that one that raises harms no other; by name."""
    for name, plugin in sorted(manager.list_name_plugin()):
        if any(caller.name == REPORT for caller in manager.get_hookcallers(plugin) or ()):
            others = [other for other in manager.get_plugins() if other is not plugin]
            yield name, manager.subset_hook_caller(REPORT, others)


def _listening(offers: Iterable[Offer], local: Sequence[Path]) -> frozenset[str]:
    deciding = {offer.file for offer in offers if offer.component.kind != "callback"}
    return frozenset(os.path.realpath(path) for path in local) - deciding


@functools.cache
def _warn_once(remark: str) -> None:
    if multiprocessing.parent_process() is None:  # workers load the same plugins as the command that started them
        log.warning("%s", remark)


def _entry_points() -> Sequence[Entry]:
    """Those that are to be loaded, by name; of two with one name the built-in first."""
    entries = _installed(tuple((place, _changed(place)) for place in sys.path))
    if RESTRICT not in os.environ:
        return entries
    wanted = [name.strip() for name in os.environ[RESTRICT].split(",") if name.strip()]
    installed = [entry.point.name for entry in entries]
    for name in wanted:
        if name not in installed:
            raise UserError(
                f"{RESTRICT}: no plugin {name!r} is installed{did_you_mean(name, installed)} "
                f"(installed: {listed(installed)})"
            )
    return [entry for entry in entries if entry.point.name in wanted]


@functools.lru_cache(maxsize=4)
def _installed(places: tuple[tuple[str, int], ...]) -> tuple[Entry, ...]:
    """All that are installed, sorted.

    Args:
        places: Where modules are looked for, each with its last change. Looking there takes as long as a small run.
    """
    found = []
    for point in metadata.entry_points(group=GROUP):
        name, version = (point.dist.name, point.dist.version) if point.dist else ("unknown", "")
        found.append(Entry(point, name, version))
    return tuple(sorted(found, key=_rank))


def _changed(place: str) -> int:
    """When something was added to a folder or taken from it, in nanoseconds; 0 if it is not there."""
    try:
        return os.stat(place or ".").st_mtime_ns
    except OSError:
        return 0


def _rank(entry: Entry) -> tuple[str, bool, str]:
    return entry.point.name, entry.distribution != DISTRIBUTION, entry.distribution


class _AsItIs(SourceFileLoader):
    """Kept bytecode counts as fresh while its file's size and time, in seconds, are the same; here none is used."""

    def get_code(self, fullname: str) -> CodeType:
        code: CodeType = self.source_to_code(self.get_data(self.path), self.path)
        return code


def import_file(path: Path) -> ModuleType:
    """A Python file as a module, under a name that its place decides; the same one again while its text is the same.

    So its classes are those that ``sys.modules`` has, however often it is loaded.
    """
    full = path.resolve(strict=True)
    # The place decides the name, so that files of one name do not meet and another process finds the same classes.
    name = f"evokit_local_{full.stem}_{digest_bytes(str(full).encode(), 6)}"
    text = full.read_bytes()
    if (known := sys.modules.get(name)) and getattr(known, TEXT, None) == text:
        return known
    spec = importlib.util.spec_from_file_location(name, full, loader=_AsItIs(name, str(full)))
    if spec is None or spec.loader is None:
        raise ImportError("not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their annotations up there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    setattr(module, TEXT, text)
    return module


def _file(plugin: Any) -> str:
    """Where a plugin's module lies, empty if it is none."""
    file = getattr(plugin, "__file__", None)
    return os.path.realpath(file) if isinstance(file, str) else ""


def _register(manager: pluggy.PluginManager, plugin: Any, name: str, ours: bool = False) -> list[Component]:
    """Register a plugin and ask it for its components; a plugin that is refused is not left behind."""
    try:
        manager.register(plugin, name)
    except ValueError as error:
        other = manager.get_plugin(name) or plugin
        raise ValueError(
            f"a plugin {manager.get_name(other)!r} is loaded already: {getattr(other, '__file__', other)}; "
            "keep one of the two"
        ) from error
    try:
        _refuse_unknown(plugin)
        manager.check_pending()
        _refuse_unmarked(manager, plugin)
        others = [other for other in manager.get_plugins() if other is not plugin]
        answers = manager.subset_hook_caller("evokit_components", others)()
        offers = any(caller.name == "evokit_components" for caller in manager.get_hookcallers(plugin) or ())
        if offers and not answers:
            raise TypeError("evokit_components() returned nothing; it must return a list of Components")
        components = [_checked(component, ours) for answer in answers for component in _items(answer)]
        _refuse_twins(components)
        return components
    except BaseException:
        manager.unregister(plugin)
        raise


def _refuse_unknown(plugin: Any) -> None:
    known = [name for name in vars(hookspecs) if name.startswith("evokit_")]
    for name, value in getattr(plugin, "__dict__", {}).items():
        if inspect.isfunction(value) and hasattr(value, "evokit_impl") and name not in known:
            raise TypeError(f"there is no hook {name!r}{did_you_mean(name, known)}")


def _refuse_unmarked(manager: pluggy.PluginManager, plugin: Any) -> None:
    if not hasattr(plugin, "__dict__"):
        raise TypeError(f"its entry point must name a module, got {type(plugin).__name__}")
    for name, value in vars(plugin).items():
        if name.startswith("evokit_") and inspect.isfunction(value) and not hasattr(value, "evokit_impl"):
            raise TypeError(f"{name} is never called: it lacks the decorator @hookimpl")
    if not manager.get_hookcallers(plugin):
        raise TypeError("it has no function marked @hookimpl, so it offers nothing")


def _items(answer: Any) -> Iterable[Any]:
    if isinstance(answer, str) or not isinstance(answer, Iterable):
        raise TypeError(f"evokit_components() must return a list of Components, got {type(answer).__name__}")
    return answer


def _checked(component: Any, ours: bool) -> Component:
    """What a plugin offers, looked at by ``_held``; a plugin is loaded whole or not, so that no recipe means another
    component of that name than the one that its author sees."""
    try:
        return _held(component, ours)
    except TypeError as error:
        raise TypeError(
            f"{error} (mend it or take it out of evokit_components(): nothing else of this plugin can be used before)"
        ) from error


def _held(component: Any, ours: bool) -> Component:
    """What a plugin offers, looked at. Options that ours only name are looked at by a test: a listing imports none."""
    if not isinstance(component, Component):
        raise TypeError(f"evokit_components() returned {component!r:.80}, which is not a Component")
    label = f"{component.kind} {component.name!r}"
    if component.kind not in get_args(Kind):
        raise TypeError(f"{label}: unknown kind{did_you_mean(str(component.kind), get_args(Kind))}")
    if not isinstance(component.name, str) or not component.name or SEPARATOR in component.name:
        raise TypeError(f"{label}: a name must be text without {SEPARATOR!r}")
    if not isinstance(component.fits, str):
        raise TypeError(f"{label}: fits must be the name of a fitness, got {component.fits!r:.80}")
    if not isinstance(component.extra, str):
        raise TypeError(f"{label}: extra must be the name of an extra, got {component.extra!r:.80}")
    if not callable(component.build) and not (component.build == "" or PLACE.fullmatch(str(component.build))):
        raise TypeError(f"{label}: build must be a function or 'module:function', got {component.build!r:.80}")
    if not isinstance(component.options, str):
        refuse_wrong_options(component)
        return component
    if not PLACE.fullmatch(component.options):
        raise TypeError(f"{label}: options must be a class or 'module:Class', got {component.options!r:.80}")
    if not ours:
        try:
            refuse_wrong_options(component)
        except (ImportError, AttributeError) as error:
            raise TypeError(f"{label}: there are no options at {component.options!r}: {error}") from error
    return component


def _refuse_twins(components: Iterable[Component]) -> None:
    counts = Counter((one.kind, one.name, one.fits) for one in components)
    for (kind, name, _), count in counts.items():
        if count > 1:
            raise TypeError(f"{kind} {name!r} is offered twice; give one of them another name")


def _let_ctrl_c_pass(error: BaseException) -> None:
    """Raise a ``KeyboardInterrupt`` again, unless the plugin raised it itself."""
    if isinstance(error, Stopped):
        raise error
    if isinstance(error, KeyboardInterrupt):
        *_, last = traceback.extract_tb(error.__traceback__)
        if not (last.line or "").startswith("raise"):
            raise error


def _reason(error: BaseException, path: Path | None = None) -> str:
    """The error in one sentence, with the line of the plugin's file where it happened.

    Args:
        error: What loading a plugin raised.
        path: Of a local file, whose name the reader knows; else file and line are told.
    """
    if isinstance(error, OSError) and path is not None and not path.exists():
        return "no such file"
    if isinstance(error, SystemExit):
        what = f"it ended the process: sys.exit({error.code!r})"
    else:
        text = " ".join(str(error).split())
        what = f"{type(error).__name__}: {text}" if text else type(error).__name__
    what = readable(what)
    *_, last = [None, *_places(error, path)]
    if last is None:
        return what
    return f"{'line ' if path else f'{last.filename}:'}{last.lineno}: {what}"


def _places(error: BaseException, path: Path | None) -> Iterator[traceback.FrameSummary]:
    """The frames of a traceback in the local file, or else in what is neither evokit nor the machinery of imports."""
    machinery = (os.path.dirname(__file__), os.path.dirname(pluggy.__file__), os.path.dirname(importlib.__file__))
    for frame in traceback.extract_tb(error.__traceback__):
        if path is not None:
            ours = Path(frame.filename) == path.resolve()
        else:
            ours = not frame.filename.startswith(("<", *machinery))
        if ours:
            yield frame


def raised_in(error: BaseException, registry: Registry) -> str:
    """Where a plugin that is not evokit's own raised an error, ``file.py:17``; empty if the error is ours."""
    offers = (offer for offer in registry.offers if not offer.built_in)
    foreign = {_module(offer.component.options).partition(".")[0] for offer in offers}
    places = [
        f"{frame.f_code.co_filename}:{line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__", "").partition(".")[0] in foreign
    ]
    return places[-1] if places else ""


def _module(options: type | str) -> str:
    return options.partition(":")[0] if isinstance(options, str) else options.__module__
