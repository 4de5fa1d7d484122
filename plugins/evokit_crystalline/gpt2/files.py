"""Files of tensors and of models."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save

from evokit.common.files import write_atomically
from evokit_crystalline.gpt2.sizes import CRYSTALS, METADATA, Sizes


def save_tensors(tensors: Mapping[str, torch.Tensor], path: Path, metadata: Mapping[str, str]) -> None:
    """Write a safetensors file that is either whole or not there.

    One key of metadata gives one file: several are written in an order of their own each time.
    """
    # Copied, because one crystal may stand in several layers and a file holds no tensor twice under one address.
    plain = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()
    }
    write_atomically(path, save(plain, dict(metadata)))


def read_tensors(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Tensors and metadata of a safetensors file."""
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118 - no mapping


def save_model(
    tensors: Mapping[str, torch.Tensor], sizes: Sizes, path: Path, crystals: Mapping[str, tuple[str, int]] | None = None
) -> None:
    """Write a model under transformers' names, with its sizes beside, and of an assembled one the crystals.

    Args:
        tensors: By name.
        sizes: Of the model.
        path: The file.
        crystals: Layer name to the structure of its matrix and the multiply-adds that this takes.
    """
    told = asdict(sizes) | ({} if crystals is None else {CRYSTALS: crystals})
    save_tensors(tensors, path, {METADATA: json.dumps(told)})


def read_model(path: Path) -> tuple[dict[str, torch.Tensor], Sizes]:
    """Tensors and sizes of what ``save_model`` wrote."""
    tensors, metadata = read_tensors(path)
    told = json.loads(metadata[METADATA])
    told.pop(CRYSTALS, None)
    return tensors, Sizes(**told)
