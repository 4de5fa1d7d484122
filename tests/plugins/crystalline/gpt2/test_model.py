"""The forward pass against transformers' own."""

import pytest
import torch

from evokit_crystalline.crystals.matrices import Dense
from evokit_crystalline.gpt2 import model
from evokit_crystalline.gpt2.sizes import Sizes
from tests.rounding import rounding

SIZES = Sizes(n_embd=12, n_layer=3, n_head=2, n_positions=8, vocab_size=50)


@pytest.fixture(scope="module")
def reference():
    from transformers import GPT2Config, GPT2LMHeadModel

    model = GPT2LMHeadModel(GPT2Config(**SIZES.to_config())).eval().double()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for tensor in model.state_dict().values():
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.3)
    return model


@pytest.fixture
def tokens():
    return torch.randint(SIZES.vocab_size, (2, 6), generator=torch.Generator().manual_seed(2))


def test_logits_equal_those_of_transformers(reference, tokens):
    tensors = reference.state_dict()
    h = model.hidden(tensors, model.dense_layers(tensors, SIZES), SIZES, tokens)
    with torch.no_grad():
        expected = reference(tokens).logits
    torch.testing.assert_close(h @ tensors["transformer.wte.weight"].T, expected)


def test_structured_matrices_compute_what_their_dense_tensors_do(reference, tokens):
    tensors = {name: tensor.float() for name, tensor in reference.state_dict().items()}
    dense = model.dense_layers(tensors, SIZES)
    structured = model.hidden(tensors, [Dense(matrix) for matrix in dense], SIZES, tokens)
    expected = model.hidden(tensors, dense, SIZES, tokens)
    n = SIZES.n_layer * (12 + 12 + 12 + 48 + 8)  # terms of a block's projections and of its attention
    assert (structured - expected).abs().max() <= rounding(n, expected.abs().max())


def test_gradients_equal_those_of_transformers(reference, tokens):
    tensors = {name: t.detach().clone().requires_grad_() for name, t in reference.state_dict().items()}
    h = model.hidden(tensors, model.dense_layers(tensors, SIZES), SIZES, tokens)
    (h @ tensors["transformer.wte.weight"].T).square().sum().backward()
    reference.zero_grad()
    reference(tokens).logits.square().sum().backward()
    for name, parameter in reference.named_parameters():
        torch.testing.assert_close(tensors[name].grad, parameter.grad)


def test_a_stage_depends_only_on_the_projections_before_it(reference, tokens):
    tensors = reference.state_dict()
    dense = model.dense_layers(tensors, SIZES)
    state = model.start(tensors, SIZES, tokens)
    for stage in range(5):
        state = model.advance(tensors, SIZES, stage, dense[stage], state)
    shared = state
    for stage in range(5, len(dense)):
        state = model.advance(tensors, SIZES, stage, dense[stage], state)
    assert torch.equal(state[1], model.hidden(tensors, dense, SIZES, tokens))
    assert shared[1].shape == (2, 6, 12)


def test_there_are_four_slots_in_each_block(reference):
    slots = SIZES.slots()
    assert len(slots) == 4 * SIZES.n_layer
    assert {name: tuple(reference.state_dict()[f"{name}.weight"].shape) for name in slots} == slots


def test_continuous_parts_and_projections_are_the_whole_state_dict(reference):
    names = SIZES.continuous().keys() | {f"{slot}.weight" for slot in SIZES.slots()}
    assert names | {"lm_head.weight"} == reference.state_dict().keys()
