"""A language model as a learning task."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from evokit.data.text import EOS, IGNORED, Blocks, Documents, document_blocks, full_blocks, join_documents
from evokit.errors import UserError
from evokit.streams import Streams
from evokit_optimizers.tasks.transformer import Transformer

CHUNK = 32
"""Blocks predicted at once. A constant, because the last bits of a product depend on its shape."""
NEWLINE = 10
"""The byte that a document is read after."""


@dataclass(frozen=True, eq=False)
class LanguageTask:
    """Prediction of the next byte of texts; accuracy is the share of bytes that are predicted right.

    Args:
        name: Of the task.
        network: The language model.
        train: Documents that batches are taken from.
        validation: Documents that networks are measured on.
        batch: Blocks a step.
        n_blocks: Validation blocks that accuracy is measured on, at most.
        per_document: Blocks of each document that a contender's network is scored on, at most.
        precision: Of forward and backward passes.
        device: Where all that is.

    Raises:
        UserError: The training text does not fill one batch.
    """

    name: str
    network: Transformer
    train: Documents
    validation: Documents
    batch: int
    n_blocks: int
    per_document: int
    precision: torch.dtype = torch.float32
    device: str = "cpu"

    unit = "document"

    def __post_init__(self) -> None:
        if self.n_train < self.batch:
            raise UserError(f"fitness: batch: the {self.name} has {self.n_train} blocks to train on, not {self.batch}")

    @property
    def n_train(self) -> int:
        return len(self._trained_on[0])

    @property
    def identity(self) -> dict[str, Any]:
        """JSON values that, with the data, decide what a training does."""
        network = asdict(self.network)
        return {"network": network, "batch": self.batch, "precision": str(self.precision), "blocks": self.n_blocks}

    def loss(
        self, parameters: list[Tensor], statistics: Mapping[str, Tensor], chosen: Tensor, streams: Streams
    ) -> Tensor:
        """Mean cross-entropy in nats of the next bytes of a training batch, float32."""
        inputs, targets = self._trained_on
        logits = self.network.logits(parameters, inputs[chosen])
        return F.cross_entropy(logits.flatten(0, 1).float(), targets[chosen].flatten())

    def accuracy(self, flat: Tensor, statistics: Mapping[str, Tensor]) -> float:
        """Share of validation bytes that are predicted right, in the task's precision; NaN if a logit is not finite."""
        inputs, targets = self._measured_on
        right, finite = self._predicted(flat, inputs, targets, self.precision)
        return right.double().mean().item() if finite else math.nan

    def correct(self, flat: Tensor, statistics: Mapping[str, Tensor], split: Documents) -> np.ndarray:
        """``(n_units,)`` share of each unit's bytes that are predicted right; always in float32."""
        blocks = document_blocks(as_bytes(split), self.network.length, self.per_document)
        inputs, targets = self._tensors(blocks)
        right = self._predicted(flat, inputs, targets, torch.float32)[0].cpu().numpy()
        real = blocks.targets != IGNORED
        units = split.units[blocks.documents]
        counts = np.bincount(units, real.sum(1), split.n_units)
        return np.bincount(units, (right & real).sum(1), split.n_units) / np.maximum(counts, 1)

    @torch.no_grad()
    def _predicted(self, flat: Tensor, inputs: Tensor, targets: Tensor, dtype: torch.dtype) -> tuple[Tensor, bool]:
        parameters, right, finite = self.network.views(flat.to(dtype)), [], []
        for some, wanted in zip(torch.split(inputs, CHUNK), torch.split(targets, CHUNK), strict=True):
            logits = self.network.logits(parameters, some)
            right.append(logits.argmax(2) == wanted)
            finite.append(logits.isfinite().all())
        return torch.cat(right), bool(torch.stack(finite).all())  # read once, not chunk by chunk

    def _tensors(self, blocks: Blocks) -> tuple[Tensor, Tensor]:
        inputs = np.where(blocks.inputs == EOS, NEWLINE, blocks.inputs)
        return torch.tensor(inputs, device=self.device), torch.tensor(blocks.targets, device=self.device)

    @cached_property
    def _trained_on(self) -> tuple[Tensor, Tensor]:
        return self._tensors(full_blocks(as_bytes(self.train), self.network.length))

    @cached_property
    def _measured_on(self) -> tuple[Tensor, Tensor]:
        """Blocks in an order that no seed changes, so that the first of them stand for all documents."""
        blocks = full_blocks(as_bytes(self.validation), self.network.length)
        order = Streams(0).at("language", "validation").numpy().permutation(len(blocks))
        return self._tensors(blocks.take(order[: self.n_blocks]))


def as_bytes(documents: Documents) -> Documents:
    """The same documents as UTF-8, a byte a token."""
    from evokit.data.vocabulary import gpt2_tokenizer

    tokenizer = gpt2_tokenizer()
    texts = [tokenizer.decode(documents.document(i).tolist()) for i in range(len(documents))]
    return join_documents([np.frombuffer(text.encode(), np.uint8) for text in texts], documents.names)
