"""Sizes of a GPT-2."""

from types import SimpleNamespace

import pytest

from evokit_crystalline.gpt2.sizes import Sizes


def test_the_papers_sizes_have_eight_projections():
    assert list(Sizes().slots().values()) == [(128, 384), (128, 128), (128, 512), (512, 128)] * 2


def test_sizes_survive_the_configuration_of_transformers():
    from transformers import GPT2Config

    sizes = Sizes(n_embd=24, n_layer=1, n_head=3, n_positions=16, n_inner=40)
    assert Sizes.from_config(GPT2Config(**sizes.to_config())) == sizes


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="n_embd must be a multiple of n_head, got 10 and 3"):
        Sizes(n_embd=10, n_head=3)


def test_another_activation_is_refused():
    with pytest.raises(ValueError, match="activation_function='relu' is not supported"):
        Sizes.from_config(SimpleNamespace(activation_function="relu"))
