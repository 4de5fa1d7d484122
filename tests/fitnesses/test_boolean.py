import numpy as np
import pytest

from evokit.fitnesses.boolean import Boolean, even_parity, inputs_of, majority, multiplexer
from evokit.genomes.primitives import Boolean as BooleanSet
from evokit.genomes.tree import Tree
from evokit.interfaces import Context
from evokit.measuring.evaluate import evaluate_batch
from evokit.streams import Streams


def built(**options):
    fitness = Boolean(**options).build(Context(Streams(0)))
    functions = ("and", "or", "not", "if", "xor")
    return fitness, Tree(BooleanSet(functions).primitive_set(len(fitness.slots["inputs"])), fitness.slots["inputs"])


def wrong(genes, **options):
    fitness, genome = built(**options)
    (one,) = evaluate_batch(fitness, genome.express, [tuple(genes.split())], 1)
    return one


def test_functions_are_what_they_are_called():
    rows = inputs_of(6)
    assert len({tuple(row) for row in rows.tolist()}) == 64
    told = even_parity(rows), majority(rows), multiplexer(rows)
    for row, even, most, chosen in zip(rows.tolist(), *told, strict=True):
        assert even == (sum(row) % 2 == 0)
        assert most == (sum(row) > 3)
        assert chosen == row[2 + 2 * row[0] + row[1]]


@pytest.mark.parametrize(
    ("genes", "options"),
    [
        ("not xor x0 xor x1 x2", {}),
        ("if a0 if a1 d3 d2 if a1 d1 d0", {"function": "multiplexer", "inputs": 6}),
        ("if a0 d1 d0", {"function": "multiplexer", "inputs": 3}),
        ("or and x0 x1 and x2 or x0 x1", {"function": "majority"}),
    ],
)
def test_who_has_found_it_is_wrong_nowhere(genes, options):
    assert wrong(genes, **options).values == (0,)


def test_wrong_rows_are_counted_and_told():
    told = wrong("xor x0 xor x1 x2", cases=True)
    assert told.values == (8,)
    assert told.cases.tolist() == [1] * 8
    half = wrong("x0", cases=True)
    assert half.values == (4,) == (half.cases.sum(),)
    assert wrong("x0").cases is None


def test_with_and_without_cases_are_two_contexts():
    assert built()[0].context != built(cases=True)[0].context


@pytest.mark.parametrize("inputs", [2, 4, 5, 12])
def test_a_multiplexer_of_another_number_of_inputs_is_refused(inputs):
    with pytest.raises(ValueError, match=f"a multiplexer has 3, 6 or 11 .* got {inputs}"):
        built(function="multiplexer", inputs=inputs)


def test_rows_are_all_there_are():
    assert np.array_equal(inputs_of(3) @ [4, 2, 1], np.arange(8))
