"""Learning rates over a training."""

from evokit_crystalline.training.schedule import schedule_factor


def test_warm_up_rises_linearly_to_the_whole_rate():
    assert [schedule_factor("constant", step, 10, 4) for step in range(6)] == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]


def test_a_cosine_ends_near_zero():
    assert schedule_factor("cosine", 999, 1000, 0) < 1e-4
