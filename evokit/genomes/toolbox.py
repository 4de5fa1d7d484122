"""The individuals of a DEAP script as a genome: its functions make, cross and mutate them."""

from __future__ import annotations

import functools
import pickle
import random
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any, ClassVar

import numpy as np
from deap import base, creator, gp

from evokit.common.code import GLOBAL_NUMPY, GLOBAL_PYTHON, code_digest
from evokit.contracts.blame import ContractError, blamed
from evokit.contracts.global_generators import driven_by
from evokit.errors import UserError
from evokit.genomes.deap_json import Codec
from evokit.interfaces import Context

TAKEN = ("individual", "population", "evaluate", "mate", "mutate", "select")


class Script:
    """What a toolbox has registered, called one at a time: with new individuals, and with chance that is given.

    While a function runs, Python's and NumPy's global generators follow what it is given, and are as before afterwards.

    Args:
        toolbox: Of a DEAP script, with ``evaluate`` and ``individual`` or ``population``.

    Raises:
        UserError: Something is not registered, or its individuals are none of ``deap.creator``.
    """

    def __init__(self, toolbox: base.Toolbox) -> None:
        functions = {name: getattr(toolbox, name) for name in TAKEN if hasattr(toolbox, name)}
        missing = [] if "evaluate" in functions else ["evaluate"]
        missing += [] if functions.keys() & {"individual", "population"} else ["individual"]
        if missing:
            raise UserError(f"the toolbox has no {' and no '.join(missing)}: register it as DEAP's examples do")
        self.functions = functions
        self.sets = list(_sets_of(vars(toolbox)))
        with driven_by(np.random.default_rng(0)):
            one = self._individual()
        self.kind = type(one)
        fitness = getattr(one, "fitness", None)
        if not isinstance(self.kind, creator.MetaCreator) or not isinstance(fitness, base.Fitness):
            raise UserError(
                f"toolbox.individual() is a {self.kind.__name__} without a fitness: create its class with"
                " deap.creator.create(..., fitness=...)"
            )
        self.classes = {kind.__name__: kind for kind in [gp.PrimitiveTree, type(fitness), *_classes_of(one)]}
        self.weights = tuple(map(float, fitness.weights))
        if not all(self.weights):
            raise UserError(f"weights {self.weights}: one is 0, so that it is neither an objective to min nor to max")
        written = self.codec.write(one)
        if self.codec.write(self.codec.read(written)) != written:
            raise UserError(f"individuals of this toolbox cannot be kept: a copy of {one!r:.60} is not like it")

    @functools.cached_property
    def codec(self) -> Codec:
        return Codec(self.classes, self.sets)

    def digest(self) -> str:
        """What decides what the functions do. Raises ``Untellable`` if nobody can tell."""
        functions, sets = self.functions, self.sets
        classes = [getattr(one, "reduce_args", name) for name, one in sorted(self.classes.items())]
        return code_digest(lambda: (functions, sets, classes))

    def random(self, rng: np.random.Generator) -> Any:
        """The genes of a new individual."""
        with driven_by(rng):
            return self.codec.write(self._individual())

    def vary(self, name: str, rng: np.random.Generator, *genes: Any) -> list[Any]:
        """What ``mate`` or ``mutate`` makes of genes.

        Raises:
            ContractError: It raised, or did not return a tuple of as many individuals.
        """
        if name not in self.functions:
            raise UserError(f"the toolbox has no {name}: register it as DEAP's examples do")
        with blamed(self.functions[name]), driven_by(rng):
            made = self.functions[name](*map(self.codec.read, genes))
        if type(made) in (tuple, list) and len(made) == len(genes) and all(type(one) is self.kind for one in made):
            return [self.codec.write(one) for one in made]
        wanted = "two individuals: return a, b" if len(genes) == 2 else "one individual: return individual,"
        raise ContractError(f"toolbox.{name} returned {made!r:.60}, DEAP's operators return a tuple of {wanted}")

    def _individual(self) -> Any:
        if make := self.functions.get("individual"):
            return make()
        return self.functions["population"](n=1)[0]

    def dumped(self) -> bytes:
        """As bytes that another process can read, whatever of it is of a notebook, a script or a lambda."""
        import cloudpickle

        class Pickler(cloudpickle.Pickler):  # type: ignore[misc] # of no known type
            def reducer_override(self, thing: Any) -> Any:
                if isinstance(thing, creator.MetaCreator):
                    return _class, thing.reduce_args
                if thing is GLOBAL_PYTHON:  # which ``random.randint`` is a method of: a copy would draw by itself
                    return getattr, (random, "_inst")
                if thing is GLOBAL_NUMPY:
                    return getattr, (np.random.mtrand, "_rand")
                if isinstance(thing, gp.MetaEphemeral):
                    return gp.MetaEphemeral, (thing.name, thing.func, thing.ret)
                return super().reducer_override(thing)

        content = BytesIO()
        Pickler(content).dump(self)
        return content.getvalue()

    def __getstate__(self) -> dict[str, Any]:
        return {name: one for name, one in vars(self).items() if name != "codec"}


