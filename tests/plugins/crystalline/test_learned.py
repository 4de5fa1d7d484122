"""Learned crystals: attention looks where it says, responses are the loss's own, and the blocks help."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from evokit.streams import Streams
from evokit_crystalline import gpt2
from evokit_crystalline.basis import CONTENT, basis
from evokit_crystalline.genome import Crystalline
from evokit_crystalline.learned import attention, learn_places, quantised, working_responses
from evokit_crystalline.lessons import held_out
from evokit_crystalline.library import LibraryOptions
from evokit_crystalline.matrices import Zero
from evokit_crystalline.options import Continuous, Gpt2Loss
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


def test_a_head_copies_the_content_from_so_many_tokens_back(fitness):
    tokens = torch.arange(16)[None] * 3
    state = gpt2.start(fitness.frame.parts, FITTED, tokens)
    read = gpt2.advance(fitness.frame.parts, FITTED, 0, attention(FITTED, [1, None], strided=False), state)[1][0]
    content = state[1][0] @ torch.from_numpy(basis(16))[CONTENT:].T
    torch.testing.assert_close(read[1:, :8], content[:-1], atol=0.02, rtol=0.01)
    assert read[1:, 8:].abs().max() < 1e-5  # eight coordinates fill one head


@pytest.mark.parametrize("strided", [False, True])
def test_a_head_without_offset_takes_the_mean_of_all_tokens_so_far(fitness, strided):
    state = gpt2.start(fitness.frame.parts, FITTED, torch.arange(16)[None] * 3)
    read = gpt2.advance(fitness.frame.parts, FITTED, 0, attention(FITTED, [None, None], strided=strided), state)[1][0]
    content = state[1][0] @ torch.from_numpy(basis(16))[CONTENT:].T
    mean = content.cumsum(0) / torch.arange(1, 17)[:, None]
    order = [0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15] if strided else list(range(16))
    found = read if not strided else torch.empty_like(read).index_copy_(1, torch.tensor(order), read)
    torch.testing.assert_close(found[:, :8], mean, atol=1e-4, rtol=1e-4)


def test_responses_are_the_gradient_that_autograd_finds(fitness):
    blocks = fitness.lessons.take(slice(3))
    responses = working_responses(fitness.frame, blocks)
    parts, content = fitness.frame.parts, torch.from_numpy(basis(16))[CONTENT:]
    off = [Zero(shape) for shape in FITTED.slots().values()]
    hidden = gpt2.hidden(parts, off, FITTED, torch.from_numpy(blocks.inputs)).detach().requires_grad_()
    logits = (hidden @ parts["lm_head.weight"].T).flatten(0, 1)
    torch.nn.functional.cross_entropy(logits, torch.from_numpy(blocks.targets).flatten(), reduction="sum").backward()
    torch.testing.assert_close(responses.pull, -hidden.grad @ content.T, atol=2e-3, rtol=1e-3)
    assert torch.linalg.eigvalsh(responses.curvature).min() > -1e-5


def test_quantised_factors_have_few_levels_and_approximate_the_matrix():
    generator = torch.Generator().manual_seed(0)
    matrix = torch.randn(12, 3, generator=generator) @ torch.randn(3, 9, generator=generator)
    U, V = quantised(matrix, torch.eye(12), torch.eye(9), 3)
    assert max(len(column.unique()) for column in [*U.T, *V.T]) <= 15
    assert (V @ U.T - matrix).norm() < 0.2 * matrix.norm()


def test_a_learned_block_lowers_the_loss_on_documents_that_nothing_was_fitted_to(fitness):
    places = learn_places(fitness.frame, working_responses(fitness.frame, fitness.lessons), 6, Streams(1))
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


def test_what_crystals_learn_from_is_counted_nowhere_else():
    train = markov(20)
    counted, lessons = held_out(train, 16)
    assert len(counted) == 18
    assert set(counted.names).isdisjoint({train.names[9], train.names[19]})
    assert len(lessons) == sum(len(train.document(i)) // 16 for i in (9, 19))
