"""Directions of the residual stream and position codes."""

import numpy as np
import pytest

from evokit_crystalline.closed_form.basis import basis, position_codes, shift_codes


def test_the_directions_are_orthonormal_and_all_but_the_first_survive_layer_norm(float64):
    rows = basis(48)
    assert np.allclose(rows @ rows.T, np.eye(48))
    assert np.allclose(rows[1:].sum(1), 0)


@pytest.mark.parametrize("n", [16, 128, 1024])
@pytest.mark.parametrize("offset", [0, 1, 3])
def test_a_shifted_code_is_nearest_to_the_position_so_many_tokens_back(n, offset):
    codes = position_codes(n)
    scores = codes[offset:] @ shift_codes(n, offset) @ codes.T
    assert (scores.argmax(1) == np.arange(n - offset)).all()
    second = np.sort(scores, axis=1)[:, -2]
    assert (scores.max(1) - second).min() > 0.07  # at 1,024 positions; what 128 leave is tested with attention


def test_a_width_without_room_for_content_is_refused():
    with pytest.raises(ValueError, match="n_embd must be above 8 for fitted parts, got 8"):
        basis(8)
