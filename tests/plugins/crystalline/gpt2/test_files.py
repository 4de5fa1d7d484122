"""Files of models."""

import pytest
import torch

from evokit.streams import Streams
from evokit_crystalline.gpt2.continuous import random_parts
from evokit_crystalline.gpt2.files import read_model, save_model
from tests.plugins.crystalline.tiny import SIZES, phenotype


@pytest.fixture
def tensors():
    """Of a model in whose two blocks the same crystals stand."""
    layers = phenotype(1)
    first = {name: layers[name.replace(".h.1.", ".h.0.")] for name in layers}
    return random_parts(SIZES, Streams(0)) | {f"{name}.weight": matrix.dense() for name, matrix in first.items()}


def test_one_crystal_may_stand_in_several_layers(tensors, tmp_path):
    save_model(tensors, SIZES, tmp_path / "model.safetensors")
    read, sizes = read_model(tmp_path / "model.safetensors")
    assert sizes == SIZES
    assert read.keys() == tensors.keys()
    assert all(torch.equal(read[name], tensor) for name, tensor in tensors.items())


def test_the_same_model_is_the_same_file(tensors, tmp_path):
    files = [tmp_path / str(i) for i in range(4)]
    for file in files:
        save_model(tensors, SIZES, file)
    assert len({file.read_bytes() for file in files}) == 1
