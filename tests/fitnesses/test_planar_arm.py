import numpy as np
import pytest

from evokit.fitnesses.planar_arm import PlanarArm


def test_a_straight_arm_a_right_angle_and_a_bend_by_hand():
    straight, corner, bent = PlanarArm().evaluate(
        [np.zeros(2), np.array([np.pi / 2, 0.0]), np.array([0.0, np.pi / 2])], 1
    )
    assert (straight.values, straight.metrics) == ((0.0,), {"x": 1.0, "y": 0.0})
    assert corner.metrics == pytest.approx({"x": 0.0, "y": 1.0})
    assert bent.metrics == pytest.approx({"x": 0.5, "y": 0.5})
    assert bent.values == pytest.approx((np.pi / 4,))
