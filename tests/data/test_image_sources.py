import gzip
import sys
import types

import datasets
import numpy as np
import pytest

from evokit.data import image_sources
from evokit.data.image_sources import KNOWN, load
from evokit.errors import UserError
from tests.data.image_fixtures import random_side, without_digests, write_cifar10, write_cifar100, write_idx_set


def test_idx_files_are_read(tmp_path, monkeypatch):
    without_digests(monkeypatch, "mnist")
    sides = write_idx_set(tmp_path / "MNIST" / "raw", suffix=".gz", pack=gzip.compress)
    stored = load("mnist", "files", tmp_path)
    assert (stored.train.images[..., 0] == sides["train"][0]).all()
    assert (stored.test.labels == sides["t10k"][1]).all()
    assert stored.names == tuple("0123456789")
    assert stored.origin == str(tmp_path)


def test_the_batches_of_cifar10_are_joined_in_order(tmp_path, monkeypatch):
    without_digests(monkeypatch, "cifar10")
    batches = write_cifar10(tmp_path / "cifar-10-batches-py")
    stored = load("cifar10", "files", tmp_path)
    assert stored.train.images.shape == (50, 32, 32, 3)
    planes = stored.train.images.transpose(0, 3, 1, 2).reshape(50, -1)
    assert (planes[20:30] == batches["data_batch_3"]["data"]).all()
    assert stored.test.labels.tolist() == batches["test_batch"]["labels"]


def test_cifar100_has_its_fine_labels_and_their_names(tmp_path, monkeypatch):
    without_digests(monkeypatch, "cifar100")
    content = write_cifar100(tmp_path / "cifar-100-python")
    stored = load("cifar100", "files", tmp_path)
    assert stored.train.labels.tolist() == content["train"]["fine_labels"]
    assert stored.names[7] == "thing 7"


@pytest.mark.parametrize("name", ["fashionmnist", "mnist"])
def test_files_that_are_not_the_official_ones_are_refused(tmp_path, name):
    write_idx_set(tmp_path)
    with pytest.raises(UserError, match=r"train-images-idx3-ubyte is not the official file: sha256"):
        load(name, "files", tmp_path)


def test_batches_that_are_not_the_official_ones_are_refused(tmp_path):
    write_cifar10(tmp_path / "cifar-10-batches-py")
    with pytest.raises(UserError, match=r"data_batch_1 is not the official file: md5"):
        load("cifar10", "files", tmp_path)


@pytest.mark.parametrize("name", [name for name, known in KNOWN.items() if known.layout])
def test_every_official_file_has_a_digest_of_full_length(name):
    layout = KNOWN[name].layout
    assert {file for files in layout.sides.values() for file in files} <= set(layout.digests)
    lengths = {"md5": 32, "sha256": 64}
    for digest in layout.digests.values():
        algorithm, value = digest.split(":")
        assert len(bytes.fromhex(value)) * 2 == lengths[algorithm]


@pytest.mark.parametrize(
    ("name", "ways"),
    [
        ("fashionmnist", r"apt-get install dataset-fashion-mnist.*datasets\.FashionMNIST\(.*source: huggingface"),
        ("cifar10", r"python -c .*datasets\.CIFAR10\(.*download=True.*huggingface, which downloads uoft-cs/cifar10"),
    ],
)
def test_missing_files_are_told_with_ways_to_get_them(tmp_path, name, ways):
    with pytest.raises(UserError, match=rf"there is no .* in {tmp_path} or .*; .*{ways}"):
        load(name, "files", tmp_path)


def test_debians_files_are_read_where_its_package_puts_them(tmp_path, monkeypatch):
    without_digests(monkeypatch, "fashionmnist")
    write_idx_set(tmp_path)
    known = KNOWN["fashionmnist"]
    moved = image_sources.Known(known.names, layout=known.layout, debian=(tmp_path, "p"))
    monkeypatch.setitem(KNOWN, "fashionmnist", moved)
    assert len(load("fashionmnist", "debian").train.labels) == 40


@pytest.mark.parametrize(
    ("name", "source"), [("mnist", "packaged"), ("mnist", "files"), ("cifar10", "debian"), ("digits", "torchvision")]
)
def test_what_is_no_source_of_a_set_is_refused(name, source):
    with pytest.raises(ValueError, match=f"{name} cannot be had from {source}"):
        load(name, source)


