"""Mutations of trees: ``deap.gp``'s, and constants that are nudged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import MinLen
from deap import gp

from evokit.contracts.global_generators import python_driven_by
from evokit.interfaces import Context
from evokit.options import Probability

Operator = Literal["subtree", "node", "constants", "insert", "shrink"]
OPERATORS: tuple[Operator, ...] = ("subtree", "node", "constants", "insert", "shrink")
HEIGHTS = (0, 2)  # of a subtree that is grown anew
FINEST = -3.0  # decimal logarithm of the smallest length of a nudge, the largest being 1

_grown = partial(gp.genHalfAndHalf, min_=HEIGHTS[0], max_=HEIGHTS[1])
_DEAPS: Mapping[str, Callable[..., tuple[list[Any]]]] = {
    "subtree": lambda tree, primitives: gp.mutUniform(tree, _grown, primitives),
    "node": gp.mutNodeReplacement,
    "insert": gp.mutInsert,
    "shrink": lambda tree, primitives: gp.mutShrink(tree),
}


def tree_mutation(
    tree: gp.PrimitiveTree,
    primitives: gp.PrimitiveSetTyped,
    *,
    operators: Sequence[Operator] = OPERATORS,
    rng: np.random.Generator,
) -> list[Any]:
    """Change a tree by one of several operators, each as likely.

    Args:
        tree: Of ``primitives``; left unchanged.
        primitives: DEAP's set.
        operators: ``subtree`` grows a subtree of at most two levels in place of one (``mutUniform``), ``node`` puts a
            primitive or terminal in place of one with the same types (``mutNodeReplacement``), ``insert`` puts a
            primitive above a subtree (``mutInsert``), ``shrink`` puts a branch in the place of what it is a branch of
            (``mutShrink``), ``constants`` nudges one of the tree's own. Of a tree that has none it grows a subtree.
        rng: Draws the operator and what it does.

    Source: as in ``deap.gp``.
    """
    operator: str = operators[int(rng.integers(len(operators)))]
    if operator == "constants":
        places = [place for place, node in enumerate(tree) if isinstance(type(node), gp.MetaEphemeral)]
        if places:
            return nudged(tree, places[int(rng.integers(len(places)))], rng=rng)
        operator = "subtree"
    with python_driven_by(rng):
        (mutant,) = _DEAPS[operator](gp.PrimitiveTree(tree), primitives)
    return mutant


def nudged(tree: Sequence[Any], place: int, *, rng: np.random.Generator) -> list[Any]:
    """A tree with a real constant moved by a normal step, or with one of another type drawn anew.

    The step's length is 0.001 to 1 on a logarithmic scale, times the constant's size if that is above 1: whether a
    constant is far off or nearly right, some steps are of use.
    """
    old, nodes = tree[place], list(tree)
    if isinstance(old.value, float):
        length = 10 ** rng.uniform(FINEST, 0.0) * max(1.0, abs(old.value))
        nodes[place] = constant(type(old), float(old.value + length * rng.standard_normal()))
        return nodes
    with python_driven_by(rng):
        nodes[place] = type(old)()
    return nodes


def constant(kind: gp.MetaEphemeral, value: Any) -> Any:
    """An ephemeral constant of a value of its own; the class's constructor would draw one."""
    node = kind.__new__(kind)
    node.value = value
    return node


@dataclass(frozen=True)
class TreeMutation:
    """A tree is changed in one place, by one of ``operators``, each as likely, with the limits of the genome.

    ``subtree`` grows a subtree of at most two levels in place of one, ``node`` exchanges a primitive or a terminal for
    another of the same types, ``constants`` nudges a constant, ``insert`` puts a primitive above a subtree, ``shrink``
    puts a branch in the place of what it is a branch of. ``prob``: chance that an individual is mutated at all.

    Source: ``deap.gp``; Koza 1992, "Genetic Programming", section 6.5.
    """

    operators: Annotated[tuple[Operator, ...], MinLen(1)] = OPERATORS
    prob: Probability = 1.0
    genes: ClassVar[str] = "tree"

    def build(self, context: Context) -> Callable[[Any, np.random.Generator], Any]:
        genome = context.genome

        def mutate(genes: Any, rng: np.random.Generator) -> Any:
            if rng.random() >= self.prob:
                return genes
            made = tree_mutation(genome.read(genes), genome.primitives, operators=self.operators, rng=rng)
            return genome.limited((made,), (genes,), rng)[0]

        return mutate
