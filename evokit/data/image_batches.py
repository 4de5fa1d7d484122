"""Batches of images as a network reads them, and their augmentation: pure functions on whole batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F


def normalised(
    images: torch.Tensor,
    mean: torch.Tensor | np.ndarray | Sequence[float],
    std: torch.Tensor | np.ndarray | Sequence[float],
    *,
    channels_last: bool = False,
    dtype: torch.dtype = torch.float32,
) -> torch.Tensor:
    """Brightness from 0 to 255 as numbers about 0, one plane a channel.

    Args:
        images: ``(n, h, w, c)`` uint8.
        mean: ``(c,)`` in units of full brightness, as ``ImageSet`` has it; a tensor on the images' device costs no
            copy to it.
        std: ``(c,)`` likewise.
        channels_last: Keep the pixels' channels side by side in memory, which convolutions may be faster on.
        dtype: Of the result; the arithmetic is float32.

    Returns:
        ``(n, c, h, w)``, ``(images / 255 - mean) / std``.

    >>> normalised(torch.tensor([[[[0], [255]]]], dtype=torch.uint8), [0.5], [0.25]).tolist()
    [[[[-2.0, 2.0]]]]
    """
    width = images.shape[2]
    # One row of pixels at a time, so that the inner loop is long whatever the number of channels.
    offset = (torch.as_tensor(mean, dtype=torch.float32, device=images.device) * 255).repeat(width)
    scale = (torch.as_tensor(std, dtype=torch.float32, device=images.device) * 255).repeat(width)
    values = images.flatten(2).sub(offset).div_(scale).to(dtype).view(images.shape).permute(0, 3, 1, 2)
    return values.contiguous(memory_format=torch.channels_last if channels_last else torch.contiguous_format)


class CropFlip(NamedTuple):
    """What is done to each image of a batch.

    Args:
        down: ``(n,)`` int64, first row of the crop in the padded image.
        right: ``(n,)`` int64, first column.
        flipped: ``(n,)`` bool, whether left and right are swapped after cropping.
    """

    down: torch.Tensor
    right: torch.Tensor
    flipped: torch.Tensor


def draw_crop_flip(n: int, pad: int, generator: torch.Generator, *, flip: bool = True) -> CropFlip:
    """Shifts by up to ``pad`` pixels each way and flips by even chance, on the generator's device."""
    shifts = torch.randint(2 * pad + 1, (2, n), generator=generator, device=generator.device)
    flips = torch.randint(2, (n,), generator=generator, device=generator.device).bool()
    return CropFlip(shifts[0], shifts[1], flips if flip else torch.zeros_like(flips))


def crop_flip(batch: torch.Tensor, drawn: CropFlip, pad: int) -> torch.Tensor:
    """Pad with zeros, crop to the old size, flip: apart from the draws, to move other tensors with their images.

    Args:
        batch: ``(n, h, w, c)`` of any type; left unchanged.
        drawn: What is done to each image.
        pad: Pixels added on each side.

    Returns:
        A tensor of the same shape and type.
    """
    n, height, width, channels = batch.shape
    down, right, flipped = (draw.to(batch.device)[:, None] for draw in drawn)
    padded = F.pad(batch, (0, 0, pad, pad, pad, pad))
    # A crop of a mirrored image is a crop of the image mirrored: rows of both are copied as they lie in memory.
    both = torch.cat([padded, padded.flip(2)])
    image = torch.arange(n, device=batch.device)[:, None] + n * flipped
    row = image * both.shape[1] + down + torch.arange(height, device=batch.device)
    start = row * both.shape[2] + torch.where(flipped, 2 * pad - right, right)
    stretches = both.view(-1).unfold(0, width * channels, channels)
    return stretches.index_select(0, start.flatten()).view(batch.shape)


def random_crop_flip(batch: torch.Tensor, generator: torch.Generator, pad: int, *, flip: bool = True) -> torch.Tensor:
    """The usual augmentation of small images: random crops of the padded image, half of them mirrored.

    Args:
        batch: ``(n, h, w, c)``, mostly uint8; left unchanged.
        generator: Decides crops and flips; draws ``3 n`` numbers.
        pad: Pixels of zeros added on each side.
        flip: Whether to mirror; digits and letters change their meaning by it.
    """
    return crop_flip(batch, draw_crop_flip(len(batch), pad, generator, flip=flip), pad)
