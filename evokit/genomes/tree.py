"""Trees of primitives: formulas and small programs, as ``deap.gp`` grows them."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge, MinLen
from deap import gp

from evokit.components.nested import Nested
from evokit.contracts.global_generators import python_driven_by
from evokit.crossover.subtree import subtree_crossover
from evokit.genomes.formula import infix
from evokit.genomes.program import INPUT, Program
from evokit.interfaces import Context
from evokit.mutation.tree import constant, tree_mutation
from evokit.options import Count

Genes = tuple[str | float, ...]
"""Nodes of a tree, depth first: the name of a primitive or terminal, or a constant of the tree's own."""


class Tree:
    """Genes are tuples of nodes, depth first, which are names and constants.

    Bloat has static limits, as ``deap.gp.staticLimit`` has them: a child beyond one is replaced by a parent.

    Args:
        primitives: DEAP's set, whose functions take whole arrays.
        inputs: Names of its arguments, in their order.
        max_height: Levels below the root that a tree may have.
        max_size: Nodes that it may have.
        first_height: Least and greatest height of random trees.

    Raises:
        ValueError: A name is taken, the heights do not fit, or DEAP cannot grow trees of such a set.
    """

    genes: ClassVar[str] = "tree"
    phenotype: ClassVar[str] = "tree"

    def __init__(
        self,
        primitives: gp.PrimitiveSetTyped,
        inputs: Sequence[str],
        *,
        max_height: int = 8,
        max_size: int = 64,
        first_height: tuple[int, int] = (1, 4),
    ) -> None:
        if not 0 <= first_height[0] <= first_height[1] <= max_height:
            raise ValueError(f"first_height: must be two heights up to max_height ({max_height}), got {first_height}")
        # What is called so already keeps its name: DEAP would lose it.
        renamed = {old: new for old, new in zip(primitives.arguments, inputs, strict=True) if old != new}
        if set(renamed.values()) & set(primitives.mapping) or len(set(inputs)) < len(inputs):
            raise ValueError(f"inputs: each needs a name of its own, which no primitive has, got {', '.join(inputs)}")
        primitives.renameArguments(**renamed)
        self.primitives, self.inputs = primitives, tuple(inputs)
        self._max_height, self._max_size, self._first = max_height, max_size, first_height
        self._nodes = {name: node for name, node in primitives.mapping.items() if type(node) is not gp.MetaEphemeral}
        self._names = {id(node): name for name, node in self._nodes.items()}
        self._constants = _constants(primitives)
        refuse_barren(primitives)

    def random(self, rng: np.random.Generator) -> Genes:
        """Ramped half-and-half, with lower trees where they would have too many nodes.

        Source: Koza 1992, "Genetic Programming", section 6.2, by ``deap.gp.genHalfAndHalf``.
        """
        low, high = self._first
        with python_driven_by(rng):
            while len(grown := gp.genHalfAndHalf(self.primitives, low, high)) > self._max_size:
                high -= 1
                low = min(low, high)
        return self.written(grown)

    def crossover(self, a: Genes, b: Genes, rng: np.random.Generator) -> tuple[Genes, Genes]:
        """The ``own`` crossover: subtrees swapped."""
        first, second = self.limited(subtree_crossover(self.read(a), self.read(b), rng=rng), (a, b), rng)
        return first, second

    def mutate(self, genes: Genes, rng: np.random.Generator) -> Genes:
        """The ``own`` mutation: a change in one place."""
        return self.limited((tree_mutation(self.read(genes), self.primitives, rng=rng),), (genes,), rng)[0]

    def limited(
        self, children: Sequence[Sequence[Any]], parents: Sequence[Genes], rng: np.random.Generator
    ) -> tuple[Genes, ...]:
        """Genes of children that are DEAP's nodes; of one beyond a limit those of a parent, each as likely."""
        return tuple(
            self.written(child) if self._fits(child) else parents[int(rng.integers(len(parents)))] for child in children
        )

    def _fits(self, nodes: Sequence[Any]) -> bool:
        return len(nodes) <= self._max_size and (
            len(nodes) <= self._max_height + 1 or height_of([node.arity for node in nodes]) <= self._max_height
        )

    def read(self, genes: Genes) -> gp.PrimitiveTree:
        """The tree as DEAP has it, of genes that this genome made."""
        if len(self._constants) > 1:  # which of them a number is of, types tell
            return self._checked(genes)
        nodes = self._nodes
        return gp.PrimitiveTree(
            [nodes[one] if isinstance(one, str) else constant(self._constants[0], one) for one in genes]
        )

    def _checked(self, genes: Genes) -> gp.PrimitiveTree:
        """Likewise, of genes that anybody made.

        Raises:
            ValueError: A name is unknown, a type does not fit, or it is no whole tree.
        """
        nodes, wanted = [], [self.primitives.ret]
        for gene in genes:
            if not wanted:
                raise ValueError(f"a tree ends before {gene!r}")
            kind = wanted.pop()
            node = self._node(gene, kind)
            if not issubclass(node.ret, kind):
                raise ValueError(f"{gene!r} is a {node.ret.__name__} where a {kind.__name__} must be")
            nodes.append(node)
            if node.arity:
                wanted += reversed(node.args)
        if wanted:
            raise ValueError(f"a tree lacks {len(wanted)} more branches")
        return gp.PrimitiveTree(nodes)

    def _node(self, gene: str | float, kind: type) -> Any:
        if isinstance(gene, str):
            if gene not in self._nodes:
                raise ValueError(f"there is no primitive {gene!r} (there are {', '.join(self._nodes)})")
            return self._nodes[gene]
        ephemeral = next((one for one in self._constants if issubclass(one.ret, kind)), None)
        if ephemeral is None:
            raise ValueError(f"{gene!r} is a constant, and these trees have no constants of type {kind.__name__}")
        return constant(ephemeral, gene)

    def written(self, nodes: Sequence[Any]) -> Genes:
        """Genes of a tree that is DEAP's."""
        names = self._names
        return tuple(node.value if isinstance(type(node), gp.MetaEphemeral) else names[id(node)] for node in nodes)

    def express(self, genes: Genes) -> Program:
        """The phenotype: a function of arrays, one an input."""
        tree, context = self.read(genes), self.primitives.context
        places = {name: place for place, name in enumerate(self.inputs)}
        code: list[tuple[int, Any]] = []
        for gene, node in zip(genes, tree, strict=True):
            if gene in places and isinstance(gene, str):
                code.append((INPUT, places[gene]))
            elif node.arity:
                code.append((node.arity, context[node.name]))
            else:  # a constant, or a terminal of the set, which has a name there if it is not its value
                value = context.get(node.value, node.value) if isinstance(node.value, str) else node.value
                code.append((0, value))
        return Program(code)

    def to_json(self, genes: Genes) -> list[str | float]:
        return list(genes)

    def from_json(self, data: Any) -> Genes:
        """Genes from a list of names and numbers. Raises ``ValueError``: it is no tree, or one beyond the limits."""
        if not isinstance(data, list) or not all(isinstance(one, str | float | int) for one in data):
            raise ValueError(f"genes: must be a list of names and numbers, got {data!r:.60}")
        if not all(math.isfinite(one) for one in data if not isinstance(one, str)):
            raise ValueError("genes: constants must be finite")
        genes = tuple(data)
        if not self._fits(self._checked(genes)):
            raise ValueError(f"genes: a tree may have {self._max_height} levels and {self._max_size} nodes")
        return genes

    def encode(self, genes: Genes) -> np.ndarray:
        """Features for a surrogate, float32: how often each name stands in the tree, constants, nodes and height."""
        names = [gene for gene in genes if isinstance(gene, str)]
        counts = [names.count(name) for name in self._nodes]
        height = height_of([node.arity for node in self.read(genes)])
        return np.array([*counts, len(genes) - len(names), len(genes), height], np.float32)

    def show(self, genes: Genes) -> str:
        """The formula, with all digits of its constants."""
        return infix(genes, [node.arity for node in self.read(genes)])


