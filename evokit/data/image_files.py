"""The standard files of image data sets: IDX, gzipped or not, and CIFAR's Python batches."""

from __future__ import annotations

import gzip
import hashlib
import io
import pickle
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from evokit.data.image_set import Labelled
from evokit.data.image_values import class_numbers
from evokit.errors import UserError

T = TypeVar("T")

SIDES = ("train", "test")


@dataclass(frozen=True)
class Layout:
    """The files of one data set.

    Attributes:
        folders: Where they may lie below a given folder, as loaders and archives place them; the first that has one.
        sides: Side to names of files; the pictures' file before the labels' where they are apart.
        digests: File to ``algorithm:hex`` of its unpacked bytes.
        labels: Key of the labels in CIFAR's batches; empty for IDX files.
        meta: File with the names of the classes, and its key.
    """

    folders: Sequence[str]
    sides: Mapping[str, Sequence[str]]
    digests: Mapping[str, str]
    labels: str = ""
    meta: tuple[str, str] | None = None

    def read(self, folder: Path) -> dict[str, Labelled]:
        """Both sides from the files below ``folder``.

        Raises:
            FileNotFoundError: One is missing; the message says which and where it was looked for.
            UserError: A file is damaged or not the official one; the message names it.
        """
        return {side: self._side(folder, self.sides[side]) for side in SIDES}

    def class_names(self, folder: Path) -> tuple[str, ...]:
        """From the file ``meta``, which the layout must have. Raises as ``read`` does."""
        if self.meta is None:
            raise ValueError("this layout has no file with the names of classes")
        file, key = self.meta
        return self._parsed(folder, file, lambda content: tuple(map(str, read_pickle(content)[key])))

    def _side(self, folder: Path, files: Sequence[str]) -> Labelled:
        if self.labels:
            batches = [self._parsed(folder, file, partial(read_cifar, labels=self.labels)) for file in files]
            images, labels = zip(*batches, strict=True)
            return Labelled(np.concatenate(images), np.concatenate(labels))
        pictures = self._parsed(folder, files[0], read_idx)
        return self._parsed(folder, files[1], lambda content: labelled(pictures, read_idx(content)))

    def _parsed(self, folder: Path, file: str, parse: Callable[[bytes], T]) -> T:
        path, content = self._content(folder, file)
        try:
            return parse(content)
        except (KeyError, TypeError, ValueError) as error:
            raise _damaged(path, error) from error

    def _content(self, folder: Path, file: str) -> tuple[Path, bytes]:
        """Path and unpacked bytes, which are the official ones."""
        path = self._found(folder, file)
        try:
            content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise _damaged(path, error) from error
        if known := self.digests.get(file):
            algorithm, _, expected = known.partition(":")
            found = hashlib.new(algorithm, content, usedforsecurity=False).hexdigest()
            if found != expected:
                raise UserError(
                    f"data images: {path} is not the official file: {algorithm} of its unpacked bytes is {found}, "
                    f"not {expected}; get it again"
                )
        return path, content

    def _found(self, folder: Path, file: str) -> Path:
        places = [folder, *(folder / below for below in self.folders)]
        for place in places:
            for path in (place / file, place / f"{file}.gz"):
                if path.is_file():
                    return path
        raise FileNotFoundError(f"there is no {file} in {' or '.join(map(str, places))}")


def labelled(images: np.ndarray, labels: np.ndarray) -> Labelled:
    """Grey pictures get their one channel, labels become int64.

    Raises:
        ValueError: They are not ``(n, h, w)`` or ``(n, h, w, c)`` uint8 with ``(n,)`` labels, or a label is no integer
            from 0.
    """
    images = images[..., None] if images.ndim == 3 else images
    if images.ndim != 4 or images.dtype != np.uint8 or labels.shape != images.shape[:1]:
        raise ValueError(f"images {images.shape} {images.dtype} and labels {labels.shape} do not belong together")
    return Labelled(images, class_numbers(labels))


def read_idx(content: bytes) -> np.ndarray:
    """An array of unsigned bytes in IDX format, read-only.

    Raises:
        ValueError: It is another format or type, or has another length than its head says.

    Source: LeCun, Cortes, Burges, "The MNIST database", section "File formats".
    """
    if len(content) < 4 or content[:3] != b"\x00\x00\x08":
        raise ValueError("it is no IDX file of unsigned bytes")
    n_axes = content[3]
    head = 4 + 4 * n_axes
    if len(content) < head:
        raise ValueError("its head is cut off")
    shape = np.frombuffer(content, ">i4", n_axes, 4)
    if (shape < 0).any() or len(content) - head != np.prod(shape, dtype=np.int64):
        raise ValueError(f"{len(content) - head} bytes do not fill the shape {tuple(shape.tolist())}")
    return np.frombuffer(content, np.uint8, offset=head).reshape(shape)


def write_idx(array: np.ndarray) -> bytes:
    """An array of unsigned bytes in IDX format.

    Raises:
        ValueError: It is of another type.

    >>> read_idx(write_idx(np.array([[1, 2]], np.uint8)))
    array([[1, 2]], dtype=uint8)
    """
    if array.dtype != np.uint8:
        raise ValueError(f"IDX files are written of uint8, got {array.dtype}")
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes() + array.tobytes()


def read_cifar(content: bytes, labels: str) -> Labelled:
    """A batch of CIFAR's Python version: 32x32 pictures, stored plane by plane.

    Args:
        content: The file.
        labels: Key of the labels: ``labels``, ``fine_labels`` or ``coarse_labels``.

    Raises:
        ValueError: It is no such batch, or it holds what a batch does not need.
        KeyError: It has no such labels.

    Source: Krizhevsky, "The CIFAR-10 dataset", section "Dataset layout".
    """
    batch = read_pickle(content)
    if not isinstance(batch, dict):
        raise ValueError("it is no CIFAR batch")
    data = np.asarray(batch["data"])
    if data.ndim != 2 or data.shape[1] != 3 * 32 * 32:
        raise ValueError(f"data must be (n, 3072), got {data.shape}")
    images = data.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return labelled(np.ascontiguousarray(images), np.asarray(batch[labels]))


def read_pickle(content: bytes) -> Any:
    """Arrays, strings, numbers, lists and mappings from a pickle; nothing in it is executed.

    Raises:
        ValueError: It is no pickle, or it asks for anything else.
    """
    try:
        return _ArraysOnly(io.BytesIO(content), encoding="latin1").load()
    except ValueError:
        raise
    except Exception as error:  # a broken pickle raises whatever its opcodes run into
        raise ValueError(f"it cannot be unpickled: {error}") from error


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in (("numpy", "ndarray"), ("numpy", "dtype")):
            return getattr(np, name)
        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name == "_reconstruct":
            return np.empty(0).__reduce__()[0]  # wherever this NumPy keeps it
        if (module, name) == ("_codecs", "encode"):
            return _latin1
        raise ValueError(f"it asks for {module}.{name}, which image data do not need")


def _latin1(text: str, encoding: str) -> bytes:
    """How Python 3 writes bytes into pickles of protocol 2."""
    if encoding != "latin1":
        raise ValueError(f"it asks for the encoding {encoding}, which image data do not need")
    return text.encode("latin1")


def _damaged(path: Path, error: Exception) -> UserError:
    return UserError(f"data images: {path} cannot be read: {error}")
