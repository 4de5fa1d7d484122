import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.fitnesses.sphere import Sphere
from evokit.interfaces import Context
from evokit.streams import Streams

NOISY = Sphere(noise=0.5, rungs=(1, 4, 16)).build(Context(Streams(7)))
vectors = st.lists(st.floats(-10, 10), min_size=3, max_size=3).map(np.array)


def test_without_noise_the_value_is_the_squared_norm_at_every_rung():
    fitness = Sphere(rungs=(1, 8)).build(Context(Streams(0)))
    for budget in fitness.budgets:
        assert fitness.evaluate([np.array([3.0, 4.0]), np.zeros(2)], budget).tolist() == [25.0, 0.0]


@given(st.lists(vectors, min_size=1, max_size=5))
def test_a_value_is_the_same_alone_and_in_a_batch(batch):
    together = NOISY.evaluate(batch, 4)
    assert [NOISY.evaluate([x], 4)[0] for x in batch] == together.tolist()


def test_a_value_is_the_mean_squared_distance_to_the_common_centres():
    # At zero the value is the mean of |c|², at x it is |x|² - 2 x·mean(c) more.
    zero, one, both = NOISY.evaluate([np.zeros(2), np.array([1.0, 0]), np.array([-1.0, 0])], 16)
    assert one + both - 2 * zero == pytest.approx(2)


def test_each_budget_is_a_prefix_of_the_next():
    x = np.ones(3)
    first, second = (NOISY.evaluate([x], budget)[0] for budget in (1, 2))
    alone = np.square(x - NOISY._centres(2, 3)[1]).sum()
    assert second == pytest.approx((first + alone) / 2)


def test_noise_averages_to_its_variance_per_coordinate():
    assert NOISY.evaluate([np.zeros(4)], 2000)[0] == pytest.approx(4 * 0.5**2, rel=0.05)


def test_fresh_replicates_differ_in_value_and_context():
    fresh, x = NOISY.fresh(), [np.ones(3)]
    assert fresh.evaluate(x, 4) != NOISY.evaluate(x, 4)
    assert len({NOISY.context, fresh.context, fresh.fresh().context}) == 3


def test_context_without_noise_does_not_depend_on_the_seed():
    contexts = {Sphere().build(Context(Streams(seed))).context for seed in range(3)}
    assert len(contexts) == 1


def test_context_with_noise_depends_on_the_seed():
    assert NOISY.context != Sphere(noise=0.5).build(Context(Streams(8))).context


@pytest.mark.parametrize("rungs", [(), (4, 4), (4, 1)])
def test_rungs_that_do_not_ascend_are_an_error(rungs):
    with pytest.raises(ValueError, match="rungs: must ascend"):
        Sphere(rungs=rungs)
