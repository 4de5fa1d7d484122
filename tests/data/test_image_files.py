import gzip
import hashlib
import os
import pickle
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as hnp

from evokit.data.image_files import Layout, labelled, read_cifar, read_idx, read_pickle, write_idx
from evokit.errors import UserError

IDX = Layout(("below",), {"train": ("x", "y"), "test": ("x", "y")}, {})


def python2_batch(n):
    """A batch as Python 2 and the NumPy of then wrote it: byte strings, protocol 2."""
    pixels = bytes(i % 251 for i in range(n * 3072))
    data = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR"
        + b"(K\x01J" + struct.pack("<i", n) + b"M\x00\x0c\x86"
        + b"cnumpy\ndtype\n(U\x02u1K\x00K\x01tR(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        + b"\x89T" + struct.pack("<i", len(pixels)) + pixels + b"tb"
    )  # fmt: skip
    labels = b"](" + b"".join(b"K" + bytes([i % 10]) for i in range(n)) + b"e"
    return b"\x80\x02}(U\x04data" + data + b"U\x06labels" + labels + b"u.", pixels


class Evil:
    def __reduce__(self):
        return os.mkdir, (self.path,)


@given(hnp.arrays(np.uint8, hnp.array_shapes(max_dims=4, max_side=4, min_side=0)))
def test_idx_survives_writing_and_reading(array):
    read = read_idx(write_idx(array))
    assert read.shape == array.shape
    assert (read == array).all()


def test_idx_is_read_as_its_authors_describe_it():
    content = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6])
    assert read_idx(content).tolist() == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no IDX file"),
        (bytes([0, 0, 13, 1]), "no IDX file of unsigned bytes"),
        (bytes([0, 0, 8, 3, 0, 0]), "head is cut off"),
        (bytes([0, 0, 8, 1, 0, 0, 0, 3, 1, 2]), r"2 bytes do not fill the shape \(3,\)"),
        (bytes([0, 0, 8, 1, 0, 0, 0, 1, 1, 2]), r"2 bytes do not fill the shape \(1,\)"),
        (bytes([0, 0, 8, 1, 255, 255, 255, 255]), "do not fill"),
    ],
)
def test_a_broken_idx_file_is_told(content, message):
    with pytest.raises(ValueError, match=message):
        read_idx(content)


def test_a_batch_of_python_2_is_read_plane_by_plane():
    content, pixels = python2_batch(2)
    images, labels = read_cifar(content, "labels")
    assert images.shape == (2, 32, 32, 3)
    assert labels.tolist() == [0, 1]
    for n, channel, row, column in [(0, 0, 0, 0), (0, 2, 5, 7), (1, 1, 31, 31)]:
        assert images[n, row, column, channel] == pixels[n * 3072 + channel * 1024 + row * 32 + column]


@pytest.mark.parametrize("protocol", range(5))
def test_a_batch_of_python_3_is_read(protocol):
    data = np.random.default_rng(0).integers(256, size=(3, 3072), dtype=np.uint8)
    images, labels = read_cifar(pickle.dumps({"data": data, "labels": [1, 2, 3]}, protocol), "labels")
    assert (images.transpose(0, 3, 1, 2).reshape(3, -1) == data).all()
    assert labels.dtype == np.int64


def test_a_pickle_that_would_run_a_function_is_refused_and_nothing_runs(tmp_path):
    evil = Evil()
    evil.path = str(tmp_path / "made")
    with pytest.raises(ValueError, match=r"it asks for posix\.mkdir, which image data do not need"):
        read_pickle(pickle.dumps(evil))
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("name", ["builtins\neval", "numpy\nload", "numpy.core.multiarray\nfromfile", "os\nsystem"])
def test_no_other_function_can_be_named(name):
    with pytest.raises(ValueError, match="which image data do not need"):
        read_pickle(f"c{name}\n.".encode())


