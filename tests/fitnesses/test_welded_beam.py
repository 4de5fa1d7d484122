import numpy as np
import pytest

from evokit.fitnesses.welded_beam import WeldedBeam

BEST = np.array([0.205730, 3.470489, 9.036624, 0.205730])  # the least known cost, as published, to six places


def test_the_best_known_design_is_at_the_border_of_four_constraints():
    (one,) = WeldedBeam().evaluate([BEST], 1)
    assert one.values[0] == pytest.approx(1.724852, abs=5e-6)  # what six places of lengths leave of a cost
    constraints = dict(zip(WeldedBeam.constraints, one.constraints, strict=True))
    at_the_border = {name for name, beyond in constraints.items() if abs(beyond) < 1e-5}
    assert at_the_border == {"shear", "bending", "weld", "buckling"}
    assert max(one.constraints) < 1e-5


def test_values_by_hand():
    # Bending: 6 * 6000 * 14 / (0.5 * 8**2) = 15750; deflection: 4 * 6000 * 14**3 / (30e6 * 8**3 * 0.5) = 0.008575.
    (one,) = WeldedBeam().evaluate([np.array([0.25, 2.0, 8.0, 0.5])], 1)
    constraints = dict(zip(WeldedBeam.constraints, one.constraints, strict=True))
    assert one.values[0] == pytest.approx(1.10471 * 0.125 + 0.04811 * 4 * 16)
    assert constraints["bending"] == pytest.approx(15750 / 30000 - 1)
    assert constraints["deflection"] == pytest.approx(0.008575 / 0.25 - 1)
    assert constraints["weld"] == constraints["least_weld"] == -0.5


@pytest.mark.parametrize("vector", [[1.0, 1.0, 1.0], [0.0, 1.0, 1.0, 1.0], [1.0, 1.0, 11.0, 1.0]])
def test_other_vectors_are_refused(vector):
    with pytest.raises(ValueError, match=r"four numbers in \[0.1, 10\]"):
        WeldedBeam().evaluate([np.array(vector)], 1)
