"""Models of contenders for ``gpt2_loss``: how they are validated and scored, and how one is assembled of crystals."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from evokit.data.text import EOS, Documents, document_blocks
from evokit.data.vocabulary import escaped_text
from evokit.errors import UserError
from evokit.interfaces import Evaluation, Genome, Goal, Variant
from evokit.streams import Streams
from evokit_crystalline.crystals.matrices import StructuredMatrix, structure_of
from evokit_crystalline.fitness import Gpt2Fitness, evaluation
from evokit_crystalline.gpt2.files import read_model, save_model
from evokit_crystalline.gpt2.loss import Precision
from evokit_crystalline.gpt2.measuring import (
    Frame,
    document_losses,
    mean_losses,
    padded_blocks,
    position_losses,
    torch_threads,
)
from evokit_crystalline.gpt2.model import dense_layers
from evokit_crystalline.gpt2.sampling import sampled
from evokit_crystalline.gpt2.sizes import HEAD

PADDED_LINES = 400
"""Lines that ``padded_loss`` counts: 50 batches of 8, as much as the paper's evaluation reads."""
PROMPT, WRITTEN = 24, 60  # tokens of a document that a model is given, and that it goes on with
TEMPERATURE, TOP_K = 0.8, 40


class ModelContender:
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

    def inspect(self, artifact: Path) -> dict[str, Any]:
        """What is shown of a finished model, of the validation split alone.

        Args:
            artifact: What ``fit`` wrote.

        Returns:
            ``loss_by_position``, mean nats at each position of the blocks that ``validated`` reads; ``sample``, the
            beginning of the first validation document (``document``, ``prompt``) and the ``text`` that the model goes
            on with, ``n_tokens`` long, drawn at ``temperature`` from the ``top_k`` likeliest tokens.
        """
        tensors, _ = read_model(artifact)
        frame, layers = self.frame(tensors, self.fitness.precision), self.layers(tensors)
        validation, block = self.fitness.validation, self.fitness.options.block
        prompt = validation.document(0)[: min(PROMPT, block // 2)]
        n = min(WRITTEN, block - len(prompt))
        read = np.concatenate([[EOS], prompt])
        rng = Streams(0).at("gpt2_loss", "sample").numpy()  # the same luck for all, in all runs
        with torch_threads(self.fitness.threads):
            losses = position_losses(frame, layers, self.fitness.blocks)
            written = sampled(frame, layers, read, n, temperature=TEMPERATURE, top_k=TOP_K, rng=rng)
        sample = {
            "document": validation.names[0],
            "prompt": escaped_text(prompt),
            "text": escaped_text(written),
            "n_tokens": n,
            "temperature": TEMPERATURE,
            "top_k": TOP_K,
        }
        return {"loss_by_position": losses.tolist(), "sample": sample}

    def _padded_loss(self, frame: Frame, layers: Sequence[torch.Tensor]) -> float:
        """The paper's scoring: the first lines of the validation split, their padding counted."""
        lines = padded_blocks(self.fitness.validation, self.fitness.options.block, PADDED_LINES)
        return float(mean_losses(frame, [layers], lines)[0])

    def frame(self, tensors: Mapping[str, torch.Tensor], precision: Precision) -> Frame:
        """The continuous parts of a model's tensors, on the fitness's device."""
        device = self.fitness.frame.head.weight.device
        sizes = replace(self.fitness.options.model, tied=HEAD not in tensors)
        placed = {name: tensors[name].detach().to(device) for name in sizes.continuous()}
        return Frame.of(sizes, placed, precision)

    def layers(self, tensors: Mapping[str, torch.Tensor]) -> list[torch.Tensor]:
        """The matrices of a model's tensors in the order of the slots, on the fitness's device."""
        device = self.fitness.frame.head.weight.device
        return [matrix.detach().to(device) for matrix in dense_layers(tensors, self.fitness.options.model)]


class AssembledModel(ModelContender, ABC):
    """A contender that trains nothing: dense matrices beside the fitness's continuous parts.

    With ``remaps`` it also tries heads refitted to the model's hidden states, and validation decides.

    Args:
        fitness: Whose continuous parts.
        genome: Expresses genes as ``layers``.
        remaps: Up to how many refits of the head, one after the other.

    Raises:
        UserError: ``remaps`` are asked for where the fitness has none.
    """

    def __init__(self, fitness: Gpt2Fitness, genome: Genome[Any], remaps: int) -> None:
        super().__init__(fitness)
        if remaps and fitness.refitted is None:
            raise UserError(
                "remaps needs continuous parts in closed form, with training documents left over: add"
                " continuous: {fit: ...} to the fitness"
            )
        self._genome, self._remaps = genome, range(remaps + 1)
        self.budgets: Sequence[int] = (fitness.budgets[-1],)

    @abstractmethod
    def fit(self, setting: Mapping[str, Any], seed: int, budget: int, scratch: Path) -> Evaluation:
        """Assemble and validate; work is counted in validation tokens."""

    @abstractmethod
    def rehearsed(self) -> dict[str, Any]:
        """The setting whose fit is timed."""

    def variants(self) -> dict[str, Variant]:
        """What maps are worth: the model without, which was among the settings, where some were tried."""
        return {"not refitted": Variant({"remaps": 0}, self.budgets[-1])} if len(self._remaps) > 1 else {}

    def _assembled(
        self, phenotype: Mapping[str, StructuredMatrix], setting: Mapping[str, Any], budget: int, scratch: Path
    ) -> Evaluation:
        fitness = self.fitness
        for _ in range(setting["remaps"]):
            assert fitness.refitted is not None
            fitness = fitness.refitted(phenotype)
        tensors = assembled(fitness, phenotype)
        scratch.mkdir(parents=True, exist_ok=True)
        artifact = scratch / "model.safetensors"
        crystals = {layer: (structure_of(one), one.multiply_adds) for layer, one in phenotype.items()}
        save_model(tensors, self.fitness.options.model, artifact, crystals)
        return replace(self.validated(tensors, budget), artifact=str(artifact))

    def rehearse(self, scratch: Path) -> tuple[float, int]:
        """Seconds and bytes on disk that the longest fit takes."""
        started = time.perf_counter()
        result = self.fit(self.rehearsed(), 0, self.budgets[-1], scratch)
        return time.perf_counter() - started, Path(result.artifact).stat().st_size


def assembled(fitness: Gpt2Fitness, phenotype: Mapping[str, StructuredMatrix]) -> dict[str, torch.Tensor]:
    """A full state dict: the fitness's continuous parts and the dense matrices of a phenotype."""
    matrices = {f"{slot}.weight": phenotype[slot].dense() for slot in fitness.slots}
    return {**fitness.frame.parts, **matrices}
