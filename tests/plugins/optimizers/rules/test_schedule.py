import math

import pytest

from evokit_optimizers.rules.schedule import schedule


def test_warmup_rises_in_equal_steps_and_ends_at_one():
    assert [schedule(t, 10, 0.4, "none", 1.0) for t in range(6)] == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]


def test_cosine_over_the_whole_horizon_is_the_known_curve():
    factors = [schedule(t, 8, 0.0, "cosine", 1.0) for t in range(8)]
    assert factors == pytest.approx([(1 + math.cos(math.pi * t / 8)) / 2 for t in range(8)])


def test_linear_over_the_whole_horizon_is_a_line():
    assert [schedule(t, 8, 0.0, "linear", 1.0) for t in range(8)] == pytest.approx([1 - t / 8 for t in range(8)])


def test_linear_decay_waits_for_its_span():
    assert [schedule(t, 10, 0.0, "linear", 0.2) for t in range(7, 10)] == pytest.approx([1.0, 1.0, 0.5])


@pytest.mark.parametrize("decay", ["cosine", "linear"])
def test_after_the_horizon_nothing_is_left(decay):
    assert schedule(12, 10, 0.0, decay, 0.5) == pytest.approx(0.0)


def test_a_warmup_shorter_than_a_step_does_nothing():
    assert schedule(0, 10, 0.05, "none", 1.0) == 1.0
