import numpy as np
import pytest

from evokit.genomes.encoding import encoder_of, precedence
from evokit.genomes.index_vector import IndexVector
from evokit.genomes.permutation import Permutation
from evokit.genomes.points import Points


class Plain:
    """A genome without ``encode`` whose genes are JSON values that ``draw`` makes."""

    def __init__(self, draw):
        self.random, self.to_json = draw, lambda genes: genes


def encoder(draw, orders="positions"):
    return encoder_of(Plain(draw), orders, np.random.default_rng(0))


def test_the_genomes_own_features_come_first(rng):
    genome = IndexVector([3, 4])
    genes = [genome.random(rng) for _ in range(5)]
    assert encoder_of(genome, "precedence", rng)(genes).tolist() == [one.tolist() for one in genes]


def test_numbers_are_columns_as_they_are():
    found = encoder(lambda rng: [rng.random(), int(rng.integers(5)), bool(rng.integers(2))])([[0.5, 3, True]])
    assert found.dtype == np.float32
    assert found.tolist() == [[0.5, 3.0, 1.0]]


def test_one_scalar_is_one_column():
    assert encoder(lambda rng: rng.random())([0.25, 0.5]).tolist() == [[0.25], [0.5]]


def test_names_are_one_hot_and_a_new_one_is_none_of_them():
    encode = encoder(lambda rng: {"size": 1.0, "kind": str(rng.choice(["a", "b", "c"]))})
    genes = [{"kind": "b", "size": 2.0}, {"kind": "d", "size": 3.0}]
    assert encode(genes).tolist() == [[0, 1, 0, 2], [0, 0, 0, 3]]
    encode.fit(genes)
    assert encode(genes).tolist() == [[1, 0, 2], [0, 1, 3]]


def test_a_place_may_have_numbers_and_names():
    encode = encoder(lambda rng: [None if rng.random() < 0.5 else float(rng.random())])
    assert encode([[None], [0.5]]).tolist() == [[0.0, 1.0], [0.5, 0.0]]


def test_points_of_one_grid_are_flat(rng):
    genome = Points([{"lr": lr, "kind": kind} for lr in (0.1, 0.2) for kind in ("a", "b")])
    found = encoder_of(genome, "positions", rng)([genome.from_json({"lr": 0.2, "kind": "b"})])
    assert found == pytest.approx(np.array([[0, 1, 0.2]]))


def test_permutations_are_seen_by_positions_or_by_precedence():
    def draw(rng):
        return rng.permutation([2, 3, 5]).tolist()

    assert encoder(draw)([[5, 2, 3]]) == pytest.approx(np.array([[1, 2, 0]]) / 3)
    assert encoder(draw, "precedence")([[5, 2, 3]]).tolist() == [[1, 0, 0]]


def test_the_permutation_genome_may_be_seen_by_precedence(rng):
    genome = Permutation(4)
    genes = [genome.random(rng) for _ in range(6)]
    found = encoder_of(genome, "precedence", rng)(genes)
    pairs = [(i, j) for i in range(4) for j in range(i + 1, 4)]
    expected = [[float(list(one).index(i) < list(one).index(j)) for i, j in pairs] for one in genes]
    assert found.tolist() == expected
    assert encoder_of(genome, "positions", rng)(genes).shape == (6, 4)


def test_precedence_tells_orders_apart(rng):
    orders = {tuple(row) for row in precedence(np.array([rng.permutation(4) for _ in range(300)])).tolist()}
    assert len(orders) == 24


@pytest.mark.parametrize(
    ("draw", "says"),
    [
        (lambda rng: [0.0] * int(rng.integers(1, 5)), "unlike lengths, . and ., have no features"),
        (lambda rng: {str(rng.choice(["a", "b"])): 1}, "unlike lengths, {.} and {.}, have no features"),
        (lambda rng: [[1, 2], 3], r"genes within genes, \[1, 2\], have no features"),
        (lambda rng: [float("nan")], "genes that hold nan have no features"),
    ],
)
def test_what_is_not_flat_is_refused_when_it_is_built(draw, says):
    with pytest.raises(ValueError, match=says + ".* give the genome encode"):
        encoder(draw)


def test_what_stops_being_a_permutation_is_refused():
    encode = encoder(lambda rng: rng.permutation(4).tolist())
    with pytest.raises(ValueError, match="were permutations at first and then others"):
        encode([[0, 0, 1, 2]])
