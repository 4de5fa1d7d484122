import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evokit import Choice, Float, Int, Order, Space, Subset, key_of
from evokit.genomes.space.genome import SpaceGenome
from evokit.testing import genome_conformance
from tests.genomes.space.spaces import EVERYTHING, NUMBERS, spaces

test_a_space_of_everything_is_a_genome = genome_conformance(EVERYTHING)
test_a_space_of_numbers_is_a_genome = genome_conformance(NUMBERS)


def genome_of(parameters, forbidden=()):
    return Space(parameters, forbidden).build(None)


def sound(genome, genes):
    """Whether genes survive JSON, which refuses what is impossible, forbidden, missing or too much."""
    data = json.loads(json.dumps(genome.to_json(genes)))
    again = genome.from_json(data)
    return again == genes == genome.canonical(genes) and key_of(genome, again) == key_of(genome, genes)


@given(spaces(), st.integers(0, 100))
@settings(max_examples=60)
def test_whatever_operators_make_is_allowed_and_survives_json_as_the_same(space, seed):
    genome, rng = space.build(None), np.random.default_rng(seed)
    a, b = genome.random(rng), genome.random(rng)
    before = (a, b)
    children = [*genome.crossover(a, b, rng), genome.mutate(a, rng)]
    assert (a, b) == before
    for genes in (a, b, *children):
        assert sound(genome, genes)
        assert genome.from_json(genome.express(genes)) == genes
        assert genome.encode(genes).shape == genome.encode(a).shape
        assert np.isfinite(genome.encode(genes)).all()
        assert 0 <= genome.distance(a, genes) == genome.distance(genes, a) <= 1
    assert genome.distance(a, a) == 0


@given(spaces(), st.integers(0, 100))
@settings(max_examples=30)
def test_a_child_has_of_what_both_parents_share_nothing_else(space, seed):
    genome, rng = space.build(None), np.random.default_rng(seed)
    a = genome.random(rng)
    assert genome.crossover(a, a, rng) == (a, a)


def test_a_mutant_is_another_one(rng):
    genome = EVERYTHING.build(None)
    for _ in range(100):
        genes = genome.random(rng)
        assert genome.mutate(genes, rng) != genes


def test_a_mutation_changes_one_part_on_average_at_least_one_and_any_of_a_list(rng):
    genome = genome_of({"x": Float(0, 1, length=12), "c": Choice(["a", "b", "c"], length=8)})
    genes, changed = genome.random(rng), []
    for _ in range(600):
        mutant = genome.mutate(genes, rng)
        parts = zip([*genes[0], *genes[1]], [*mutant[0], *mutant[1]], strict=True)
        changed.append([before != after for before, after in parts])
    assert np.mean(np.sum(changed, axis=1)) == pytest.approx(
        1 + 0.95**20, abs=0.15
    )  # 0.8 / sqrt(600) each way: 5 sigma
    assert np.all(np.any(changed, axis=0))


def test_what_is_forbidden_is_beside_nobody(rng):
    genome = genome_of({"c": Choice(["a", "b", "c"]), "n": Int(0, 9)}, [{"c": "b", "n": {"above": 4}}])
    genes = genome.from_json({"c": "a", "n": 7})
    assert [genome.to_json(one)["c"] for one in genome.beside(genes, 0, 0.1, rng)] == ["c"]


def test_what_does_not_exist_counts_in_no_key():
    genome = genome_of({"c": Choice(["a", "b"]), "x": Float(0, 1, when={"c": "b"})})
    assert genome.canonical((0, 0.25)) == (0, None)
    assert key_of(genome, (0, 0.25)) == key_of(genome, (0, 0.75)) == key_of(genome, (0, None))
    assert key_of(genome, (1, 0.25)) != key_of(genome, (1, 0.75))
    assert genome.express((0, None)) == {"c": "a"}


def test_conditions_hold_as_they_are_written(rng):
    genome = EVERYTHING.build(None)
    for genes in (genome.random(rng) for _ in range(300)):
        p = genome.express(genes)
        sgd = p["optimizer"] == "sgd"
        assert ("momentum" in p) == sgd
        assert ("warm" in p) == (sgd and 0.3 < p["momentum"] <= 0.9)
        assert ("network" in p) == (p["optimizer"] == "adam" or (sgd and p["lr"] < 0.1))
        assert ("units" in p.get("network", {})) == ("network" in p and p["network"]["layers"] >= 3)
        assert not (p["size"] == "l" and p["lr"] > 0.01)
        assert not (p["optimizer"] == "none" and p["size"] in ("s", "m"))
        assert 1 <= len(p["parts"]) <= 2
        assert p["epochs"] == 10


