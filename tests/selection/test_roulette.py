"""Selections in proportion to fitness: roulette and stochastic universal sampling."""

from types import SimpleNamespace

import deap.tools.selection
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evokit.interfaces import Context
from evokit.selection.random import Random
from evokit.selection.roulette import Roulette, roulette
from evokit.selection.shares import shares
from evokit.selection.stochastic_universal import StochasticUniversal, stochastic_universal
from evokit.streams import Streams
from tests.selection.test_tournament import population_of

VALUES = [7, 4, 2, 1, 0]  # best first as DEAP sorts, and the worst is 0, so that the window changes none of them
SCORES = np.array(VALUES, float)[:, None]
FINITE = st.floats(allow_nan=False, allow_infinity=False)


def test_roulette_equals_deap_at_the_same_draws(monkeypatch):
    draws = np.random.default_rng(0).random(50)
    script = iter(draws)
    monkeypatch.setattr(deap.tools.selection, "random", SimpleNamespace(random=lambda: next(script)))
    theirs = deap.tools.selRoulette(population_of(VALUES, weight=1.0), 50)
    places = roulette(SCORES, 50, rng=SimpleNamespace(random=lambda n: draws))
    assert places.tolist() == [one.genes for one in theirs]


@pytest.mark.parametrize("spin", [0.01, 0.3, 0.77])
def test_universal_sampling_equals_deap_at_the_same_draws(spin, monkeypatch):
    fake = SimpleNamespace(uniform=lambda low, high: low + spin * (high - low))
    monkeypatch.setattr(deap.tools.selection, "random", fake)
    theirs = deap.tools.selStochasticUniversalSampling(population_of(VALUES, weight=1.0), 9)
    rng = SimpleNamespace(random=lambda: spin, permutation=lambda places: places)
    assert stochastic_universal(SCORES, 9, rng=rng).tolist() == [one.genes for one in theirs]


def test_ranks_count_from_the_worst_and_equals_share_the_mean():
    assert shares(np.array([[5.0], [-3.0], [5.0], [0.0]]), "ranks") == pytest.approx([0.35, 0.1, 0.35, 0.2])
    later = np.array([[1.0, 0.0], [1.0, 2.0], [0.0, 9.0]])
    assert shares(later, "ranks") == pytest.approx([2 / 6, 3 / 6, 1 / 6])


def test_where_none_is_better_all_are_as_likely():
    assert shares(np.full((4, 1), -2.0), "window") == pytest.approx([0.25] * 4)
    assert shares(np.full((4, 1), -2.0), "ranks") == pytest.approx([0.25] * 4)


@given(scores=arrays(np.float64, st.tuples(st.integers(1, 6), st.just(1)), elements=FINITE))
@pytest.mark.parametrize("scaling", ["window", "ranks"])
def test_shares_are_a_wheel_in_the_order_of_the_scores(scaling, scores):
    wheel = shares(scores, scaling)
    assert (wheel >= 0).all()
    assert wheel.sum() == pytest.approx(1)
    for one, other in zip(np.argsort(scores[:, 0])[:-1], np.argsort(scores[:, 0])[1:], strict=True):
        assert wheel[one] <= wheel[other]


@given(values=st.lists(st.integers(-9, 9), min_size=1, max_size=6), n=st.integers(1, 20), seed=st.integers(0, 2**32))
def test_each_has_its_share_of_the_pointers_rounded_up_or_down(values, n, seed):
    scores = np.array(values, float)[:, None]
    counts = np.bincount(stochastic_universal(scores, n, rng=np.random.default_rng(seed)), minlength=len(values))
    expected = n * shares(scores, "window")
    assert (abs(counts - expected) < 1 + 1e-9).all()


def test_pointers_come_in_random_order():
    rng = np.random.default_rng(0)
    first = [stochastic_universal(SCORES, 4, rng=rng)[0] for _ in range(2000)]
    assert np.bincount(first, minlength=5) / 2000 == pytest.approx(shares(SCORES, "window"), abs=0.04)


@pytest.mark.parametrize(("options", "worst"), [({}, 0.0), ({"scaling": "ranks"}, 1 / 6)])
@pytest.mark.parametrize("kind", [Roulette, StochasticUniversal])
def test_options_reach_the_operator_and_the_smallest_is_best_where_less_is_better(kind, options, worst):
    select = kind(**options).build(Context(Streams(0)))
    chosen = select(population_of([-1, 3, 5]), 6000, np.random.default_rng(0))
    counts = np.bincount([one.genes for one in chosen], minlength=3) / 6000
    assert counts[2] == pytest.approx(worst, abs=0.02)
    assert counts[0] > counts[1] > counts[2]


def test_random_selection_draws_all_alike():
    select = Random().build(Context(Streams(0)))
    chosen = select(population_of([9, 1, 5]), 6000, np.random.default_rng(0))
    assert np.bincount([one.genes for one in chosen]) / 6000 == pytest.approx([1 / 3] * 3, abs=0.02)
