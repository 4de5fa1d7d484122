"""What each kind of parameter does: one value of it is a gene, a number or a tuple of places."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evokit.crossover.order import order_rows
from evokit.genomes.space.parameters import Choice, Float, Int, Order, Parameter, Subset, same
from evokit.mutation.inversion import inversion_mutation


class Kind(ABC):
    """A parameter alone, whatever its length.

    Attributes:
        numeric: Whether genes lie on a line, so that ``unit`` and ``at`` are there.
        constant: Whether there is a single value.
    """

    numeric: ClassVar[bool] = False
    constant: bool = False

    @abstractmethod
    def random(self, rng: np.random.Generator) -> Any:
        """A gene, each as likely; with ``log`` each factor."""

    @abstractmethod
    def express(self, gene: Any) -> Any:
        """The value that a gene stands for, a JSON value."""

    @abstractmethod
    def gene(self, value: Any) -> Any:
        """The inverse. Raises ``ValueError``: the parameter never has such a value."""

    def mutated(self, gene: Any, rng: np.random.Generator) -> Any:
        """Another gene; for kinds that are not numeric."""
        raise NotImplementedError

    def crossed(self, a: Any, b: Any, rng: np.random.Generator) -> tuple[Any, Any]:
        """Two genes of two that differ; for kinds that are not numeric. Here they change sides in half the cases."""
        return (b, a) if rng.random() < 0.5 else (a, b)

    @abstractmethod
    def features(self, gene: Any | None) -> list[float]:
        """Numbers for a surrogate, always as many; of None, which does not exist, those of nothing in particular."""

    @abstractmethod
    def distance(self, a: Any, b: Any) -> float:
        """From 0 to 1."""


class Numeric(Kind):
    """Genes on a line: ``unit`` is where one lies between the lowest, 0, and the highest, 1.

    Attributes:
        step: In the unit; 0 where all numbers are genes, or steps are unequal.
        whole: Whether genes have neighbours.
    """

    numeric = True
    step: float = 0.0
    whole: bool = False

    @abstractmethod
    def unit(self, gene: Any) -> float: ...

    @abstractmethod
    def at(self, unit: float) -> Any:
        """The gene nearest to a place from 0 to 1."""

    def neighbour(self, gene: Any, up: bool) -> Any:
        """The next gene, at an end the one before it; where ``whole``."""
        raise NotImplementedError

    def features(self, gene: Any | None) -> list[float]:
        return [0.5 if gene is None else self.unit(gene)]

    def distance(self, a: Any, b: Any) -> float:
        return abs(self.unit(a) - self.unit(b))


@dataclass(frozen=True)
class Real(Numeric):
    """Genes are the numbers themselves."""

    parameter: Float

    def _scale(self, value: float) -> float:
        return math.log(value) if self.parameter.log else value

    def unit(self, gene: float) -> float:
        low, high = self._scale(self.parameter.low), self._scale(self.parameter.high)
        return (self._scale(gene) - low) / (high - low)

    def at(self, unit: float) -> float:
        low, high = self._scale(self.parameter.low), self._scale(self.parameter.high)
        value = low + float(unit) * (high - low)
        return min(max(math.exp(value) if self.parameter.log else value, self.parameter.low), self.parameter.high)

    def random(self, rng: np.random.Generator) -> float:
        return self.at(rng.random())

    def express(self, gene: float) -> float:
        return gene

    def gene(self, value: Any) -> float:
        low, high = self.parameter.low, self.parameter.high
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise ValueError(f"must be a number from {low:g} to {high:g}, got {value!r:.60}")
        return float(value)


@dataclass(frozen=True)
class Grid(Numeric):
    """Genes at equal distances, counted from 0."""

    n: int
    whole = True

    @property
    def step(self) -> float:  # type: ignore[override]
        return 1 / (self.n - 1)

    @abstractmethod
    def _number(self, gene: Any) -> int: ...

    @abstractmethod
    def _numbered(self, number: int) -> Any: ...

    def unit(self, gene: Any) -> float:
        return self._number(gene) / (self.n - 1)

    def at(self, unit: float) -> Any:
        return self._numbered(min(max(round(float(unit) * (self.n - 1)), 0), self.n - 1))

    def neighbour(self, gene: Any, up: bool) -> Any:
        number = self._number(gene)
        return self._numbered(number + (1 if (up and number < self.n - 1) or not number else -1))

    def random(self, rng: np.random.Generator) -> Any:
        return self._numbered(int(rng.integers(self.n)))


@dataclass(frozen=True)
class Steps(Grid):
    """Genes are numbers in steps."""

    parameter: Float | Int

    def _number(self, gene: float) -> int:
        return round((gene - self.parameter.low) / (self.parameter.step or 1))

    def _numbered(self, number: int) -> float:
        value = self.parameter.low + number * (self.parameter.step or 1)
        # Of three steps of 0.1 floats make 0.30000000000000004, and the last of many may be a bit above the end.
        return min(float(f"{value:.15g}") if isinstance(value, float) else value, self.parameter.high)

    def express(self, gene: float) -> float:
        return gene

    def gene(self, value: Any) -> float:
        step, low, high = self.parameter.step or 1, self.parameter.low, self.parameter.high
        if not isinstance(value, bool) and isinstance(value, int | float) and low <= value <= high:
            gene = self._numbered(self._number(value))
            if abs(gene - value) <= 1e-9 * step:
                return gene
        what = "a number" if isinstance(self.parameter, Float) else "a whole number"
        steps = f" in steps of {step:g}" if self.parameter.step else ""
        raise ValueError(f"must be {what} from {low:g} to {high:g}{steps}, got {value!r:.60}")


@dataclass(frozen=True)
class Ordered(Grid):
    """Genes are places of options in an order."""

    parameter: Choice

    def _number(self, gene: int) -> int:
        return gene

    def _numbered(self, number: int) -> int:
        return number

    def express(self, gene: int) -> Any:
        return self.parameter.options[gene]

    def gene(self, value: Any) -> int:
        return _place(self.parameter.options, value)


@dataclass(frozen=True)
class LogWhole(Numeric):
    """Genes are the whole numbers themselves; each has the room on the scale of factors that rounds to it."""

    parameter: Int
    whole = True

    def unit(self, gene: int) -> float:
        low = math.log(self.parameter.low)
        return (math.log(gene) - low) / (math.log(self.parameter.high) - low)

    def at(self, unit: float) -> int:
        low = math.log(self.parameter.low)
        return self._inside(math.exp(low + float(unit) * (math.log(self.parameter.high) - low)))

    def _inside(self, value: float) -> int:
        return min(max(round(value), self.parameter.low), self.parameter.high)

    def neighbour(self, gene: int, up: bool) -> int:
        return gene + (1 if up and gene < self.parameter.high or gene == self.parameter.low else -1)

    def random(self, rng: np.random.Generator) -> int:
        low, high = math.log(self.parameter.low - 0.5), math.log(self.parameter.high + 0.5)
        return self._inside(math.exp(low + rng.random() * (high - low)))

    def express(self, gene: int) -> int:
        return gene

    def gene(self, value: Any) -> int:
        low, high = self.parameter.low, self.parameter.high
        if isinstance(value, bool) or value not in range(low, high + 1):
            raise ValueError(f"must be a whole number from {low} to {high}, got {value!r:.60}")
        return int(value)


@dataclass(frozen=True)
class Category(Kind):
    """Genes are places of options that have no order."""

    parameter: Choice

    @property
    def constant(self) -> bool:  # type: ignore[override]
        return len(self.parameter.options) == 1

    def random(self, rng: np.random.Generator) -> int:
        return int(rng.integers(len(self.parameter.options)))

    def mutated(self, gene: int, rng: np.random.Generator) -> int:
        drawn = int(rng.integers(len(self.parameter.options) - 1))
        return drawn + (drawn >= gene)

    def express(self, gene: int) -> Any:
        return self.parameter.options[gene]

    def gene(self, value: Any) -> int:
        return _place(self.parameter.options, value)

    def features(self, gene: int | None) -> list[float]:
        options = () if self.constant else self.parameter.options
        return [float(place == gene) for place in range(len(options))]

    def distance(self, a: int, b: int) -> float:
        return float(a != b)


@dataclass(frozen=True)
class Some(Kind):
    """Genes are places of options, ascending."""

    parameter: Subset

    @property
    def _limits(self) -> tuple[int, int]:
        most = self.parameter.at_most
        return self.parameter.at_least, len(self.parameter.options) if most is None else most

    @property
    def constant(self) -> bool:  # type: ignore[override]
        least, most = self._limits
        return least == most and most in (0, len(self.parameter.options))

    def random(self, rng: np.random.Generator) -> tuple[int, ...]:
        """Each number of options as likely, and of that number each subset."""
        least, most = self._limits
        size = int(rng.integers(least, most + 1))
        return tuple(sorted(rng.permutation(len(self.parameter.options))[:size].tolist()))

    def mutated(self, gene: tuple[int, ...], rng: np.random.Generator) -> tuple[int, ...]:
        """One option comes or goes; where the limits forbid that, or in one of four cases, one takes another's place."""
        least, most = self._limits
        inside, n = set(gene), len(self.parameter.options)
        place = int(rng.integers(n))
        inside ^= {place}
        others = [one for one in range(n) if one != place and (one in inside) == (place in inside)]
        if others and (not least <= len(inside) <= most or (rng.random() < 0.25 and 0 < len(gene) < n)):
            inside ^= {others[int(rng.integers(len(others)))]}
        return tuple(sorted(inside)) if least <= len(inside) <= most else gene

    def crossed(
        self, a: tuple[int, ...], b: tuple[int, ...], rng: np.random.Generator
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Options of one parent alone go to either child, as far as the limits allow."""
        least, most = self._limits
        both = set(a) & set(b)
        apart = rng.permutation(sorted(set(a) ^ set(b))).tolist()
        n = int(rng.binomial(len(apart), 0.5))
        fewest = max(least - len(both), len(apart) - (most - len(both)))
        n = min(max(n, fewest), min(most - len(both), len(apart) - (least - len(both))))
        return tuple(sorted({*both, *apart[:n]})), tuple(sorted({*both, *apart[n:]}))

    def express(self, gene: tuple[int, ...]) -> list[Any]:
        return [self.parameter.options[place] for place in gene]

    def gene(self, value: Any) -> tuple[int, ...]:
        least, most = self._limits
        if not isinstance(value, list | tuple) or not least <= len(value) <= most:
            raise ValueError(f"must be a list of {least} to {most} options, got {value!r:.60}")
        return tuple(sorted(_each_once(self.parameter.options, value)))

    def features(self, gene: tuple[int, ...] | None) -> list[float]:
        return [float(place in (gene or ())) for place in range(len(self.parameter.options))]

    def distance(self, a: tuple[int, ...], b: tuple[int, ...]) -> float:
        return len(set(a) ^ set(b)) / len(self.parameter.options)


@dataclass(frozen=True)
class Permuted(Kind):
    """Genes are the places of all options in some order."""

    parameter: Order

    def random(self, rng: np.random.Generator) -> tuple[int, ...]:
        return tuple(rng.permutation(len(self.parameter.options)).tolist())

    def mutated(self, gene: tuple[int, ...], rng: np.random.Generator) -> tuple[int, ...]:
        return tuple(inversion_mutation(np.array([gene]), rng=rng)[0].tolist())

    def crossed(
        self, a: tuple[int, ...], b: tuple[int, ...], rng: np.random.Generator
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        first, second = order_rows(np.array([a]), np.array([b]), rng=rng)
        return tuple(first[0].tolist()), tuple(second[0].tolist())

    def express(self, gene: tuple[int, ...]) -> list[Any]:
        return [self.parameter.options[place] for place in gene]

    def gene(self, value: Any) -> tuple[int, ...]:
        n = len(self.parameter.options)
        if not isinstance(value, list | tuple) or len(value) != n:
            raise ValueError(f"must be a list of all {n} options, got {value!r:.60}")
        return _each_once(self.parameter.options, value)

    def features(self, gene: tuple[int, ...] | None) -> list[float]:
        """Where each option stands."""
        n = len(self.parameter.options)
        return [0.5] * n if gene is None else (np.argsort(gene) / (n - 1)).tolist()

    def distance(self, a: tuple[int, ...], b: tuple[int, ...]) -> float:
        """The share of pairs that stand the other way round (Kendall)."""
        first, second = np.triu_indices(len(a), 1)
        here, there = np.argsort(a), np.argsort(b)
        return float(((here[first] < here[second]) != (there[first] < there[second])).mean())


def kind_of(parameter: Parameter) -> Kind:
    """What a parameter does."""
    if isinstance(parameter, Choice):
        ordered = parameter.ordered and len(parameter.options) > 1
        return Ordered(len(parameter.options), parameter) if ordered else Category(parameter)
    if isinstance(parameter, Float) and parameter.step is None:
        return Real(parameter)
    if isinstance(parameter, Int) and parameter.log:
        return LogWhole(parameter)
    if isinstance(parameter, Float | Int):
        steps = (parameter.high - parameter.low) / (parameter.step or 1)
        return Steps(1 + math.floor(steps + 1e-9), parameter)
    if isinstance(parameter, Subset):
        return Some(parameter)
    assert isinstance(parameter, Order)
    return Permuted(parameter)


def _place(options: tuple[Any, ...] | Any, value: Any) -> int:
    for place, one in enumerate(options):
        if same(one, value):
            return place
    raise ValueError(f"must be one of {', '.join(map(repr, options)):.120}, got {value!r:.60}")


def _each_once(options: Any, values: Any) -> tuple[int, ...]:
    places = tuple(_place(options, one) for one in values)
    if len(set(places)) < len(places):
        raise ValueError(f"must have each option once, got {list(values)!r:.60}")
    return places
