import numpy as np
import pytest

from evokit_activations.geometry.folds import sides_of, stratified_folds
from tests.data.image_fixtures import striped_images

LABELS = np.array([0] * 7 + [1] * 5 + [2] * 6)


def folds(seed=0, n=3, limit=None):
    return stratified_folds(LABELS, n, limit, np.random.default_rng(seed))


def test_each_image_is_held_out_once_and_learned_by_the_others():
    for one in folds():
        assert sorted([*one.learned, *one.held_out]) == list(range(18))
    assert sorted(np.concatenate([one.held_out for one in folds()])) == list(range(18))


def test_each_class_is_held_out_by_its_share():
    counts = np.array([np.bincount(LABELS[one.held_out]) for one in folds()])
    assert np.ptp(counts, axis=0).max() <= 1


def test_the_seed_decides_who_and_the_labels_how_many():
    one, again, other = folds(0), folds(0), folds(1)
    assert all(np.array_equal(a.held_out, b.held_out) for a, b in zip(one, again, strict=True))
    assert any(set(a.held_out) != set(b.held_out) for a, b in zip(one, other, strict=True))
    assert [len(fold.learned) for fold in one] == [len(fold.learned) for fold in other]


def test_a_limit_takes_each_class_by_its_share_and_holds_out_as_much():
    for limited, whole in zip(folds(limit=6), folds(), strict=True):
        assert np.abs(np.bincount(LABELS[limited.learned]) - 6 / 18 * np.bincount(LABELS)).max() < 1
        assert set(limited.learned) < set(whole.learned)
        assert np.array_equal(limited.held_out, whole.held_out)


def test_too_few_images_are_refused():
    with pytest.raises(ValueError, match="images: of 18 training images a fold leaves 12, fewer than 13"):
        folds(limit=13)
    with pytest.raises(ValueError, match="folds: 9 are more"):
        folds(n=9)


def test_statistics_are_those_of_what_is_learned():
    images = striped_images(18)
    learned, held_out = sides_of(images, folds()[0])
    pixels = images.images[folds()[0].learned] / 255
    assert learned.mean == pytest.approx(pixels.mean((0, 1, 2)))
    assert np.array_equal(held_out.mean, learned.mean)
    assert np.array_equal(held_out.std, learned.std)
