import io
import re
from base64 import b64decode

import matplotlib.image
import numpy as np
import pytest

from evokit.common.pictures import ABOVE, BELOW, Picture, pictures, png, pooled, scale_of

MATRIX = np.array([[2.0, 0.0, -1.0], [np.nan, 8.0, -4.0]])


def read(data):
    """``(height, width, 4)`` numbers from 0 to 255, by another reader of PNG files."""
    return np.rint(255 * matplotlib.image.imread(io.BytesIO(data), format="png")).astype(int)


def test_a_pixel_has_the_colour_of_its_sign_and_is_the_stronger_the_larger():
    pixels = read(png(MATRIX, 4.0))
    assert pixels.shape == (2, 3, 4)
    assert pixels[..., 3].tolist() == [[128, 0, 64], [0, 255, 255]]
    assert pixels[0, 0, :3].tolist() == pixels[1, 1, :3].tolist() == list(ABOVE)
    assert pixels[1, 2, :3].tolist() == list(BELOW)


def test_zeros_are_not_painted():
    assert not read(png(np.zeros((2, 2)), scale_of(np.zeros((2, 2)))))[..., 3].any()


def test_a_scale_leaves_out_few_large_values_unless_all_others_are_zero():
    values = np.ones(1000)
    values[0] = 1000.0
    assert scale_of(values) == 1.0
    assert scale_of(np.where(values == 1, 0.0, values)) == 1000.0


@pytest.mark.parametrize(("shape", "found"), [((64, 192), (32, 96)), ((5, 7), (5, 7)), ((1, 97), (1, 49))])
def test_large_arrays_become_small_and_keep_their_proportions(shape, found):
    values = np.zeros(shape)
    values[-1, -1] = -3.0
    small = pooled(values, 96)
    assert small.shape == found
    assert small[-1, -1] == -3.0
    assert np.count_nonzero(small) == 1


def test_a_figure_holds_every_picture_with_its_words():
    figure = pictures("Two <maps>", [Picture(MATRIX, ("first", "a & b")), Picture(MATRIX.T, ("second",))], columns=2)
    assert figure.description == "first, a & b; second"
    assert 'role="img" aria-label="Two &lt;maps&gt;. first, a &amp; b; second"' in figure.svg
    data = re.findall(r'href="data:image/png;base64,([^"]*)"', figure.svg)
    assert [read(b64decode(one)).shape[:2] for one in data] == [(2, 3), (3, 2)]


def test_pictures_of_one_scale_can_be_compared():
    figure = pictures("Scaled", [Picture(MATRIX, (), 8.0), Picture(MATRIX / 2, (), 8.0)], columns=1)
    first, second = (read(b64decode(one)) for one in re.findall(r"base64,([^\"]*)", figure.svg))
    assert (first[1, 1, 3], second[1, 1, 3]) == (255, 128)


def test_a_long_line_is_cut_and_said_whole_to_who_does_not_see_it():
    figure = pictures("Long", [Picture(MATRIX, ("x" * 90,))], columns=2)
    assert f"{'x' * 90}<" not in figure.svg.partition("</title>")[2]
    assert "x…</text>" in figure.svg
    assert "x" * 90 in figure.description


def test_without_pictures_there_is_no_figure():
    assert pictures("None", [], columns=3) is None
