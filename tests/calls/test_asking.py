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


def test_what_was_not_asked_for_is_refused():
    search = evokit.search("cma", **BOX)
    with pytest.raises(UserError, match="was not asked for"):
        search.tell([np.zeros(2)], [1])
    with pytest.raises(UserError, match="2 values were told of 1 candidates"):
        search.tell(search.ask()[:1], [1, 2])
