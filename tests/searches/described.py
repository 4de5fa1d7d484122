"""What tests of archives of elites share: a fitness that tells metrics, and individuals that were measured so."""

from dataclasses import replace

from evokit.interfaces import Context
from evokit.measuring.ledger import Ledger
from evokit.searches.cells import Descriptor
from evokit.streams import Streams
from tests.door import GENOME, SumFitness, door
from tests.searches.building import built, person, portrait, run, stopped_and_resumed

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


def refuse_changed_by_a_stop(options, folder):
    """A search that was stopped and resumed ends as a whole one, its archive too."""
    ledger = Ledger(":memory:")

    def make():
        return built(options, Described(), GENOME), door(Described(), ledger)

    whole = run(*make())
    for resumed, _ in stopped_and_resumed(make, folder, (-1.0,)):
        assert portrait(resumed) == portrait(whole)
        assert resumed.elites.figures == whole.elites.figures
