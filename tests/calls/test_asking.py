import gc

import numpy as np
import pytest

import evokit
from evokit import UserError

BOX = {"low": -1, "high": 1, "dimensions": 2}


def distance(x):
    return float(((x - 0.5) ** 2).sum())


def follow(search, generations):
    for _ in range(generations):
        candidates = search.ask()
        search.tell(candidates, map(distance, candidates))
    return search


def test_what_is_told_leads_the_search_as_a_function_does():
    search = follow(evokit.search("cma", **BOX), 5)
    run = evokit.minimize(distance, **BOX, search="cma", generations=5)
    assert search.run.best_value == run.best_value
    assert [row["key"] for row in search.run.rows()] == [row["key"] for row in run.rows()]


def test_asked_again_it_answers_the_same_and_some_may_be_told_before_others():
    search = evokit.search("cma", **BOX)
    first = search.ask()
    assert all(map(np.array_equal, first, search.ask()))
    search.tell(first[2:], map(distance, first[2:]))
    assert len(search.ask()) == 2
    search.tell(reversed(first[:2]), map(distance, reversed(first[:2])))
    assert np.array_equal(search.ask(), follow(evokit.search("cma", **BOX), 1).ask())


def test_another_process_goes_on(tmp_path):
    search = follow(evokit.search("cma", **BOX, directory=tmp_path / "run"), 2)
    del search
    gc.collect()
    whole = follow(evokit.search("cma", **BOX), 3)
    for _ in range(50):  # until the first has let go of the directory
        try:
            search = evokit.search("cma", **BOX, directory=tmp_path / "run")
            break
        except UserError:
            continue
    assert np.array_equal(follow(search, 1).ask(), whole.ask())


def test_it_ends_when_it_was_told_to():
    search = follow(evokit.search("random_search", **BOX, work=6), 6)
    while search.ask():
        follow(search, 1)
    assert search.done
    assert search.run.status == "done"


def test_failures_constraints_and_parameters_are_told():
    space = {"x": evokit.Float(0, 1)}
    search = evokit.search("regularised", space, constraints=["limit"], generations=1)
    candidates = search.ask()
    search.tell(candidates, [None] + [(one["x"], [0.5 - one["x"]]) for one in candidates[1:]])
    rows = list(search.run.rows())
    assert rows[0]["outcome"] == "raised"
    assert search.run.best_value == min(row["value"] for row in rows[1:] if row["limit"] <= 0)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("0.1", "'0.1' was told of c.*it is no number"),
        (1j, "it is no number"),
        (True, "it is no number"),
        ([0.1, 0.2], r"\[0.1, 0.2\] was told of c.*there is to be one number for each of value"),
        ({}, "there is no|it is no number"),
    ],
)
def test_what_is_no_value_is_refused_and_nothing_of_that_call_is_kept(value, said):
    search = evokit.search("random_search", **BOX)
    candidates = search.ask()
    values = list(map(distance, candidates))
    with pytest.raises(UserError, match=said):
        search.tell(candidates, [value, *values[1:]])
    assert len(search.ask()) == len(candidates)
    search.tell(candidates, values)
    assert [row["value"] for row in search.run.rows()][: len(values)] == values


def test_values_are_as_many_as_objectives_and_constraints():
    two = evokit.search("nsga2", **BOX, objectives=["a", "b"])
    with pytest.raises(UserError, match="one number for each of a, b"):
        two.tell(two.ask()[:1], [1.0])
    bound = evokit.search("regularised", **BOX, constraints=["limit"])
    for wrong in (1.0, (1.0, [])):
        with pytest.raises(UserError, match=r"with constraints it is a pair|one number for each of limit"):
            bound.tell(bound.ask()[:1], [wrong])
    with pytest.raises(UserError, match="tell takes two lists"):
        bound.tell(bound.ask()[:1], 1.0)


def test_what_was_not_asked_for_is_refused():
    search = evokit.search("cma", **BOX)
    with pytest.raises(UserError, match="was not asked for"):
        search.tell([np.zeros(2)], [1])
    with pytest.raises(UserError, match="2 values were told of 1 candidates"):
        search.tell(search.ask()[:1], [1, 2])