def test_a_parameter_that_one_parent_has_goes_to_each_child_where_it_exists(rng):
    genome = genome_of({"c": Choice(["a", "b"]), "x": Float(0, 1, when={"c": "b"})})
    children = {genes for _ in range(20) for genes in genome.crossover((0, None), (1, 0.5), rng)}
    assert children == {(0, None), (1, 0.5)}


def draws(parameter, n=4000):
    genome, rng = genome_of({"x": parameter}), np.random.default_rng(0)
    return [genome.express(genome.random(rng))["x"] for _ in range(n)]


def test_real_numbers_are_uniform_and_with_log_their_logarithms_are():
    assert np.histogram(draws(Float(2, 4)), 4, (2, 4))[0] == pytest.approx([1000] * 4, abs=110)
    logs = np.log10(draws(Float(1e-4, 1, log=True)))
    assert np.histogram(logs, 4, (-4, 0))[0] == pytest.approx([1000] * 4, abs=110)


def test_steps_and_whole_numbers_are_as_likely():
    values, counts = np.unique(draws(Float(0, 1, step=0.3)), return_counts=True)
    assert values.tolist() == [0.0, 0.3, 0.6, 0.9]
    assert counts == pytest.approx([1000] * 4, abs=110)
    values, counts = np.unique(draws(Int(3, 10, step=2)), return_counts=True)
    assert values.tolist() == [3, 5, 7, 9]
    assert counts == pytest.approx([1000] * 4, abs=110)


def test_a_whole_number_with_log_has_the_room_that_rounds_to_it():
    _, counts = np.unique(draws(Int(1, 4, log=True)), return_counts=True)
    ends = np.log([0.5, 1.5, 2.5, 3.5, 4.5])
    assert counts / 4000 == pytest.approx(np.diff(ends) / (ends[-1] - ends[0]), abs=0.03)


def test_each_size_of_a_subset_and_each_order_is_as_likely():
    sizes = np.bincount([len(one) for one in draws(Subset(list("abcde"), at_most=3))])
    assert sizes == pytest.approx([1000] * 4, abs=110)
    firsts = np.bincount([one[0] for one in draws(Order([0, 1, 2, 3]))])
    assert firsts == pytest.approx([1000] * 4, abs=110)


def test_numbers_move_by_a_tenth_of_their_range_and_whole_ones_to_the_next_at_least():
    genome, rng = genome_of({"x": Float(1e-4, 1e4, log=True)}), np.random.default_rng(0)
    moves = [np.log10(genome.mutate((1.0,), rng)[0]) / 8 for _ in range(3000)]
    assert np.median(np.abs(moves)) == pytest.approx(0.1 * 0.6745, abs=0.005)  # of a normal step
    moves = [np.log10(genome.mutate((1.0,), rng, strength=0.1)[0]) / 8 for _ in range(3000)]
    assert np.median(np.abs(moves)) == pytest.approx(0.01 * 0.6745, abs=0.001)
    whole = genome_of({"n": Int(1, 3), "size": Choice(["s", "m", "l"], ordered=True)})
    for _ in range(100):
        n, size = whole.mutate((2, 1), rng, strength=1e-9)
        assert abs(n - 2) + abs(size - 1) in (1, 2)


def test_those_beside_differ_in_one_parameter_by_the_least():
    genome, rng = NUMBERS.build(None), np.random.default_rng(0)
    genes = genome.from_json({"x": 0.1, "steps": 0.5, "n": 1, "units": [1, 50], "size": "m", "constant": 3})
    beside = [[one[place] for one in genome.beside(genes, place, 0.1, rng)] for place in range(6)]
    assert beside[0] == pytest.approx([0.1 / 10**0.3, 0.1 * 10**0.3])
    assert beside[1:3] == [[0.25, 0.75], [2]]
    assert beside[3] == [(2, 50), (1, 32), (1, 79)]
    assert beside[4:] == [[0, 2], []]
    genome = genome_of({"c": Choice(list("pqrs")), "s": Subset(list("abc"), at_most=2, at_least=1),
                        "o": Order(["i", "j", "k"]), "x": Float(0, 1, when={"c": "p"})})  # fmt: skip
    genes = (1, (0, 2), (0, 1, 2), None)
    beside = [[one[place] for one in genome.beside(genes, place, 0.1, rng)] for place in range(4)]
    assert beside[0] == [0, 2, 3]
    assert sorted(beside[1]) == [(0,), (0, 1), (1, 2), (2,)]
    assert beside[2:] == [[(1, 0, 2), (0, 2, 1)], []]
    assert [one[3] is None for one in genome.beside(genes, 0, 0.1, rng)] == [False, True, True]