def test_no_other_encoding_can_be_named():
    with pytest.raises(ValueError, match="encoding zlib"):
        read_pickle(b"c_codecs\nencode\n(X\x01\x00\x00\x00aX\x04\x00\x00\x00zlibtR.")


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x80\x02}(U\x04da"])
def test_what_is_no_pickle_is_told(content):
    with pytest.raises(ValueError, match="it cannot be unpickled"):
        read_pickle(content)


@pytest.mark.parametrize(
    ("batch", "error", "message"),
    [
        ([1], ValueError, "no CIFAR batch"),
        ({"data": np.zeros((2, 5), np.uint8), "labels": [0, 1]}, ValueError, r"must be \(n, 3072\)"),
        ({"data": np.zeros((2, 3072)), "labels": [0, 1]}, ValueError, "do not belong together"),
        ({"data": np.zeros((2, 3072), np.uint8), "labels": [0]}, ValueError, "do not belong together"),
        ({"data": np.zeros((2, 3072), np.uint8)}, KeyError, "labels"),
    ],
)
def test_a_batch_of_another_form_is_told(batch, error, message):
    with pytest.raises(error, match=message):
        read_cifar(pickle.dumps(batch, protocol=2), "labels")


def test_grey_pictures_get_a_channel():
    images, labels = labelled(np.zeros((2, 5, 5), np.uint8), np.array([1, 0], np.uint8))
    assert images.shape == (2, 5, 5, 1)
    assert labels.dtype == np.int64


@pytest.mark.parametrize("place", ["", "below"])
@pytest.mark.parametrize(("suffix", "pack"), [("", bytes), (".gz", gzip.compress)])
def test_files_are_found_packed_or_not_where_loaders_put_them(tmp_path, place, suffix, pack):
    (tmp_path / place).mkdir(exist_ok=True)
    (tmp_path / place / f"x{suffix}").write_bytes(pack(write_idx(np.full((2, 4, 4), 7, np.uint8))))
    (tmp_path / place / f"y{suffix}").write_bytes(pack(write_idx(np.array([3, 4], np.uint8))))
    images, labels = IDX.read(tmp_path)["test"]
    assert (images == 7).all()
    assert labels.tolist() == [3, 4]


def test_a_missing_file_is_told_with_all_places(tmp_path):
    with pytest.raises(FileNotFoundError, match=rf"there is no x in {tmp_path} or {tmp_path}/below"):
        IDX.read(tmp_path)


def test_digests_are_of_the_unpacked_bytes(tmp_path):
    content = write_idx(np.zeros((1, 2, 2), np.uint8))
    (tmp_path / "x.gz").write_bytes(gzip.compress(content))
    (tmp_path / "y").write_bytes(write_idx(np.zeros(1, np.uint8)))
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert len(Layout((), IDX.sides, {"x": digest}).read(tmp_path)["train"].labels) == 1
    with pytest.raises(UserError, match=r"x\.gz is not the official file: md5 of its unpacked bytes is \w+, not 0"):
        Layout((), IDX.sides, {"x": "md5:0"}).read(tmp_path)


@pytest.mark.parametrize("content", [b"no gzip", gzip.compress(b"abc" * 100)[:-12]], ids=["no gzip", "cut short"])
def test_a_damaged_archive_is_told(tmp_path, content):
    (tmp_path / "x.gz").write_bytes(content)
    with pytest.raises(UserError, match=r"data images: .*x\.gz cannot be read: "):
        IDX.read(tmp_path)


def test_the_damaged_one_of_two_files_is_named(tmp_path):
    (tmp_path / "x").write_bytes(write_idx(np.zeros((2, 2, 2), np.uint8)))
    (tmp_path / "y").write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"/y cannot be read: it is no IDX file"):
        IDX.read(tmp_path)


def test_a_layout_without_names_says_so(tmp_path):
    with pytest.raises(ValueError, match="no file with the names"):
        IDX.class_names(tmp_path)
