"""Genes of a space: a value for each parameter that exists, operators by kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from evokit.common.bounds import reflected
from evokit.common.names import did_you_mean, listed
from evokit.crossover.simulated_binary import simulated_binary_crossover
from evokit.genomes.space.kinds import Kind, Numeric, kind_of
from evokit.genomes.space.layout import DOT, Layout, Leaf, holds

Part = tuple[int, int]  # the place of a parameter, and of a gene in its list
Genes = tuple[Any, ...]  # a parameter each: a gene of its kind, of one with a length a tuple of them, None of none

DRAWS = 10_000  # of random genes until some are allowed
TRIES = 10  # of a mutation until its genes are allowed
SIGMA = 0.1  # of a number's mutation, as a share of its range
ETA = 15.0  # of simulated binary crossover


class SpaceGenome:
    """Genes are a tuple with one for each parameter, None of those that do not exist beside the others.

    So what does not exist neither varies nor counts in the key. In JSON genes are a mapping of names, with dots between
    those of groups and parameters; the phenotype is a dictionary, in which groups are dictionaries.

    Args:
        layout: Of its parameters.
    """

    genes: ClassVar[str] = "space"
    phenotype: ClassVar[str] = "params"

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.leaves: Sequence[Leaf] = layout.leaves
        self.kinds: Sequence[Kind] = [kind_of(leaf.parameter) for leaf in layout.leaves]
        self._lengths = [leaf.parameter.length for leaf in layout.leaves]
        self._places = {leaf.name: place for place, leaf in enumerate(layout.leaves)}
        self._order = [(place, layout.leaves[place]) for place in layout.order]
        self._variable = [not kind.constant for kind in self.kinds]

    def random(self, rng: np.random.Generator) -> Genes:
        """Each parameter that exists by its own distribution; drawn again as long as that is forbidden.

        Raises:
            ValueError: Nothing that is allowed was found.
        """
        for _ in range(DRAWS):
            genes = self._whole([None] * len(self.leaves), rng)
            if self.allowed(genes):
                return genes
        raise ValueError(f"of {DRAWS:,} random draws all are forbidden")

    def allowed(self, genes: Genes) -> bool:
        """Whether they are no forbidden combination."""
        return not any(holds(one, genes) for one in self.layout.forbidden)

    def crossover(self, a: Genes, b: Genes, rng: np.random.Generator) -> tuple[Genes, Genes]:
        """The ``own`` crossover, by kind: simulated binary of numbers, options change sides, order crossover.

        A parameter that one parent alone has goes to each child where it exists. A child that is forbidden becomes its
        parent.
        """
        first: list[Any] = [one if one is not None else other for one, other in zip(a, b, strict=True)]
        second: list[Any] = [one if one is not None else other for one, other in zip(b, a, strict=True)]
        numbers = []
        for place, kind in enumerate(self.kinds):
            if a[place] is None or b[place] is None or a[place] == b[place]:
                continue
            if isinstance(kind, Numeric):
                numbers.append(place)
            elif self._lengths[place] is None:
                first[place], second[place] = kind.crossed(a[place], b[place], rng)
            else:
                pairs = [(x, y) if x == y else kind.crossed(x, y, rng) for x, y in zip(a[place], b[place], strict=True)]
                first[place], second[place] = (tuple(side) for side in zip(*pairs, strict=True))
        if numbers:
            low = np.zeros(len(units := self._units(a, numbers)))
            x, y = simulated_binary_crossover(units, self._units(b, numbers), low=low, high=low + 1, eta=ETA, rng=rng)
            self._put(first, numbers, x.tolist())
            self._put(second, numbers, y.tolist())
        children = []
        for parent, child in ((a, first), (b, second)):
            whole = self._whole(child, rng)
            children.append(whole if self.allowed(whole) else parent)
        return children[0], children[1]

    def mutate(self, genes: Genes, rng: np.random.Generator, strength: float = 1.0) -> Genes:
        """The ``own`` mutation: of what exists one part on average changes, at least one, by kind.

        Numbers take a normal step in their unit, of factors with ``log``, folded back at the ends; whole numbers and
        ordered options one to the next at least. Choices are redrawn, a subset gains, loses or exchanges an option, of
        an order a stretch is turned round. What begins to exist is random.

        Args:
            genes: Left unchanged.
            rng: Decides all.
            strength: Of the steps of numbers, as a multiple of a tenth of their range.
        """
        parts = self.parts(genes)
        if not parts:
            return genes
        for _ in range(TRIES):
            changed = rng.random(len(parts)) < 1 / len(parts)
            changed[rng.integers(len(parts))] |= not changed.any()
            child = list(genes)
            for part in np.flatnonzero(changed).tolist():
                gene = _moved(self.kinds[parts[part][0]], self.at(child, parts[part]), rng, strength)
                self._set(child, parts[part], gene)
            whole = self._whole(child, rng)
            if self.allowed(whole):
                return whole
        return genes

    def beside(self, genes: Genes, place: int, step: float, rng: np.random.Generator) -> list[Genes]:
        """All that differ in one part of one parameter by as little as can be, for local searches.

        Args:
            genes: Left unchanged.
            place: Of the parameter.
            step: Of numbers, as a share of their range.
            rng: Draws what begins to exist.
        """
        kind = self.kinds[place]
        parts = [part for part in self.parts(genes) if part[0] == place]
        found = [
            self.replaced(genes, part, one, rng) for part in parts for one in kind.beside(self.at(genes, part), step)
        ]
        return [one for one in found if self.allowed(one)]

    def parts(self, genes: Genes) -> list[Part]:
        """All that can change in genes: of each parameter that exists its single gene, or each of its list."""
        return [
            (place, item)
            for place, gene in enumerate(genes)
            if gene is not None and self._variable[place]
            for item in range(self._lengths[place] or 1)
        ]

    def at(self, genes: Sequence[Any], part: Part) -> Any:
        """A gene of a kind of its own."""
        place, item = part
        return genes[place] if self._lengths[place] is None else genes[place][item]

    def replaced(self, genes: Genes, part: Part, gene: Any, rng: np.random.Generator) -> Genes:
        """The same with another gene in one part, and what begins to exist with it drawn; it may be forbidden."""
        changed = list(genes)
        self._set(changed, part, gene)
        return self._whole(changed, rng)

    def exchanged(self, genes: Genes, other: Genes, places: Sequence[int], rng: np.random.Generator) -> Genes:
        """The same with another's parameters at some places, and what begins to exist drawn; it may be forbidden."""
        changed = list(genes)
        for place in places:
            changed[place] = other[place]
        return self._whole(changed, rng)

    def _set(self, genes: list[Any], part: Part, gene: Any) -> None:
        place, item = part
        one = self._lengths[place] is None
        genes[place] = gene if one else (*genes[place][:item], gene, *genes[place][item + 1 :])

    def _whole(self, genes: list[Any], rng: np.random.Generator) -> Genes:
        """Genes with all that exists, drawn where it is missing, and nothing else; changes the list."""
        for place, leaf in self._order:
            if leaf.conditions and not leaf.exists(genes):
                genes[place] = None
            elif genes[place] is None:
                kind, length = self.kinds[place], self._lengths[place]
                genes[place] = kind.random(rng) if length is None else tuple(kind.random(rng) for _ in range(length))
        return tuple(genes)

    def canonical(self, genes: Genes) -> Genes:
        """The same without what does not exist."""
        if not any(leaf.conditions for leaf in self.leaves):
            return genes
        kept = list(genes)
        for place, leaf in self._order:
            if leaf.conditions and not leaf.exists(kept):
                kept[place] = None
        return tuple(kept)

    def express(self, genes: Genes) -> Any:
        """The phenotype: values by name of what exists, those of a group in a dictionary of their own."""
        params: dict[str, Any] = {}
        for leaf, value in self._values(genes):
            group = params
            for name in leaf.path[:-1]:
                group = group.setdefault(name, {})
            group[leaf.path[-1]] = value
        return params

    def to_json(self, genes: Genes) -> dict[str, Any]:
        """Values by name of what exists."""
        return {leaf.name: value for leaf, value in self._values(genes)}

    def _values(self, genes: Genes) -> Iterator[tuple[Leaf, Any]]:
        for leaf, kind, gene in zip(self.leaves, self.kinds, genes, strict=True):
            if gene is not None:
                length = leaf.parameter.length
                yield leaf, kind.express(gene) if length is None else [kind.express(one) for one in gene]

    def from_json(self, data: Any) -> Genes:
        """Genes from what ``to_json`` gave, or from a phenotype.

        Raises:
            ValueError: A value is impossible, one is missing or too many, or all together are forbidden.
        """
        if not isinstance(data, Mapping):
            raise ValueError(f"genes: must be a mapping of names to values, got {type(data).__name__}")
        told = dict(self._flat(data))
        genes: list[Any] = [None] * len(self.leaves)
        for name, value in told.items():
            if name not in self._places:
                known = f"(known: {listed(self._places)})"
                raise ValueError(f"there is no parameter {name!r}{did_you_mean(name, self._places)} {known}")
            genes[self._places[name]] = self._read(name, value)
        for place, leaf in self._order:
            if leaf.exists(genes) != (genes[place] is not None):
                if genes[place] is None:
                    raise ValueError(f"{leaf.name} is missing")
                raise ValueError(f"{leaf.name} does not exist beside the others; leave it out")
        if not self.allowed(tuple(genes)):
            raise ValueError("this combination is forbidden")
        return tuple(genes)

    def _flat(self, data: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
        for key, value in data.items():
            name = f"{above}{key}"
            if name not in self._places and isinstance(value, Mapping):
                yield from self._flat(value, f"{name}{DOT}")
            else:
                yield name, value

    def _read(self, name: str, value: Any) -> Any:
        place = self._places[name]
        kind, length = self.kinds[place], self._lengths[place]
        try:
            if length is None:
                return kind.gene(value)
            if not isinstance(value, list | tuple) or len(value) != length:
                raise ValueError(f"must be a list of {length}, got {value!r:.60}")
            return tuple(kind.gene(one) for one in value)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error

    def show(self, genes: Genes) -> str:
        """Names and values, those of a group in a line of their own."""
        lines: dict[str, list[str]] = {}
        for leaf, value in self._values(genes):
            lines.setdefault(".".join(leaf.path[:-1]), []).append(f"{leaf.path[-1]} {_shown(value)}")
        return "\n".join(f"{group}: {', '.join(told)}" if group else ", ".join(told) for group, told in lines.items())

    def encode(self, genes: Genes) -> np.ndarray:
        """Features for a surrogate, ``(n_features,)`` float32.

        Numbers are where they lie between their lowest, 0, and highest, 1, with ``log`` on the scale of factors;
        choices and subsets a column an option, orders the place of each option. A parameter that does not always exist
        has one column more, which says whether it does; where it does not, numbers and places are in the middle,
        options 0.
        """
        features: list[float] = []
        for leaf, kind, gene in zip(self.leaves, self.kinds, genes, strict=True):
            length = leaf.parameter.length
            if leaf.conditions:
                features.append(float(gene is not None))
            for item in range(length or 1):
                features += kind.features(gene if length is None or gene is None else gene[item])
        return np.array(features, np.float32)

    def distance(self, a: Genes, b: Genes) -> float:
        """The mean over all parameters that one of two has, from 0 to 1; where the other lacks it, it counts 1.

        Source: Gower 1971, "A General Coefficient of Similarity and Some of Its Properties".
        """
        apart = []
        for kind, length, one, other in zip(self.kinds, self._lengths, a, b, strict=True):
            if one is None or other is None:
                apart += [] if one is other else [1.0]
            elif length is None:
                apart.append(kind.distance(one, other))
            else:
                apart.append(sum(map(kind.distance, one, other)) / length)
        return sum(apart) / len(apart)

    def _units(self, genes: Genes, places: Sequence[int]) -> np.ndarray:
        """Numbers at some places in their unit, one after the other."""
        units: list[float] = []
        for place in places:
            unit = self.kinds[place].unit  # type: ignore[attr-defined]  # of kinds that are numeric
            units += [unit(genes[place])] if self._lengths[place] is None else map(unit, genes[place])
        return np.array(units)

    def _put(self, genes: list[Any], places: Sequence[int], units: Sequence[float]) -> None:
        """The inverse; changes the list. What lies where it did keeps its bits."""
        left = iter(units)
        for place in places:
            kind: Any = self.kinds[place]
            if self._lengths[place] is None:
                genes[place] = _at(kind, genes[place], next(left))
            else:
                genes[place] = tuple(_at(kind, gene, next(left)) for gene in genes[place])


def _at(kind: Numeric, gene: Any, unit: float) -> Any:
    """The gene at a place; the one that is there already as it is."""
    return gene if kind.unit(gene) == unit else kind.at(unit)


def _moved(kind: Kind, gene: Any, rng: np.random.Generator, strength: float) -> Any:
    """One part of a parameter mutated."""
    if not isinstance(kind, Numeric):
        return kind.mutated(gene, rng)
    step = SIGMA * strength * rng.standard_normal()
    moved = kind.at(float(reflected(np.array(kind.unit(gene) + step), np.array(0.0), np.array(1.0))))
    return kind.neighbour(gene, step > 0) if kind.whole and moved == gene else moved


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return f"[{' '.join(map(_shown, value))}]" if isinstance(value, list) else str(value)
