"""Finished GPT-2 models: their file, their validation and their score, the same for every contender."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save

from evokit.common.files import write_atomically
from evokit.data.text import Documents, document_blocks
from evokit.interfaces import Evaluation, Goal
from evokit_crystalline.fitness import Gpt2Fitness, evaluation
from evokit_crystalline.gpt2 import dense_layers
from evokit_crystalline.loss import Precision
from evokit_crystalline.measuring import Frame, document_losses, mean_losses, padded_blocks, torch_threads
from evokit_crystalline.sizes import HEAD, Sizes

PADDED_LINES = 400
"""Lines that ``padded_loss`` counts: 50 batches of 8, as much as the paper's evaluation reads."""


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


def save_model(tensors: Mapping[str, torch.Tensor], sizes: Sizes, path: Path) -> None:
    """Write a model under transformers' names, with its sizes beside."""
    save_tensors(tensors, path, {"sizes": json.dumps(asdict(sizes))})


def read_model(path: Path) -> tuple[dict[str, torch.Tensor], Sizes]:
    """Tensors and sizes of what ``save_model`` wrote."""
    tensors, metadata = read_tensors(path)
    return tensors, Sizes(**json.loads(metadata["sizes"]))


class FinishedModels:
    """What all contenders for ``gpt2_loss`` share: they are measured on the search's validation tokens and scored
    document by document.

    Args:
        fitness: Whose data, sizes, precision and threads they keep to.
    """

    goal: Goal = "min"
    unit = "document"

    def __init__(self, fitness: Gpt2Fitness) -> None:
        self.fitness = fitness

    def score(self, artifact: Path, split: Documents) -> np.ndarray:
        """``(n_units,)`` mean nats over the tokens of each unit, as many of a document as the fitness's options allow.

        Always in float32, whatever the search and the training ran in, as a user of the model would.
        """
        options = self.fitness.options
        tensors, _ = read_model(artifact)
        blocks = document_blocks(split, options.block, options.final_blocks_per_document)
        units = replace(blocks, documents=split.units[blocks.documents])
        with torch_threads(self.fitness.threads):
            return document_losses(self.frame(tensors, "float32"), self.layers(tensors), units, split.n_units)

    def validated(self, tensors: Mapping[str, torch.Tensor], work: int, *, padded: bool = True) -> Evaluation:
        """Loss on the search's full budget of validation tokens, perplexity and, if asked for, the padded loss."""
        frame, layers = self.frame(tensors, self.fitness.precision), self.layers(tensors)
        with torch_threads(self.fitness.threads):
            (loss,) = mean_losses(frame, [layers], self.fitness.blocks)
            metrics = {"padded_loss": self._padded_loss(frame, layers)} if padded else {}
        return evaluation(float(loss), work, metrics)

    def _padded_loss(self, frame: Frame, layers: Sequence[torch.Tensor]) -> float:
        """The paper's scoring: the first lines of the validation split, their padding counted."""
        lines = padded_blocks(self.fitness.validation, self.fitness.options.block, PADDED_LINES)
        return float(mean_losses(frame, [layers], lines)[0])

    def frame(self, tensors: Mapping[str, torch.Tensor], precision: Precision) -> Frame:
        """The continuous parts of a finished model's tensors, on the fitness's device."""
        device = self.fitness.frame.head.weight.device
        sizes = replace(self.fitness.options.model, tied=HEAD not in tensors)
        placed = {name: tensors[name].detach().to(device) for name in sizes.continuous()}
        return Frame.of(sizes, placed, precision)

    def layers(self, tensors: Mapping[str, torch.Tensor]) -> list[torch.Tensor]:
        """The matrices of a finished model's tensors in the order of the slots, on the fitness's device."""
        device = self.fitness.frame.head.weight.device
        return [matrix.detach().to(device) for matrix in dense_layers(tensors, self.fitness.options.model)]
