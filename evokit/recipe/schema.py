"""A checked recipe: the core's settings, and one section per component."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum
from functools import cached_property
from pathlib import Path, PurePath
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt
from pydantic import AfterValidator, Field

from evokit.common.cores import usable_cores
from evokit.common.keys import digest, digest_bytes
from evokit.components.registry import Registry
from evokit.energy import WATTS_PER_CORE
from evokit.interfaces import Component, Context, Kind
from evokit.options import ADDED, REST, added
from evokit.recipe.yaml_source import KeyPath, Node, Problem, RecipeError, dump_yaml

SECTIONS: tuple[Kind, ...] = ("data", "fitness", "genome", "search", "selection", "crossover", "mutation")
LISTS: Mapping[str, Kind] = {"screens": "screen", "baselines": "baseline", "export": "export", "callbacks": "callback"}


@dataclass(frozen=True)
class Stop:
    """When a run ends before the search's horizon; the first that holds."""

    work: Annotated[int, Ge(1)] | None = None  # budget units measured
    seconds: Annotated[float, Gt(0)] | None = None
    target: float | None = None  # best value as good as this
    patience: Annotated[int, Ge(1)] | None = None  # generations without a new best


@dataclass(frozen=True)
class Confirm:
    """Fresh measurements before a champion is named."""

    top: Annotated[int, Ge(1)]  # how many of the best


@dataclass(frozen=True)
class Init:
    """Genes that the first population begins with, measured anew.

    Raises:
        ValueError: They come from nowhere, or from two places.
    """

    from_: Annotated[Path | None, Field(alias="from")] = None  # the run directory that they come from
    points: tuple[Any, ...] | None = added(None)  # or they themselves, as a fitness is given them or as genes in JSON
    top: Annotated[int, Ge(1)] = 8  # how many of the best of that run, at most
    genes: tuple[str, ...] | None = None  # JSON texts: a run keeps them here, so that it needs the other no more

    def __post_init__(self) -> None:
        if (self.from_ is None) == (self.points is None):
            raise ValueError("give from, the directory of a run, or points, individuals that are known")


def _device(name: str) -> str:
    kind, colon, index = name.partition(":")
    if name != "cpu" and (kind != "cuda" or (colon and not index.isdecimal())):
        raise ValueError(f"must be cpu, cuda or cuda:0, got {name!r}")
    return name


PLACEMENT = (
    "backend",
    "workers",
    "beside",
    "address",
    "num_cpus",
    "num_gpus",
)  # of execution: where it happens, which changes no number (C4)


