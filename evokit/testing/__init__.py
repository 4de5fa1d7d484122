"""The contract of each kind of component as one test: for the authors of plugins, and for evokit's own parts.

Stands above ``runs``, whose checkpoints it tries; the command ``check-plugin`` imports it.
"""

from evokit.testing.callback import callback_conformance
from evokit.testing.contender import baseline_conformance
from evokit.testing.data import data_conformance
from evokit.testing.export import export_conformance
from evokit.testing.fitness import fitness_conformance
from evokit.testing.genome import RULES, genome_conformance
from evokit.testing.operators import crossover_conformance, mutation_conformance, selection_conformance
from evokit.testing.primitives import primitives_conformance
from evokit.testing.screen import screen_conformance
from evokit.testing.search import search_conformance
from evokit.testing.surrogate import surrogate_conformance

__all__ = [
    "RULES",
    "baseline_conformance",
    "callback_conformance",
    "crossover_conformance",
    "data_conformance",
    "export_conformance",
    "fitness_conformance",
    "genome_conformance",
    "mutation_conformance",
    "primitives_conformance",
    "screen_conformance",
    "search_conformance",
    "selection_conformance",
    "surrogate_conformance",
]
