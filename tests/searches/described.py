"""What tests of archives of elites share: a fitness that tells metrics, and individuals that were measured so."""

from dataclasses import replace

from evokit.interfaces import Context
from evokit.searches.cells import Descriptor
from evokit.streams import Streams
from tests.door import GENOME, SumFitness
from tests.searches.building import person

TWO = (Descriptor("first", 0, 4, 4), Descriptor("second", 0, 4, 2))
WHOLE = {"descriptors": TWO, "offset": 40.0}  # of genes 0 to 3 the sum is at most 30


class Described(SumFitness):
    """Tells the first two genes, but of what ``told`` leaves out."""

    def __init__(self, *, told=lambda genes: {"first": float(genes[0]), "second": float(genes[1])}, **options):
        super().__init__(**options)
        self.told = told

    def answer(self, genes, budget):
        return replace(super().answer(genes, budget), metrics=self.told(genes))


def context(goal="min", genome=GENOME):
    return Context(Streams(0), fitness=Described(goal=goal), genome=genome)


def one(first, second, value=None, rest=(0, 0), goal="min"):
    """Measured with this value, or not at all; ``rest`` tells individuals of one kind apart."""
    individual = person([int(first) % 4, int(second) % 4, *rest], value, goal)
    individual.metrics = {"first": float(first), "second": float(second)}
    return individual
