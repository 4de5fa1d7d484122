"""Small components for recipe tests: nothing is ever built from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Gt, Interval

from evokit.hookspecs import hookimpl
from evokit.interfaces import Component, Context
from evokit.recipe import Nested


@dataclass(frozen=True)
class Bits:
    length: Annotated[int, Ge(1)]
    genes: ClassVar[str] = "bits"
    phenotype: ClassVar[str] = "bits"


@dataclass(frozen=True)
class Tours:
    n_cities: Annotated[int, Ge(3)] = 5
    phenotype: ClassVar[str] = "order"


@dataclass(frozen=True)
class Onemax:
    takes: ClassVar[frozenset[str]] = frozenset({"bits"})


@dataclass(frozen=True)
class Length:
    takes: ClassVar[frozenset[str]] = frozenset({"order"})


@dataclass(frozen=True)
class Model:
    width: Annotated[int, Ge(1)] = 8
    kinds: tuple[Literal["dense", "sparse"], ...] = ("dense",)


@dataclass(frozen=True)
class Loss:
    """Options of many types."""

    model: Model = field(default_factory=Model)
    tokens: Annotated[int, Gt(0)] | Literal["all"] = "all"
    share: Annotated[float, Interval(ge=0, le=1)] = 1
    folder: Path | None = None
    low: int = 0
    high: int = 1

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"low must not be above high, got {self.low} and {self.high}")


@dataclass(frozen=True)
class Generational:
    population: Annotated[int, Ge(2)] = 32
    generations: Annotated[int, Ge(1)] = 10
    reads: ClassVar[frozenset[str]] = frozenset({"selection", "crossover", "mutation", "screens"})


@dataclass(frozen=True)
class RandomSearch:
    pass


@dataclass(frozen=True)
class Within:
    first: Annotated[Mapping[str, Any], Nested("search")] = field(default_factory=lambda: {"name": "random_search"})
    others: tuple[Annotated[Mapping[str, Any], Nested("search")], ...] = ()


@dataclass(frozen=True)
class Tournament:
    size: Annotated[int, Ge(1)] = 3


@dataclass(frozen=True)
class Uniform:
    prob: Annotated[float, Interval(ge=0, le=1)] = 0.5
    genes: ClassVar[frozenset[str]] = frozenset({"bits", "index_vector"})


@dataclass(frozen=True)
class Gaussian:
    sigma: float = 1.0
    genes: ClassVar[frozenset[str]] = frozenset({"real_vector"})


@dataclass(frozen=True)
class Own:
    pass


@dataclass(frozen=True)
class Ridge:
    alpha: Annotated[float, Ge(0)] = 1

    def build(self, context: Context) -> str:
        return f"ridge {self.alpha}"


@dataclass(frozen=True)
class SurrogateScreen:
    model: Annotated[Mapping[str, Any], Nested("surrogate")] = field(default_factory=lambda: {"name": "ridge"})
    others: tuple[Annotated[Mapping[str, Any], Nested("surrogate")], ...] = ()
    spare: Annotated[Mapping[str, Any], Nested("surrogate")] | None = None
    top: Annotated[float, Interval(ge=0, le=1)] = 0.2


@dataclass(frozen=True)
class AdamW:
    steps: Annotated[int, Ge(1)] = 10


@dataclass(frozen=True)
class Assemble:
    polish: Annotated[int, Ge(0)] = 0


@hookimpl
def evokit_components() -> list[Component]:
    return [
        Component("genome", "bits", Bits),
        Component("genome", "tours", Tours),
        Component("fitness", "onemax", Onemax),
        Component("fitness", "length", Length),
        Component("fitness", "loss", Loss),
        Component("search", "generational", Generational),
        Component("search", "random_search", RandomSearch),
        Component("search", "within", Within),
        Component("selection", "tournament", Tournament),
        Component("crossover", "uniform", Uniform),
        Component("crossover", "own", Own),
        Component("mutation", "flip", Uniform),
        Component("mutation", "gaussian", Gaussian),
        Component("mutation", "own", Own),
        Component("surrogate", "ridge", Ridge),
        Component("surrogate", "kriging", Gaussian),
        Component("screen", "surrogate", SurrogateScreen),
        Component("baseline", "adamw", AdamW, fits="loss"),
        Component("baseline", "random_search", RandomSearch),
        Component("final", "assemble", Assemble, fits="loss"),
        Component("export", "files", RandomSearch, fits="loss"),
    ]
