"""Trees to test with."""

import random
from functools import partial
from types import SimpleNamespace

from evokit.genomes.primitives import Conditional, Elementary
from evokit.genomes.tree import Tree
from evokit.interfaces import Context
from evokit.streams import Streams


def formulas(n_inputs=2, **limits):
    """A genome of formulas with constants; its inputs are x and y."""
    primitives = Elementary().primitive_set(n_inputs)
    primitives.addEphemeralConstant("constant", partial(random.uniform, -1, 1), float)
    return Tree(primitives, ["x", "y"][:n_inputs], **limits)


def conditionals(**limits):
    """A genome of typed trees with constants; its inputs are x and y."""
    primitives = Conditional().primitive_set(2)
    primitives.addEphemeralConstant("constant", partial(random.uniform, -1, 1), float)
    return Tree(primitives, ["x", "y"], **limits)


def grown(genome, n, rng):
    return [genome.random(rng) for _ in range(n)]


def context(fitness=None, genome=None, primitives=None):
    """A context that builds the set of primitives that it is given."""
    fitness = fitness or SimpleNamespace(slots={})
    return Context(Streams(0), fitness=fitness, genome=genome, build=lambda section: primitives)