def test_crossover_of_numbers_is_simulated_binary(rng):
    genome = genome_of({"x": Float(0, 1), "n": Int(0, 100)})
    for _ in range(50):
        first, second = genome.crossover((0.4, 40), (0.6, 60), rng)
        assert first[0] + second[0] == pytest.approx(1.0, abs=0.05)  # symmetric but for the bounds
        assert first[1] + second[1] == pytest.approx(100, abs=5)


def test_features_and_distance_by_hand():
    genome = genome_of(
        {
            "x": Float(1, 100, log=True),
            "c": Choice(["a", "b"]),
            "y": Int(0, 4, when={"c": "b"}),
            "s": Subset(["p", "q"]),
            "o": Order(["i", "j", "k"]),
        }
    )
    a = genome.from_json({"x": 10.0, "c": "a", "s": ["q"], "o": ["k", "i", "j"]})
    b = genome.from_json({"x": 1.0, "c": "b", "y": 1, "s": ["q", "p"], "o": ["i", "k", "j"]})
    assert genome.encode(a) == pytest.approx([0.5, 1, 0, 0, 0.5, 0, 1, 0.5, 1, 0])
    assert genome.encode(b) == pytest.approx([0, 0, 1, 1, 0.25, 1, 1, 0, 1, 0.5])
    assert genome.distance(a, b) == pytest.approx((0.5 + 1 + 1 + 1 / 2 + 1 / 3) / 5)


def test_in_a_report_they_are_names_and_values():
    genome = genome_of({"net": {"units": Int(1, 9, length=2)}, "x": Float(0, 1)})
    assert genome.show(((2, 3), 1 / 3)) == "net: units [2 3]\nx 0.333333"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([1], "must be a mapping of names to values, got list"),
        ({"lrr": 1}, "there is no parameter 'lrr'; did you mean 'lr'"),
        ({"lr": 2}, "lr: must be a number from 1e-05 to 1, got 2"),
        ({"optimizer": "adm"}, "optimizer: must be one of 'adam', 'sgd', 'none', got 'adm'"),
        ({"momentum": 0.5}, "momentum does not exist beside the others; leave it out"),
        ({"lr": None}, "lr: must be a number from 1e-05 to 1, got None"),
        ({"parts": ["a", "a"]}, "parts: must have each option once"),
        ({"parts": []}, "parts: must be a list of 1 to 2 options"),
        ({"order": [1, 2]}, "order: must be a list of all 4 options"),
        ({"size": "l", "lr": 0.5}, "this combination is forbidden"),
        ({"network": {"layers": 3, "units": [8]}}, "network.units: must be a list of 2"),
        ({"network": {"layers": 3}}, "network.units is missing"),
        ({"network": {"layers": 2.5}}, "network.layers: must be a whole number from 1 to 8, got 2.5"),
    ],
)
def test_genes_that_cannot_be_are_refused(data, message):
    good = {"optimizer": "adam", "lr": 0.001, "network": {"layers": 2}, "size": "s", "parts": ["a"]}
    good |= {"order": [1, 2, 3, 4], "shape": [128], "epochs": 10}
    genome = EVERYTHING.build(None)
    assert isinstance(genome, SpaceGenome)
    assert genome.to_json(genome.from_json(good))["network.layers"] == 2
    with pytest.raises(ValueError, match=message.replace("[", r"\[")):
        genome.from_json(data if isinstance(data, list) else good | data)


def test_where_all_is_forbidden_nothing_is_drawn(rng):
    with pytest.raises(ValueError, match="of 10,000 random draws all are forbidden"):
        genome_of({"c": Choice(["a", "b"])}, [{"c": ["a", "b"]}]).random(rng)
