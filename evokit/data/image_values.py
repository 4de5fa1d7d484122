"""Images and labels of any stored form as brightness 0 to 255 and class numbers, or one sentence that says why not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

BYTE, WORD = 255, 65535  # full brightness of images of 8 and 16 bits
_AS_RGB = {"P", "CMYK", "YCbCr", "HSV", "LAB", "RGBX"}
_WIDE = (np.uint16, np.int32)
_GREY, _COLOUR = (1, 2), (3, 4)  # channels, without and with one of opacity


class UnfitImages(ValueError):  # noqa: N818 - the name says what happened
    """Images or labels that mean nothing here; the message says which and why."""


def brightness(images: Iterable[Any], names: Iterable[str]) -> np.ndarray:
    """Images of one data set as ``(n, h, w, c)`` uint8; all of them decide what a number means, not each alone.

    Integers of 8 bits mean 0 to 255, of 16 bits 0 to 65535, floats and bits 0 to 1. Integers of other types, such as
    lists have, mean 0 to 255 if none of them is above, else 0 to 65535. Palettes, CMYK and other colour spaces become
    red, green and blue; grey images among coloured ones get three equal channels; a channel of opacity is left out if
    all is opaque.

    Args:
        images: Pillow images, arrays or nested lists of numbers, ``(h, w)`` or ``(h, w, c)``.
        names: One an image, for messages.

    Raises:
        UnfitImages: An image is missing, empty, transparent, of another shape, or holds other numbers.
    """
    stored = [(where, _pixels(where, image)) for where, image in zip(names, images, strict=True)]
    if not stored:
        raise UnfitImages("there is no image")
    highest = {
        kind: max((int(pixels.max()) for _, pixels in stored if pixels.dtype == kind), default=0) for kind in _WIDE
    }
    if 0 < highest[np.uint16] <= BYTE:
        raise UnfitImages(f"{stored[0][0]} and all others have 16 bits and no value above 255; store them with 8 bits")
    opaque = [(where, _opaque(where, _bytes(where, pixels, highest[np.int32]))) for where, pixels in stored]
    channels = max(pixels.shape[2] for _, pixels in opaque)
    whole = [(where, np.broadcast_to(pixels, (*pixels.shape[:2], channels))) for where, pixels in opaque]
    first = whole[0][1].shape
    for where, pixels in whole:
        if pixels.shape != first:
            sizes = f"{pixels.shape[0]}x{pixels.shape[1]} pixels, others {first[0]}x{first[1]}"
            raise UnfitImages(f"{where} has {sizes}; images of one data set must have one size")
    return np.stack([pixels for _, pixels in whole])


def class_numbers(labels: Sequence[Any] | np.ndarray, n_classes: int | None = None, of: str = "") -> np.ndarray:
    """``(n,)`` int64 class numbers of integers, or of true and false as 1 and 0.

    Args:
        labels: One an image.
        n_classes: How many classes there are, if that is known.
        of: Where the images are from, for messages.

    Raises:
        UnfitImages: A label is missing, no integer, negative, or no class.
    """
    top = 2**63 if n_classes is None else n_classes
    for i, label in enumerate(labels):
        where = named(i, of)
        if label is None:
            raise UnfitImages(f"{where} has no label (null)")
        if not (isinstance(label, int | np.integer | np.bool_) and 0 <= int(label) < top):
            classes = "an integer from 0" if n_classes is None else f"one of 0 to {n_classes - 1}"
            raise UnfitImages(f"{where} has the label {label!r:.40}, which is not {classes}")
    return np.array([int(label) for label in labels], np.int64)


def _pixels(where: str, image: Any) -> np.ndarray:
    """``(h, w, c)`` numbers as they are stored: bool, uint8, uint16, int32 for other integers, or a float type."""
    if image is None:
        raise UnfitImages(f"{where} is missing (null)")
    if mode := getattr(image, "mode", ""):
        if "transparency" in image.info or mode == "PA":
            image = image.convert("RGBA")
        elif mode in _AS_RGB:
            image = image.convert("RGB")
    try:
        pixels = np.asarray(image)
    except ValueError as error:
        raise UnfitImages(f"{where} is no array: its rows differ in length") from error
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    if pixels.ndim != 3 or pixels.shape[2] not in (*_GREY, *_COLOUR) or not pixels.size:
        raise UnfitImages(
            f"{where} has the shape {pixels.shape}, not (height, width) or (height, width, 1 to 4 channels)"
        )
    if pixels.dtype.kind not in "buif":
        raise UnfitImages(f"{where} holds {pixels.dtype}, not numbers")
    if pixels.dtype.kind in "iu" and pixels.dtype != np.uint8:
        if int(pixels.min()) < 0 or int(pixels.max()) > WORD:
            raise UnfitImages(f"{where} has values from {pixels.min()} to {pixels.max()}, not from 0 to 255 or 65535")
        sixteen = pixels.dtype.kind == "u" and pixels.dtype.itemsize == 2
        return pixels.astype(np.uint16 if sixteen else np.int32)
    return pixels


def _bytes(where: str, pixels: np.ndarray, highest: int) -> np.ndarray:
    """Brightness from 0 to 255; ``highest`` is the highest integer of a wide type in the data set."""
    kind = pixels.dtype.kind
    if kind == "f":
        if not ((pixels >= 0) & (pixels <= 1)).all():
            values = f"{pixels.min():g} to {pixels.max():g}"
            raise UnfitImages(
                f"{where} has fractions from {values}; scale them to 0 to 1, or store integers from 0 to 255"
            )
        return np.rint(pixels.astype(np.float64) * BYTE).astype(np.uint8)
    if kind == "b":
        return pixels.astype(np.uint8) * np.uint8(BYTE)
    if pixels.dtype == np.uint8 or (kind == "i" and highest <= BYTE):
        return pixels.astype(np.uint8)
    return ((pixels.astype(np.int64) * 2 * BYTE + WORD) // (2 * WORD)).astype(np.uint8)  # halves rounded up


def _opaque(where: str, pixels: np.ndarray) -> np.ndarray:
    if pixels.shape[2] not in (_GREY[1], _COLOUR[1]):
        return pixels
    if (pixels[..., -1] != BYTE).any():
        raise UnfitImages(f"{where} is transparent in parts; lay it on a background first")
    return pixels[..., :-1]


def named(i: int, of: str = "") -> str:
    """An image in messages."""
    return f"image {i} of {of}" if of else f"image {i}"
