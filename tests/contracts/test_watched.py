import copy
import functools
from types import SimpleNamespace

import numpy as np
import pytest

from evokit.common.readonly import readonly
from evokit.contracts.blame import ContractError
from evokit.contracts.watched import AFTER, FIRST, Watched


def never(genes):
    raise AssertionError("no key is needed")


def in_place(genes, rng):
    genes[0] = 1
    return genes


def test_an_operator_that_changes_a_list_is_named():
    with pytest.raises(ContractError, match=r"in_place \(plugin tests, .*test_watched\.py:\d+\) changes the genes"):
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


def test_rows_that_write_to_the_population_are_named():
    watched = Watched("mutation", SimpleNamespace(rows=in_place), never)
    with pytest.raises(ContractError, match="changes an array that it was given, in place"):
        watched.rows(np.zeros((3, 2)), None)


def test_rows_of_another_shape_are_told():
    lost = SimpleNamespace(rows=lambda a, b, rng: (a, b[1:]))
    with pytest.raises(ContractError, match=r"returned \(3, 2\) and \(2, 2\) where \(3, 2\) and \(3, 2\) was given"):
        Watched("crossover", lost, never).rows(np.zeros((3, 2)), np.zeros((3, 2)), None)


def test_the_operators_that_one_draws_and_its_beginning_are_watched_too():
    def bad(genes, rng):
        genes[0] = 9
        return genes

    class Several:
        def draw(self, rng):
            return "bad", bad

        def begun(self):
            return Several()

        def __call__(self, genes, rng):
            return genes

    watched = Watched("mutation", Several(), str).begun()
    label, operator = watched.draw(None)
    assert label == "bad"
    with pytest.raises(ContractError, match="changes the genes that it was given, in place"):
        operator([1, 2], None)
