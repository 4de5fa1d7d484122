import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from evokit.data.image_batches import CropFlip, crop_flip, draw_crop_flip, normalised, random_crop_flip
from tests.rounding import rounding


def batch(n=4, size=6, channels=3):
    return torch.randint(1, 256, (n, size, size, channels), generator=seeded(1)).to(torch.uint8)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_normalised_is_the_formula_with_channels_first():
    images, mean, std = batch(), np.array([0.1, 0.2, 0.3], np.float32), np.array([0.5, 0.25, 0.2], np.float32)
    mean, std = torch.tensor(mean), torch.tensor(std)
    found = normalised(images, mean, std)
    expected = ((images.double() / 255 - mean) / std).permute(0, 3, 1, 2)
    sizes = ((images / 255 + mean) / std).permute(0, 3, 1, 2)
    assert ((found - expected).abs() <= rounding(4, sizes)).all()  # two factors of 255, a difference, a quotient


def test_channels_last_changes_the_memory_and_not_the_values():
    images = batch()
    plain = normalised(images, [0.5] * 3, [0.2] * 3)
    last = normalised(images, [0.5] * 3, [0.2] * 3, channels_last=True)
    assert plain.is_contiguous()
    assert last.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(plain, last)


def test_half_precision_is_the_rounded_float32():
    images = batch()
    half = normalised(images, [0.5] * 3, [0.2] * 3, dtype=torch.bfloat16)
    assert torch.equal(half, normalised(images, [0.5] * 3, [0.2] * 3).bfloat16())


def test_an_image_is_normalised_alike_alone_and_in_a_batch():
    images = batch()
    together = normalised(images, [0.5] * 3, [0.2] * 3)
    assert torch.equal(normalised(images[2:3], [0.5] * 3, [0.2] * 3), together[2:3])


def test_what_is_given_stays_unchanged_even_if_it_is_float():
    images = batch().float()
    kept = images.clone()
    normalised(images, [0.5] * 3, [0.2] * 3)
    assert torch.equal(images, kept)


def test_a_part_of_a_larger_tensor_is_normalised_like_its_copy():
    part = batch()[:, 1:5, ::2]
    assert torch.equal(normalised(part, [0.5] * 3, [0.2] * 3), normalised(part.contiguous(), [0.5] * 3, [0.2] * 3))
    drawn = draw_crop_flip(4, 1, seeded())
    assert torch.equal(crop_flip(part, drawn, 1), crop_flip(part.contiguous(), drawn, 1))


def test_statistics_may_be_tensors_arrays_or_lists():
    images = batch()
    lists = normalised(images, [0.5] * 3, [0.25] * 3)
    assert torch.equal(normalised(images, torch.full((3,), 0.5), np.full(3, 0.25)), lists)


@given(st.integers(0, 2**32 - 1), st.integers(0, 3))
def test_a_crop_equals_padding_slicing_and_flipping_one_by_one(seed, pad):
    images = batch(n=5, size=4)
    drawn = draw_crop_flip(5, pad, seeded(seed))
    result = crop_flip(images, drawn, pad)
    for i in range(5):
        padded = np.pad(images[i].numpy(), ((pad, pad), (pad, pad), (0, 0)))
        down, right = int(drawn.down[i]), int(drawn.right[i])
        crop = padded[down : down + 4, right : right + 4]
        assert (result[i].numpy() == (crop[:, ::-1] if drawn.flipped[i] else crop)).all()


def test_no_shift_and_no_flip_leave_the_images_as_they_are():
    images = batch()
    still = CropFlip(torch.full((4,), 2), torch.full((4,), 2), torch.zeros(4, dtype=torch.bool))
    assert torch.equal(crop_flip(images, still, 2), images)


def test_floats_move_as_pixels_do():
    images = batch()
    drawn = draw_crop_flip(4, 2, seeded())
    assert torch.equal(crop_flip(images.float(), drawn, 2), crop_flip(images, drawn, 2).float())


def test_pictures_need_not_be_square():
    images = batch()[:, :4]
    assert crop_flip(images, draw_crop_flip(4, 1, seeded()), 1).shape == (4, 4, 6, 3)


def test_every_shift_and_both_sides_are_drawn():
    drawn = draw_crop_flip(500, 2, seeded())
    assert set(drawn.down.tolist()) == set(drawn.right.tolist()) == set(range(5))
    assert 200 < int(drawn.flipped.sum()) < 300


def test_flips_can_be_left_out_without_changing_the_shifts():
    flipped, upright = draw_crop_flip(50, 2, seeded()), draw_crop_flip(50, 2, seeded(), flip=False)
    assert not upright.flipped.any()
    assert torch.equal(flipped.down, upright.down)
    assert torch.equal(flipped.right, upright.right)


def test_augmentation_is_decided_by_its_generator_alone():
    images = batch(20)
    kept = images.clone()
    state = torch.get_rng_state()
    first = random_crop_flip(images, seeded(), 2)
    assert torch.equal(first, random_crop_flip(images, seeded(), 2))
    assert not torch.equal(first, random_crop_flip(images, seeded(1), 2))
    assert torch.equal(images, kept)
    assert torch.equal(torch.get_rng_state(), state)
    assert first.dtype == torch.uint8


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_does_what_the_processor_does():
    images = batch(20)
    drawn = draw_crop_flip(20, 2, seeded())
    moved = crop_flip(images.cuda(), drawn, 2)
    assert torch.equal(moved.cpu(), crop_flip(images, drawn, 2))
    ours, theirs = (normalised(one, [0.5] * 3, [0.2] * 3).cpu() for one in (moved, moved.cpu()))
    assert (ours - theirs).abs().max() <= rounding(4, (1 + 0.5) / 0.2)
