from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from evokit.common.readonly import readonly
from evokit.contracts.in_place import phenotype_state, state_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(),
    lambda below: st.lists(below) | st.tuples(below, below) | st.dictionaries(st.text(), below),
)


def never(genes):
    raise AssertionError("no key is needed")


@dataclass
class Tree:
    leaves: list
    seen: dict = field(default_factory=dict, compare=False)


class Foreign:
    def __init__(self):
        self.inside = [1]


@given(JSON)
def test_genes_that_stay_as_they_are_have_one_state(genes):
    assert state_of([genes], never) == state_of([genes], never)


@given(st.lists(st.floats(allow_nan=False), min_size=1), st.data())
def test_genes_that_change_have_another_state(genes, data):
    before = state_of([genes], never)
    place = data.draw(st.integers(0, len(genes) - 1))
    genes[place] = data.draw(st.floats(allow_nan=False).filter(lambda x: repr(x) != repr(genes[place])))
    assert state_of([genes], never) != before


def test_an_array_inside_genes_counts_by_content():
    genes = [np.zeros(3), {"w": np.ones(2)}]
    before = state_of([genes], never)
    genes[1]["w"][0] = 2
    assert state_of([genes], never) != before


def test_a_locked_array_needs_no_state_and_genes_of_other_classes_go_by_their_key():
    assert state_of([readonly(np.zeros(2))], never) is None
    assert state_of([Tree([1])], lambda genes: f"key of {genes.leaves}") == ["key of [1]"]


@pytest.mark.parametrize(
    ("phenotype", "change"),
    [
        (np.zeros(3), lambda one: one.__setitem__(0, 1)),
        ([np.zeros(3)], lambda one: one[0].__setitem__(0, 1)),
        ({"layer": torch.zeros(2)}, lambda one: one["layer"].add_(1)),
        ({"layer": Tree([torch.zeros(2)])}, lambda one: one["layer"].leaves[0].mul_(2)),
        (Tree([1]), lambda one: one.leaves.append(2)),
        ({"a": 1}, lambda one: one.update(b=2)),
    ],
)
def test_a_phenotype_that_is_changed_in_place_has_another_state(phenotype, change):
    before = phenotype_state([phenotype])
    assert before == phenotype_state([phenotype])
    change(phenotype)
    assert phenotype_state([phenotype]) != before


def test_what_objects_remember_for_themselves_is_no_change():
    tree, foreign = Tree([1]), Foreign()
    before = phenotype_state([tree, foreign])
    tree.seen["sum"] = 1
    foreign.cache = 1
    assert phenotype_state([tree, foreign]) == before


def test_phenotypes_that_cannot_be_looked_at_are_not():
    class Shy:
        def __reduce_ex__(self, protocol):
            raise RuntimeError("not me")

    assert phenotype_state([{"shy": Shy(), "hook": lambda: 1}]) == phenotype_state([{"shy": Shy(), "hook": lambda: 1}])


def test_genes_that_are_arrays_and_bytes_count_by_content():
    for genes in (np.zeros(2), bytearray(b"ab")):
        before = state_of([genes], never)
        genes[0] = 7
        assert state_of([genes], never) != before


def test_a_writable_array_inside_an_object_counts_by_content():
    phenotype = Tree([np.zeros(2)])
    before = phenotype_state([{"tree": phenotype}])
    phenotype.leaves[0][1] = 1
    assert phenotype_state([{"tree": phenotype}]) != before
