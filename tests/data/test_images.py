import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from evokit.data.image_files import write_idx
from evokit.data.image_resize import resized
from evokit.data.images import Images, Limit, OneSet
from evokit.errors import UserError
from evokit.interfaces import Context
from evokit.recipe.options import validate
from evokit.recipe.schema import as_json
from evokit.streams import Streams
from tests.data.image_fixtures import without_digests, write_cifar10, write_idx_set

CONTEXT = Context(Streams(0))


@pytest.fixture
def mnist(tmp_path, monkeypatch):
    """A folder with 40 training and 20 test images in MNIST's files."""
    without_digests(monkeypatch, "mnist")
    write_idx_set(tmp_path)
    return tmp_path


def contents(images):
    return {image.tobytes() for image in images.images}


def test_the_packaged_part_is_the_default():
    data = Images().build(CONTEXT)
    assert {side: len(getattr(data, side)["fashionmnist"]) for side in ("train", "validation", "test")} == {
        "train": 9000,
        "validation": 1000,
        "test": 2000,
    }
    assert data.train["fashionmnist"].n_classes == 10
    assert data.sizes["fashionmnist_validation_images"] == 1000
    assert data.origin == "fashionmnist: evokit's part of Fashion-MNIST"


@pytest.mark.parametrize("name", ["fashionmnist", "digits", "photo_tiles"])
def test_no_packaged_image_is_on_two_sides(name):
    data = Images((name,)).build(CONTEXT)
    train, validation, test = (contents(getattr(data, side)[name]) for side in ("train", "validation", "test"))
    assert len(train | validation | test) == len(train) + len(validation) + len(test)


@pytest.mark.parametrize("name", ["fashionmnist", "photo_tiles"])
def test_validation_and_limits_are_balanced(name):
    data = Images((name,), limit=Limit(train=90, test=90)).build(CONTEXT)
    for side in (data.train, data.validation, data.test):
        assert len(set(np.bincount(side[name].labels))) == 1


def test_drawn_training_images_are_the_seeds_and_all_else_stays():
    def drawn(seed, limit=50):
        return Images(("digits",), limit=Limit(limit, 50), drawn=True).build(Context(Streams(seed)))

    one, again, other, smaller = drawn(0), drawn(0), drawn(1), drawn(0, 20)
    assert one.digest == again.digest != other.digest
    assert contents(smaller.train["digits"]) < contents(one.train["digits"])
    assert contents(one.train["digits"]) != contents(other.train["digits"])
    assert np.ptp(np.bincount(one.train["digits"].labels)) <= 1
    usual = Images(("digits",), limit=Limit(50, 50)).build(CONTEXT)
    for side in ("validation", "test"):
        for data in (one, other):
            assert np.array_equal(getattr(data, side)["digits"].images, getattr(usual, side)["digits"].images)
    held = contents(usual.validation["digits"]) | contents(usual.test["digits"])
    assert not held & contents(other.train["digits"])


def test_a_smaller_limit_takes_the_first_images_of_a_larger_one():
    small, large = (Images(("digits",), limit=Limit(n, n, n)).build(CONTEXT) for n in (20, 50))
    for side in ("train", "validation", "test"):
        few, many = getattr(small, side)["digits"], getattr(large, side)["digits"]
        assert (few.images == many.images[:20]).all()
        assert (few.labels == many.labels[:20]).all()


def test_the_statistics_are_those_of_the_training_images_alone():
    data = Images(("photo_tiles",)).build(CONTEXT)
    train, test = data.train["photo_tiles"], data.test["photo_tiles"]
    np.testing.assert_allclose(train.mean, (train.images / 255).mean((0, 1, 2)), rtol=np.finfo(np.float32).eps)
    np.testing.assert_allclose(train.std, (train.images / 255).std((0, 1, 2)), rtol=np.finfo(np.float32).eps)
    assert (test.mean == train.mean).all()
    assert (test.std == train.std).all()


def test_the_split_does_not_depend_on_the_seed_of_the_run():
    one, other = (Images(("digits",)).build(Context(Streams(seed))) for seed in (0, 1))
    assert one.digest == other.digest


def test_the_digest_changes_with_what_is_on_a_side():
    builds = [Images(("digits",)), Images(("digits",), limit=Limit(test=50)), Images(("digits",), validation=50)]
    assert len({images.build(CONTEXT).digest for images in builds}) == 3


