"""The small language model."""

import pytest
import torch
import torch.nn.functional as F

from evokit_optimizers.tasks.transformer import Transformer

SMALL = Transformer(width=8, n_layers=2, n_heads=2, length=6)


def parts(network=SMALL):
    flat = network.initial(torch.Generator().manual_seed(0))
    names = [parameter.name for parameter in network.parameters]
    return dict(zip(names, network.views(flat), strict=True))


def inputs(n=3, length=6):
    return torch.randint(256, (n, length), generator=torch.Generator().manual_seed(1))


def plain(named, x):
    """The same step by step, attention written out."""
    width, heads, length = 8, 2, x.shape[1]

    def linear(name, h):
        return h @ named[f"{name}.weight"].T + named[f"{name}.bias"]

    def norm(name, h):
        return F.layer_norm(h, (width,)) * named[f"{name}.weight"] + named[f"{name}.bias"]

    h = named["bytes"][x] + named["positions"][:length]
    later = torch.ones(length, length).triu(1).bool()
    for i in range(2):
        query, key, value = linear(f"attention{i}", norm(f"norm{i}.0", h)).split(width, dim=2)
        mixed = []
        for head in range(heads):
            part = slice(head * width // heads, (head + 1) * width // heads)
            weights = query[..., part] @ key[..., part].transpose(1, 2) / (width // heads) ** 0.5
            mixed.append(weights.masked_fill(later, -torch.inf).softmax(2) @ value[..., part])
        h = h + linear(f"joined{i}", torch.cat(mixed, 2))
        h = h + linear(f"narrow{i}", F.gelu(linear(f"wide{i}", norm(f"norm{i}.1", h))))
    return norm("norm", h) @ named["output.weight"].T


def test_the_size_is_that_of_the_public_code():
    assert Transformer().n_parameters == 470_528


def test_it_equals_attention_written_out():
    named = {name: value.double() for name, value in parts().items()}
    torch.testing.assert_close(SMALL.logits(list(named.values()), inputs()), plain(named, inputs()))


def test_no_byte_sees_those_after_it():
    named, x = [value.double() for value in parts().values()], inputs()
    changed = x.clone()
    changed[:, 3:] = 0
    torch.testing.assert_close(SMALL.logits(named, x)[:, :3], SMALL.logits(named, changed)[:, :3])


def test_all_but_embeddings_and_output_are_inner_weights():
    inner = {parameter.name for parameter in SMALL.parameters if parameter.group == "hidden"}
    layers = ("attention", "joined", "wide", "narrow")
    assert inner == {f"{name}{i}.weight" for name in layers for i in range(2)}


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ValueError, match="width must be a multiple of heads, got 8 and 3"):
        Transformer(width=8, n_heads=3)
