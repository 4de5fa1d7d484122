import sys

import numpy as np
import pytest

from evokit.data import pack_images
from evokit.data.image_packages import unpacked
from evokit.data.image_set import Labelled
from evokit.data.image_sources import KNOWN
from evokit.data.pack_images import chosen, fashionmnist_part, tiles
from tests.data.image_fixtures import random_side, without_digests, write_idx_set


def test_the_same_number_of_each_class_is_chosen():
    images, labels = random_side(60, 0, (3, 3, 1))
    part = chosen(Labelled(images, labels.astype(np.int64)), 0, 4)
    assert np.bincount(part.labels).tolist() == [4] * 10


def test_the_choice_does_not_depend_on_the_order():
    images, labels = random_side(60, 0, (3, 3, 1))
    forward, backward = chosen(Labelled(images, labels), 0, 4), chosen(Labelled(images[::-1], labels[::-1]), 0, 4)
    assert (forward.images == backward.images).all()


def test_what_is_skipped_is_what_a_choice_without_skipping_takes():
    images, labels = random_side(60, 0, (3, 3, 1))
    every = Labelled(images, labels)
    first, second = chosen(every, 0, 2), chosen(every, 2, 3)
    both = {image.tobytes() for image in np.concatenate([first.images, second.images])}
    assert both == {image.tobytes() for image in chosen(every, 0, 5).images}


def test_a_class_that_is_too_small_is_told():
    images, labels = random_side(60, 0, (3, 3, 1))
    with pytest.raises(ValueError, match="fewer than 7"):
        chosen(Labelled(images, labels), 2, 5)


def test_tiles_are_cut_side_by_side_and_flat_ones_left_out():
    picture = np.random.default_rng(0).integers(256, size=(70, 100, 3), dtype=np.uint8)
    picture[:32, 32:64] = 9
    cut = tiles(picture)
    assert len(cut) == 5
    assert (cut[0] == picture[:32, :32]).all()
    assert (cut[1] == picture[:32, 64:96]).all()
    assert (cut[2] == picture[32:64, :32]).all()


def test_only_the_official_files_are_packed(tmp_path):
    write_idx_set(tmp_path)
    with pytest.raises(Exception, match="not the official file"):
        fashionmnist_part(tmp_path)


def test_the_command_writes_a_file_that_is_read_back(tmp_path, monkeypatch):
    without_digests(monkeypatch, "fashionmnist")
    monkeypatch.setitem(pack_images.PER_CLASS, "fashionmnist_part", (3, 2))
    write_idx_set(tmp_path)
    (tmp_path / "files").mkdir()
    argv = ["pack_images", "fashionmnist", "--folder", str(tmp_path), "--out", str(tmp_path / "files")]
    monkeypatch.setattr(sys, "argv", argv)
    pack_images.main()
    monkeypatch.setattr("evokit.data.image_packages.files", lambda package: tmp_path)
    train, test = unpacked("fashionmnist_part")
    assert (len(train.labels), len(test.labels)) == (30, 20)


@pytest.mark.data
@pytest.mark.skipif(not KNOWN["fashionmnist"].debian[0].exists(), reason="needs apt-get install dataset-fashion-mnist")
def test_the_packaged_part_is_made_of_the_official_images():
    made, kept = fashionmnist_part(KNOWN["fashionmnist"].debian[0]), unpacked("fashionmnist_part")
    for new, old in zip(made, kept, strict=True):
        assert (new.images == old.images).all()
        assert (new.labels == old.labels).all()
