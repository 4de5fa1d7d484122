from math import comb
from types import SimpleNamespace

import numpy as np
import pytest

from evokit.interfaces import Context, Individual, Score
from evokit.selection.tournament import Tournament, tournament, tournaments
from evokit.streams import Streams


def population_of(values, weight=-1.0):
    return [Individual(i, str(i), Score((weight,), (float(value),))) for i, value in enumerate(values)]


def test_the_best_entrant_wins():
    population = population_of([5, 1, 4, 2, 3])
    rng = SimpleNamespace(choice=lambda n, size, replace: np.array([0, 4, 3]))
    assert [winner.genes for winner in tournament(population, 2, size=3, rng=rng)] == [3, 3]


def test_the_largest_wins_where_more_is_better():
    population = population_of([5, 1, 4], weight=1.0)
    assert tournament(population, 1, size=3, rng=np.random.default_rng(0))[0].genes == 0


def test_the_rth_best_wins_as_often_as_without_replacement():
    # The r-th best (from 0) wins if it enters and the others come from those behind it: C(N-1-r, k-1) / C(N, k).
    n, size, rounds = 8, 3, 20_000
    winners = tournament(population_of(range(n)), rounds, size=size, rng=np.random.default_rng(0))
    shares = np.bincount([winner.genes for winner in winners], minlength=n) / rounds
    assert shares == pytest.approx([comb(n - 1 - r, size - 1) / comb(n, size) for r in range(n)], abs=0.01)


def test_the_worst_never_wins_for_entrants_differ():
    winners = tournament(population_of([0, 1]), 100, size=2, rng=np.random.default_rng(0))
    assert {winner.genes for winner in winners} == {0}


def test_equals_win_equally_often():
    winners = tournament(population_of([1] * 4), 4000, size=3, rng=np.random.default_rng(0))
    shares = np.bincount([winner.genes for winner in winners]) / 4000
    assert shares == pytest.approx([0.25] * 4, abs=0.03)


def test_a_tournament_of_one_is_won_by_anybody():
    winners = tournament(population_of([3, 1, 2]), 3000, size=1, rng=np.random.default_rng(0))
    assert np.bincount([winner.genes for winner in winners]) / 3000 == pytest.approx([1 / 3] * 3, abs=0.03)


def test_a_size_beyond_the_population_is_clipped():
    winners = tournament(population_of([2, 1]), 3, size=99, rng=np.random.default_rng(0))
    assert [winner.genes for winner in winners] == [1, 1, 1]


def test_an_empty_population_is_an_error():
    with pytest.raises(ValueError, match="population: must hold at least one measured individual"):
        tournament([], 1, size=2, rng=np.random.default_rng(0))


def test_a_tournament_of_nobody_is_an_error():
    with pytest.raises(ValueError, match="size: must be at least 1, got 0"):
        tournament(population_of([1]), 1, size=0, rng=np.random.default_rng(0))


def test_options_reach_the_operator():
    select = Tournament(size=4).build(Context(Streams(0)))
    assert [one.genes for one in select(population_of([3, 2, 0, 1]), 2, np.random.default_rng(0))] == [2, 2]


def test_tournaments_at_once_are_won_as_often_as_one_by_one():
    n, size, rounds = 8, 3, 20_000
    scores = -np.arange(float(n))[:, None]
    winners = tournaments(scores, rounds, size=size, rng=np.random.default_rng(0))
    shares = np.bincount(winners, minlength=n) / rounds
    assert shares == pytest.approx([comb(n - 1 - r, size - 1) / comb(n, size) for r in range(n)], abs=0.01)


def test_at_once_equals_win_equally_often_and_later_objectives_decide():
    rng = np.random.default_rng(0)
    shares = np.bincount(tournaments(np.ones((4, 1)), 8000, size=3, rng=rng)) / 8000
    assert shares == pytest.approx([0.25] * 4, abs=0.03)
    scores = np.array([[1.0, 0.0], [1.0, 2.0], [0.0, 9.0]])
    assert set(tournaments(scores, 100, size=99, rng=rng).tolist()) == {1}
    assert tournaments(scores, 3, size=1, rng=rng).shape == (3,)
