"""Learned crystals: quantised, and the blocks help."""

from dataclasses import replace

import numpy as np
import pytest

from evokit.streams import Streams
from evokit_crystalline.closed_form.responses import working_responses
from evokit_crystalline.crystals.matrices import Zero
from evokit_crystalline.fitness import build_fitness
from evokit_crystalline.gpt2.options import Continuous
from evokit_crystalline.learned.sets import learn_crystal_sets
from evokit_crystalline.options import Gpt2Loss
from tests.plugins.crystalline.tiny import FITTED, fitted_context, learned_genome


@pytest.fixture(scope="module")
def fitness():
    options = Gpt2Loss(FITTED, tokens=1024, block=16, continuous=Continuous(fit="bigram_newton"))
    return build_fitness(options, fitted_context())


def test_a_learned_block_lowers_the_loss_on_documents_that_nothing_was_fitted_to(fitness):
    sets = learn_crystal_sets(
        fitness.frame, working_responses(fitness.frame, fitness.held_out.for_crystals), 6, Streams(1)
    )
    names = list(FITTED.slots())
    off = {name: Zero(shape) for name, shape in FITTED.slots().items()}
    candidates = [off]
    for one in sets[::2]:
        attention_only = dict(zip(names[:2], [one["attn.c_attn"], one["attn.c_proj"]], strict=True))
        candidates.append(off | attention_only)
    zero, *losses = [one.values[0] for one in fitness.evaluate(candidates, 1024)]
    assert min(losses) < zero - 0.01


def test_layers_that_are_switched_off_are_one_key(fitness):
    genome = learned_genome(fitness, 6)
    genes = np.array([4, 1, 2, 3, 0, 5, 4, 2])
    assert genome.canonical(genes).tolist() == [0, 1, 0, 3, 0, 5, 0, 0]


def test_a_fitness_without_closed_form_has_nothing_to_learn_from():
    fitness = build_fitness(Gpt2Loss(FITTED, tokens=1024, block=16), fitted_context())
    with pytest.raises(Exception, match="learned needs continuous parts in closed form"):
        learned_genome(fitness, 2)


def test_equal_shapes_in_a_block_are_refused():
    sizes = replace(FITTED, n_inner=16)
    fitness = build_fitness(
        Gpt2Loss(sizes, tokens=1024, block=16, continuous=Continuous(fit="unigram")), fitted_context()
    )
    with pytest.raises(Exception, match="learned needs four different shapes in a block"):
        learned_genome(fitness, 2)


def test_crystal_sets_that_were_fitted_together_are_seeds(fitness):
    genome = learned_genome(fitness, 6)
    off, first, second = genome.seeds()
    assert off.tolist() == [0] * 8
    assert first.tolist() == [1, 1, 0, 0, 3, 3, 0, 0]
    assert second.tolist() == [5, 5, 0, 0, 0, 0, 0, 0]  # the third of three has nobody after it
