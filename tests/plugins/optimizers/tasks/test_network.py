"""Networks whose parameters lie in one flat vector."""

import torch

from evokit_optimizers.tasks.convnet import ConvNet

NETWORK = ConvNet("batchnorm_cnn", (8, 8, 3), 3, channels=(2, 3), hidden=5)


def flat_of(network, seed=0):
    return network.initial(torch.Generator().manual_seed(seed))


def test_one_generator_gives_one_start():
    assert torch.equal(flat_of(NETWORK), flat_of(NETWORK))
    assert not torch.equal(flat_of(NETWORK), flat_of(NETWORK, seed=1))


def test_views_share_the_vectors_memory():
    flat = flat_of(NETWORK)
    views = NETWORK.views(flat)
    flat.zero_()
    assert all(view.detach().abs().max() == 0 for view in views)
    assert all(view.is_leaf and view.requires_grad for view in views)