def height_of(arities: Sequence[int]) -> int:
    """Levels below the root of a tree, of how many branches each node has, depth first.

    >>> height_of([2, 0, 1, 0])
    2
    """
    heights: list[int] = []
    for arity in reversed(arities):
        below = max(heights[-arity:]) + 1 if arity else 0
        del heights[len(heights) - arity :]
        heights.append(below)
    return heights[0]


def _constants(primitives: gp.PrimitiveSetTyped) -> list[gp.MetaEphemeral]:
    """Its ephemeral constants. Raises ``ValueError`` for two of a type: a number does not say which one it is of."""
    found = [node for node in primitives.mapping.values() if type(node) is gp.MetaEphemeral]
    kinds = [one.ret for one in found]
    for kind in kinds:
        if kinds.count(kind) > 1:
            raise ValueError(f"primitives: there are several ephemeral constants of type {kind.__name__}; keep one")
    return found


def refuse_barren(primitives: gp.PrimitiveSetTyped) -> None:
    """Raises ``ValueError`` for a set of which DEAP cannot grow every tree."""
    functions = [node for node in primitives.mapping.values() if isinstance(node, gp.Primitive)]
    for kind in dict.fromkeys([primitives.ret, *(kind for one in functions for kind in one.args)]):
        for what, there in (("terminal", primitives.terminals), ("primitive", primitives.primitives)):
            if not there.get(kind):
                raise ValueError(
                    f"primitives: there is no {what} that returns {kind.__name__}; where trees are grown, each type"
                    " needs terminals and primitives"
                )


