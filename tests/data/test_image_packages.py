from importlib.resources import files

import numpy as np
import pytest

from evokit.common.keys import array_key
from evokit.data.image_packages import digits, fashionmnist_part, packed, photo_tiles
from evokit.data.image_set import Labelled


@pytest.mark.parametrize(
    ("make", "shape", "n_train", "n_test"),
    [(fashionmnist_part, (28, 28, 1), 1000, 200), (photo_tiles, (32, 32, 3), 100, 25)],
)
def test_packaged_parts_are_balanced_and_no_image_is_there_twice(make, shape, n_train, n_test):
    stored = make()
    assert stored.train.images.shape[1:] == stored.test.images.shape[1:] == shape
    assert set(np.bincount(stored.train.labels)) == {n_train}
    assert set(np.bincount(stored.test.labels)) == {n_test}
    assert len(np.bincount(stored.train.labels)) == len(stored.names)
    everything = np.concatenate([stored.train.images, stored.test.images])
    assert len({image.tobytes() for image in everything}) == len(everything)


@pytest.mark.parametrize(
    ("make", "keys"),
    [
        (fashionmnist_part, ["bf378254893e2fa31a4ff06e8a9a94cb", "fad82bb1ca1061ea78ddd22efc959709"]),
        (photo_tiles, ["d14dbf96626ac7f4452c602efa33a187", "e72f6bebaa5ff31523f48bbb5ae451da"]),
    ],
)
def test_packaged_parts_are_what_they_were(make, keys):
    stored = make()
    assert [array_key(stored.train.images), array_key(stored.test.images)] == keys


def test_the_packaged_part_looks_like_the_whole():
    images = fashionmnist_part().train.images / 255
    assert images.mean() == pytest.approx(0.2860, abs=0.003)  # of the 60,000
    assert images.std() == pytest.approx(0.3530, abs=0.003)


def test_digits_use_the_whole_range():
    stored = digits()
    assert stored.train.images.shape == (1797, 8, 8, 1)
    assert (stored.train.images.min(), stored.train.images.max()) == (0, 255)
    assert len(np.unique(stored.train.images)) == 17


@pytest.mark.parametrize("name", ["fashionmnist_part", "photo_tiles"])
def test_each_packaged_file_has_its_licence_beside_it(name):
    text = (files("evokit.data") / "files" / f"{name}.LICENSE").read_text(encoding="utf-8")
    assert f"{name}.safetensors.xz" in text


def test_every_photograph_is_credited():
    text = (files("evokit.data") / "files" / "photo_tiles.LICENSE").read_text(encoding="utf-8")
    assert all(f"  {name} " in text for name in photo_tiles().names)


def test_packing_the_same_gives_the_same_bytes():
    part = Labelled(np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3), np.array([0, 1]))
    assert packed(part, part) == packed(part, part)