@dataclass(frozen=True)
class Execution:
    """Where and how measurements run. All but ``PLACEMENT`` is part of the result (C4): limits decide who fails."""

    backend: Literal["processes", "inline", "ray"] = "processes"
    workers: Annotated[int, Ge(1)] | None = None  # null: as many as the cores allow, one on a GPU; ray: as fit in
    beside: bool = True  # processes: baselines are trained on up to half of the workers while the search goes on
    threads: Annotated[int, Ge(1)] = 1  # per process
    batch: Annotated[int, Ge(1)] = 8  # individuals evaluated together
    timeout_s: Annotated[float, Gt(0)] | None = None  # of an individual; a batch has that much per member
    memory_mb: Annotated[int, Ge(1)] | None = None  # of a worker's data, in MiB
    retries: Annotated[int, Ge(0)] = 1  # of an individual alone that was stopped by a limit or cost its worker
    device: Annotated[str, AfterValidator(_device)] = "cpu"
    watts_per_core: Annotated[float, Gt(0)] = WATTS_PER_CORE  # for the estimate of energy where no meter is readable
    address: str | None = None  # ray: of a cluster, host:port or auto; null: one on this machine, for this run
    num_cpus: Annotated[float, Ge(0)] = 1.0  # ray: that each worker takes up
    num_gpus: Annotated[float, Ge(0)] = 0.0  # ray: that each worker takes up, e.g. 0.25

    @property
    def n_workers(self) -> int:
        """How many workers there are."""
        if self.workers is not None:
            return self.workers
        return max(1, usable_cores() // self.threads) if self.device == "cpu" else 1

    def misfits(self) -> Iterator[tuple[str, str]]:
        """Keys that the back end cannot honour, each with what to write."""
        for key, what in (("timeout_s", "stop an evaluation"), ("memory_mb", "limit its memory")):
            value = getattr(self, key)
            if self.backend == "inline" and value is not None:
                yield key, f"backend inline cannot {what}; write execution: {{backend: processes, {key}: {value:g}}}"
        for key, default in (("address", None), ("num_cpus", 1.0), ("num_gpus", 0.0)):
            value = getattr(self, key)
            if self.backend != "ray" and value != default:
                yield key, f"backend {self.backend} does not read it; write execution: {{backend: ray, {key}: {value}}}"
        if self.backend == "ray" and self.device != "cpu" and not self.num_gpus:
            yield "num_gpus", "Ray hides all GPUs from workers that ask for none; write the share of one, e.g. 0.25"
        if self.backend == "ray" and ":" in self.device:
            yield "device", "Ray chooses the card, and a worker sees no other; write device: cuda"


@dataclass(frozen=True)
class Core:
    """The settings that need no plugin."""

    seed: Annotated[int, Ge(0)] = 0
    repeats: Annotated[int, Ge(1)] = 1
    stop: Stop = field(default_factory=Stop)
    confirm: Confirm | None = None
    init: Init | None = None
    execution: Execution = field(default_factory=Execution)


@dataclass(frozen=True)
class Section:
    """A component with its checked options.

    Attributes:
        where: ``file:line``; of a nested section, where the outermost one begins.
        given: The options that the recipe gives, before defaults; of a nested section, with them.
    """

    kind: Kind
    component: Component
    options: Any
    where: str = field(default="", compare=False)
    given: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def name(self) -> str:
        return self.component.name

    @property
    def maker(self) -> Callable[[Context], Any] | None:
        """What builds the real thing; None if the options are it. See ``Component.maker``."""
        return self.component.maker(self.options)


RESERVED = frozenset({"champion", "search", "confirm", "test", "vault"})
"""Names that something else has in the results."""


def names_of(baselines: Sequence[Section]) -> list[str]:
    """The name of each in the results: its ``label``, or else its component's; a second ``adamw`` is ``adamw-2``."""
    seen: Counter[str] = Counter()
    names = []
    for section in baselines:
        name: str = getattr(section.options, "label", "")
        if not name:
            seen[section.name] += 1
            name = section.name if seen[section.name] == 1 else f"{section.name}-{seen[section.name]}"
        names.append(name)
    return names


@dataclass(frozen=True)
class Ending:
    """The part of ``final`` that is the core's."""

    seeds: Annotated[int, Ge(1)] = 1  # how many finished models are made of the champion
    test: bool = added(True)  # whether they are scored on the test split; false while a recipe is developed


@dataclass(frozen=True)
class Final(Ending):
    """What is made of the champion, by the fitness's one ``final`` component if it has one."""

    section: Section | None = None

    def values(self, path: Callable[[PurePath], str] = str, brief: bool = False) -> dict[str, Any]:
        """JSON values with every default, as ``as_json`` has them."""
        core: dict[str, Any] = as_json(Ending(self.seeds, self.test), path, brief)
        return core | (as_json(self.section.options, path, brief) if self.section else {})


@dataclass(frozen=True)
class Recipe:
    """A run, checked: every section names a component that exists and options that it takes."""

    path: Path = field(compare=False)
    seed: int
    repeats: int
    stop: Stop
    confirm: Confirm | None
    init: Init | None
    execution: Execution
    fitness: Section
    genome: Section
    search: Section
    data: Section | None
    selection: Section | None
    crossover: Section | None
    mutation: Section | None
    screens: tuple[Section, ...]
    baselines: tuple[Section, ...]
    exports: tuple[Section, ...]
    final: Final
    plugins: tuple[Path, ...]  # local files, absolute
    registry: Registry = field(repr=False, compare=False)
    source: Node = field(repr=False, compare=False)
    callbacks: tuple[Section, ...] = ()
    asked: tuple[str, ...] = field(default=(), compare=False)  # the words of a command that mean it: a name, --set ...

    @cached_property
    def resolved(self) -> dict[str, Any]:
        """JSON values with every default, no ``extends``, absolute paths; loads to an equal recipe."""
        return {**self._values(str), "plugins": [str(path) for path in self.plugins]}

    @cached_property
    def portable(self) -> dict[str, Any]:
        """As ``resolved``, with paths by their names, wherever files lie, and without defaults that were added."""
        return {**self._values(lambda path: path.name, brief=True), "plugins": [path.name for path in self.plugins]}

    @cached_property
    def digest(self) -> str:
        """Identity for resuming and comparing.

        Without what may change when a finished run goes on: ``search.generations``, ``stop``, ``export``,
        ``final.test``, and what decides nothing: ``callbacks``. Local plugins count by name and content, unless all
        that they do is listen, other paths by name, wherever they lie; so do the genes of ``init``, wherever they come
        from. What lies at a path counts in the digest of the data and the fitness's context.
        """
        kept = {key: value for key, value in self.portable.items() if key not in ("stop", "export", "callbacks")}
        search = {key: value for key, value in kept["search"].items() if key != "generations"}
        final = {key: value for key, value in kept["final"].items() if key != "test"}
        execution = {key: value for key, value in kept["execution"].items() if key not in PLACEMENT}
        plugins = [[path.name, digest_bytes(path.read_bytes())] for path in self.plugins if not self._listens(path)]
        if self.init is not None and self.init.genes is not None:
            kept["init"] = self.init.genes
        return digest({**kept, "search": search, "final": final, "execution": execution, "plugins": plugins})

    def _values(self, path: Callable[[PurePath], str], brief: bool = False) -> dict[str, Any]:
        sections = {kind: getattr(self, kind) for kind in SECTIONS}
        lists = {"screens": self.screens, "baselines": self.baselines, "export": self.exports}
        values: dict[str, Any] = {
            "seed": self.seed,
            "repeats": self.repeats,
            "plugins": [],
            **{kind: as_json(section, path, brief) for kind, section in sections.items() if section},
            "stop": as_json(self.stop),
            "confirm": as_json(self.confirm),
            "init": as_json(self.init, path, brief),
            "final": self.final.values(path, brief),
            "execution": as_json(self.execution),
            **{key: as_json(chain, path, brief) for key, chain in lists.items()},
            **({"callbacks": as_json(self.callbacks, path, brief)} if self.callbacks else {}),
        }
        return {key: value for key, value in values.items() if value is not None}

    def components(self) -> Iterator[Section]:
        """Every section that names a component, those inside options included; of callbacks a worker needs none."""
        one = [section for kind in SECTIONS if (section := getattr(self, kind))]
        final = [self.final.section] if self.final.section else []
        for section in (*one, *self.screens, *self.baselines, *final, *self.exports):
            yield from (value for _, value in walk(section) if isinstance(value, Section))

    def _listens(self, plugin: Path) -> bool:
        """Whether a local plugin has callbacks alone, which decide no number."""
        return os.path.realpath(plugin) in self.registry.listening

    def to_yaml(self) -> str:
        """The resolved recipe as a file."""
        return self._yaml

    @cached_property
    def _yaml(self) -> str:
        return dump_yaml(self.resolved)

    def error(self, path: KeyPath, message: str) -> RecipeError:
        """An error to raise for a problem found later: ``raise recipe.error(("genome", "length"), "...")``."""
        return RecipeError([str(Problem(self.source.nearest(path), path, message))])


def as_json(value: Any, path: Callable[[PurePath], str] = str, brief: bool = False) -> Any:
    """Options as JSON values: what a recipe may say to get them.

    Args:
        value: Options, or a value of them.
        path: How a path is written.
        brief: Whether options that were added later are left out where they have their default.
    """
    if isinstance(value, Section):
        return {"name": value.name, **as_json(value.options, path, brief)}
    if is_dataclass(value) and not isinstance(value, type):
        return {name: as_json(item, path, brief) for name, item in _fields(value, brief)}
    if isinstance(value, Mapping):
        return {str(key): as_json(item, path, brief) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(as_json(item, path, brief) for item in value)
    if isinstance(value, list | tuple):
        return [as_json(item, path, brief) for item in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, PurePath):
        return path(value)
    return str(value) if isinstance(value, str) else value  # YAML has no place for a subclass of str


def walk(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Every value inside options with its path, nested sections included."""
    yield path, value
    if isinstance(value, Section):
        below: Any = _fields(value.options)
    elif is_dataclass(value) and not isinstance(value, type):
        below = _fields(value)
    elif isinstance(value, Mapping):
        below = value.items()
    else:
        below = enumerate(value) if isinstance(value, list | tuple) else ()
    for key, item in below:
        yield from walk(item, (*path, key))


def key_of_field(name: str) -> str:
    """The recipe's key for an option: a field that would be a word of Python, such as ``from``, ends in ``_``."""
    return name.removesuffix("_")


def _fields(options: Any, brief: bool = False) -> list[tuple[str, Any]]:
    taken = [field for field in fields(options) if field.init]
    if brief:
        taken = [one for one in taken if not (ADDED in one.metadata and getattr(options, one.name) == one.default)]
    found: list[tuple[str, Any]] = []
    for one in taken:
        value = getattr(options, one.name)
        found += value.items() if REST in one.metadata else [(key_of_field(one.name), value)]
    return found
