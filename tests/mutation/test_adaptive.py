"""The options of ``adaptive``, mutation and crossover."""

import numpy as np
import pytest

from evokit.crossover.adaptive import AdaptiveCrossover
from evokit.crossover.blx_alpha import BLXAlpha
from evokit.crossover.uniform import Uniform
from evokit.genomes.real_vector import RealVector
from evokit.interfaces import Context
from evokit.mutation.adaptive import AdaptiveMutation
from evokit.mutation.gaussian import Gaussian
from evokit.mutation.one_fifth import OneFifth
from evokit.mutation.polynomial import Polynomial
from evokit.recipe import load_recipe
from evokit.streams import Streams
from tests.searches.building import Part, building_nested

CONTEXT = building_nested(Context(Streams(0), genome=RealVector(-1, 1, 3)))


def parts(*options):
    return tuple(map(Part, options))


def test_operators_have_the_names_of_their_components_a_second_one_a_number():
    mutate = AdaptiveMutation(operators=parts(Gaussian(0.01), Gaussian(0.3), Polynomial())).build(CONTEXT)
    assert mutate.figures() == pytest.approx({"gaussian": 1 / 3, "gaussian-2": 1 / 3, "polynomial": 1 / 3})


def test_it_is_an_operator_for_those_who_teach_nothing():
    rng = np.random.default_rng(0)
    mutate = AdaptiveMutation(operators=parts(Gaussian(prob=1.0), Polynomial(prob=1.0))).build(CONTEXT)
    assert (mutate(np.zeros(3), rng) != 0).all()
    cross = AdaptiveCrossover(operators=parts(Uniform(), BLXAlpha())).build(CONTEXT)
    assert [child.shape for child in cross(np.zeros(3), np.ones(3), rng)] == [(3,), (3,)]


def test_one_that_changes_by_itself_is_refused():
    with pytest.raises(ValueError, match="operators: onefifth changes with time by itself; name one that does not"):
        AdaptiveMutation(operators=parts(Gaussian(), OneFifth())).build(CONTEXT)


def test_a_least_that_is_too_much_is_refused():
    with pytest.raises(ValueError, match=r"least \(0.5\): must be less than 0.5"):
        AdaptiveMutation(operators=parts(Gaussian(), Polynomial()), least=0.5).build(CONTEXT)


def test_a_recipe_names_what_is_wrong_inside(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_text(
        "fitness: {name: onemax}\n"
        "genome: {name: bits, length: 8}\n"
        "search: {name: generational}\n"
        "crossover: {name: uniform}\n"
        "mutation:\n"
        "  name: adaptive\n"
        "  operators: [{name: bit_flip}, {name: gaussian}]\n"
    )
    with pytest.raises(Exception, match=r"mutation.operators\[?.?1.*'gaussian' works on genes of kind real_vector"):
        load_recipe(path)
