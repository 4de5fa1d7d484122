"""Continuous parts of a GPT-2."""

import math
from dataclasses import replace

import pytest
import torch

from evokit.errors import UserError
from evokit.streams import Streams
from evokit_crystalline.gpt2.continuous import continuous_parts, pretrained_parts, random_matrices, random_parts
from evokit_crystalline.gpt2.options import Continuous
from evokit_crystalline.gpt2.sizes import Sizes

SIZES = Sizes(n_embd=32, n_layer=2, n_head=2, n_positions=16, vocab_size=300)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    from transformers import GPT2Config, GPT2LMHeadModel

    path = tmp_path_factory.mktemp("pretrained")
    model = GPT2LMHeadModel(GPT2Config(**SIZES.to_config()))
    model.save_pretrained(path)
    return str(path), model.state_dict()


def spread(sample, std):
    """Whether a normal sample's deviation is ``std`` to within four standard errors."""
    return sample.std().item() == pytest.approx(std, rel=4 / math.sqrt(2 * sample.numel()))


def test_random_parts_have_the_initial_distribution_of_transformers():
    parts = random_parts(SIZES, Streams(0))
    assert {name: tuple(part.shape) for name, part in parts.items()} == SIZES.continuous()
    assert spread(parts["transformer.wte.weight"], 0.02)
    assert (parts["transformer.ln_f.weight"] == 1).all()
    assert (parts["transformer.h.0.mlp.c_fc.bias"] == 0).all()


def test_matrices_that_write_to_the_residual_stream_start_smaller():
    matrices = random_matrices(SIZES, Streams(0))
    assert spread(matrices["transformer.h.0.mlp.c_fc.weight"], 0.02)
    assert spread(matrices["transformer.h.1.mlp.c_proj.weight"], 0.02 / math.sqrt(4))


def test_the_stream_decides_the_random_parts():
    name = "transformer.wte.weight"
    a, b, other = (random_parts(SIZES, Streams(seed))[name] for seed in (0, 0, 1))
    assert torch.equal(a, b)
    assert not torch.equal(a, other)


def test_pretrained_parts_are_those_of_the_saved_model(saved):
    path, tensors = saved
    state = torch.random.get_rng_state()
    parts = continuous_parts(Continuous("pretrained", path), SIZES, Streams(0))
    assert parts.keys() == SIZES.continuous().keys()
    assert all(torch.equal(part, tensors[name]) for name, part in parts.items())
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_model_with_more_positions_gives_its_first_ones(saved):
    path, tensors = saved
    parts = pretrained_parts(path, replace(SIZES, n_positions=5))
    assert torch.equal(parts["transformer.wpe.weight"], tensors["transformer.wpe.weight"][:5])


def test_a_model_of_other_sizes_is_refused(saved):
    with pytest.raises(UserError, match=r"the sizes of the model .* are not the recipe's: .*n_embd=32"):
        pretrained_parts(saved[0], replace(SIZES, n_embd=16))


def test_a_directory_without_a_model_is_named(tmp_path):
    with pytest.raises(UserError, match=f"{tmp_path} is no GPT-2 that transformers can load"):
        pretrained_parts(str(tmp_path), SIZES)


def test_a_model_that_lacks_a_part_is_refused(saved, tmp_path):
    from transformers import GPT2Config, GPT2LMHeadModel

    incomplete = {name: t for name, t in saved[1].items() if "ln_f" not in name}
    model = GPT2LMHeadModel(GPT2Config(**SIZES.to_config()))
    model.save_pretrained(tmp_path, state_dict=incomplete)
    with pytest.raises(UserError, match=r"lacks transformer\.ln_f\.bias, transformer\.ln_f\.weight"):
        pretrained_parts(str(tmp_path), SIZES)
