import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from evokit.genomes.index_vector import IndexVector, IndexVectorOptions
from evokit.interfaces import Context
from evokit.streams import Streams

CONTEXT = Context(Streams(0))


def test_each_gene_is_uniform_over_its_own_choices():
    genome, rng = IndexVector([2, 1, 4]), np.random.default_rng(0)
    genes = np.stack([genome.random(rng) for _ in range(4000)])
    for column, size in zip(genes.T, genome.sizes, strict=True):
        assert np.bincount(column) / len(column) == pytest.approx(np.full(size, 1 / size), abs=0.03)


@pytest.mark.parametrize("value", [4, -1, 1.0, True, "1", None])
def test_what_is_no_choice_is_named_with_its_place(value):
    with pytest.raises(ValueError, match=r"genes\[1\]: must be an integer in 0..3, got"):
        IndexVector([2, 4]).from_json([0, value])


def test_a_gene_without_a_choice_is_an_error():
    with pytest.raises(ValueError, match=r"sizes\[1\]: must be at least 1, got 0"):
        IndexVector([2, 0])


def test_no_genes_is_an_error():
    with pytest.raises(ValueError, match="length: must be at least 1, got 0"):
        IndexVector([])


def test_options_give_sizes_or_length_and_choices():
    assert IndexVectorOptions(length=3, choices=5).build(CONTEXT).sizes == (5, 5, 5)
    assert IndexVectorOptions(sizes=(2, 3)).build(CONTEXT).sizes == (2, 3)


@pytest.mark.parametrize("options", [{}, {"length": 3}, {"choices": 3}])
def test_incomplete_options_are_an_error(options):
    with pytest.raises(ValueError, match="give length and choices, or sizes"):
        IndexVectorOptions(**options)


def test_options_that_say_it_twice_are_an_error():
    with pytest.raises(ValueError, match="not both"):
        IndexVectorOptions(length=3, sizes=(2, 3))


def test_a_recipe_with_length_zero_is_refused():
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        TypeAdapter(IndexVectorOptions).validate_python({"length": 0, "choices": 2})