def fake_torchvision(monkeypatch, download):
    """A torchvision whose MNIST calls ``download(root, train)``."""

    def mnist(root, train, download):
        assert download
        fetch(root, train)

    fetch = download
    package, module = types.ModuleType("torchvision"), types.ModuleType("torchvision.datasets")
    module.MNIST = mnist
    monkeypatch.setitem(sys.modules, "torchvision", package)
    monkeypatch.setitem(sys.modules, "torchvision.datasets", module)


def test_torchvision_downloads_and_evokit_reads(tmp_path, monkeypatch):
    without_digests(monkeypatch, "mnist")
    monkeypatch.setenv("EVOKIT_CACHE", str(tmp_path))
    fake_torchvision(monkeypatch, lambda root, train: write_idx_set(tmp_path / "torchvision" / "MNIST" / "raw"))
    stored = load("mnist", "torchvision")
    assert len(stored.test.labels) == 20
    assert stored.origin == f"torchvision's download in {tmp_path / 'torchvision'}"


def test_a_failed_download_is_told(tmp_path, monkeypatch):
    def fail(root, train):
        raise OSError("no route")

    fake_torchvision(monkeypatch, fail)
    with pytest.raises(UserError, match=r"torchvision cannot get MNIST: no route; source: files reads"):
        load("mnist", "torchvision", tmp_path)


@pytest.mark.parametrize("error", [ImportError, RuntimeError, OSError])
def test_a_torchvision_that_cannot_be_imported_is_told(tmp_path, monkeypatch, error):
    def broken(name):
        raise error("operator torchvision::nms does not exist")

    monkeypatch.setattr(image_sources.importlib, "import_module", broken)
    with pytest.raises(UserError, match=r"cannot be imported \(operator .*evokit-deap\[vision\].*source: huggingface"):
        load("mnist", "torchvision", tmp_path)


def hub_columns(n, seed, shape, images, labels, classes):
    pixels, numbers = random_side(n, seed, shape)
    features = datasets.Features(
        {
            images: datasets.Array2D(shape, "uint8") if len(shape) == 2 else datasets.Array3D(shape, "uint8"),
            labels: datasets.ClassLabel(names=classes),
        }
    )
    return datasets.Dataset.from_dict({images: list(pixels), labels: numbers.tolist()}, features=features)


def hub_set(shape=(6, 6), images="image", labels="label", classes=tuple("0123456789")):
    return datasets.DatasetDict(
        train=hub_columns(40, 0, shape, images, labels, list(classes)),
        test=hub_columns(20, 1, shape, images, labels, list(classes)),
    )


def test_the_hub_is_asked_by_the_official_name(monkeypatch):
    asked = []
    monkeypatch.setattr(datasets, "load_dataset", lambda path: asked.append(path) or hub_set())
    stored = load("mnist", "huggingface")
    assert asked == ["ylecun/mnist"]
    assert (stored.train.images[..., 0] == random_side(40, 0, (6, 6))[0]).all()
    assert stored.origin == f"ylecun/mnist (datasets {datasets.__version__})"


def test_a_saved_folder_is_read_instead_of_the_hub(tmp_path):
    hub_set((4, 4, 3), "img", "fine_label", [f"c{i}" for i in range(10)]).save_to_disk(tmp_path)
    stored = load("cifar100", "huggingface", tmp_path)
    assert stored.test.images.shape == (20, 4, 4, 3)
    assert stored.names[3] == "c3"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ConnectionError("down"), r"hub cannot be reached for ylecun/mnist: .*save_to_disk.*HF_HOME"),
        (ImportError("no Pillow"), r"cannot be decoded \(no Pillow\); install: pip install pillow"),
        (FileNotFoundError("gone"), r"ylecun/mnist cannot be loaded: FileNotFoundError: gone"),
        (ValueError("odd"), r"ylecun/mnist cannot be loaded: ValueError: odd"),
    ],
)
def test_a_hub_that_does_not_answer_is_told(monkeypatch, error, message):
    def fail(path):
        raise error

    monkeypatch.setattr(datasets, "load_dataset", fail)
    with pytest.raises(UserError, match=message):
        load("mnist", "huggingface")


def test_a_data_set_of_other_columns_is_told(tmp_path):
    hub_set(images="picture").save_to_disk(tmp_path)
    with pytest.raises(UserError, match=r"cannot be loaded: .*image"):
        load("mnist", "huggingface", tmp_path)


def test_packaged_sets_need_nothing(tmp_path):
    for name, known in KNOWN.items():
        if known.packaged:
            stored = load(name, "packaged")
            assert len(stored.names) == len(np.unique(stored.train.labels))
