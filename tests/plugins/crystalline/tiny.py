"""A tiny GPT-2 with the real vocabulary, and documents for it."""

import numpy as np
import torch

from evokit.data.text import Documents, join_documents
from evokit.interfaces import Context
from evokit.streams import Streams
from evokit_crystalline.crystals.matrices import Dense
from evokit_crystalline.crystals.options import LibraryOptions
from evokit_crystalline.fitness import Gpt2Fitness, build_fitness
from evokit_crystalline.genome import CrystallineGenome, build_genome
from evokit_crystalline.gpt2.options import Continuous
from evokit_crystalline.gpt2.sizes import Sizes
from evokit_crystalline.options import Crystalline, Gpt2Loss
from tests.rounding import rounding

SIZES = Sizes(n_embd=8, n_layer=2, n_head=2, n_positions=16)


def documents(n: int = 4, tokens: int = 500, seed: int = 0) -> Documents:
    """Random text over few words, so that there is something to learn."""
    rng = np.random.default_rng(seed)
    return join_documents([rng.integers(40, size=tokens) ** 2 for _ in range(n)], [f"d{seed}.{i}" for i in range(n)])


def context(**parts) -> Context:
    train, validation = documents(seed=1), documents(seed=2)
    return Context(Streams(3), train=train, validation=validation, data_digest="tiny", **parts)


def phenotype(seed: int) -> dict[str, Dense]:
    rng = np.random.default_rng(seed)
    return {name: Dense(rng.normal(size=shape) * 0.3) for name, shape in SIZES.slots().items()}


ONE_LOSS = rounding(60_000, dtype=torch.float64)
"""Relative, of two losses in float64, each a sum over the vocabulary. Less than pytest's own tolerance, because the
logits of a start at random are so small that its layers hardly change the loss."""

FITTED = Sizes(n_embd=16, n_layer=2, n_head=2, n_positions=16, tied=False)
"""Wide enough for continuous parts in closed form."""


def markov(n: int, tokens: int = 400, seed: int = 0) -> Documents:
    """Text over 30 words, each decided by the last one, by the one before that, or by chance."""
    one_back, two_back = np.random.default_rng(7).permuted(np.tile(np.arange(30), (2, 1)), axis=1)
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(n):
        text = [0, 1]
        while len(text) < tokens:
            by = rng.random()
            word = one_back[text[-1]] if by < 0.4 else two_back[text[-2]] if by < 0.8 else rng.integers(30)
            text.append(int(word))
        made.append(np.array(text) * 3)
    return join_documents(made, [f"m{seed}.{i}" for i in range(n)])


def fitted_context(**parts) -> Context:
    return Context(Streams(3), train=markov(20, seed=1), validation=markov(4, seed=2), data_digest="markov", **parts)


def learned_genome(fitness, size: int) -> CrystallineGenome:
    """Zeros and crystals learned from a fitness in closed form, in turn."""
    return build_genome(Crystalline(LibraryOptions(size, ("zero", "learned"))), fitted_context(fitness=fitness))


def fitted_with_crystals() -> tuple[Gpt2Fitness, CrystallineGenome]:
    """A fitness in closed form, and a genome over crystals learned from it."""
    options = Gpt2Loss(FITTED, tokens=256, block=16, continuous=Continuous(fit="bigram_svd"))
    fitness = build_fitness(options, fitted_context())
    return fitness, learned_genome(fitness, 4)
