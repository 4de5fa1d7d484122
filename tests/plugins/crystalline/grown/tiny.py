"""A genome of grown crystals over a tiny closed form."""

from evokit_crystalline.fitness import Gpt2Fitness, build_fitness
from evokit_crystalline.gpt2.options import Continuous
from evokit_crystalline.gpt2.sizes import Sizes
from evokit_crystalline.grown.genome import GrownGenome, build_genome
from evokit_crystalline.options import Gpt2Loss, Grown
from tests.plugins.crystalline.tiny import FITTED, fitted_context

GROWN = Grown(predicted_tokens=160, checked_tokens=160)


def tiny_fitness(sizes: Sizes = FITTED) -> Gpt2Fitness:
    options = Gpt2Loss(sizes, tokens=256, block=16, continuous=Continuous(fit="bigram_svd"))
    return build_fitness(options, fitted_context())


def tiny_genome(fitness, directory=None, options=GROWN) -> GrownGenome:
    return build_genome(options, fitted_context(fitness=fitness, directory=directory))
