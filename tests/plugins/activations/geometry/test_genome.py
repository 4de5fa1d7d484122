import numpy as np
import pytest

from evokit.testing import genome_conformance
from evokit_activations.geometry.class_geometry import ClassGeometry, known_geometry
from evokit_activations.geometry.genome import GeometrySpace, build_genome
from evokit_activations.geometry.options import GeometryGenome

from ..tiny import around
from .tiny import SPACE, fitness

SLOTS = {"block0": (4, 4, 3), "block1": (2, 2, 4), "logits": (3,)}

test_the_space_conforms = genome_conformance("class_geometry", slots=SLOTS)
test_the_space_with_fixed_numbers_conforms = genome_conformance(
    "class_geometry", slots=SLOTS, own_share=[0, 0], lr=[4, 4]
)


def test_the_network_of_the_fitness_says_how_many_blocks_there_are():
    assert build_genome(GeometryGenome(), around(fitness())).n_blocks == 2


def test_the_centre_is_the_middle_of_the_bounds_on_each_scale():
    middle = SPACE.express(SPACE.centre())
    assert middle.mean_share == middle.centring == (0.5, 0.5)
    assert middle.own_share == pytest.approx((0.15, 0.15))
    assert (middle.logit, middle.lr, middle.kl) == pytest.approx((5, 3, 0.03))


def test_known_points_are_among_the_seeds():
    centre, mean, code, hand = map(SPACE.express, SPACE.seeds())
    assert centre == SPACE.express(SPACE.centre())
    assert [mean, code, hand] == [known_geometry(name, 2) for name in ("class_mean", "class_code", "hand")]
    assert hand == ClassGeometry((1, 0), (1, 1), (0, 0), (0, 0), (1, 1), logit=5, confusion=0, lr=4, kl=0.03)


def test_a_seed_beyond_the_bounds_is_moved_to_the_nearest():
    space = GeometrySpace(GeometryGenome(mean_share=(0.2, 0.9), lr=(1, 3), seeds=("hand",)), 2)
    (hand,) = map(space.express, space.seeds())
    assert (hand.mean_share, hand.lr) == ((0.9, 0.2), 3)


def test_equal_bounds_fix_a_value_in_every_block():
    space = GeometrySpace(GeometryGenome(loss_weight=(1, 1), confusion=(0, 0)), 3)
    geometry = space.express(space.random(np.random.default_rng(0)))
    assert (geometry.loss_weight, geometry.confusion) == ((1, 1, 1), 0)
    assert not {"loss_weight", "confusion"} & {leaf.name for leaf in space.leaves}


def test_clusters_and_their_share_evolve_where_they_are_free():
    space = GeometrySpace(GeometryGenome(clusters=(2, 4), cluster_share=(0, 1)), 2)
    found = [space.express(space.random(np.random.default_rng(seed))) for seed in range(30)]
    assert {one.clusters for one in found} == {2, 3, 4}
    assert all(len(one.cluster_share) == 2 and min(one.cluster_share) >= 0 for one in found)
    assert all(space.express(one).cluster_share == (0, 0) for one in space.seeds()[1:])
    fixed = GeometrySpace(GeometryGenome(clusters=(3, 3), cluster_share=(0, 1)), 2)
    assert fixed.express(fixed.centre()).clusters == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lr": (2, 1)}, r"lr: must be the lowest and the highest value, got \[2, 1\]"),
        ({"own_share": (0, 2)}, "own_share: is a share, at most 1, got 2"),
        ({"kl": (0, 1)}, "kl: counts by factors"),
        (dict.fromkeys(GeometryGenome().bounds, (1, 1)), "nothing is free"),
        ({"clusters": (1, 3), "cluster_share": (0, 2)}, "cluster_share: is a share, at most 1, got 2"),
        ({"clusters": (1, 3)}, "clusters: more than one and a cluster_share above 0 go together"),
        ({"cluster_share": (0, 1)}, "clusters: more than one and a cluster_share above 0 go together"),
        ({"clusters": (3, 1), "cluster_share": (0, 1)}, "clusters: must be the lowest and the highest value"),
    ],
)
def test_bounds_that_mean_nothing_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        GeometryGenome(**options)
