import copy
import functools
import random
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from evokit.contracts import (
    AFTER,
    FIRST,
    ContractError,
    Watched,
    blamed,
    culprit,
    global_states,
    other_world,
    phenotype_state,
    raised,
    refuse_misfit,
    state_of,
)
from evokit.errors import RunFailed, UserError
from evokit.genomes.readonly import readonly

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


@pytest.mark.parametrize(
    ("draw", "name"),
    [
        (random.random, "random"),
        (lambda: random.seed(1), "random"),
        (np.random.random, "numpy.random"),
        (lambda: np.random.default_rng(0).random(), ""),
        (lambda: torch.rand(1), "torch"),
        (lambda: torch.rand(1, generator=torch.Generator()), ""),
    ],
)
def test_whoever_uses_a_global_generator_is_noticed_and_leaves_no_trace(draw, name):
    before = global_states()
    with other_world(1) as touched:
        draw()
    assert touched == ([name] if name else [])
    assert global_states() == before


def test_another_world_draws_other_numbers():
    drawn = []
    for seed in (1, 2):
        with other_world(seed):
            drawn.append((random.random(), np.random.random(), torch.rand(1).item()))  # noqa: NPY002
    assert all(first != second for first, second in zip(*drawn, strict=True))


def in_place(genes, rng):
    genes[0] = 1
    return genes


def test_an_operator_that_changes_a_list_is_named():
    with pytest.raises(ContractError, match=r"in_place \(plugin tests, .*test_contracts\.py:\d+\) changes the genes"):
        Watched("mutation", in_place, never)([0, 0], None)


def test_an_operator_that_writes_to_a_locked_array_is_named():
    with pytest.raises(ContractError, match=r"in_place .* changes an array that it was given, in place: ValueError"):
        Watched("mutation", in_place, never)(readonly(np.zeros(2)), None)


@pytest.mark.parametrize(
    ("kind", "answer", "told"),
    [
        ("crossover", ([1],), "returned a tuple of 1 instead of a pair of children"),
        ("crossover", [1, 2, 3], "returned a list of 3 instead of a pair of children"),
        ("crossover", ([1], None), "returned a child that is nothing"),
        ("crossover", None, "returned NoneType; return a pair of children"),
        ("mutation", None, "returned nothing; return the new genes"),
        ("selection", [1], "returned 1 individuals where 2 were asked for"),
        ("selection", None, "returned NoneType; return a list of individuals"),
    ],
)
def test_a_wrong_answer_is_told(kind, answer, told):
    arguments = ([[0], [1]], 2, None) if kind == "selection" else ([0], [1], None)
    with pytest.raises(ContractError, match=told):
        Watched(kind, lambda *arguments: answer, never)(*arguments)


def test_a_mutation_of_a_generation_is_watched_too():
    annealed = SimpleNamespace(at=lambda generation: functools.partial(in_place), strength=3)
    watched = Watched("mutation", annealed, never)
    assert watched.strength == 3
    with pytest.raises(ContractError, match="changes the genes"):
        watched.at(4)([0], None)
    assert not hasattr(Watched("mutation", in_place, never), "at")


def test_a_watched_operator_can_be_copied():
    assert copy.copy(Watched("mutation", in_place, never)).function is in_place


class Thing:
    def method(self):
        return 1 / 0


def test_a_culprit_is_named_by_class_member_plugin_file_and_line():
    line = Thing.method.__code__.co_firstlineno
    assert culprit(Thing(), "method").startswith("Thing.method (plugin tests, ")
    assert culprit(Thing().method).endswith(f"test_contracts.py:{line})")
    assert culprit(functools.partial(Thing().method)) == culprit(Thing(), "method")
    assert culprit(Thing(), "missing").startswith("Thing.missing (plugin tests, ")


def test_an_error_is_told_with_its_last_line_in_the_code_of_the_accused():
    with pytest.raises(np.linalg.LinAlgError) as caught:
        np.linalg.inv(np.zeros((2, 3)))
    assert raised(caught.value, Thing()).endswith(f"test_contracts.py:{caught.tb.tb_lineno})")


def test_what_is_blamed_on_a_part_is_neither_the_users_nor_ctrl_c():
    for passed in (UserError("x"), RunFailed("x"), KeyboardInterrupt()):
        with pytest.raises(type(passed)) as caught, blamed(Thing(), "method"):
            raise passed
        assert type(caught.value) is type(passed)
    for other in (ValueError("x"), SystemExit(0), MemoryError()):
        with pytest.raises(ContractError, match=r"Thing\.method .* raised"), blamed(Thing(), "method"):
            raise other


def test_a_fitness_of_numpy_budgets_is_fine():
    refuse_misfit(
        "fitness",
        SimpleNamespace(
            objectives={"a": "min"},
            budgets=np.array([1, 2]),
            context="",
            takes=frozenset({"bits"}),
            slots={},
            evaluate=len,
        ),
    )


def test_an_operator_is_always_watched_at_first_and_now_and_then_later():
    rare = Watched("mutation", lambda genes, rng: genes if rng else in_place(genes, rng), never)
    for _ in range(FIRST):
        rare([0], True)
    unseen = sum(rare([0], False) is not None for _ in range(AFTER - FIRST % AFTER - 1))
    assert unseen == AFTER - FIRST % AFTER - 1
    with pytest.raises(ContractError, match="changes the genes"):
        rare([0], False)


def test_a_crossover_that_changes_its_second_parent_is_noticed():
    with pytest.raises(ContractError, match="changes the genes"):
        Watched("crossover", lambda a, b, rng: (a, b.append(1) or b), never)([0], [1], None)


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


def test_budgets_that_repeat_are_refused():
    fitness = SimpleNamespace(
        objectives={"a": "min"}, budgets=(1, 1), context="", takes={"bits"}, slots={}, evaluate=len
    )
    with pytest.raises(ContractError, match="ascending whole numbers above 0"):
        refuse_misfit("fitness", fitness)