def test_sets_may_differ_in_source_and_size(mnist):
    sets = (OneSet("digits", size=6), OneSet("mnist", "files", mnist), "photo_tiles")
    data = Images(sets, validation=0.2).build(CONTEXT)
    assert {name: images.images.shape[1:] for name, images in data.train.items()} == {
        "digits": (6, 6, 1),
        "mnist": (6, 6, 1),
        "photo_tiles": (32, 32, 3),
    }
    assert data.origin.split("; ")[1] == f"mnist: {mnist}"


def test_all_sets_are_resized_by_one_key(tmp_path, monkeypatch):
    without_digests(monkeypatch, "cifar10")
    write_cifar10(tmp_path / "cifar-10-batches-py")
    sets = ("digits", OneSet("cifar10", "files", tmp_path))
    data = Images(sets, size=16).build(CONTEXT)
    assert [images.images.shape[1:] for images in data.test.values()] == [(16, 16, 1), (16, 16, 3)]


def test_an_image_is_on_the_same_side_whatever_its_size():
    """Or what one recipe keeps in its vault is what another trains with."""
    own, smaller = (Images(("digits",), size=size, vault=0.5).build(CONTEXT) for size in (None, 4))
    for side in ("train", "validation", "test", "vault"):
        images, small = (getattr(data, side)["digits"] for data in (own, smaller))
        assert np.array_equal(resized(images.images, 4), small.images)
        assert np.array_equal(images.labels, small.labels)


def test_copies_are_counted(mnist):
    images, labels = write_idx_set(mnist, n_train=60)["train"]
    (mnist / "t10k-images-idx3-ubyte").write_bytes(write_idx(images[:5]))
    (mnist / "t10k-labels-idx1-ubyte").write_bytes(write_idx(labels[:5]))
    assert Images(("mnist",), "files", mnist).build(CONTEXT).sizes["mnist_copies_left_out"] == 5


def test_too_much_validation_is_told_with_the_source(mnist):
    with pytest.raises(UserError, match=rf"mnist from {mnist}: 40 of 40 training images cannot be cut off"):
        Images(("mnist",), "files", mnist, validation=40).build(CONTEXT)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sets": ("mnist",)}, "mnist cannot be had from packaged, only from files, huggingface, torchvision"),
        ({"sets": ("mnist",), "source": "files"}, "source files needs a folder for mnist"),
        ({"sets": ("digits", OneSet("digits", size=28))}, "sets names digits twice"),
        ({"folder": Path("x")}, "folder is given but source packaged does not read it"),
    ],
)
def test_options_that_contradict_each_other_are_told(options, message):
    with pytest.raises(ValueError, match=message):
        Images(**options)


def recipe(**given):
    return validate(Images, given)


def test_a_recipe_may_say_all_of_it():
    images = recipe(
        sets=["fashionmnist", {"name": "digits", "size": 28}, {"name": "cifar10", "source": "files", "folder": "x"}],
        validation=5000,
        limit={"train": 2000, "test": 1000},
    )
    assert images.members[1] == OneSet("digits", "packaged", None, 28)
    assert images.members[2] == OneSet("cifar10", "files", Path("x"))
    assert images.validation == 5000
    assert images.limit == Limit(2000, None, 1000)


def test_a_resolved_recipe_says_the_same():
    images = recipe(sets=["digits", {"name": "photo_tiles", "size": 16}], validation=0.25)
    assert recipe(**as_json(images)) == images


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sets": []}, "sets must name at least one data set"),
        ({"sets": ["imagenet"]}, "fashionmnist"),
        ({"validation": 0}, "at least 1"),
        ({"validation": 1.0}, "less than 1"),
        ({"limit": {"train": 0}}, "at least 1"),
        ({"limit": {"training": 5}}, "unknown key"),
        ({"sets": ["mnist"]}, "mnist cannot be had from packaged"),
    ],
)
def test_a_recipe_that_is_wrong_is_told(given, message):
    with pytest.raises(ValueError, match=message):
        recipe(**given)


def test_neither_options_nor_packaged_images_import_torch():
    code = (
        "import sys; from evokit.data.images import Images; heavy = {'torch', 'datasets', 'sklearn'}; "
        "from evokit.interfaces import Context; from evokit.streams import Streams; "
        "assert not heavy & set(sys.modules); Images().build(Context(Streams(0))); assert not heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
