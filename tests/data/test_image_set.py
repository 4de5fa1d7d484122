import dataclasses
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.data.image_set import (
    ImageSet,
    Labelled,
    content_keys,
    split_images,
    statistics,
    stratified_order,
)


def random_images(n, seed=0, classes=4, size=3, channels=1):
    rng = np.random.default_rng(seed)
    images = rng.integers(256, size=(n, size, size, channels), dtype=np.uint8)
    return Labelled(images, np.arange(n) % classes)


def contents(part):
    return {image.tobytes() for image in part.images}


def image_set(n=4, **changes):
    images, labels = random_images(n)
    mean, std = statistics(images)
    return dataclasses.replace(ImageSet(images, labels, ("a", "b", "c", "d"), mean, std), **changes)


@given(st.integers(1, 6), st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_every_prefix_of_equal_classes_is_balanced_within_one(classes, each, seed):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(classes), each))
    order = stratified_order(labels, rng.integers(2**32, size=len(labels)))
    assert sorted(order) == list(range(len(labels)))
    for n in range(len(labels) + 1):
        counts = np.bincount(labels[order[:n]], minlength=classes)
        assert counts.max() - counts.min() <= 1


def test_classes_of_unequal_size_keep_their_shares():
    labels = np.repeat([0, 1], [90, 30])
    order = stratified_order(labels, np.arange(120))
    assert np.bincount(labels[order[:40]]).tolist() == [30, 10]


@given(st.permutations(range(12)))
def test_the_order_depends_on_content_and_not_on_position(permutation):
    images, labels = random_images(12)
    permutation = np.array(permutation)
    order = stratified_order(labels, content_keys(images))
    other = stratified_order(labels[permutation], content_keys(images[permutation]))
    assert (images[order] == images[permutation][other]).all()


def test_orders_for_two_uses_are_unrelated():
    images, _ = random_images(50)
    assert (np.argsort(content_keys(images)) != np.argsort(content_keys(images, b"other"))).any()


@given(st.integers(0, 2**32 - 1), st.integers(1, 10), st.sampled_from([0.2, None]))
def test_no_content_is_on_two_sides_and_none_is_lost(seed, n_validation, share):
    rng = np.random.default_rng(seed)
    distinct = random_images(40, seed).images
    train = Labelled(distinct[rng.integers(40, size=60)], rng.integers(3, size=60))  # full of copies
    test = share or Labelled(distinct[rng.integers(40, size=8)], rng.integers(3, size=8))
    sides = split_images(train, test, n_validation)
    kept = [contents(sides.train), contents(sides.validation), contents(sides.test)]
    everything = contents(train) | (set() if share else contents(test))
    assert kept[0] | kept[1] | kept[2] == everything
    assert sum(map(len, kept)) == len(everything)
    n_test = round(60 * share) if share else 0
    assert len(sides.train.labels) + len(sides.validation.labels) + sides.copies == 60 - n_test


def test_copies_of_test_images_are_left_out_and_counted():
    train, test = random_images(20), random_images(8, seed=1)
    train = Labelled(np.concatenate([train.images, test.images[:3]]), np.concatenate([train.labels, [0, 1, 2]]))
    sides = split_images(train, test, 4)
    assert sides.copies == 3
    assert len(sides.test.labels) == 8


def test_labels_stay_with_their_images():
    train = random_images(40)
    label = {image.tobytes(): int(y) for image, y in zip(*train, strict=True)}
    for part in split_images(train, 0.25, 0.2)[:3]:
        assert [label[image.tobytes()] for image in part.images] == part.labels.tolist()


def test_validation_can_be_a_count_or_a_share():
    train, test = random_images(40), random_images(8, seed=1)
    assert len(split_images(train, test, 4).validation.labels) == 4
    assert len(split_images(train, test, 0.25).validation.labels) == 10


def test_validation_is_balanced():
    sides = split_images(random_images(40), random_images(8, seed=1), 8)
    assert np.bincount(sides.validation.labels).tolist() == [2, 2, 2, 2]


def test_the_first_training_images_do_not_depend_on_the_size_of_validation():
    train, test = random_images(40), random_images(8, seed=1)
    few, many = split_images(train, test, 4), split_images(train, test, 20)
    assert (few.train.images[:20] == many.train.images).all()
    assert (few.validation.images == many.validation.images[:4]).all()


@pytest.mark.parametrize("validation", [8, 9, 0.01])
def test_a_side_without_images_is_refused(validation):
    with pytest.raises(ValueError, match=r"of 8 training images cannot be cut off for validation"):
        split_images(random_images(8), random_images(4, seed=1), validation)


def test_training_that_only_repeats_validation_is_refused():
    image = random_images(1)
    train = Labelled(np.repeat(image.images, 4, axis=0), np.zeros(4, np.int64))
    with pytest.raises(ValueError, match="copies of validation"):
        split_images(train, random_images(4, seed=1), 1)


def test_statistics_equal_numpys_own():
    images = random_images(10, channels=3).images
    mean, std = statistics(images)
    np.testing.assert_allclose(mean, (images / 255).mean((0, 1, 2)), rtol=np.finfo(np.float32).eps)
    np.testing.assert_allclose(std, (images / 255).std((0, 1, 2)), rtol=np.finfo(np.float32).eps)
    assert mean.dtype == std.dtype == np.float32


def test_statistics_do_not_depend_on_the_order_of_images():
    images = random_images(10, channels=3).images
    assert [part.tobytes() for part in statistics(images)] == [part.tobytes() for part in statistics(images[::-1])]


def test_the_deviation_of_a_constant_channel_is_told_as_one():
    assert statistics(np.full((2, 3, 3, 1), 255, np.uint8)) == (1, 1)


def test_the_digest_tells_images_labels_and_names_apart():
    base = image_set()
    others = [
        image_set(images=base.images[::-1]),
        image_set(labels=base.labels[::-1]),
        image_set(names=("a", "b", "c", "e")),
    ]
    assert len({base.digest, *(other.digest for other in others)}) == 4
    assert base.digest == image_set().digest


def test_tensors_are_copies():
    images = image_set()
    pixels, labels = images.tensors()
    pixels.zero_()
    labels.zero_()
    assert images.images.any()
    assert images.labels.any()
    assert pixels.shape == images.images.shape


def test_a_set_of_images_can_be_sent_to_another_process():
    assert pickle.loads(pickle.dumps(image_set())).digest == image_set().digest


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": np.zeros((4, 3, 3, 1))}, r"must be \(n, h, w, c\) uint8"),
        ({"images": np.zeros((4, 3, 3), np.uint8)}, r"must be \(n, h, w, c\) uint8"),
        ({"labels": np.zeros(3, np.int64)}, "4 images need as many labels"),
        ({"labels": np.full(4, 4)}, r"labels must be in 0..3"),
        ({"mean": np.zeros(3)}, "one value for each of 1 channels"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        image_set(**changes)
