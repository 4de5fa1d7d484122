import io

import datasets
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from evokit.data.image_sources import load
from evokit.data.image_values import brightness, class_numbers
from evokit.errors import UserError

RAMP = np.linspace(0, 1, 16).reshape(4, 4)
GREY = np.rint(RAMP * 255).astype(np.uint8)
COLOUR = np.stack([GREY, GREY.T, 255 - GREY], axis=-1)


def one(*images):
    return brightness(images, [f"image {i}" for i in range(len(images))])


def palette():
    image = Image.fromarray(COLOUR).convert("P", palette=Image.Palette.ADAPTIVE, colors=16)
    return image, np.asarray(image.convert("RGB"))


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=5)))
def test_every_form_of_one_grey_image_means_the_same(grey):
    expected = grey[None, ..., None]
    forms = [grey, grey[..., None], grey.tolist(), Image.fromarray(grey), grey / 255, grey.astype(np.int64)]
    for form in forms:
        assert (one(form) == expected).all()
    wide = np.append(grey, np.full((1, grey.shape[1]), 255, np.uint8), axis=0)
    for form in (wide.astype(np.uint16) * 257, Image.fromarray(wide.astype(np.uint16) * 257)):
        assert (one(form)[0, ..., 0] == wide).all()


@given(hnp.arrays(np.uint16, (3, 3), elements=st.integers(0, 65535)))
def test_images_of_16_bits_are_scaled_and_never_wrapped(image):
    if 0 < image.max() <= 255:
        return
    found = one(image)[0, ..., 0]
    assert np.abs(found - image / 257).max() <= 0.5
    assert (np.diff(found.ravel()[image.ravel().argsort()].astype(int)) >= 0).all()


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (Image.fromarray(GREY > 100), np.where(GREY > 100, 255, 0)),
        ((GREY > 100).tolist(), np.where(GREY > 100, 255, 0)),
        (*palette(),),
        (Image.fromarray(COLOUR).convert("CMYK"), COLOUR),
        (Image.fromarray(COLOUR).convert("RGBA"), COLOUR),
        (Image.fromarray(GREY).convert("LA"), GREY),
        (Image.fromarray(RAMP.astype(np.float32)), GREY),
        (Image.fromarray(GREY.astype(np.int32) * 257), GREY),
    ],
    ids=["bit", "bits", "palette", "cmyk", "rgba", "la", "float", "int32"],
)
def test_other_forms_become_brightness(image, expected):
    expected = expected[..., None] if expected.ndim == 2 else expected
    assert (one(image)[0] == expected).all()


def test_a_dark_image_means_what_the_others_of_its_set_mean():
    dark = [[100, 200]]
    assert one(dark).ravel().tolist() == [100, 200]
    assert one(dark, [[0, 65535]]).ravel().tolist() == [0, 1, 0, 255]


def test_grey_images_among_coloured_ones_get_three_channels():
    found = one(GREY, COLOUR)
    assert found.shape == (2, 4, 4, 3)
    assert (found[0] == GREY[..., None]).all()
    assert (found[1] == COLOUR).all()


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (None, r"image 1 is missing \(null\)"),
        ([], r"image 1 has the shape \(0,\)"),
        (np.zeros((0, 4), np.uint8), r"image 1 has the shape \(0, 4, 1\)"),
        ([[1, 2], [3]], "image 1 is no array: its rows differ in length"),
        (np.zeros((3, 8, 8), np.uint8), r"image 1 has the shape \(3, 8, 8\), not \(height, width\)"),
        ([["a"]], "image 1 holds <U1, not numbers"),
        (RAMP * 255, "image 1 has fractions from 0 to 255; scale them to 0 to 1"),
        (RAMP - 0.5, "image 1 has fractions from -0.5 to 0.5"),
        (np.full((4, 4), np.nan), "image 1 has fractions from nan to nan"),
        ([[-1]], "image 1 has values from -1 to -1, not from 0 to 255 or 65535"),
        ([[2**20]], "image 1 has values from 1048576"),
        (np.full((5, 4), 7, np.uint8), "image 1 has 5x4 pixels, others 4x4; images of one data set must have one size"),
        (Image.new("RGBA", (4, 4), (1, 2, 3, 4)), "image 1 is transparent in parts"),
        (GREY.astype(np.uint16), "have 16 bits and no value above 255; store them with 8 bits"),
    ],
)
def test_what_is_no_brightness_is_told(image, message):
    with pytest.raises(ValueError, match=message):
        one(GREY, image)


@pytest.mark.parametrize("labels", [[0, 2, 1], np.array([0, 2, 1], np.uint8)])
def test_class_numbers_are_int64(labels):
    found = class_numbers(labels)
    assert (found.dtype, found.tolist()) == (np.int64, [0, 2, 1])
    assert class_numbers([True, False]).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (None, r"image 1 of train has no label \(null\)"),
        (-1, "image 1 of train has the label -1, which is not one of 0 to 9"),
        (10, "has the label 10, which"),
        (2**62, f"has the label {2**62}, which is not one of 0 to 9"),
        (1.0, "has the label 1.0, which"),
        ("7", "has the label '7', which"),
        ("x" * 10**6, "has the label 'xxx"),
    ],
)
def test_a_label_that_is_no_class_is_told_shortly(label, message):
    with pytest.raises(ValueError, match=message) as told:
        class_numbers([0, label], 10, "train")
    assert len(str(told.value)) < 150


# --- as datasets on disk have them


def saved(folder, images, labels=None):
    """The images as training and test side of MNIST's columns; the training side twice, so that there is one."""
    rows = {"image": images, "label": [i % 10 for i in range(len(images))] if labels is None else labels}
    features = datasets.Features(image=datasets.Image(), label=datasets.Value("int64"))
    side = datasets.Dataset.from_dict(rows, features=features)
    datasets.DatasetDict(train=side, test=side).save_to_disk(folder)
    return folder


def png(image):
    content = io.BytesIO()
    image.save(content, "png")
    return {"bytes": content.getvalue(), "path": None}


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (Image.fromarray(GREY.astype(np.uint16) * 257), GREY[..., None]),
        (palette()[0], palette()[1]),
        (Image.fromarray(GREY > 100), np.where(GREY > 100, 255, 0)[..., None]),
    ],
    ids=["16 bits", "palette", "bit"],
)
def test_stored_pictures_are_read_as_they_look(tmp_path, image, expected):
    stored = load("mnist", "huggingface", saved(tmp_path, [png(image)] * 3))
    assert (stored.train.images == expected).all()
    assert stored.train.labels.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("labels", "images", "message"),
    [
        (None, [0, None], r"data images: .*: image 1 of train is missing \(null\)$"),
        ([0, None], [0, 0], r"data images: .*: image 1 of train has no label \(null\)$"),
        ([0, 2**62], [0, 0], r"image 1 of train has the label \d+, which is not one of 0 to 9$"),
        ([0, -3], [0, 0], r"image 1 of train has the label -3, which is not one of 0 to 9$"),
    ],
)
def test_what_is_missing_on_disk_is_told(tmp_path, labels, images, message):
    pictures = [image if image is None else png(Image.fromarray(GREY)) for image in images]
    with pytest.raises(UserError, match=message):
        load("mnist", "huggingface", saved(tmp_path, pictures, labels))


def test_a_data_set_without_splits_is_told(tmp_path):
    datasets.Dataset.from_dict({"image": [[[1]]], "label": [1]}).save_to_disk(tmp_path)
    with pytest.raises(UserError, match="it has no split train"):
        load("mnist", "huggingface", tmp_path)