def loaded(content: bytes) -> Script:
    """What ``Script.dumped`` gave."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # DEAP's, of classes made again
        script: Script = pickle.loads(content)
    return script


@contextmanager
def without_map(toolbox: base.Toolbox) -> Iterator[None]:
    """Python's own ``map`` in place of a pool's, which no function can be sent with."""
    mine = toolbox.map
    toolbox.map = map
    try:
        yield
    finally:
        toolbox.map = mine


def _class(name: str, kind: type, members: Mapping[str, Any]) -> type:
    """A class of ``deap.creator``, which functions of the script find there."""
    made: type = creator.MetaCreator(name, kind, members)
    if not hasattr(creator, name):
        setattr(creator, name, made)
    return made


def _classes_of(value: Any) -> Iterator[type]:
    """Classes of ``deap.creator`` in an individual: its own, and those of its attributes and elements."""
    if isinstance(type(value), creator.MetaCreator):
        yield type(value)
        for one in vars(value).values():
            yield from _classes_of(one)
    if isinstance(value, list | tuple | set):
        for one in value:
            yield from _classes_of(one)


def _sets_of(functions: Mapping[str, Any]) -> Iterator[gp.PrimitiveSetTyped]:
    """Primitive sets among what a toolbox's functions are registered with, each once, in their order."""
    found: list[Any] = []
    for one in functions.values():
        given = [*getattr(one, "args", ()), *(getattr(one, "keywords", None) or {}).values()]
        found += [value for value in given if isinstance(value, gp.PrimitiveSetTyped)]
        found += [each for value in given if isinstance(value, list | tuple) for each in value]
    sets = [one for one in found if isinstance(one, gp.PrimitiveSetTyped)]
    yield from {id(one): one for one in sets}.values()


@dataclass(frozen=True)
class ToolboxGenome:
    """The individuals of a DEAP script; belongs to the fitness ``toolbox``, see ``evokit.wrap``.

    Genes are their content as JSON values: lists, sets, arrays, trees with all attributes of an individual.

    Raises:
        ValueError: In ``build``: the fitness is another one.
    """

    genes: ClassVar[str] = "deap"
    phenotype: ClassVar[str] = "deap"

    def build(self, context: Context) -> ScriptGenome:
        script = getattr(context.fitness, "script", None)
        if not isinstance(script, Script):
            raise ValueError("toolbox: is for the fitness toolbox alone, whose individuals it makes")
        return ScriptGenome(script)


class ScriptGenome:
    """What ``ToolboxGenome`` builds. Genes are JSON values, the phenotype an individual of the script, made anew."""

    genes: ClassVar[str] = "deap"
    phenotype: ClassVar[str] = "deap"

    def __init__(self, script: Script) -> None:
        self.script = script
        self.random: Callable[[np.random.Generator], Any] = script.random
        self.express: Callable[[Any], Any] = script.codec.read

    def crossover(self, a: Any, b: Any, rng: np.random.Generator) -> tuple[Any, Any]:
        first, second = self.script.vary("mate", rng, a, b)
        return first, second

    def mutate(self, genes: Any, rng: np.random.Generator) -> Any:
        (made,) = self.script.vary("mutate", rng, genes)
        return made

    def to_json(self, genes: Any) -> Any:
        return genes

    def from_json(self, data: Any) -> Any:
        return data

    def show(self, genes: Any) -> str:
        return str(self.express(genes))
