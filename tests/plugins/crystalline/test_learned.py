"""Learned crystals: quantised, and the blocks help."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from evokit.streams import Streams
from evokit_crystalline.genome import Crystalline
from evokit_crystalline.learned import learn_places, quantised
from evokit_crystalline.lessons import held_out
from evokit_crystalline.library import LibraryOptions
from evokit_crystalline.matrices import Zero
from evokit_crystalline.options import Continuous, Gpt2Loss
from evokit_crystalline.responses import working_responses
from tests.plugins.crystalline.tiny import FITTED, fitted_context, markov


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EVOKIT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def fitness():
    options = Gpt2Loss(FITTED, tokens=1024, block=16, continuous=Continuous(fit="bigram_newton"))
    return options.build(fitted_context())


def test_quantised_factors_have_few_levels_and_approximate_the_matrix():
    generator = torch.Generator().manual_seed(0)
    matrix = torch.randn(12, 3, generator=generator) @ torch.randn(3, 9, generator=generator)
    U, V = quantised(matrix, torch.eye(12), torch.eye(9), 3)
    assert max(len(column.unique()) for column in [*U.T, *V.T]) <= 15
    assert (V @ U.T - matrix).norm() < 0.2 * matrix.norm()


def test_a_learned_block_lowers_the_loss_on_documents_that_nothing_was_fitted_to(fitness):
    places = learn_places(fitness.frame, working_responses(fitness.frame, fitness.held_out.lessons), 6, Streams(1))
    names = list(FITTED.slots())
    off = {name: Zero(shape) for name, shape in FITTED.slots().items()}
    candidates = [off]
    for place in places[::2]:
        attention_only = dict(zip(names[:2], [place["attn.c_attn"], place["attn.c_proj"]], strict=True))
        candidates.append(off | attention_only)
    zero, *losses = [one.values[0] for one in fitness.evaluate(candidates, 1024)]
    assert min(losses) < zero - 0.01


def test_the_library_holds_what_was_learned_and_keeps_it(fitness):
    options = LibraryOptions(size=6, kinds=("zero", "learned"))
    first, second = (Crystalline(options).build(fitted_context(fitness=fitness)) for _ in range(2))
    assert first.library.digest == second.library.digest
    assert fitness.prepared["library"].cpu_s > 0
    assert fitness.prepared["library"].energy_j > 0
    assert first.library.kinds == ("zero", "learned") * 3


def test_layers_that_are_switched_off_are_one_key(fitness):
    genome = Crystalline(LibraryOptions(size=6, kinds=("zero", "learned"))).build(fitted_context(fitness=fitness))
    genes = np.array([4, 1, 2, 3, 0, 5, 4, 2])
    assert genome.canonical(genes).tolist() == [0, 1, 0, 3, 0, 5, 0, 0]


def test_a_fitness_without_closed_form_has_nothing_to_learn_from():
    fitness = Gpt2Loss(FITTED, tokens=1024, block=16).build(fitted_context())
    with pytest.raises(Exception, match="learned needs continuous parts in closed form"):
        Crystalline(LibraryOptions(size=2, kinds=("zero", "learned"))).build(fitted_context(fitness=fitness))


def test_equal_shapes_in_a_block_are_refused():
    sizes = replace(FITTED, n_inner=16)
    fitness = Gpt2Loss(sizes, tokens=1024, block=16, continuous=Continuous(fit="unigram")).build(fitted_context())
    with pytest.raises(Exception, match="learned needs four different shapes in a block"):
        Crystalline(LibraryOptions(size=2, kinds=("zero", "learned"))).build(fitted_context(fitness=fitness))


def test_what_crystals_learn_from_is_counted_nowhere_else_and_no_refit_sees_it():
    train = markov(20)
    counted, aside = held_out(train, 16)
    assert len(counted) == 18
    assert set(counted.names).isdisjoint({train.names[9], train.names[19]})
    n = sum(len(train.document(i)) // 16 for i in (9, 19))
    assert (len(aside.lessons), len(aside.exercises)) == (n - round(0.3 * n), round(0.3 * n))
    rows = [{tuple(row) for row in blocks.inputs.tolist()} for blocks in (aside.lessons, aside.exercises)]
    assert rows[0].isdisjoint(rows[1])


def test_places_that_were_fitted_together_are_seeds(fitness):
    genome = Crystalline(LibraryOptions(size=6, kinds=("zero", "learned"))).build(fitted_context(fitness=fitness))
    off, first, second = genome.seeds()
    assert off.tolist() == [0] * 8
    assert first.tolist() == [1, 1, 0, 0, 3, 3, 0, 0]
    assert second.tolist() == [5, 5, 0, 0, 0, 0, 0, 0]  # the third of three has nobody after it