@dataclass(frozen=True)
class TreeOptions:
    """Trees of ``primitives``, such as formulas: ``deap.gp`` as a genome. For ``symbolic_regression`` and ``boolean``.

    ``primitives`` is the name of a set or a section, ``{name: arithmetic, functions: [add, mul]}``; a plugin may offer
    others. ``inputs``: how many there are, or their names; left out, what the fitness says. ``constants``: between
    which numbers constants are drawn at first; they are nudged by mutation, and may leave them. Null for none.

    No tree ever has more than ``max_height`` levels below its root or more than ``max_size`` nodes: a child that would
    is replaced by a parent. Random trees have the heights of ``first_height``, half of them full.

    The crossover ``subtree`` and the mutation ``tree`` are its own as well. A selection like ``double_tournament``
    prefers smaller ones among the good.

    Source: Koza 1992, "Genetic Programming"; De Rainville et al. 2012, "DEAP: A Python framework for evolutionary
    algorithms".

    Raises:
        ValueError: In ``build``: inputs and fitness do not go together, a name is taken, heights do not fit, or the set
            has no numbers.
    """

    primitives: Annotated[Mapping[str, Any], Nested("primitives", or_name=True)] = field(
        default_factory=lambda: {"name": "arithmetic"}
    )
    inputs: Count | Annotated[tuple[str, ...], MinLen(1)] | None = None
    constants: tuple[float, float] | None = None
    max_height: Annotated[int, Ge(0)] = 8
    max_size: Count = 64
    first_height: tuple[int, int] = (1, 4)
    genes: ClassVar[str] = Tree.genes
    phenotype: ClassVar[str] = Tree.phenotype

    def __post_init__(self) -> None:
        if self.constants is not None and not -math.inf < self.constants[0] < self.constants[1] < math.inf:
            raise ValueError(f"constants: must be two finite numbers, the smaller one first, got {self.constants}")

    def build(self, context: Context) -> Tree:
        assert context.build is not None
        section: Any = self.primitives
        slots = getattr(context.fitness, "slots", {})
        inputs = _inputs(self.inputs, slots.get("inputs"))
        primitives = context.build(section).primitive_set(len(inputs))
        wanted = slots.get("output", primitives.ret)
        if not issubclass(wanted, primitives.ret):
            raise ValueError(
                f"primitives: trees of {section.name} return {primitives.ret.__name__}, the fitness takes"
                f" those that return {wanted.__name__}"
            )
        if self.constants is not None:
            kind = float if float in primitives.terminals else object
            if kind not in primitives.terminals:
                raise ValueError(f"constants: {section.name} has no numbers; leave constants out")
            drawn = partial(random.uniform, *self.constants)
            gp.PrimitiveSetTyped.addEphemeralConstant(primitives, "constant", drawn, kind)  # of untyped sets too
        return Tree(
            primitives,
            inputs,
            max_height=self.max_height,
            max_size=self.max_size,
            first_height=self.first_height,
        )


def _inputs(said: int | Sequence[str] | None, known: Sequence[str] | None) -> Sequence[str]:
    """Names of the inputs: of what the recipe says and what the fitness knows. Raises ``ValueError`` for a misfit."""
    if said is None:
        if known is None:
            raise ValueError("inputs: the fitness does not say how many there are; say it, such as inputs: 2")
        return known
    names = [f"x{place}" for place in range(said)] if isinstance(said, int) else said
    if known is not None and len(known) != len(names):
        raise ValueError(f"inputs: the fitness has {len(known)} ({', '.join(known)}), got {len(names)}")
    return known if isinstance(said, int) and known is not None else names
