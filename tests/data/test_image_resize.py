import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.data.image_resize import coverage, resized


def pictures(size, n=2, channels=3):
    return np.random.default_rng(0).integers(256, size=(n, size, size, channels), dtype=np.uint8)


def test_shrinking_by_a_whole_factor_is_the_mean_of_blocks():
    images = pictures(8)
    blocks = images.reshape(2, 4, 2, 4, 2, 3).astype(float).mean((2, 4))
    assert (resized(images, 4) == np.floor(blocks + 0.5)).all()


def test_growing_by_a_whole_factor_repeats_pixels():
    images = pictures(4)
    assert (resized(images, 12) == images.repeat(3, 1).repeat(3, 2)).all()


def test_the_same_size_changes_nothing():
    images = pictures(5)
    assert resized(images, 5) is images


@given(st.integers(1, 12), st.integers(1, 12))
def test_every_pixel_is_covered_once(old, new):
    weights = coverage(old, new)
    assert (weights.sum(1) == old).all()
    assert (weights.sum(0) == new).all()


@given(st.integers(1, 9), st.integers(0, 255))
def test_a_flat_picture_stays_flat(size, value):
    assert (resized(np.full((1, 5, 7, 1), value, np.uint8), size) == value).all()


def test_an_image_is_the_same_alone_and_among_many(monkeypatch):
    images = pictures(7, n=5)
    together = resized(images, 4)
    monkeypatch.setattr("evokit.data.image_resize._CHUNK", 2)
    assert (resized(images, 4) == together).all()
    assert all((resized(images[i : i + 1], 4) == together[i]).all() for i in range(5))


@pytest.mark.parametrize(("pixels", "mean"), [([0, 1], 1), ([0, 0, 0, 1], 0)])
def test_halves_are_rounded_up(pixels, mean):
    images = np.array(pixels, np.uint8).reshape(1, 1, -1, 1)
    assert resized(images, 1).item() == mean
